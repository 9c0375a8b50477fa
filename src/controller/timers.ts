/** The timers that the core asks for: one of each kind and subject, a later one replacing the earlier. */
import type { Timer } from '../core/input.ts';
import { splitTaskId } from '../core/run/evolve.ts';

/** Node.js takes a longer delay for none at all; almost 25 days. */
const LONGEST_MS = 2 ** 31 - 1;

export class Timers {
  readonly #fire: (timer: Timer) => void;
  readonly #set = new Map<string, NodeJS.Timeout>();
  /** Keys of the timers of each run that has some. */
  readonly #ofRun = new Map<string, Set<string>>();
  #closed = false;

  constructor(fire: (timer: Timer) => void) {
    this.#fire = fire;
  }

  /** How many are set. */
  get size(): number {
    return this.#set.size;
  }

  set(timer: Timer, delayMs: number): void {
    if (this.#closed) return;
    const key = Object.values(timer).join(' ');
    clearTimeout(this.#set.get(key));
    const handle = setTimeout(
      () => {
        this.#forget(timer, key);
        if (delayMs > LONGEST_MS) this.set(timer, delayMs - LONGEST_MS);
        else this.#fire(timer);
      },
      Math.min(delayMs, LONGEST_MS),
    );
    this.#set.set(key, handle);
    const run_id = runOf(timer);
    if (run_id === undefined) return;
    const keys = this.#ofRun.get(run_id);
    if (keys === undefined) this.#ofRun.set(run_id, new Set([key]));
    else keys.add(key);
  }

  #forget(timer: Timer, key: string): void {
    this.#set.delete(key);
    const run_id = runOf(timer);
    if (run_id === undefined) return;
    const keys = this.#ofRun.get(run_id);
    keys?.delete(key);
    if (keys?.size === 0) this.#ofRun.delete(run_id);
  }

  /** The run is over: its timers would find nothing to do, and hold their memory until they did. */
  release(run_id: string): void {
    for (const key of this.#ofRun.get(run_id) ?? []) {
      clearTimeout(this.#set.get(key));
      this.#set.delete(key);
    }
    this.#ofRun.delete(run_id);
  }

  close(): void {
    this.#closed = true;
    for (const handle of this.#set.values()) clearTimeout(handle);
    this.#set.clear();
    this.#ofRun.clear();
  }
}

function runOf(timer: Timer): string | undefined {
  if ('run_id' in timer) return timer.run_id;
  return 'task_id' in timer ? splitTaskId(timer.task_id)[0] : undefined;
}
