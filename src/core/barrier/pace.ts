/**
 * How many may be inside a semaphore at a time. Fixed, or adapted after each stay by the paper's rule of medians
 * (section 5.2.2 of plush-toit.2011) or by gradient2.
 */

/** Where an adaptive semaphore begins (section 5.3: "the initial concurrency level is 15"). */
export const FIRST_CONCURRENCY = 15;
/** No semaphore admits more at a time. */
const MAX_CONCURRENCY = 10_000;

/** The recent median may be so much above that of all: with more, nobody is admitted; with more than the second, one. */
const MUCH_WORSE = 1.5;
const WORSE = 1.1;
/** Stays that are remembered for the median of all; thinned out evenly beyond, which leaves the median where it is. */
const MAX_STAYS = 8192;
/** Newest stays that are remembered one by one. */
const MAX_RECENT = 1024;

/** gradient2: how much longer than usual stays may be before the limit sinks, and how quickly it follows. */
const TOLERANCE = 1.35;
const SMOOTHING = 0.1;
/** Room beyond what is known to be good, with which more is tried. */
const HEADROOM = 2;
/** Until stays get longer for the first time, each lets one more in: a limit that doubles with each round, as TCP begins. */
const SLOW_START = 1;
/** Weight of the newest stay in the average of the recent ones, so that one slow node is not taken for a slow server. */
const RECENT_WEIGHT = 0.1;
/** Stays that the usual time is an average of, and how many of them are averaged plainly at first. */
const LONG_WINDOW = 600;
const WARM_UP = 10;

export interface Pace {
  readonly rule: 'fixed' | 'median' | 'gradient2';
  /** How many may be inside; a fraction for gradient2, of which the whole part counts. */
  limit: number;
  /** median: lengths of all stays in ms, ascending. */
  all?: number[];
  /** median: the newest, oldest first. */
  recent?: number[];
  /** gradient2: the usual length of a stay in ms, of how many it was made, and that of recent ones. */
  usual_ms?: number;
  stays?: number;
  recent_ms?: number;
  /** gradient2: stays have got longer once. */
  steady?: boolean;
}

export function newPace(rule: Pace['rule'], limit: number): Pace {
  return { rule, limit };
}

/** How many may be inside now. */
export function roomOf({ limit }: Pace): number {
  return Math.max(1, Math.min(MAX_CONCURRENCY, Math.floor(limit)));
}

/**
 * Somebody left.
 * @param stayMs how long it was inside
 * @param inside how many were inside, the one that left included
 * @param wanted whether somebody waits; else the places were not all in use, and the stay says nothing of the limit
 */
export function adapt(pace: Pace, stayMs: number, inside: number, wanted: boolean): void {
  if (pace.rule === 'median') adaptByMedians(pace, stayMs, inside, wanted);
  else if (pace.rule === 'gradient2') adaptByGradient(pace, stayMs, inside);
}

/** "If there are 15 hosts in the critical section when the 45th host is released": the last 15 stays beside all 45. */
function adaptByMedians(pace: Pace, stayMs: number, inside: number, wanted: boolean): void {
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

/**
 * The gradient is how much shorter a stay is usually than now; Netflix's concurrency-limits has the algorithm under this name.
 * Here it begins faster, since a run has few transfers to learn from.
 */
function adaptByGradient(pace: Pace, stayMs: number, inside: number): void {
  const stays = (pace.stays ?? 0) + 1;
  const before = pace.usual_ms ?? stayMs;
  const weight = stays <= WARM_UP ? 1 / stays : 2 / (LONG_WINDOW + 1);
  const usualMs = before + weight * (stayMs - before);
  const recentBefore = pace.recent_ms ?? stayMs;
  const recentMs = recentBefore + RECENT_WEIGHT * (stayMs - recentBefore);
  pace.stays = stays;
  // It has become much faster: what was usual is forgotten sooner.
  pace.usual_ms = usualMs > 2 * stayMs ? usualMs * 0.95 : usualMs;
  pace.recent_ms = recentMs;
  if (inside < pace.limit / 2) return;
  const gradient = Math.max(0.5, Math.min(1, recentMs === 0 ? 1 : (TOLERANCE * pace.usual_ms) / recentMs));
  if (gradient < 1) pace.steady = true;
  const growth = pace.steady ? SMOOTHING * HEADROOM * (1 - 2 * (1 - gradient)) : SLOW_START;
  const limit = pace.limit * (1 - SMOOTHING * (1 - gradient)) + growth;
  pace.limit = Math.max(1, Math.min(MAX_CONCURRENCY, limit));
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
