/**
 * Callbacks: everybody who registered a URL is one reader of the journal (callback-reader.ts). A dead or slow one delays
 * nobody else. Compaction waits for those who are behind, but neither for suspended ones nor for ever: whom it has
 * overtaken goes on at the oldest fact that is still there, and is told of the gap.
 */
import type { Input } from '../core/input.ts';
import type { State } from '../core/state.ts';
import { messageOf } from '../drivers/agent-error.ts';
import type { CallbackSecrets } from '../drivers/callback-secrets.ts';
import type { Journal } from '../drivers/journal.ts';
import type { Log } from '../drivers/log.ts';
import { bodiesOf, gapBodies, isWanted } from './callback-calls.ts';
import { CallbackReader, type Clock, type ReaderTrouble } from './callback-reader.ts';
import { CallbackSender } from './callback-sender.ts';
import { RecentEvents } from './recent-events.ts';
import { type Subscriber, subscriberOf, subscribers } from './subscribers.ts';

/** Facts that the journal keeps for the sake of subscribers that are behind, unless told otherwise. */
const MAX_HELD_FACTS = 1_000_000;
/** Facts read at a time where a registration is looked for. */
const PAGE = 500;

export interface CallbacksOptions {
  readonly journal: Journal;
  readonly state: State;
  readonly secrets: Pick<CallbackSecrets, 'get'>;
  readonly submit: (input: Input) => Promise<unknown>;
  /** Whether the token of that name is still good: what is brought to its holder ends with it. */
  readonly isGoodCaller: (name: string) => boolean;
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Log;
  /** Facts that the journal keeps for the sake of subscribers that are behind. @default 1000000 */
  readonly maxHeldFacts?: number;
}

/** A subscriber and how its deliveries stand. */
export interface Standing extends Subscriber, ReaderTrouble {
  readonly delivered: number;
  readonly state: 'active' | 'failing' | 'suspended';
}

export class Callbacks {
  readonly #options: CallbacksOptions;
  readonly #recent: RecentEvents;
  readonly #sender: CallbackSender;
  readonly #readers = new Map<string, CallbackReader>();

  constructor(options: CallbacksOptions) {
    this.#options = options;
    this.#recent = new RecentEvents(options.journal);
    this.#sender = new CallbackSender(options.secrets);
    for (const { subscription_id } of subscribers(options.state)) this.#reader(subscription_id);
  }

  /** Everybody, in no order that means anything. */
  list(): Standing[] {
    return [...subscribers(this.#options.state)].map((subscriber) => {
      const reader = this.#reader(subscriber.subscription_id);
      const { trouble } = reader;
      const state = trouble.failingSinceMs === undefined ? 'active' : 'failing';
      return {
        ...subscriber,
        ...trouble,
        delivered: reader.cursor,
        state: subscriber.suspended === undefined ? state : 'suspended',
      };
    });
  }

  /** Facts up to here no subscriber waits for; suspended ones are not counted, and nobody holds more than a bound. */
  needed(): number {
    const { journal, state, maxHeldFacts = MAX_HELD_FACTS } = this.#options;
    let needed = journal.last;
    for (const { subscription_id, suspended } of subscribers(state)) {
      if (suspended === undefined) needed = Math.min(needed, this.#reader(subscription_id).cursor);
    }
    return Math.max(needed, journal.last - maxHeldFacts);
  }

  /** New facts are durable: whoever is idle goes on. */
  wake(): void {
    for (const reader of this.#readers.values()) reader.wake();
  }

  /** A subscriber came, or came again: it is tried at once. */
  registered(subscription_id: string): void {
    if (subscriberOf(this.#options.state, subscription_id) !== undefined)
      this.#reader(subscription_id).renewed();
  }

  /** A token is not good any more: whoever it subscribed is suspended. */
  checkCallers(): void {
    for (const subscriber of subscribers(this.#options.state)) {
      if (subscriber.suspended === undefined && !this.#mayBeTold(subscriber))
        this.#suspend(subscriber, goneToken(subscriber));
    }
  }

  /** A subscription is over. */
  removed(subscription_id: string): void {
    this.#readers.get(subscription_id)?.forget();
    this.#readers.delete(subscription_id);
  }

  /** Waits until everybody who can be reached has had everything, at most so long. */
  async drain(deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs;
    this.wake();
    while (performance.now() < end && ![...this.#readers.values()].every((reader) => reader.isQuiet))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#sender.close();
  }

  #reader(subscription_id: string): CallbackReader {
    const known = this.#readers.get(subscription_id);
    if (known !== undefined) return known;
    const { journal, state, clock, random, log } = this.#options;
    const recent = this.#recent;
    const reader = new CallbackReader({
      journal,
      recent,
      clock,
      random,
      log,
      subscriber: () => subscriberOf(state, subscription_id),
      registeredAt: ({ url }) => registeredAt(journal, url),
      bodies: (subscriber, event) =>
        isWanted(event.record.type, subscriber.topics) ? bodiesOf(event, subscriber, state, recent) : [],
      gapBodies,
      send: (subscriber, bodies, signal) => this.#sender.send(subscriber, bodies, signal),
      refusal: (subscriber) => (this.#mayBeTold(subscriber) ? undefined : goneToken(subscriber)),
      suspend: (subscriber, message) => this.#suspend(subscriber, message),
    });
    this.#readers.set(subscription_id, reader);
    return reader;
  }

  #mayBeTold({ caller }: Subscriber): boolean {
    return caller === undefined || this.#options.isGoodCaller(caller);
  }

  #suspend({ subscription_id }: Subscriber, message: string): void {
    const { submit, log } = this.#options;
    log.warn({ subscription_id, err: message }, 'A callback subscriber is suspended');
    submit({ type: 'suspend', subscription_id, message }).catch((error: unknown) =>
      log.error({ err: messageOf(error) }, 'A callback subscriber could not be suspended'),
    );
  }
}

function goneToken({ caller }: Subscriber): string {
  return `The token "${caller}", with which it subscribed, was revoked or has expired`;
}

/**
 * Where a classic client without a cursor begins: at its registration. It may have none because it has just come, with other
 * facts in the same write, or because the daemon was killed before its first cursor was written.
 */
function registeredAt(journal: Journal, url: string): number {
  for (let end = journal.last; end >= journal.first; end -= PAGE) {
    const page = [...journal.read(end - PAGE, PAGE)];
    const found = page.findLast(({ type, body }) => type === 'client_registered' && body.url === url);
    if (found !== undefined) return found.seq;
  }
  return journal.last;
}
