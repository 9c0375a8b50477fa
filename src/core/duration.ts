const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A time for a person, in the largest unit in which it is a whole number or reads well: "250 ms", "2.5 s", "90 s", "10 min", "2 h". */
export function durationText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms >= HOUR_MS && ms % HOUR_MS === 0) return `${ms / HOUR_MS} h`;
  if (ms > MINUTE_MS && ms % MINUTE_MS === 0) return `${ms / MINUTE_MS} min`;
  return `${Math.round(ms / 10) / 100} s`;
}
