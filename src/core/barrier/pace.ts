/**
 * How many may be inside a semaphore at a time. Fixed, or adapted after each stay by the paper's rule of medians
 * (section 5.2.2 of plush-toit.2011) or by gradient2: by those that leave (gradient.ts), or where those inside tell what they
 * move, by that (flow.ts, curve.ts).
 */
import { type Climb, climbOn, hasLearned, newClimb, type Stay, withTheLast } from './gradient.ts';

/**
 * Where an adaptive semaphore begins. median: section 5.3, "the initial concurrency level is 15". gradient2: nothing can be known
 * before the first has left, and of all first numbers this one costs least on average over the fleets of the benchmark.
 */
export const FIRST_CONCURRENCY = { median: 15, gradient2: 30 } as const;
/** Where one begins whose transfers tell what they move: it climbs during the first of them. */
export const FIRST_WATCHED = 20;
/** So many of those inside leave before anything was measured: it will not be. */
const UNMEASURED_SHARE = 0.4;
/** So many times those inside have left since something was measured: nothing is told any more. */
const SILENT_ROUNDS = 3;
/** No semaphore admits more at a time. */
const MAX_CONCURRENCY = 10_000;

/** The recent median may be so much above that of all: with more, nobody is admitted; with more than the second, one. */
const MUCH_WORSE = 1.5;
const WORSE = 1.1;
/** Stays that are remembered for the median of all; thinned out evenly beyond, which leaves the median where it is. */
const MAX_STAYS = 8192;
/** Newest stays that are remembered one by one. */
const MAX_RECENT = 1024;

export interface Pace {
  readonly rule: 'fixed' | 'median' | 'gradient2';
  /** How many may be inside; a fraction for gradient2, of which the whole part counts. */
  limit: number;
  /** median: lengths of all stays in ms, ascending. */
  all?: number[];
  /** median: the newest, oldest first. */
  recent?: number[];
  /** gradient2: what it knows of the throughput. */
  climb?: Climb;
  /** What transfers tell while they run decides (curve.ts), and stays do not. */
  measured?: true;
  /** Where transfers are expected to tell, how many have left since they did, or before. */
  untold?: number;
}

export function newPace(rule: Pace['rule'], limit: number, isWatched = false): Pace {
  return isWatched ? { rule, limit, untold: 0 } : { rule, limit };
}

/** What was measured, and what follows, is decided: so many may be inside. */
export function paceTo(pace: Pace, limit: number): void {
  if (pace.rule !== 'gradient2' || !(limit >= 1)) return;
  pace.limit = Math.min(MAX_CONCURRENCY, limit);
  pace.measured = true;
  delete pace.climb;
  delete pace.untold;
}

/** How many may be inside now. */
export function roomOf({ limit }: Pace): number {
  return Math.max(1, Math.min(MAX_CONCURRENCY, Math.floor(limit)));
}

/** How many may be inside when so many wait or are inside. */
export function placesFor(pace: Pace, count: number): number {
  const room = roomOf(pace);
  if (pace.measured) return Math.min(MAX_CONCURRENCY, withTheLast(room, count));
  if (pace.climb === undefined || !hasLearned(pace.climb)) return room;
  return Math.min(MAX_CONCURRENCY, withTheLast(room, count));
}

/** Somebody left. */
export function adapt(pace: Pace, stay: Stay): void {
  if (pace.rule === 'median') adaptByMedians(pace, stay);
  if (pace.rule !== 'gradient2' || (pace.measured && isMeasuredStill(pace, stay))) return;
  if (pace.untold !== undefined) beginUntold(pace, stay);
  pace.climb ??= newClimb();
  pace.limit = Math.max(1, Math.min(MAX_CONCURRENCY, climbOn(pace.climb, pace.limit, stay)));
}

/** Whether it is still what is told that decides; where nobody tells any more, stays do again. */
function isMeasuredStill(pace: Pace, { inside, wanted }: Stay): boolean {
  if (wanted) pace.untold = (pace.untold ?? 0) + 1;
  if ((pace.untold ?? 0) < SILENT_ROUNDS * inside) return true;
  delete pace.measured;
  delete pace.untold;
  return false;
}

/** Whether so many have left since the last measurement that was made known that the next one has to be, too. */
export function isQuiet({ untold = 0, limit }: Pace): boolean {
  return untold >= limit;
}

/** Transfers that tell nothing, or are over too soon: it goes on as where none are expected to. */
function beginUntold(pace: Pace, { inside, wanted }: Stay): void {
  pace.untold = (pace.untold ?? 0) + 1;
  if (!wanted || pace.untold < UNMEASURED_SHARE * inside) return;
  pace.limit = Math.max(pace.limit, FIRST_CONCURRENCY.gradient2);
  delete pace.untold;
}

/** "If there are 15 hosts in the critical section when the 45th host is released": the last 15 stays beside all 45. */
function adaptByMedians(pace: Pace, { stayMs, inside, wanted }: Stay): void {
  const { all = [], recent = [] } = pace;
  insert(all, stayMs);
  recent.push(stayMs);
  if (recent.length > MAX_RECENT) recent.shift();
  pace.all = all.length > MAX_STAYS ? all.filter((_, i) => i % 2 === 0) : all;
  pace.recent = recent;
  if (!wanted) return;
  pace.limit = Math.max(1, inside - 1 + admitted(median(lastOf(recent, inside)), median(pace.all)));
}

/** How many the rule admits when one has left. */
function admitted(recentMs: number, allMs: number): number {
  if (recentMs > MUCH_WORSE * allMs) return 0;
  return recentMs > WORSE * allMs ? 1 : 2;
}

function lastOf(values: readonly number[], count: number): number[] {
  return values.slice(-Math.max(1, count)).sort((a, b) => a - b);
}

/** Of ascending values; of an even number of them, the mean of the two in the middle. */
function median(sorted: readonly number[]): number {
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  return (lower + upper) / 2;
}

/** Puts a value where it belongs among ascending ones. */
function insert(sorted: number[], value: number): void {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, value);
}
