/** Many calls of one request, beside the calls of others. */
import type { RequestWork } from './request-work.ts';

/** Reads under way at a time, since each holds its answer in memory. */
const MAX_READS = 16;

/** How long one request may keep the others waiting, about. */
const TURN_MS = 10;

/** A request of more calls waits for its turn before the first of them where others of its token wait for theirs. */
const MANY = 16;

/**
 * Lets those who have much to do go on one at a time, between which everything else is served; each token has its turn as
 * often as any other, however many requests it has under way, and so has each of its requests.
 */
class Turns {
  readonly #tokens = new Map<string, Map<object, (() => void)[]>>();

  /** Resolves when it is the turn of that request of that token. */
  next(token: string, request: object): Promise<void> {
    return new Promise((resolve) => {
      if (this.#tokens.size === 0) setImmediate(() => this.#run());
      const requests = this.#tokens.get(token) ?? new Map<object, (() => void)[]>();
      const waiters = requests.get(request) ?? [];
      waiters.push(resolve);
      requests.set(request, waiters);
      this.#tokens.set(token, requests);
    });
  }

  /** Whether that token has requests that wait for their turn. */
  isWaiting(token: string): boolean {
    return this.#tokens.has(token);
  }

  /** The first one goes on, and stands last then. */
  #run(): void {
    const [[token, requests] = []] = this.#tokens;
    if (token === undefined || requests === undefined) return;
    this.#tokens.delete(token);
    const [[request, waiters] = []] = requests;
    if (request !== undefined && waiters !== undefined) {
      requests.delete(request);
      waiters.shift()?.();
      if (waiters.length > 0) requests.set(request, waiters);
    }
    if (requests.size > 0) this.#tokens.set(token, requests);
    // Not at once: input and output come between two turns.
    if (this.#tokens.size > 0) setImmediate(() => this.#run());
  }
}

/** The turns of this process: it has one event loop, which all share. */
export const turns = new Turns();

/**
 * Begins the calls in order and answers their results in the same order. Calls that change something are begun without
 * waiting for those before them, so that they share the journal's writes; unless one of those cannot decide at once.
 *
 * @param work of the request that the calls came in
 * @param begun is called when the last one is begun
 */
export async function inTurns<T, R>(
  calls: readonly T[],
  isRead: (call: T) => boolean,
  begin: (call: T) => Promise<R>,
  work: RequestWork,
  begun: () => void = () => {},
): Promise<R[]> {
  const results: Promise<R>[] = [];
  let reads: Promise<R>[] = [];
  if (calls.length > MANY && turns.isWaiting(work.token)) await work.turn();
  let turnEndMs = performance.now() + TURN_MS;
  for (const call of calls) {
    const result = work.measure(() => begin(call));
    results.push(result);
    if (work.held !== undefined) await work.held;
    if (isRead(call)) reads.push(result);
    if (reads.length >= MAX_READS) {
      await Promise.all(reads);
      reads = [];
    }
    if (performance.now() > turnEndMs) {
      await work.turn();
      turnEndMs = performance.now() + TURN_MS;
    }
  }
  begun();
  return Promise.all(results);
}
