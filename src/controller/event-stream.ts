/** Facts as events: pages for plushGetEvents, and the endless stream of GET /events. */
import { type EventType, events } from '../../api/events.ts';
import { MAX_PAGE_BYTES } from '../core/views/page.ts';
import { weigh } from '../core/views/weight.ts';
import type { EventQuery, StreamedEvent } from '../drivers/http/events.ts';
import type { Refusal } from '../drivers/http/refusal.ts';
import type { Journal, JournalRecord } from '../drivers/journal.ts';
import { Fault } from './fault.ts';
import type { RequestWork } from './request-work.ts';
import { turns } from './turns.ts';

const PAGE = 500;
/** In whose name all streams have their turns; no token can have it. */
const STREAMS = ' streams';
/** How long readers who were woken together may keep all else waiting, about. */
const TURN_MS = 10;
/** Records that one page looks at; where topics leave most of them out, it ends with fewer events than it may have. */
const MAX_LOOKED_AT = 20_000;
/** Records that are looked at before others have their turn. */
const LOOKS_OF_A_TURN = 1_000;

interface PageQuery {
  readonly after?: number;
  readonly limit?: number;
  readonly topics?: readonly string[];
}

interface StreamQuery extends EventQuery {
  /** Told the number up to which the reader has taken every event that it wants. */
  readonly reached?: (seq: number) => void;
}

interface EventPage {
  readonly events: Record<string, unknown>[];
  readonly last: number;
  readonly more: boolean;
}

/** An event as it goes out: the fact's members beside its number, time and type. */
export function eventOf({ seq, time, type, body }: JournalRecord): StreamedEvent {
  return { seq, time, type, ...body };
}

function isWanted({ type }: { readonly type: string }, topics: ReadonlySet<string> | undefined): boolean {
  if (topics === undefined) return true;
  return Object.hasOwn(events, type) && topics.has(events[type as EventType].topic);
}

/** Why nobody can read on after an event that is yet to come; undefined where it is there, or was. */
function whyNotAfter(after: number | undefined, newest: number): string | undefined {
  if (after === undefined || after <= newest) return undefined;
  return `after is ${after}, and the newest event is ${newest}`;
}

/** @throws Fault INVALID_PARAMETERS for a number that no event has yet */
export function refuseFuture(after: number | undefined, newest: number): void {
  const why = whyNotAfter(after, newest);
  if (why !== undefined) throw new Fault('INVALID_PARAMETERS', `${why}; -1 stands for it`);
}

/**
 * A page of events after a sequence number, no larger than clients accept unless it is of one event; `last` is where the next page begins, also when topics left all out, and
 * `more` may come with no events at all. Where the first of them were compacted a `gap` event, of every topic, stands for
 * them: its `first` is the oldest that is still there.
 */
export function eventPage(journal: Journal, query: PageQuery): EventPage {
  const gathering = gather(journal, query);
  for (;;) {
    const step = gathering.next();
    if (step.done) return step.value;
  }
}

/** As `eventPage`, in turns with other requests. @throws Fault TOO_LARGE where the request has worked enough, or its client has gone */
export async function eventPageInTurns(
  journal: Journal,
  query: PageQuery,
  work: RequestWork,
): Promise<EventPage> {
  const gathering = gather(journal, query);
  // The first piece is measured with the call.
  for (let step = gathering.next(); ; step = work.measure(() => gathering.next())) {
    if (step.done) return step.value;
    await work.turn();
    work.check();
  }
}

