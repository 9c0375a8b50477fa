/**
 * Knees of join processes, and adaptive limits of transfers beside every fixed one. Arrivals are generated in the shape
 * of figure 15 of plush-toit.2011; transfers are those of a model, and real downloads from a rate-limited server.
 */
import { dirname } from 'node:path';
import { randomFrom } from '../src/core/random.ts';
import { withScratch } from '../test/harness/scratch.ts';
import { afterSeconds, inHindsight, joins, type Opening, opening } from './support/arrivals.ts';
import { type Figure, median, printFigures } from './support/figures.ts';
import type { Limit } from './support/gate.ts';
import { downloadAll, startLimitedServer } from './support/limited-server.ts';
import { type Effort, secondsOf, takeTurns, timed } from './support/rounds.ts';
import { type Fleet, type Server, transferTime } from './support/shared-link.ts';

const SEEDS = 200;
const MEGABYTE = 1e6;
const NODES = 100;
/** Real downloads are scaled down from 10 MB: a gigabyte a contestant and round is more than a small machine copies undisturbed. */
const REAL_BYTES = 1 * MEGABYTE;
const REAL_FIXED = [5, 10, 15, 25, 40, 60, 100] as const;
const RULES = ['median', 'gradient2'] as const;

async function main(): Promise<void> {
  const figures = [...kneeFigures(), ...modelFigures(), ...(await realFigures())];
  printFigures(figures);
}

function kneeFigures(): Figure[] {
  return [50, 90, 130].flatMap((nodes) => {
    const traces = Array.from({ length: SEEDS }, (_, seed) => joins(nodes, seed + 1));
    const all = (choose: (times: readonly number[]) => Opening) => {
      const openings = traces.map(choose);
      return {
        seconds: median(openings.map((one) => one.seconds)),
        percent: median(openings.map((one) => one.percent)),
      };
    };
    const fixed = all((times) => afterSeconds(times, 30));
    const best = all((times) => inHindsight(times, 85));
    const early = { type: 'early' } as const;
    const rules = [
      { name: 'ewma', spec: { ...early, knee: 'ewma' } as const, target: false },
      { name: 'kneedle', spec: { ...early, knee: 'kneedle' } as const, target: false },
      { name: 'ewma_min85', spec: { ...early, knee: 'ewma', min_percent: 85 } as const, target: true },
      { name: 'kneedle_min85', spec: { ...early, knee: 'kneedle', min_percent: 85 } as const, target: true },
    ];
    return rules.flatMap(({ name, spec, target }): Figure[] => {
      const found = all((times) => opening(spec, times));
      const base = { bench: 'barriers', target: null };
      return [
        {
          ...base,
          figure: `joins_${nodes}_${name}`,
          value: found.seconds,
          unit: 's',
          peer: { name: 'best in hindsight with 85 %', value: best.seconds },
          target: target ? '<= 8' : null,
        },
        {
          ...base,
          figure: `joins_${nodes}_${name}_share`,
          value: found.percent,
          unit: '%',
          peer: { name: 'fixed 30 s', value: fixed.percent },
          target: target ? '>= 85' : null,
        },
      ];
    });
  });
}

/** Lines much faster than a node's share, about as fast as it at the best limit, and of many speeds. */
function models(): { name: string; server: Server; fleet: Fleet }[] {
  const random = randomFrom(1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const server = { bandwidth: 25 * MEGABYTE, comfortable: 25, penalty: 0.01 };
  const lines = (speed: number, spread: number) =>
    Array.from({ length: NODES }, () => speed * MEGABYTE * Math.exp(spread * normal()));
  const bytes = 10 * MEGABYTE;
  return [
    { name: 'fast_lines', server, fleet: { bytes, lines: lines(10, 0.3) } },
    { name: 'equal_lines', server, fleet: { bytes, lines: lines(1, 0) } },
    { name: 'mixed_lines', server, fleet: { bytes, lines: lines(1.5, 0.5) } },
  ];
}

function modelFigures(): Figure[] {
  return models().flatMap(({ name, server, fleet }) => {
    const fixed = Array.from({ length: NODES }, (_, i) => transferTime(server, fleet, i + 1));
    const best = Math.min(...fixed);
    const peer = { name: `best fixed (${fixed.indexOf(best) + 1})`, value: best };
    const beside = (figure: string, value: number, target: string | null): Figure => ({
      bench: 'barriers',
      figure: `model_${name}_${figure}`,
      value: value / best,
      unit: 'x',
      peer,
      target,
    });
    return [
      beside('median', transferTime(server, fleet, 'median'), null),
      beside('gradient2', transferTime(server, fleet, 'gradient2'), '<= 1.05'),
      beside('fixed_10', fixed[9] ?? Number.NaN, null),
      beside('fixed_100', fixed[99] ?? Number.NaN, null),
    ];
  });
}

function realFigures(): Promise<Figure[]> {
  return withScratch(async (scratch) => {
    const limits = { bandwidth: 60 * MEGABYTE, comfortable: 25, penalty: 0.02 };
    const server = await startLimitedServer(limits, 20 * MEGABYTE, REAL_BYTES);
    try {
      const contestants: Record<string, () => Promise<Effort>> = {};
      const folder = dirname(scratch.path('files', 'node0'));
      for (const limit of [...REAL_FIXED, ...RULES] as readonly Limit[])
        contestants[String(limit)] = () => timed(() => downloadAll(server.url, folder, NODES, limit));
      const efforts = await takeTurns(contestants, async () => {
        // Nothing goes on between two contestants.
      });
      const fixed = REAL_FIXED.map((limit) => ({ limit, seconds: secondsOf(efforts, String(limit)) }));
      const best = fixed.reduce((a, b) => (b.seconds < a.seconds ? b : a));
      const peer = { name: `best fixed (${best.limit})`, value: best.seconds };
      return [...RULES, '100' as const].map((name) => ({
        bench: 'barriers',
        figure: `downloads_${name === '100' ? 'fixed_100' : name}`,
        value: secondsOf(efforts, name) / best.seconds,
        unit: 'x',
        peer,
        target: name === 'gradient2' ? '<= 1.05' : null,
      }));
    } finally {
      server.close();
    }
  });
}

await main();
