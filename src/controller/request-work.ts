/** How much the controller works for one request, whatever it asks for: every call of a multicall or batch takes from the same time. */
import { Fault } from './fault.ts';
import { turns } from './turns.ts';

/** Far more than reading all there is takes; without it one small body could ask for hours of work. */
const MAX_WORK_MS = 10_000;

const STAY = 'Keep the connection open until the answer has come.';
const AGAIN = 'Send the calls that were refused again, in another request.';

export class RequestWork {
  #leftMs = MAX_WORK_MS;
  #held: Promise<void> | undefined;

  /**
   * @param token in whose name it is done
   * @param signal aborted when nobody waits for the answer any more
   */
  constructor(
    readonly token: string,
    readonly signal?: AbortSignal | undefined,
  ) {}

  /** Before what only reads: nothing is read that nobody waits for. @throws Fault TOO_LARGE */
  check(): void {
    if (this.signal?.aborted)
      throw new Fault('TOO_LARGE', 'The connection ended before its request was done', undefined, STAY);
    if (this.#leftMs > 0) return;
    const sentence = `The calls of one request may take ${MAX_WORK_MS / 1000} s of the controller's work together`;
    throw new Fault('TOO_LARGE', sentence, undefined, AGAIN);
  }

  /** Does a piece of the work at once, and counts the time that it takes. */
  measure<T>(piece: () => T): T {
    const startMs = performance.now();
    try {
      return piece();
    } finally {
      this.#leftMs -= performance.now() - startMs;
    }
  }

  /** Counts what was done for it beside the loop. */
  took(ms: number): void {
    this.#leftMs -= ms;
  }

  /** A call of it cannot decide at once: those behind it are begun once this resolves or rejects. */
  hold(begun: Promise<unknown>): void {
    const settled = () => {
      if (this.#held === held) this.#held = undefined;
    };
    const held: Promise<void> = begun.then(settled, settled);
    this.#held = held;
  }

  /** What the next call of it has to wait for, if anything. */
  get held(): Promise<void> | undefined {
    return this.#held;
  }

  /** Lets others go on; resolves when it is this request's turn again. */
  turn(): Promise<void> {
    return turns.next(this.token, this);
  }
}
