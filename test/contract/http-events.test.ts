import type { EventQuery, StreamedEvent } from '../../src/drivers/http/events.ts';
import type { HttpFaceOptions } from '../../src/drivers/http/face.ts';
import { AUTHORIZED, connectRaw, type RawClient, type StartedFace, startFace } from '../harness/http-face.ts';
import { waitFor } from '../harness/wait.ts';

/** A source that gives what it is told to, until its signal is aborted. */
class Source {
  readonly queries: EventQuery[] = [];
  ended = 0;
  readonly #events: StreamedEvent[] = [];
  readonly #sleepers = new Set<() => void>();

  #wake(): void {
    for (const wake of [...this.#sleepers]) wake();
    this.#sleepers.clear();
  }

  push(...events: StreamedEvent[]): void {
    this.#events.push(...events);
    this.#wake();
  }

  async *events(query: EventQuery): AsyncGenerator<StreamedEvent> {
    this.queries.push(query);
    query.signal.addEventListener('abort', () => this.#wake());
    let next = 0;
    try {
      while (!query.signal.aborted) {
        const event = this.#events[next];
        if (event === undefined) await new Promise<void>((resolve) => this.#sleepers.add(resolve));
        else {
          next += 1;
          yield event;
        }
      }
    } finally {
      this.ended += 1;
    }
  }
}

let face: StartedFace;
let source: Source;
const clients: RawClient[] = [];

async function start(options: Partial<HttpFaceOptions> = {}): Promise<void> {
  source = new Source();
  face = await startFace({
    rpc: {
      xmlrpc: async () => ({ body: '', contentType: 'text/xml' }),
      jsonrpc: async () => ({ status: 204 }),
      events: (query) => source.events(query),
    },
    ...options,
  });
}

async function read(target: string, headers = AUTHORIZED): Promise<RawClient> {
  const client = await connectRaw(face.port);
  clients.push(client);
  client.write(`GET ${target} HTTP/1.1\r\n${headers}\r\n`);
  return client;
}

const afterHead = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4);

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await face.close({ graceMs: 0 });
});

