import type { PlushEvent } from './events.ts';
import { UnreachableError } from './fault.ts';

/** Events of one subscription that wait to be read; more than these end it. */
const MAX_EVENTS = 100_000;

/** Events between the socket that brings them and the program that reads them. */
export class EventQueue {
  readonly #onRead: () => void;
  #events: PlushEvent[] = [];
  /** Read already, at the front of `#events`. */
  #taken = 0;
  #end: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;

  /** @param onRead told each time when an event was read */
  constructor(onRead: () => void) {
    this.#onRead = onRead;
  }

  get length(): number {
    return this.#events.length - this.#taken;
  }

  push(event: PlushEvent): void {
    if (this.#end !== undefined) return;
    if (this.length >= MAX_EVENTS) {
      this.end(
        new UnreachableError(`${MAX_EVENTS} events wait to be read: subscribe again after the last one`),
      );
      return;
    }
    this.#events.push(event);
    this.#wake?.();
  }

  /** No more will come; what is there can be read, and then `error` is thrown where there is one. */
  end(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake?.();
  }

  /** Reads on where the last reader stopped. */
  async *read(): AsyncGenerator<PlushEvent, void, undefined> {
    for (;;) {
      const event = this.#shift();
      if (event !== undefined) {
        this.#onRead();
        yield event;
      } else if (this.#end === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      }
    }
  }

  #shift(): PlushEvent | undefined {
    const event = this.#events[this.#taken];
    if (event === undefined) return undefined;
    this.#taken += 1;
    // Moved in one go once half is read, so that reading one costs the same however many wait.
    if (this.#taken * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#taken);
      this.#taken = 0;
    }
    return event;
  }
}
