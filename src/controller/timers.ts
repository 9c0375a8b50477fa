/** The timers that the core asks for: one of each kind and subject, a later one replacing the earlier. */
import type { Timer } from '../core/input.ts';

/** Node.js takes a longer delay for none at all; almost 25 days. */
const LONGEST_MS = 2 ** 31 - 1;

export class Timers {
  readonly #fire: (timer: Timer) => void;
  readonly #set = new Map<string, NodeJS.Timeout>();
  #closed = false;

  constructor(fire: (timer: Timer) => void) {
    this.#fire = fire;
  }

  set(timer: Timer, delayMs: number): void {
    if (this.#closed) return;
    const key = Object.values(timer).join(' ');
    clearTimeout(this.#set.get(key));
    const handle = setTimeout(
      () => {
        this.#set.delete(key);
        if (delayMs > LONGEST_MS) this.set(timer, delayMs - LONGEST_MS);
        else this.#fire(timer);
      },
      Math.min(delayMs, LONGEST_MS),
    );
    this.#set.set(key, handle);
  }

  close(): void {
    this.#closed = true;
    for (const handle of this.#set.values()) clearTimeout(handle);
    this.#set.clear();
  }
}
