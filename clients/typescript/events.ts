/** The event stream as an iterator that outlives broken connections. */
import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { EventType, FactBody, Topic } from '../../api/events.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { RefusedError, sentenceOf, UnreachableError } from './fault.ts';

/** plushd says something at least every 15 s. */
const SILENCE_MS = 45_000;
/** A connection that has lasted so long was a good one, also when it brought no event. */
const STABLE_MS = 10_000;
/** An event with the nodes of the largest run takes a few MiB. */
const MAX_EVENT_CHARS = 64 << 20;

/** Stands for events that plushd has forgotten; `first` is the oldest that is still there. Read the state anew. */
export interface GapEvent {
  readonly seq: number;
  readonly type: 'gap';
  readonly first: number;
}

/** An event of one type. `seq` counts up, with holes where topics leave events out; `time` is ISO 8601, UTC. */
export type EventOf<T extends EventType> = {
  readonly seq: number;
  readonly time: string;
  readonly type: T;
} & Readonly<FactBody<T>>;

/** Tell them apart by `type`. A newer plushd may have types that are not listed here. */
export type PlushEvent = { [T in EventType]: EventOf<T> }[EventType] | GapEvent;

export interface EventOptions {
  /** Begin after this event; 0 is the beginning. @default only events from now on */
  readonly after?: number;
  /** Only events of these topics. @default all */
  readonly topics?: readonly Topic[];
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
  /** How long a plushd that went away is looked for. @default without an end */
  readonly patienceMs?: number;
  /** A connection with nothing on it for so long is given up for a new one. @default 45000 */
  readonly silenceMs?: number;
  /** Pauses between attempts. */
  readonly backoff?: BackoffOptions;
  /** Told when a connection begins, with the number of the event that it goes on after. */
  readonly onConnected?: (after: number) => void;
  /** Told when a connection ended or an attempt failed; another attempt follows. */
  readonly onLost?: (error: UnreachableError) => void;
}

/** What the iterator needs of a client. */
export interface EventSource {
  /** The number of the newest event. */
  newest(): Promise<number>;
  /** Opens `GET /events…`. */
  open(path: string): Promise<IncomingMessage>;
}

export async function* followEvents(
  source: EventSource,
  options: EventOptions & { readonly signal: AbortSignal },
): AsyncGenerator<PlushEvent, void, undefined> {
  const { signal, patienceMs = Number.POSITIVE_INFINITY, silenceMs = SILENCE_MS } = options;
  const topics = options.topics === undefined ? '' : `&topics=${options.topics.join(',')}`;
  const backoff = new Backoff(options.backoff);
  // A number from the start: a stream that says "from now" and breaks before its first event could not be gone on with.
  let position = options.after;
  let lostAt: number | undefined;
  let connectedAt = Number.POSITIVE_INFINITY;
  while (!signal.aborted) {
    try {
      position ??= await source.newest();
      const response = await source.open(`/events?after=${position}${topics}`);
      lostAt = undefined;
      connectedAt = performance.now();
      options.onConnected?.(position);
      for await (const event of readEvents(response, silenceMs, signal)) {
        backoff.reset();
        position = event.seq;
        yield event;
      }
      if (signal.aborted) return;
      throw new UnreachableError('plushd has ended the stream of events');
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof UnreachableError)) throw error;
      lostAt ??= performance.now();
      if (lostAt - connectedAt >= STABLE_MS) backoff.reset();
      connectedAt = Number.POSITIVE_INFINITY;
      if (performance.now() - lostAt >= patienceMs) throw error;
      options.onLost?.(error);
    }
    await backoff.pause(signal);
  }
}

/** One JSON text a line; an empty line is a sign of life. A line that is cut off by the end is none. */
async function* readEvents(
  response: IncomingMessage,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<PlushEvent, void, undefined> {
  const onAbort = () => response.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for (;;) {
      const chunk = await readChunk(response, chunks, silenceMs);
      if (chunk === undefined) return;
      const pieces = decoder.write(chunk).split('\n');
      const last = pieces.pop() ?? '';
      for (const piece of pieces) {
        if (signal.aborted) return;
        const line = rest + piece;
        rest = '';
        if (line !== '') yield parseEvent(line);
      }
      rest += last;
      if (rest.length > MAX_EVENT_CHARS) throw notEvents('a line without an end');
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    response.destroy();
  }
}

/** The timer runs while something is awaited alone: a reader of events who takes long is not plushd's silence. */
async function readChunk(
  response: IncomingMessage,
  chunks: AsyncIterator<Buffer, undefined>,
  silenceMs: number,
): Promise<Buffer | undefined> {
  const silence = new UnreachableError(`plushd has said nothing for ${silenceMs} ms`);
  const timer = setTimeout(() => response.destroy(silence), silenceMs);
  try {
    return (await chunks.next()).value;
  } catch (error) {
    if (error instanceof UnreachableError) throw error;
    throw new UnreachableError(`The connection to plushd has broken (${sentenceOf(error)})`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

function parseEvent(line: string): PlushEvent {
  let value: Partial<PlushEvent> | null;
  try {
    value = JSON.parse(line) as Partial<PlushEvent> | null;
  } catch {
    throw notEvents(line); // said there
  }
  if (!Number.isSafeInteger(value?.seq) || typeof value?.type !== 'string') throw notEvents(line);
  return value as PlushEvent;
}

function notEvents(what: string): RefusedError {
  const sentence = `What comes as events is none: ${JSON.stringify(what.slice(0, 80))}. Check that the URL leads to plushd`;
  return new RefusedError(sentence, 'stranger');
}
