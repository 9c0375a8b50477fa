/** Longest delay that a timer takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** Calls back after `timeoutMs`, or after 24 days if that is longer. Ended with clearTimeout. */
export function startDeadline(timeoutMs: number, onPassed: () => void): NodeJS.Timeout {
  return setTimeout(onPassed, Math.min(timeoutMs, MAX_TIMER_MS));
}
