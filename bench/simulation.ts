/**
 * The simulation of the core: random specifications over nodes that are slow, die, come back and lie, each from a seed. How many seeds a
 * minute does, with everything checked that test/simulation checks; a seed that fails is printed, and the exit code is 1 then.
 * `--seeds N` (10,000), `--from SEED` (1), `--threads N` (as many as there are processors), `--cuts N` (0): also kills the daemon after so
 * many decisions of each seed, chosen by chance, and compares the ends.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { checkCuts } from '../test/simulation/cuts.ts';
import { simulate } from '../test/simulation/simulation.ts';
import { printFigures } from './support/figures.ts';

/** Most of what a simulation makes is garbage at once: with more room for it there is less to copy. */
const YOUNG_MIB = 128;
/** Failed seeds that are printed with their reasons. */
const MAX_SHOWN = 20;

/** The seeds of one thread: each `step`-th from `first` on, below `end`. */
interface Share {
  readonly first: number;
  readonly end: number;
  readonly step: number;
  readonly cuts: number;
}

interface Tally {
  readonly facts: number;
  readonly restarts: number;
  readonly cuts: number;
  readonly failures: readonly { readonly seed: number; readonly message: string }[];
}

function simulateShare({ first, end, step, cuts: most }: Share): Tally {
  let facts = 0;
  let restarts = 0;
  let cuts = 0;
  const failures: { seed: number; message: string }[] = [];
  for (let seed = first; seed < end; seed += step) {
    try {
      const outcome = simulate(seed);
      facts += outcome.facts.length;
      restarts += outcome.restarts;
      if (most > 0) cuts += checkCuts(seed, most).tried;
    } catch (error) {
      failures.push({ seed, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { facts, restarts, cuts, failures };
}

function inThread(share: Share): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: share,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** @throws Error for what is no whole number from `least` up */
function readNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${option} ${text} is not a whole number from ${least} up`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10000' },
      from: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(availableParallelism()) },
      cuts: { type: 'string', default: '0' },
    },
  });
  const seeds = readNumber('seeds', values.seeds, 1);
  const from = readNumber('from', values.from, 0);
  const threads = readNumber('threads', values.threads, 1);
  const cuts = readNumber('cuts', values.cuts, 0);
  const shares = Array.from({ length: threads }, (_, i) => ({
    first: from + i,
    end: from + seeds,
    step: threads,
    cuts,
  }));
  const beganMs = performance.now();
  const tallies = await Promise.all(shares.map(inThread));
  const minutes = (performance.now() - beganMs) / 60_000;
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  const failures = tallies.flatMap((tally) => tally.failures).sort((a, b) => a.seed - b.seed);
  for (const { seed, message } of failures.slice(0, MAX_SHOWN)) {
    process.stderr.write(`Seed ${seed}: ${message}\n`);
    process.stderr.write(`  Replay: SEED=${seed} npx jest test/simulation/core.test.ts\n`);
  }
  const figure = { bench: 'simulation', peer: null, target: null };
  printFigures([
    {
      ...figure,
      figure: 'seeds_each_minute',
      value: seeds / minutes,
      unit: 'seeds/min',
      target: cuts === 0 ? '>= 10000' : null,
    },
    { ...figure, figure: 'facts_each_seed', value: sum(({ facts }) => facts) / seeds, unit: 'facts' },
    {
      ...figure,
      figure: 'restarts_each_seed',
      value: sum(({ restarts }) => restarts) / seeds,
      unit: 'restarts',
    },
    ...(cuts === 0
      ? []
      : [{ ...figure, figure: 'cuts', value: sum((tally) => tally.cuts), unit: 'restarts' }]),
    { ...figure, figure: 'failed_seeds', value: failures.length, unit: 'seeds', target: '<= 0' },
  ]);
  if (failures.length > 0) process.exitCode = 1;
}

if (isMainThread) await main();
else parentPort?.postMessage(simulateShare(workerData as Share));
