/** What the client libraries make of a plushd that is slow, broken, gone, or none at all. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PlushClient } from '../../clients/typescript/client.ts';
import { UnreachableError } from '../../clients/typescript/fault.ts';
import { freePort } from '../harness/callback-client.ts';
import { makeCertificate } from '../harness/certificate.ts';
import { type ClientLibrary, clientLibraries, type Told } from '../harness/client-library.ts';
import { withScratch } from '../harness/scratch.ts';

type Serve = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const PONG = (body: string, result: unknown = 'pong') =>
  JSON.stringify({ jsonrpc: '2.0', id: (JSON.parse(body) as { id: unknown }).id, result });

let servers: Server[] = [];

afterEach(async () => {
  for (const server of servers) server.closeAllConnections();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  servers = [];
});

/** A server in the place of plushd. */
async function serve(
  take: Serve,
  tls?: { readonly cert: Buffer; readonly key: Buffer },
): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    take(request, response, body);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on(tls === undefined ? 'connection' : 'secureConnection', () => {
    connections += 1;
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, connections: () => connections };
}

const event = (seq: number, type = 'node_removed', more: object = {}) =>
  `${JSON.stringify({ seq, time: '2026-01-01T00:00:00.000Z', type, ...more })}\n`;
const seqs = (all: readonly Told[]) => all.flatMap((one) => (one.event as { seq?: number })?.seq ?? []);

