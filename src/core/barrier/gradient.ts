/**
 * gradient2: how many may be inside a semaphore, by the slope of its throughput.
 *
 * A round is two thirds of those inside leaving. It gives one point: how many were inside on average, and how many left in a
 * second, both as logarithms. Through the points, older ones counting less, goes a line of least squares; its slope is what
 * one per cent more inside brings in per cent of throughput. The limit is multiplied by e^slope, from 0.8 to 1.5 a round.
 * Before there is anything to tell, and where all points lie close together, the slope is taken for 0.3, and for less with
 * each round (0.02 at last): trying a few more is how more is learned.
 *
 * Stays that get longer are no reason to let fewer in: those that share a line stay longer by each other, and as many leave.
 * Only a throughput that falls is. See docs/decisions/gradient2-climbs-on-throughput.md.
 */

/** What the rule remembers. Bounded: nothing here grows with the stays. */
export interface Climb {
  /** The slope that is expected where the points do not tell. */
  hope: number;
  /** Sums over the points: of weights, ln inside, ln throughput, and of the products; older points faded. */
  weight: number;
  x: number;
  y: number;
  xx: number;
  xy: number;
  /** The round under way; none while places are empty, since throughput says nothing of the limit then. */
  round?: Round;
}

interface Round {
  readonly from_ms: number;
  last_ms: number;
  /** How many have left, and how many will make the round. */
  left: number;
  readonly length: number;
  /** Time that places were taken, all together. */
  place_ms: number;
}

/** Somebody's stay, when it has ended. */
export interface Stay {
  readonly stayMs: number;
  readonly atMs: number;
  /** How many were inside, the one that left included. */
  readonly inside: number;
  /** Whether somebody waits; else the places were not all in use. */
  readonly wanted: boolean;
}

const ROUND_SHARE = 2 / 3;
/** Fewer would make a round of chance. */
const MIN_ROUND = 4;
/** What a point still counts a round later. */
const FADING = 0.8;
/** The slope expected at first, what is left of that a round later, and what always is. */
const FIRST_HOPE = 0.3;
const HOPE_FADING = 0.7;
const LAST_HOPE = 0.02;
/** How much spread of the points (sum of squared deviations of ln inside) counts as much as the expectation. */
const HOPE_WEIGHT = 0.02;
const MAX_FALL = 0.8;
const MAX_RISE = 1.5;
/** The last ones go in together where they are so few more: a round of their own would take longer. */
const LAST_SHARE = 0.3;

/** The limit after a stay. */
export function climbOn(climb: Climb, limit: number, { stayMs, atMs, inside, wanted }: Stay): number {
  if (!wanted) {
    delete climb.round;
    return limit;
  }
  const isFirst = climb.weight === 0 && climb.round === undefined;
  const round = climb.round ?? begin(isFirst ? atMs - stayMs : atMs, limit);
  climb.round = round;
  round.place_ms += inside * Math.max(0, atMs - round.last_ms);
  round.last_ms = atMs;
  round.left += 1;
  const ms = atMs - round.from_ms;
  if (round.left < round.length || ms <= 0 || round.place_ms <= 0) return limit;
  addPoint(climb, Math.log(round.place_ms / ms), Math.log(round.left / ms));
  const next = limit * Math.max(MAX_FALL, Math.min(MAX_RISE, Math.exp(slopeOf(climb))));
  climb.hope = Math.max(LAST_HOPE, climb.hope * HOPE_FADING);
  climb.round = begin(atMs, next);
  return next;
}

export function newClimb(): Climb {
  return { hope: FIRST_HOPE, weight: 0, x: 0, y: 0, xx: 0, xy: 0 };
}

/** Whether a round has told anything. */
export function hasLearned({ weight }: Climb): boolean {
  return weight > 0;
}

/** How many may be inside when there are `count` that wait or are inside. */
export function withTheLast(limit: number, count: number): number {
  return count <= limit * (1 + LAST_SHARE) ? Math.max(limit, count) : limit;
}

function begin(atMs: number, limit: number): Round {
  const length = Math.max(MIN_ROUND, Math.round(Math.floor(limit) * ROUND_SHARE));
  return { from_ms: atMs, last_ms: atMs, left: 0, length, place_ms: 0 };
}

function addPoint(climb: Climb, x: number, y: number): void {
  climb.weight = climb.weight * FADING + 1;
  climb.x = climb.x * FADING + x;
  climb.y = climb.y * FADING + y;
  climb.xx = climb.xx * FADING + x * x;
  climb.xy = climb.xy * FADING + x * y;
}

function slopeOf({ hope, weight, x, y, xx, xy }: Climb): number {
  const spread = Math.max(0, xx - (x * x) / weight);
  const together = xy - (x * y) / weight;
  return (together + HOPE_WEIGHT * hope) / (spread + HOPE_WEIGHT);
}
