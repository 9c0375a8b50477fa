/**
 * Knees of join processes, and adaptive limits of transfers beside every fixed one. Arrivals are generated in the shape
 * of figure 15 of plush-toit.2011; transfers are those of a model, and real downloads from a rate-limited server.
 */
import { FIRST_CONCURRENCY } from '../src/core/barrier/pace.ts';
import { randomFrom } from '../src/core/random.ts';
import { withScratch } from '../test/harness/scratch.ts';
import { afterSeconds, inHindsight, joins, type Opening, opening } from './support/arrivals.ts';
import { Distribution, INSTALL } from './support/distribution.ts';
import { type Figure, median, printFigures } from './support/figures.ts';
import { sceneOf } from './support/fleets.ts';
import { Gate, Informed, WATCHED } from './support/gate.ts';
import { startLimitedServer } from './support/limited-server.ts';
import { inRounds } from './support/rounds.ts';
import { type Fleet, type Server, timeThrough, transferTime } from './support/shared-link.ts';

const SEEDS = 200;
const MEGABYTE = 1e6;
const NODES = 100;
/** As fast as twenty of the lines, and at its best with 25 of them: the shape of figure 12 of the paper. */
const REAL_SERVER = { bandwidth: 100 * MEGABYTE, comfortable: 25, penalty: 0.02 };
const REAL_LINE = 5 * MEGABYTE;
const REAL_BYTES = 10 * MEGABYTE;
const REAL_FIXED = [20, 25, 40, 100] as const;
const RULES = ['median', 'gradient2'] as const;

/** What can be measured; all of it, or what the command line names. */
const PARTS: Readonly<Record<string, () => Figure[] | Promise<Figure[]>>> = {
  joins: kneeFigures,
  model: modelFigures,
  scenes: varietyFigures,
  downloads: realFigures,
};

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(PARTS))
    if (asked.length === 0 || asked.includes(name)) figures.push(...(await measure()));
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
      beside('gradient2', transferTime(server, fleet, 'gradient2'), null),
      beside('watched', transferTime(server, fleet, WATCHED), '<= 1.05'),
      beside('foreseen', timeThrough(new Gate(WATCHED, fixed.indexOf(best) + 1), server, fleet), null),
      beside('fixed_10', fixed[9] ?? Number.NaN, null),
      beside('fixed_100', fixed[99] ?? Number.NaN, null),
    ];
  });
}

/** What the numbers of the rule were chosen on, and what nobody looked at before. */
const SCENES = { tuned: 0, held_out: 1000 } as const;
const SCENE_COUNT = 300;
const MAX_FIXED = 100;

function varietyFigures(): Figure[] {
  return Object.entries(SCENES).flatMap(([name, from]) => {
    const ratios: Record<
      (typeof RULES)[number] | typeof WATCHED | 'fixed_15' | 'informed' | 'foreseen',
      number[]
    > = {
      median: [],
      gradient2: [],
      watched: [],
      fixed_15: [],
      informed: [],
      foreseen: [],
    };
    for (let seed = from; seed < from + SCENE_COUNT; seed += 1) {
      const { server, fleet } = sceneOf(seed);
      const numbers = Math.min(MAX_FIXED, fleet.lines.length);
      const fixed = Array.from({ length: numbers }, (_, i) =>
        timeThrough(new Informed(i + 1, i + 1), server, fleet),
      );
      const best = Math.min(...fixed);
      const informed = new Informed(FIRST_CONCURRENCY.gradient2, fixed.indexOf(best) + 1);
      ratios.informed.push(timeThrough(informed, server, fleet) / best);
      const foreseen = new Gate(WATCHED, fixed.indexOf(best) + 1);
      ratios.foreseen.push(timeThrough(foreseen, server, fleet) / best);
      ratios.fixed_15.push((fixed[14] ?? Number.NaN) / best);
      for (const rule of [...RULES, WATCHED] as const)
        ratios[rule].push(transferTime(server, fleet, rule) / best);
    }
    return Object.entries(ratios).flatMap(([rule, values]) => summaryOf(`${name}_${rule}`, values));
  });
}

/** How far a rule is from the best fixed number of each scene. */
function summaryOf(name: string, ratios: readonly number[]): Figure[] {
  const base = { bench: 'barriers', peer: null, target: null };
  const within = ratios.filter((ratio) => ratio <= 1.05).length / ratios.length;
  const isOurs = name.endsWith(WATCHED);
  return [
    {
      ...base,
      figure: `${name}_median`,
      value: median(ratios),
      unit: 'x',
      target: isOurs ? '<= 1.05' : null,
    },
    {
      ...base,
      figure: `${name}_mean`,
      value: ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length,
      unit: 'x',
    },
    { ...base, figure: `${name}_worst`, value: Math.max(...ratios), unit: 'x' },
    { ...base, figure: `${name}_within_5`, value: 100 * within, unit: '%' },
  ];
}

/** Through plushd and its agents, each a process of its own. */
function realFigures(): Promise<Figure[]> {
  return withScratch(async (scratch) => {
    const server = await startLimitedServer(REAL_SERVER, REAL_LINE, REAL_BYTES);
    const distribution = await Distribution.start(scratch, NODES);
    try {
      const contestants: Record<string, () => Promise<number>> = {};
      for (const limit of [...REAL_FIXED, ...RULES, INSTALL] as const)
        contestants[String(limit)] = () => distribution.fetch(server.url, limit);
      const settle = async () => {
        // A run has ended when nothing of it is left.
      };
      const seconds = await inRounds(contestants, settle, (value) => `${value.toFixed(1)} s`);
      const timeOf = (name: string | number) => median(seconds[String(name)] ?? []);
      const best = REAL_FIXED.reduce((a, b) => (timeOf(b) < timeOf(a) ? b : a));
      const peer = { name: `best fixed (${best})`, value: timeOf(best) };
      return [...REAL_FIXED.map((limit) => `fixed_${limit}`), ...RULES, INSTALL].map((name) => ({
        bench: 'barriers',
        figure: `downloads_${name.replace('#', '')}`,
        value: timeOf(name.replace('fixed_', '')) / peer.value,
        unit: 'x',
        peer,
        target: name === 'gradient2' || name === INSTALL ? '<= 1.05' : null,
      }));
    } finally {
      await distribution.close();
      server.close();
    }
  });
}

await main();