describe.each(clientLibraries)('the client of %s', (_language, library: ClientLibrary) => {
  test('keeps its connection, and comes with its token', async () => {
    const tokens: unknown[] = [];
    const { url, connections } = await serve((request, response, body) => {
      tokens.push(request.headers.authorization);
      response.end(PONG(body));
    });
    expect(await library.call(url, { times: 3 })).toEqual(Array(3).fill({ result: 'pong' }));
    expect({ tokens, connections: connections() }).toEqual({
      tokens: Array(3).fill('Bearer t'),
      connections: 1,
    });
  });

  test('goes on with a new connection where the kept one was closed', async () => {
    const { url, connections } = await serve(({ socket }, response, body) => {
      response.end(PONG(body), () => socket.end());
    });
    expect(await library.call(url, { times: 2, patience_s: 2 })).toEqual(Array(2).fill({ result: 'pong' }));
    expect(connections()).toBeGreaterThan(1);
  });

  test.each([
    ['a token that is not known', 401, 'Unauthorized', 'refused', /rejects the token/],
    ['a token without the scope', 403, 'This takes the scope operate', 'refused', /does not allow that/],
    [
      'a name that is none of its own',
      403,
      'The host name "x" is not one of this server\'s',
      'refused',
      /refuses the request .*The host name "x"/,
    ],
    ['a request that is refused', 400, 'The Host is not allowed', 'refused', /The Host is not allowed/],
    ['a plushd that cannot serve now', 503, 'Too many', 'unreachable', /cannot serve now.*Too many/],
    ['the page of some other server', 200, '<html>', 'refused', /Something else than plushd answers/],
    ['JSON that is no JSON-RPC', 200, '{"result":1}', 'refused', /Something else than plushd answers/],
    ['a cut-off answer', 200, '{"jsonrpc":"2.0","id":', 'refused', /Something else than plushd answers/],
  ])('says in a sentence what it met: %s', async (_what, status, text, failed, sentence) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(status).end(text);
    });
    expect(await library.call(url, {})).toEqual([
      expect.objectContaining({ failed, message: expect.stringMatching(sentence) }),
    ]);
  });

  test('hands a fault on with its symbol, its hint and its details', async () => {
    const data = { code: 'NODE_NOT_FOUND', hint: 'Look again.', details: { node: 'x' } };
    const { url } = await serve((_request, response) => {
      const error = { code: 1000, message: 'NODE_NOT_FOUND: no node "x".', data };
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, error }));
    });
    const { code: symbol, ...rest } = data;
    const message = 'NODE_NOT_FOUND: no node "x".';
    expect(await library.call(url, {})).toEqual([{ failed: 'fault', message, symbol, ...rest }]);
  });

  test('does not wait longer than it was told, and tries again only with patience', async () => {
    let calls = 0;
    const { url } = await serve((_request, response, body) => {
      calls += 1;
      if (calls > 2) response.end(PONG(body));
    });
    const lost = [
      expect.objectContaining({ failed: 'unreachable', message: expect.stringMatching(/does not answer/) }),
    ];
    expect(await library.call(url, { timeout_s: 0.1 })).toEqual(lost);
    expect(calls).toBe(1);
    expect(await library.call(url, { timeout_s: 0.1, patience_s: 20 })).toEqual([{ result: 'pong' }]);
    expect(calls).toBe(3);
    expect(await library.call(`http://127.0.0.1:${await freePort()}`, {})).toEqual(lost);
  });

  test('trusts a certificate that it was given, and no other', () =>
    withScratch(async (scratch) => {
      const tls = makeCertificate(scratch.dir);
      makeCertificate(scratch.dir, 'other');
      const { url, connections } = await serve((_request, response, body) => {
        response.end(PONG(body));
      }, tls);
      const pong = Array(2).fill({ result: 'pong' });
      expect(await library.call(url, { times: 2, ca: scratch.path('cert.pem') })).toEqual(pong);
      expect(connections()).toBe(1);
      for (const wish of [{}, { ca: scratch.path('other.pem') }]) {
        const lost = { failed: 'unreachable', message: expect.stringMatching(/self.signed certificate/i) };
        expect(await library.call(url, wish)).toEqual([expect.objectContaining(lost)]);
      }
    }));

  test('finds the answers of a batch by their ids, and misses one that is not there', async () => {
    let keep = (_id: number) => true;
    const { url } = await serve((_request, response, body) => {
      const calls = JSON.parse(body) as { id: number; params: string[] }[];
      const answers = calls.reverse().map(({ id, params: [name] }) => {
        if (name !== 'bad') return { jsonrpc: '2.0', id, result: name };
        return { jsonrpc: '2.0', id, error: { code: 1, message: 'Bad', data: { code: 'BAD' } } };
      });
      response.end(JSON.stringify(answers.filter(({ id }) => keep(id))));
    });
    const names = ['a', 'bad', ...Array.from({ length: 1500 }, (_, index) => `n${index}`)];
    const answers = await library.batch(url, names);
    expect(answers.map(({ result }) => result)).toEqual(names.map((name) => (name === 'bad' ? 'BAD' : name)));
    keep = (id) => id % 2 === 0;
    expect(await library.batch(url, ['a', 'b'])).toEqual([expect.objectContaining({ failed: 'refused' })]);
  });

  test('follows events over every way in which a connection can end', async () => {
    const asked: string[] = [];
    const steps: ((response: ServerResponse) => void)[] = [
      (response) => response.end(`${event(1)}\n${event(2)}`),
      (response) => response.writeHead(503).end('Too many event streams'),
      // A character in two pieces, and an event of which the second half never comes.
      (response) => {
        const bytes = Buffer.from(event(3, 'node_removed', { hostname: 'ü' }) + event(4).slice(0, 20));
        const middle = bytes.indexOf(0xc3) + 1;
        response.write(bytes.subarray(0, middle), () =>
          response.write(bytes.subarray(middle), () => setImmediate(() => response.destroy())),
        );
      },
      (response) => response.destroy(),
      // Silence.
      (response) => response.write('\n'),
      (response) =>
        response.write(event(4) + event(9, 'gap', { first: 10 }) + event(10) + event(11, 'enough')),
    ];
    const { url } = await serve((request, response) => {
      asked.push(request.url ?? '');
      steps.shift()?.(response);
    });
    const all = await library.events(url, { after: 0, topics: ['node'], silence_s: 0.4 });
    expect(seqs(all)).toEqual([1, 2, 3, 4, 9, 10, 11]);
    expect(all[2]).toMatchObject({ event: { hostname: 'ü' } });
    expect(all.at(-1)).toEqual({ ended: true });
    expect(asked).toEqual([0, 2, 2, 3, 3, 3].map((after) => `/events?after=${after}&topics=node`));
  });

  test('begins with the next event where it is told no number, and does not lose it with the first connection', async () => {
    const asked: string[] = [];
    const { url } = await serve((request, response, body) => {
      if (request.method === 'POST') response.end(PONG(body, { events: [], last: 41, more: false }));
      else if (asked.push(request.url ?? '') === 1) response.destroy();
      else response.write(event(42, 'enough'));
    });
    expect(seqs(await library.events(url, {}))).toEqual([42]);
    expect(asked).toEqual(['/events?after=41', '/events?after=41']);
  });

  test.each([
    ['an event', (response: ServerResponse) => response.write(event(1))],
    ['an answer', () => false],
    ['the next attempt', (response: ServerResponse) => response.destroy()],
  ])('ends without an error when it is closed while it waits for %s', async (_what, take) => {
    let left: Promise<unknown> | undefined;
    const { url } = await serve(({ socket }, response) => {
      left = new Promise((resolve) => socket.once('close', resolve));
      take(response);
    });
    expect((await library.events(url, { after: 0, close_s: 0.3 })).at(-1)).toEqual({ ended: true });
    await left;
  });

  test.each([
    ['its token is refused', 401, 'no', 'refused', /rejects the token/],
    ['it asks for what is yet to come', 400, 'after is 9', 'refused', /refuses the request.*after is 9/],
    ['what comes are no events', 200, 'hello\n', 'refused', /What comes as events is none/],
    ['an event has no number', 200, '{"type":"x"}\n', 'refused', /What comes as events is none/],
    ['plushd stays away', 503, 'no', 'unreachable', /cannot serve now/],
  ])('gives up following where %s', async (_what, status, text, failed, sentence) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(status).end(text);
    });
    const all = await library.events(url, { after: 7, patience_s: 0.2 });
    expect(all).toEqual([expect.objectContaining({ failed, message: expect.stringMatching(sentence) })]);
  });
});

describe('the client of TypeScript', () => {
  test('ends a call with the reason of its signal, and everything when it is closed', async () => {
    const { url } = await serve((request, response) => {
      if (request.method === 'GET') response.write(event(1));
    });
    const client = new PlushClient({ url, token: 't' });
    const reason = new Error('enough');
    const abort = new AbortController();
    const call = client.with({ signal: abort.signal, patienceMs: 60_000 }).call('plushTestConnection');
    abort.abort(reason);
    await expect(call).rejects.toBe(reason);

    const events = client.events({ after: 0 });
    expect((await events.next()).value).toMatchObject({ seq: 1 });
    const next = events.next();
    const open = client.call('plushTestConnection');
    const failed = expect(open).rejects.toThrow(UnreachableError);
    client.close();
    expect(await next).toEqual({ value: undefined, done: true });
    await failed;
  });
});
