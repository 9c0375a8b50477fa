/** Arrivals at a barrier in the shape of figure 15 of plush-toit.2011, and when a barrier lets them go. */
import type { BarrierSpec } from '../../api/spec.ts';
import { enter, newBarrier, release } from '../../src/core/barrier/barrier.ts';
import { nextStep, wakeAt } from '../../src/core/barrier/rules.ts';
import { randomFrom } from '../../src/core/random.ts';

/** Most nodes join within seconds, log-normally; the others are stragglers with a Pareto tail, some of whom never come in time. */
const STRAGGLERS = 0.1;
const MEDIAN_MS = 2500;
const SPREAD = 0.4;
const TAIL_FROM_MS = 9000;
const TAIL_SHAPE = 1.1;

/** Ascending times in ms. */
export function joins(nodes: number, seed: number): number[] {
  const random = randomFrom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: nodes }, () =>
    random() < STRAGGLERS
      ? TAIL_FROM_MS / (1 - random()) ** (1 / TAIL_SHAPE)
      : MEDIAN_MS * Math.exp(SPREAD * normal()),
  ).sort((a, b) => a - b);
}

export interface Opening {
  /** From the beginning, not from the first arrival. */
  readonly seconds: number;
  /** Percentage of the nodes that had arrived. */
  readonly percent: number;
}

/** When a barrier of that specification opens. */
export function opening(spec: Omit<BarrierSpec, 'name'>, times: readonly number[]): Opening {
  const whole = { name: 'join', ...spec };
  const barrier = newBarrier(whole);
  let next = 0;
  let nowMs = 0;
  for (;;) {
    const wake = wakeAt(whole, barrier, nowMs) ?? Number.POSITIVE_INFINITY;
    const arrival = times[next] ?? Number.POSITIVE_INFINITY;
    nowMs = Math.min(wake, arrival);
    if (arrival <= wake) {
      enter(barrier, whole, { participant: String(next) }, nowMs);
      next += 1;
    }
    for (;;) {
      const step = nextStep(whole, barrier, times.length, nowMs);
      if (step === undefined) break;
      if (step.kind === 'knee') barrier.knee.ignored = barrier.entries.size;
      if (step.kind !== 'release') continue;
      release(barrier, whole, step, nowMs);
      return { seconds: nowMs / 1000, percent: (100 * next) / times.length };
    }
  }
}

/** The earliest moment at which that share is there, which only hindsight knows. */
export function inHindsight(times: readonly number[], percent: number): Opening {
  const needed = Math.ceil((percent * times.length) / 100);
  return { seconds: (times[needed - 1] ?? 0) / 1000, percent: (100 * needed) / times.length };
}

/** After a fixed time. */
export function afterSeconds(times: readonly number[], seconds: number): Opening {
  return { seconds, percent: (100 * times.filter((at) => at <= seconds * 1000).length) / times.length };
}