describe('the event stream', () => {
  it('begins at once and is one JSON text a line', async () => {
    await start();
    const client = await read('/events');
    const head = await client.until('the head', (text) => text.includes('\r\n\r\n'));
    expect(head).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(head).toMatch(/content-type: application\/x-ndjson\r\n/i);
    source.push({ seq: 7, type: 'run_started', run_id: 'a\nb' });
    const text = await client.until('the event', (received) => received.includes('run_started'));
    expect(afterHead(text)).toContain('{"seq":7,"type":"run_started","run_id":"a\\nb"}\n');
  });

  it('is server-sent events for who accepts them', async () => {
    await start();
    const client = await read('/events', `${AUTHORIZED}Accept: text/event-stream\r\n`);
    source.push({ seq: 7, type: 'run_started' });
    const text = await client.until('the event', (received) => received.includes('data:'));
    expect(text).toMatch(/content-type: text\/event-stream\r\n/i);
    expect(afterHead(text)).toContain('id: 7\nevent: run_started\ndata: {"seq":7,"type":"run_started"}\n\n');
  });

  it.each([
    ['/events', {}, { fromNow: false }],
    ['/events?after=12', {}, { fromNow: false, after: 12 }],
    ['/events?from=now&topics=run,node', {}, { fromNow: true, topics: ['run', 'node'] }],
    ['/events?topics=,', {}, { fromNow: false }],
    ['/events?after=12', { 'Last-Event-ID': '40' }, { fromNow: false, after: 40 }],
    ['/events?from=now', { 'Last-Event-ID': '40' }, { fromNow: false, after: 40 }],
  ])('%s with %p asks the source for %p', async (target, more, query) => {
    await start();
    const lines = Object.entries(more).map(([name, value]) => `${name}: ${value}\r\n`);
    await read(target, AUTHORIZED + lines.join(''));
    const asked = await waitFor('the query', () => source.queries[0]);
    expect(asked).toEqual({ ...query, signal: expect.any(AbortSignal) });
  });

  it.each([
    '/events?after=',
    '/events?after=-1',
    '/events?after=1e3',
    '/events?after=9999999999999999',
    '/events?after=1&from=now',
    '/events?from=then',
    '/events?after=1&after=2',
    '/events?topics=run&topics=node',
    '/events?topics=__proto__',
    `/events?topics=${'x,'.repeat(101)}`,
  ])('refuses %s', async (target) => {
    await start();
    const client = await read(target);
    expect((await client.response()).status).toBe(400);
    expect(source.queries).toEqual([]);
  });

  it.each([
    ['/events?topics=run,nodes', /There is no topic "nodes"; there are .*Did you mean "node"\?/],
    ['/events?topic=run', /There is no parameter "topic"; .*Did you mean "topics"\?/],
    [`/events?${'y'.repeat(2000)}=1`, /There is no parameter "y{60}"; there are after, from, topics\n$/],
  ])('says what is wrong with %s', async (target, sentence) => {
    await start();
    const { status, body } = await (await read(target)).response();
    expect([status, body]).toEqual([400, expect.stringMatching(sentence)]);
  });

  it('is refused before it begins where its source says so, and leaves no reader behind', async () => {
    await start({ limits: { maxEventStreams: 1 } });
    const refusal = { status: 400, sentence: 'Not that one' };
    const { events } = source;
    Object.assign(source, { events: () => refusal });
    expect(await (await read('/events')).response()).toMatchObject({ status: 400, body: 'Not that one\n' });
    source.events = events;
    await (await read('/events')).until('the head', (text) => text.startsWith('HTTP/1.1 200'));
  });

  it('needs the scope "read"', async () => {
    await start();
    const client = await read('/events', 'Host: localhost\r\nAuthorization: Bearer broker-token\r\n');
    expect(await client.response()).toMatchObject({ status: 403, body: expect.stringContaining('"read"') });
  });

  it.each([
    ['application/x-ndjson', '1\r\n\n\r\n'],
    ['text/event-stream', '3\r\n:\n\n\r\n'],
  ])('as %s gives signs of life while nothing happens', async (accept, beat) => {
    await start({ limits: { heartbeatMs: 20 } });
    const client = await read('/events', `${AUTHORIZED}Accept: ${accept}\r\n`);
    await client.until('three heartbeats', (text) => afterHead(text).startsWith(beat.repeat(3)));
  });

  it('ends its source when the reader leaves', async () => {
    await start();
    const client = await read('/events');
    await client.until('the head', (text) => text.includes('\r\n\r\n'));
    client.socket.destroy();
    await waitFor('the end of the source', () => source.ended === 1);
    expect(face.log).toEqual([]);
  });

  it('asks its source for no more than the reader takes, and goes on when it reads again', async () => {
    await start();
    let given = 0;
    source.events = async function* (query) {
      for (; given < 20_000 && !query.signal.aborted; given += 1) {
        yield { seq: given, type: 'big', text: 'x'.repeat(1_000) };
      }
    };
    const client = await read('/events');
    client.socket.pause();
    let before = -1;
    await waitFor('the source to rest', () => {
      const rests = given > 0 && given === before;
      before = given;
      return rests;
    });
    expect(given).toBeLessThan(20_000);
    // Looks at the last chunk only: looking at all of twenty megabytes each time would take long.
    let last = '';
    client.socket.on('data', (chunk: string) => (last = last.slice(-10) + chunk));
    client.socket.resume();
    await waitFor('the last event', () => last.endsWith('0\r\n\r\n'));
    const text = await client.until('the last event', () => true);
    expect(text.match(/"type":"big"/g)?.length).toBe(20_000);
  });

  it('breaks off, unfinished, when its source fails', async () => {
    await start();
    source.events = async function* () {
      yield { seq: 1, type: 'good' };
      throw new Error('boom');
    };
    const text = await (await read('/events')).end();
    expect(text).toContain('"good"');
    expect(text).not.toMatch(/boom|0\r\n\r\n$/);
    expect(face.log).toMatchObject([{ level: 'error', details: { path: '/events' } }]);
  });

  it('has room for a limited number of readers', async () => {
    await start({ limits: { maxEventStreams: 2 } });
    const first = await read('/events');
    await read('/events');
    await waitFor('two readers', () => source.queries.length === 2);
    const third = await (await read('/events')).response();
    expect([third.status, third.headers.get('retry-after')]).toEqual([503, '10']);
    first.socket.destroy();
    await waitFor('the end of the source', () => source.ended === 1);
    await (await read('/events')).until('the head', (text) => text.startsWith('HTTP/1.1 200'));
  });

  it('is not queued behind another answer', async () => {
    await start();
    const client = await read('/events', `${AUTHORIZED}\r\nGET /events HTTP/1.1\r\n${AUTHORIZED}`);
    await client.until('the head', (text) => text.startsWith('HTTP/1.1 200'));
    client.socket.destroy();
    await waitFor('the end of the source', () => source.ended === 1);
    expect(source.queries.length).toBe(1);
  });

  it('ends whole when the server stops', async () => {
    await start();
    const client = await read('/events');
    source.push({ seq: 1, type: 'last' });
    await client.until('the event', (text) => text.includes('last'));
    await face.close({ graceMs: 20_000 });
    expect(await client.end()).toMatch(/0\r\n\r\n$/);
    expect(source.ended).toBe(1);
  });

  it('goes to HTTP/1.0 readers without chunks', async () => {
    await start();
    const client = await connectRaw(face.port);
    clients.push(client);
    client.write(`GET /events HTTP/1.0\r\n${AUTHORIZED}\r\n`);
    source.push({ seq: 1, type: 'plain' });
    const text = await client.until('the event', (received) => received.includes('plain'));
    expect(afterHead(text)).toBe('{"seq":1,"type":"plain"}\n');
  });
});
