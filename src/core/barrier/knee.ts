/**
 * Finding the knee of an arrival process while it goes on (section 5.2.1 of plush-toit.2011): the moment after which nobody
 * arrives for longer than the arrivals so far let expect.
 */

/** Gains of the two averages: those of TCP's retransmission timer (RFC 6298, section 2.3). */
const ARR_GAIN = 1 / 8;
const ARRVAR_GAIN = 1 / 4;
/** Deviations beyond the average that are waited for. */
const DEVIATIONS = 4;

/** What is known of the arrivals so far. */
export interface Knee {
  /** Time of the last arrival, in ms. */
  last_ms?: number;
  /** Average of the gaps between arrivals, and of their deviation from it; there from the second arrival on. */
  arr?: number;
  arrvar?: number;
  /** For kneedle: arrivals as [time in ms, how many had arrived], thinned out. */
  points?: [number, number][];
  /** How many had arrived at the newest knee that was too early to release. */
  ignored?: number;
}

/** Takes an arrival into the averages. The deviation is that from the average before it. */
export function arrive(knee: Knee, atMs: number): void {
  const { last_ms, arr, arrvar } = knee;
  knee.last_ms = atMs;
  if (last_ms === undefined) return;
  const gap = Math.max(0, atMs - last_ms);
  if (arr === undefined || arrvar === undefined) {
    knee.arr = gap;
    knee.arrvar = gap / 2;
    return;
  }
  knee.arrvar = arrvar + ARRVAR_GAIN * (Math.abs(gap - arr) - arrvar);
  knee.arr = arr + ARR_GAIN * (gap - arr);
}

/** When a knee has been reached if nobody arrives before (ms): the first whole ms after the threshold; undefined before two arrivals. */
export function ewmaKneeAt({ last_ms, arr, arrvar }: Knee): number | undefined {
  if (last_ms === undefined || arr === undefined || arrvar === undefined) return undefined;
  return Math.floor(last_ms + arr + DEVIATIONS * arrvar) + 1;
}
