/** Many calls of one request, beside the calls of others. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Reads under way at a time, since each holds its answer in memory. */
const MAX_READS = 16;

/** How long one request may keep the others waiting, about. */
const TURN_MS = 20;

/**
 * Begins the calls in order and answers their results in the same order. Calls that change something are begun without
 * waiting for those before them, so that they share the journal's writes.
 *
 * @param begun is called when the last one is begun
 */
export async function inTurns<T, R>(
  calls: readonly T[],
  isRead: (call: T) => boolean,
  begin: (call: T) => Promise<R>,
  begun: () => void = () => {},
): Promise<R[]> {
  const results: Promise<R>[] = [];
  let reads: Promise<R>[] = [];
  let turnEndMs = performance.now() + TURN_MS;
  for (const call of calls) {
    const result = begin(call);
    results.push(result);
    if (isRead(call)) reads.push(result);
    if (reads.length >= MAX_READS) {
      await Promise.all(reads);
      reads = [];
    }
    if (performance.now() > turnEndMs) {
      await nextTurn();
      turnEndMs = performance.now() + TURN_MS;
    }
  }
  begun();
  return Promise.all(results);
}
