/** Calls that wait for a barrier to release them. */
import type { State } from '../core/state.ts';

/** Calls that wait at a time; a further one is answered at once. */
const MAX_WAITING = 1_000;

interface Waiter {
  readonly run_id: string;
  readonly barrier: string;
  readonly participant: string;
  readonly done: () => void;
}

export class BarrierWaiters {
  readonly #state: State;
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  constructor(state: State) {
    this.#state = state;
  }

  /** Settles when the participant waits no longer, after that time, or when nobody waits for the answer. */
  async wait(at: Omit<Waiter, 'done'>, timeoutMs: number, gone?: AbortSignal): Promise<void> {
    if (
      timeoutMs <= 0 ||
      gone?.aborted ||
      this.#closed ||
      this.#waiters.size >= MAX_WAITING ||
      !this.#isWaiting(at)
    )
      return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        gone?.removeEventListener('abort', done);
        this.#waiters.delete(waiter);
        resolve();
      };
      gone?.addEventListener('abort', done);
      const waiter = { ...at, done };
      const timer = setTimeout(done, timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  /** New facts are durable: whoever waits for a release that is among them goes on. */
  wake(): void {
    for (const waiter of this.#waiters) if (!this.#isWaiting(waiter)) waiter.done();
  }

  /** Nobody is kept waiting. */
  close(): void {
    this.#closed = true;
    for (const { done } of this.#waiters) done();
  }

  #isWaiting({ run_id, barrier, participant }: Omit<Waiter, 'done'>): boolean {
    const run = this.#state.runs.get(run_id);
    if (run === undefined || run.ending !== undefined) return false;
    return run.barriers.get(barrier)?.entries.get(participant)?.state === 'waiting';
  }
}