/** Yields wherever others should have their turn. */
function* gather(
  journal: Journal,
  { after = 0, limit = 100, topics }: PageQuery,
): Generator<void, EventPage, void> {
  if (after < 0) return { events: [], last: journal.last, more: false };
  const wanted = topics === undefined ? undefined : new Set(topics);
  const found: Record<string, unknown>[] = [];
  let last = after;
  if (after + 1 < journal.first) {
    found.push({ seq: journal.first - 1, type: 'gap', first: journal.first });
    last = journal.first - 1;
  }
  let left = MAX_PAGE_BYTES;
  let looks = 0;
  for (const record of journal.read(last, MAX_LOOKED_AT)) {
    // Compaction may overtake this between two turns; the next page tells of it.
    if (found.length >= limit || (looks > 0 && record.seq !== last + 1)) break;
    if (isWanted(record, wanted)) {
      const event = eventOf(record);
      left -= weigh(event, left);
      if (left < 0 && found.length > 0) break;
      found.push(event);
    }
    last = record.seq;
    looks += 1;
    if (looks % LOOKS_OF_A_TURN === 0) yield;
  }
  return { events: found, last, more: last < journal.last };
}

/** Wakes everybody who waits for new facts. */
export class EventStream {
  readonly #journal: Journal;
  #waiters = new Set<() => void>();
  /** When the first reader went on in this turn of the event loop; undefined when none has. */
  #sinceMs: number | undefined;
  /** The last event that was larger than a page. Readers that come to it while another has it share it. */
  #large: { readonly seq: number; readonly event: WeakRef<StreamedEvent> } | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const waiter of waiters) waiter();
  }

  /** The stream for a reader over HTTP, or why there is none. */
  open(query: EventQuery): AsyncIterable<StreamedEvent> | Refusal {
    const why = whyNotAfter(query.after, this.#journal.last);
    if (why === undefined) return this.stream(query);
    return { status: 400, sentence: `${why}. Begin with after=0, with the newest, or with from=now` };
  }

  /** Events from where the query says, for as long as the reader stays. */
  async *stream({ after, fromNow, topics, signal, reached }: StreamQuery): AsyncGenerator<StreamedEvent> {
    const journal = this.#journal;
    const turn = () => turns.next(STREAMS, signal);
    let position = fromNow ? journal.last : (after ?? 0);
    while (!signal.aborted) {
      if (this.#isLate()) {
        await turn();
        if (signal.aborted) return;
      }
      let page = this.#shared(position, topics);
      if (page === undefined) {
        const query = { after: position, limit: PAGE, ...(topics === undefined ? {} : { topics }) };
        const gathering = gather(journal, query);
        let step = gathering.next();
        while (!step.done) {
          await turn();
          if (signal.aborted) return;
          step = gathering.next();
        }
        page = step.value;
        this.#share(page);
      }
      position = page.last;
      for (const event of page.events) yield event as StreamedEvent;
      reached?.(position);
      // Asked anew: facts that came while a slow reader took the page have woken nobody. A page without events handed
      // control to nobody either, hence the turn.
      await (position < journal.last ? turn() : this.#news(signal));
    }
  }

  /** Whether the readers before this one have kept all else waiting for long enough. */
  #isLate(): boolean {
    if (this.#sinceMs !== undefined) return performance.now() - this.#sinceMs > TURN_MS;
    this.#sinceMs = performance.now();
    setImmediate(() => {
      this.#sinceMs = undefined;
    });
    return false;
  }

  /** The page after a sequence number, where another reader has it and it is costly. */
  #shared(after: number, topics: readonly string[] | undefined): EventPage | undefined {
    const event = this.#large?.seq === after + 1 ? this.#large.event.deref() : undefined;
    if (event === undefined) return undefined;
    const isTold = topics === undefined || isWanted(event, new Set(topics));
    return { events: isTold ? [event] : [], last: event.seq, more: event.seq < this.#journal.last };
  }

  #share({ events: [event, ...more] }: EventPage): void {
    if (event === undefined || more.length > 0 || weigh(event, MAX_PAGE_BYTES) <= MAX_PAGE_BYTES) return;
    const large = event as StreamedEvent;
    this.#large = { seq: large.seq, event: new WeakRef(large) };
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        this.#waiters.delete(done);
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }
}
