import { setTimeout as sleep } from 'node:timers/promises';

export interface BackoffOptions {
  /** Largest pause before the second attempt. @default 100 */
  readonly firstMs?: number;
  /** Largest pause at all. @default 10000 */
  readonly maxMs?: number;
}

/**
 * Pauses between attempts that double up to a bound, each drawn between half and the whole of it, so that many clients of a
 * plushd that comes back do not come back in step.
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  #failures = 0;

  constructor({ firstMs = 100, maxMs = 10_000 }: BackoffOptions = {}) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  /** It works again. */
  reset(): void {
    this.#failures = 0;
  }

  /** Waits before the next attempt; returns early when the signal is aborted. */
  async pause(signal?: AbortSignal): Promise<void> {
    const bound = Math.min(this.#maxMs, this.#firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    try {
      await sleep(bound * (0.5 + Math.random() / 2), undefined, signal === undefined ? {} : { signal });
    } catch {
      // Aborted: whoever asked looks at the signal.
    }
  }
}
