/** Work that did not succeed and is tried again after a time that grows. */
import { messageOf } from '../agent-error.ts';
import type { Log } from '../log.ts';

const FIRST_MS = 5_000;
const MAX_MS = 10 * 60_000;

export class Retries {
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(private readonly log: Log) {}

  /** @param attempt the one that failed, from 1 */
  later(attempt: number, retry: () => Promise<void>): void {
    const delayMs = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 16));
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      retry().catch((error: unknown) => this.log.error({ err: messageOf(error) }, 'A retry went wrong'));
    }, delayMs);
    this.#timers.add(timer);
  }

  /** Nothing is tried again any more. */
  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
