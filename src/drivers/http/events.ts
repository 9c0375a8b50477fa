import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Topic, topics } from '../../../api/event.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { Refusal } from './refusal.ts';

/** What a reader of the event stream asks for. */
export interface EventQuery {
  /** Events with a higher number than this. */
  readonly after?: number;
  /** Only events from now on. */
  readonly fromNow: boolean;
  /** Only events of these topics; absent means all. */
  readonly topics?: readonly string[];
  /** Aborted when the reader is gone or the server stops; the source then ends. */
  readonly signal: AbortSignal;
}

export interface StreamedEvent {
  readonly seq: number;
  readonly type: string;
  readonly [member: string]: unknown;
}

interface Format {
  readonly contentType: string;
  encode(event: StreamedEvent): string;
  readonly heartbeat: string;
}

/** From this length on a text is kept for other readers of the same event. */
const LARGE_CHARACTERS = 64 << 10;

/** The bytes of large events by format, for as long as somebody has the event: readers share the work and the memory. */
const encoded = new WeakMap<StreamedEvent, Map<Format, Buffer>>();

function encode(event: StreamedEvent, format: Format): string | Buffer {
  const known = encoded.get(event);
  const bytes = known?.get(format);
  if (bytes !== undefined) return bytes;
  const text = format.encode(event);
  if (text.length < LARGE_CHARACTERS) return text;
  const made = Buffer.from(text);
  encoded.set(event, (known ?? new Map<Format, Buffer>()).set(format, made));
  return made;
}

/** One JSON text a line; an empty line is a sign of life. */
const NDJSON: Format = {
  contentType: 'application/x-ndjson',
  encode: (event) => `${JSON.stringify(event)}\n`,
  heartbeat: '\n',
};

/** Server-sent events as the WHATWG HTML standard has them; a comment is a sign of life. */
const EVENT_STREAM: Format = {
  contentType: 'text/event-stream',
  encode: (event) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  heartbeat: ':\n\n',
};

const PARAMETERS = ['after', 'from', 'topics'];

/** Longest part of what is wrong in a query that is repeated to the reader. */
const MAX_SHOWN_CHARACTERS = 60;

/** Longest decimal number that is surely a safe integer. */
const MAX_SEQ_DIGITS = 15;

/** Reads the query of `GET /events`. A browser that reconnects says in Last-Event-ID how far it came. */
export function parseEventQuery(request: IncomingMessage): Omit<EventQuery, 'signal'> | Refusal {
  const url = request.url ?? '';
  const mark = url.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  const wrong = wrongParameter(query);
  if (wrong !== undefined) return { status: 400, sentence: wrong };
  const lastSeen = request.headers['last-event-id'];
  const after = typeof lastSeen === 'string' && lastSeen !== '' ? lastSeen : query.get('after');
  const from = lastSeen === undefined ? query.get('from') : null;
  if (from !== null && (from !== 'now' || after !== null)) {
    return { status: 400, sentence: 'Give either after=NUMBER or from=now' };
  }
  if (after !== null && !isNumber(after)) {
    return { status: 400, sentence: 'The value of after (or Last-Event-ID) must be the number of an event' };
  }
  const named = (query.get('topics') ?? '').split(',').filter((topic) => topic !== '');
  const unknown = named.find((topic) => !isTopic(topic));
  if (unknown !== undefined) {
    const sentence = `There is no topic ${shown(unknown)}; there are ${topics.join(', ')}${didYouMean(unknown, topics)}`;
    return { status: 400, sentence };
  }
  return {
    fromNow: from === 'now',
    ...(after === null ? {} : { after: Number(after) }),
    ...(named.length === 0 ? {} : { topics: [...new Set(named)] }),
  };
}

/** A misspelled filter would let through what it was to keep out, so nothing in a query is passed over. */
function wrongParameter(query: URLSearchParams): string | undefined {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!PARAMETERS.includes(name))
      return `There is no parameter ${shown(name)}; there are ${PARAMETERS.join(', ')}${didYouMean(name, PARAMETERS)}`;
    if (seen.has(name)) return `Give ${name} once`;
    seen.add(name);
  }
  return undefined;
}

function isTopic(text: string): text is Topic {
  return (topics as readonly string[]).includes(text);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN_CHARACTERS));
}

/**
 * Writes events until the source ends or the reader leaves, at the reader's pace: the next event is asked for once the
 * last one is on its way. Says something at least every `heartbeatMs`.
 *
 * @throws what the source throws; the answer is begun then and not ended.
 */
export async function streamEvents(
  request: IncomingMessage,
  response: ServerResponse,
  source: AsyncIterable<StreamedEvent>,
  heartbeatMs: number,
): Promise<void> {
  const format = request.headers.accept?.includes('text/event-stream') ? EVENT_STREAM : NDJSON;
  response.writeHead(200, { 'Content-Type': format.contentType, 'Cache-Control': 'no-store' });
  response.flushHeaders();
  const heart = setInterval(() => {
    if (!response.writableNeedDrain) response.write(format.heartbeat);
  }, heartbeatMs);
  // Not after the loop: a source that is slow to end must not keep the heart of a dead answer beating.
  response.once('close', () => clearInterval(heart));
  for await (const event of source) {
    if (response.destroyed) return;
    if (!response.write(encode(event, format))) await drained(response);
  }
  response.end();
}

function isNumber(text: string): boolean {
  return text.length <= MAX_SEQ_DIGITS && /^\d+$/.test(text);
}

/** Resolves when there is room again, and also when there never will be. */
function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
