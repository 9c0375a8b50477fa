/** Bytes that all clients together were sent and have not read yet; they wait in our memory. */
export class Unread {
  readonly #maxBytes: number;
  readonly #waiting = new Set<() => void>();
  #total = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Whether a client must get nothing more for now. The first half of the memory is for everybody, the rest for clients that
   * read what they get.
   *
   * @param own bytes that the client itself leaves unread
   */
  isFull(own: number): boolean {
    return this.#total > this.#maxBytes || (own > 0 && this.#total > this.#maxBytes / 2);
  }

  add(bytes: number): void {
    this.#total += bytes;
  }

  remove(bytes: number): void {
    this.#total -= bytes;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Calls back once, when somebody has read something. The same function is called once, however often it was given. */
  whenLess(wake: () => void): void {
    this.#waiting.add(wake);
  }

  /** The caller has gone. */
  forget(wake: () => void): void {
    this.#waiting.delete(wake);
  }
}
