/**
 * Minutes of calls, runs on local nodes, subscribers, event streams and requests that are broken off: whether plushd's
 * memory and handles are level. `--minutes N` says how long; without, 10.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Plushd, startPlushd } from '../test/harness/plushd.ts';
import { withScratch } from '../test/harness/scratch.ts';
import { type Figure, printFigures } from './support/figures.ts';
import { INSPECTABLE, type Inspector, inspect } from './support/inspector.ts';
import { APP, GROUP, soakApplication, startSoakers } from './support/soakers.ts';

const DEFAULT_MINUTES = 10;
/** Looks at the memory over the whole time. */
const SAMPLES = 60;
/** Runs that plushd remembers: they are there from the beginning, so that a growing number of them is not taken for a leak. */
const REMEMBERED_RUNS = 1000;

/** What may be more at the end of the second half than at its beginning, along the straight line through it. */
const LEVEL = { megabytes: 3, handles: 5, files: 5 } as const;

interface Sample {
  readonly minutes: number;
  /** Objects and buffers in use, in MB (10^6 bytes), after garbage was collected. */
  readonly megabytes: number;
  /** Sockets, timers, processes and whatever else keeps the event loop. */
  readonly handles: number;
  /** Open file descriptors. */
  readonly files: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { minutes: { type: 'string', default: String(DEFAULT_MINUTES) } },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error('--minutes takes a number above 0');
  const samples = await withScratch(async (scratch) => {
    const plushd = await startPlushd({ scratch, env: INSPECTABLE });
    try {
      return await soak(plushd, minutes);
    } finally {
      await plushd.close();
    }
  });
  const figures = judge(samples);
  printFigures(figures);
  if (figures.some(({ figure, value }) => value > boundOf(figure))) process.exitCode = 1;
}

async function soak(plushd: Plushd, minutes: number): Promise<Sample[]> {
  await plushd.addLocalNodes(4, GROUP);
  await plushd.call('plushLoadAppXml', soakApplication(APP, GROUP));
  await fillMemory(plushd);
  const inspector = await inspect(plushd);
  let failed: unknown;
  const soakers = await startSoakers(plushd, (error) => {
    failed ??= error;
  });
  const samples: Sample[] = [];
  const begin = performance.now();
  for (let count = 1; count <= SAMPLES && failed === undefined; count += 1) {
    await pause(Math.max(0, begin + (count * minutes * 60_000) / SAMPLES - performance.now()));
    const passed = (performance.now() - begin) / 60_000;
    const sample = await look(plushd, inspector, passed);
    samples.push(sample);
    const { megabytes, handles, files } = sample;
    const state = `${megabytes.toFixed(2)} MB, ${handles} handles, ${files} files`;
    process.stderr.write(`${passed.toFixed(1)} min  ${state}  ${JSON.stringify(soakers.counts)}\n`);
  }
  await soakers.stop();
  inspector.close();
  if (failed !== undefined) throw failed;
  return samples;
}

/** Runs that find no node end at once. */
async function fillMemory(plushd: Plushd): Promise<void> {
  const app = await plushd.call('plushLoadAppXml', soakApplication('nowhere', 'a group without nodes'));
  for (let count = 0; count < REMEMBERED_RUNS; count += 1)
    await plushd.waitRun(await plushd.call('plushStartRun', { app }), ['failed']);
}

async function look(plushd: Plushd, inspector: Inspector, minutes: number): Promise<Sample> {
  return {
    minutes,
    megabytes: await inspector.usedMegabytes(),
    handles: await inspector.handles(),
    files: readdirSync(`/proc/${plushd.pid}/fd`).length,
  };
}

/** Over the second half; in the first, caches fill and code is compiled. */
function judge(samples: readonly Sample[]): Figure[] {
  const half = samples.slice(Math.floor(samples.length / 2));
  const last = samples.at(-1);
  return (['megabytes', 'handles', 'files'] as const).flatMap((what): Figure[] => {
    const unit = what === 'megabytes' ? 'MB' : '';
    const bench = 'soak';
    const target = `<= ${LEVEL[what]}`;
    return [
      { bench, figure: `${what}_end`, value: last?.[what] ?? Number.NaN, unit, peer: null, target: null },
      { bench, figure: `${what}_growth`, value: growthOf(half, what), unit, peer: null, target },
    ];
  });
}

function boundOf(figure: string): number {
  const what = figure.replace(/_growth$/, '');
  return what in LEVEL ? LEVEL[what as keyof typeof LEVEL] : Number.POSITIVE_INFINITY;
}

/** How much higher the straight line through the samples (least squares) ends than it begins. */
function growthOf(samples: readonly Sample[], what: keyof Sample): number {
  const count = samples.length;
  const meanX = samples.reduce((sum, { minutes }) => sum + minutes, 0) / count;
  const meanY = samples.reduce((sum, sample) => sum + sample[what], 0) / count;
  const covariance = samples.reduce(
    (sum, sample) => sum + (sample.minutes - meanX) * (sample[what] - meanY),
    0,
  );
  const variance = samples.reduce((sum, { minutes }) => sum + (minutes - meanX) ** 2, 0);
  return (covariance / variance) * ((samples.at(-1)?.minutes ?? 0) - (samples[0]?.minutes ?? 0));
}

await main();
