/** Milliseconds that only grow, for deadlines. Not `performance`, whose first use loads a lot into a process that must be small. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
