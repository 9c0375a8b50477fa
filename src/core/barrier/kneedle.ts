/**
 * Kneedle (Satopää, Albrecht, Irwin and Raghavan, 2011) on the curve of arrivals, online: x is time, y how many have arrived,
 * both made to run from 0 to 1, and the knee is where y − x is largest, once it has fallen from there by the sensitivity times
 * the mean distance of the points. Until the next arrival the curve goes on level to the present, where y − x is 0.
 */
import type { Knee } from './knee.ts';

/** The paper's S: the larger, the more of a level stretch is asked for before it is a knee. */
const SENSITIVITY = 5;
/** Points that are kept; every second one is dropped beyond, so that an arrival costs the same however many there were. */
const MAX_POINTS = 128;

/** Takes an arrival in: `count` have arrived with it. */
export function addPoint(knee: Knee, atMs: number, count: number): void {
  const points = knee.points ?? [];
  points.push([atMs, count]);
  knee.points = points.length > MAX_POINTS ? points.filter((_, i) => i % 2 === 1) : points;
}

/**
 * When a knee has been reached if nobody arrives before (ms). The time may lie behind the last arrival, and is then that of
 * the arrival: the curve had its knee already.
 */
export function kneedleKneeAt({ points, last_ms }: Knee): number | undefined {
  const first = points?.[0];
  if (points === undefined || first === undefined || last_ms === undefined || points.length < 2)
    return undefined;
  const total = points[points.length - 1]?.[1] ?? 0;
  const fall = SENSITIVITY / total;
  let spanMs = Number.POSITIVE_INFINITY;
  for (const [atMs, count] of points) {
    const rise = count / total - fall;
    // The largest y − x must exceed the fall: y − (at − first) / span > fall.
    if (rise > 0) spanMs = Math.min(spanMs, (atMs - first[0]) / rise);
  }
  if (!Number.isFinite(spanMs)) return undefined;
  return Math.max(last_ms, Math.floor(first[0] + spanMs) + 1);
}
