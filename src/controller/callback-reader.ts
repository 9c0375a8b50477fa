/**
 * One subscriber as a reader of the journal: it gets what it wants in order and at least once, from a durable cursor.
 * What it has not had yet stays in the journal, so a slow or dead one costs no memory but the call under way.
 *
 *     idle ──facts──▶ busy ──all delivered──▶ idle
 *                      └─call failed─▶ failing ──backoff──▶ busy
 *                                        └──24 h──▶ suspended ──subscribes again──▶ busy
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../drivers/agent-error.ts';
import type { Journal } from '../drivers/journal.ts';
import type { Log } from '../drivers/log.ts';
import type { RecentEvent, RecentEvents } from './recent-events.ts';
import type { Subscriber } from './subscribers.ts';

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 5 * 60_000;
/** A subscriber that failed for this long is suspended until it subscribes again … */
const SUSPEND_MS = 24 * 60 * 60_000;
/** … but not before so many failures in a row of this daemon, which may have been away itself. */
const SUSPEND_FAILURES = 10;
/** Deliveries after which the cursor is set, and about as many are repeated after a crash. */
const CURSOR_EVERY = 16;
/** Facts that may be passed over before others have a turn. */
const PASS_OVER = 500;

/** Time as the reader knows it, so that a day can pass in a test. */
export interface Clock {
  nowMs(): number;
  /** @returns what cancels it */
  after(ms: number, run: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: Date.now,
  after(ms, run) {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};

export interface ReaderOptions {
  readonly journal: Journal;
  readonly recent: RecentEvents;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** As the state has it now; undefined when it is gone. */
  readonly subscriber: () => Subscriber | undefined;
  /** Where a subscriber without cursor and place begins. */
  readonly registeredAt: (subscriber: Subscriber) => number;
  /** The calls for an event; none where the subscriber does not want it. */
  readonly bodies: (subscriber: Subscriber, event: RecentEvent) => readonly string[];
  /** The calls that tell that the events before this number were removed. */
  readonly gapBodies: (subscriber: Subscriber, first: number) => readonly string[];
  /** Makes calls, one after the other. @throws Error when one of them failed */
  readonly send: (subscriber: Subscriber, bodies: readonly string[], signal: AbortSignal) => Promise<void>;
  /** Why it must not be told anything any more. */
  readonly refusal: (subscriber: Subscriber) => string | undefined;
  readonly suspend: (subscriber: Subscriber, message: string) => void;
}

export interface ReaderTrouble {
  readonly failures: number;
  readonly failingSinceMs: number | undefined;
  readonly message: string | undefined;
}

export class CallbackReader {
  readonly #options: ReaderOptions;
  readonly #abort = new AbortController();
  #cursorName = '';
  #cursor = 0;
  #unsaved = 0;
  #busy = false;
  #failures = 0;
  #failingSinceMs: number | undefined;
  #message: string | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const subscriber = options.subscriber();
    if (subscriber !== undefined) this.#place(subscriber);
    this.#failingSinceMs = options.journal.cursor(failingName(this.#cursorName));
  }

  /** Everything up to here is delivered, or was not wanted. */
  get cursor(): number {
    return this.#cursor;
  }

  get trouble(): ReaderTrouble {
    return { failures: this.#failures, failingSinceMs: this.#failingSinceMs, message: this.#message };
  }

  /** It has had everything, or waits for a time that it will be tried again. */
  get isQuiet(): boolean {
    return this.#cancelRetry !== undefined || (!this.#busy && this.#cursor >= this.#options.journal.last);
  }

  wake(): void {
    if (this.#busy || this.#cancelRetry !== undefined || this.#abort.signal.aborted) return;
    if (this.#cursor < this.#options.journal.last) void this.#pump();
  }

  /** It subscribed again: it is tried at once, from its new place if it has one. */
  renewed(): void {
    const subscriber = this.#options.subscriber();
    if (subscriber === undefined) return;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#recovered();
    if (subscriber.cursor !== this.#cursorName) {
      this.#options.journal.removeCursor(this.#cursorName);
      this.#place(subscriber);
    }
    this.wake();
  }

  /** No call is made any more, and one under way is broken off. */
  close(): void {
    this.#abort.abort();
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  /** The subscription is over. */
  forget(): void {
    this.close();
    this.#options.journal.removeCursor(this.#cursorName);
    this.#options.journal.removeCursor(failingName(this.#cursorName));
  }

  #place(subscriber: Subscriber): void {
    const { journal, registeredAt } = this.#options;
    this.#cursorName = subscriber.cursor;
    this.#cursor =
      journal.cursor(subscriber.cursor) ??
      Math.min(subscriber.after ?? registeredAt(subscriber), journal.last);
  }

  async #pump(): Promise<void> {
    this.#busy = true;
    let passed = 0;
    try {
      while (!this.#abort.signal.aborted) {
        const subscriber = this.#options.subscriber();
        if (subscriber === undefined || subscriber.suspended !== undefined) break;
        const refusal = this.#options.refusal(subscriber);
        if (refusal !== undefined) {
          this.#options.suspend(subscriber, refusal);
          break;
        }
        const name = this.#cursorName;
        const step = this.#step(subscriber);
        if (step === undefined) break;
        await step.delivery;
        // It was placed elsewhere meanwhile.
        if (name !== this.#cursorName) continue;
        this.#cursor = step.to;
        if (step.delivery === undefined) {
          passed += 1;
          if (passed % PASS_OVER === 0) await nextTurn();
        } else {
          this.#recovered();
          this.#unsaved += 1;
          if (this.#unsaved >= CURSOR_EVERY) this.#save();
        }
      }
      if (!this.#abort.signal.aborted) this.#save();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#busy = false;
    }
  }

  /** What is next for it, its call begun; undefined when there is nothing. */
  #step(subscriber: Subscriber): { to: number; delivery: Promise<void> | undefined } | undefined {
    const { journal, recent, bodies, gapBodies } = this.#options;
    if (this.#cursor + 1 < journal.first)
      return this.#begin(journal.first - 1, subscriber, gapBodies(subscriber, journal.first));
    const event = recent.next(this.#cursor);
    if (event === undefined) return undefined;
    return this.#begin(event.record.seq, subscriber, bodies(subscriber, event));
  }

  #begin(to: number, subscriber: Subscriber, bodies: readonly string[]) {
    if (bodies.length === 0) return { to, delivery: undefined };
    return { to, delivery: this.#options.send(subscriber, bodies, this.#abort.signal) };
  }

  #save(): void {
    this.#unsaved = 0;
    this.#options.journal.setCursor(this.#cursorName, this.#cursor);
  }

  #recovered(): void {
    this.#failures = 0;
    this.#message = undefined;
    if (this.#failingSinceMs === undefined) return;
    this.#failingSinceMs = undefined;
    this.#options.journal.removeCursor(failingName(this.#cursorName));
  }

  #failed(error: unknown): void {
    const subscriber = this.#options.subscriber();
    if (this.#abort.signal.aborted || subscriber === undefined) return;
    const { clock, log, random, suspend, journal } = this.#options;
    this.#save();
    const nowMs = clock.nowMs();
    if (this.#failingSinceMs === undefined) {
      this.#failingSinceMs = nowMs;
      journal.setCursor(failingName(this.#cursorName), nowMs);
    }
    this.#failures += 1;
    this.#message = messageOf(error);
    const { subscription_id } = subscriber;
    log.warn(
      { subscription_id, failures: this.#failures, err: this.#message },
      'A callback subscriber could not be told',
    );
    if (nowMs - this.#failingSinceMs >= SUSPEND_MS && this.#failures >= SUSPEND_FAILURES) {
      suspend(subscriber, this.#message);
      return;
    }
    const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures - 1, 20));
    this.#cancelRetry = clock.after(backoffMs * (0.5 + random() / 2), () => {
      this.#cancelRetry = undefined;
      this.wake();
    });
  }
}

/** Where the time (ms since 1970) is kept from which on a subscriber fails: among the cursors, which outlive the daemon. */
function failingName(cursorName: string): string {
  return `failing:${cursorName}`;
}
