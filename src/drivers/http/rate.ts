/** A burst is what a token may save up: the calls of so many seconds. A multicall of 10,000 fits from 1,000 a second on. */
const BURST_S = 10;

/**
 * A token bucket: so many calls a second on average, and BURST_S times as many at once. It holds two numbers, however
 * many calls come.
 */
export class RateLimit {
  readonly #perSecond: number;
  readonly #now: () => number;
  #saved: number;
  #at: number;

  /**
   * @param perSecond at least 1
   * @param now milliseconds that only grow
   */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#saved = perSecond * BURST_S;
    this.#at = now();
  }

  /** Takes one call. Answers 0, or after how many whole seconds there is room for it again; then nothing was taken. */
  take(): number {
    const now = this.#now();
    const earned = ((now - this.#at) / 1000) * this.#perSecond;
    this.#saved = Math.min(this.#perSecond * BURST_S, this.#saved + earned);
    this.#at = now;
    if (this.#saved >= 1) {
      this.#saved -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil((1 - this.#saved) / this.#perSecond));
  }
}
