import { connect as connectTls } from 'node:tls';
import { createHttpFace } from '../../src/drivers/http/server.ts';
import { makeCertificate } from '../harness/certificate.ts';
import {
  AUTHORIZED,
  connectRaw,
  Held,
  post,
  type RawClient,
  rawClient,
  type StartedFace,
  startFace,
} from '../harness/http-face.ts';
import { withScratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

let face: StartedFace;
const clients: RawClient[] = [];

async function connect(): Promise<RawClient> {
  const client = await connectRaw(face.port);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await face.close({ graceMs: 0 });
});

describe('a connection', () => {
  it('serves one call after the other', async () => {
    face = await startFace();
    const client = await connect();
    for (let index = 0; index < 50; index += 1) {
      client.write(post('/RPC2', `call ${index}`));
      expect(await client.response()).toMatchObject({ status: 200, body: `<call ${index}>` });
    }
  });

  it('serves pipelined calls, whole or in pieces, and answers them in order', async () => {
    face = await startFace();
    const client = await connect();
    const text = Array.from({ length: 300 }, (_, index) => post('/RPC2', `call ${index}`)).join('');
    for (let start = 0; start < text.length; start += 1_777) client.write(text.slice(start, start + 1_777));
    for (let index = 0; index < 300; index += 1) {
      expect(await client.response()).toMatchObject({ status: 200, body: `<call ${index}>` });
    }
  });

  it('gets pipelined answers in order also when they become ready in another one', async () => {
    const held = new Held();
    face = await startFace({ rpc: held.rpc });
    const client = await connect();
    client.write(post('/RPC2', 'one') + post('/RPC2', 'two') + post('/nowhere', ''));
    (await held.call(1)).answer('second');
    (await held.call(0)).answer('first');
    expect((await client.response()).body).toBe('first');
    expect((await client.response()).body).toBe('second');
    expect((await client.response()).body).toBe('web');
  });

  it('may not let more calls wait than the limit', async () => {
    const held = new Held();
    face = await startFace({ rpc: held.rpc, limits: { maxPipelined: 3 } });
    const client = await connect();
    client.write(post('/RPC2', 'x').repeat(4));
    for (const index of [0, 1, 2]) (await held.call(index)).answer(`answer ${index}`);
    for (const index of [0, 1, 2]) expect((await client.response()).body).toBe(`answer ${index}`);
    expect((await client.response()).status).toBe(503);
    expect(await client.end()).toBe('');
    expect(held.calls.length).toBe(3);
  });

  it('of HTTP/1.0 is closed after the answer, unless it asks to be kept', async () => {
    face = await startFace();
    const request = (more: string) =>
      post('/RPC2', 'old', more).replace('HTTP/1.1', 'HTTP/1.0').replace('Host: localhost\r\n', '');
    const kept = await connect();
    for (let index = 0; index < 3; index += 1) {
      kept.write(request('Connection: keep-alive\r\n'));
      expect(await kept.response()).toMatchObject({ status: 200, body: '<old>' });
    }
    kept.write(request(''));
    expect(await kept.response()).toMatchObject({ status: 200, body: '<old>' });
    expect(await kept.end()).toBe('');
  });

  it('is closed after the answer when the client says so', async () => {
    face = await startFace();
    const client = await connect();
    client.write(post('/RPC2', 'last', 'Connection: close\r\n'));
    expect((await client.response()).body).toBe('<last>');
    expect(await client.end()).toBe('');
  });

  it('may be half closed by a client that then reads its answer', async () => {
    face = await startFace();
    const client = await connect();
    client.socket.end(post('/RPC2', 'goodbye', 'Connection: close\r\n'));
    expect((await client.response()).body).toBe('<goodbye>');
  });

  it('may be half closed long before its answers are ready', async () => {
    const held = new Held();
    face = await startFace({ rpc: held.rpc });
    const client = await connect();
    client.socket.end(post('/RPC2', 'one') + post('/RPC2', 'two'));
    await held.call(1);
    expect((await fetch(`${face.address}/healthz`)).status).toBe(200);
    for (const index of [1, 0]) (await held.call(index)).answer(`answer ${index}`);
    for (const index of [0, 1]) expect((await client.response()).body).toBe(`answer ${index}`);
    expect(await client.end()).toBe('');
  });

  it.each([
    ['no HTTP at all', 'hello?\r\n\r\n', 400],
    ['another protocol', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000', 400],
    ['no Host in HTTP/1.1', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['a bare line feed in a header', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: b\nC\r\n\r\n', 400],
    [
      'a head that is too large',
      `GET /healthz HTTP/1.1\r\n${`A: ${'x'.repeat(100)}\r\n`.repeat(200)}\r\n`,
      431,
    ],
  ])('with %s is answered and closed', async (_what, text, status) => {
    face = await startFace();
    const client = await connect();
    client.write(text);
    expect(await client.end()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await fetch(`${face.address}/healthz`)).status).toBe(200);
  });
});

describe('a slow sender', () => {
  const limits = { headersTimeoutMs: 150, requestTimeoutMs: 300 };

  it.each([
    ['says nothing', ''],
    ['never ends its head', 'POST /RPC2 HTTP/1.1\r\nHost: loc'],
    ['never ends its body', `POST /RPC2 HTTP/1.1\r\n${AUTHORIZED}Content-Length: 100\r\n\r\nbegun`],
    [
      'never ends its chunks',
      `POST /RPC2 HTTP/1.1\r\n${AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n`,
    ],
  ])('that %s is answered 408 and closed', async (_what, text) => {
    face = await startFace({ limits });
    const client = await connect();
    client.write(text);
    expect(await client.end()).toMatch(/^HTTP\/1\.1 408 /);
    expect(face.bodies).toEqual([]);
  });

  it('cannot win time by sending a byte now and then', async () => {
    face = await startFace({ limits });
    const client = await connect();
    client.write('POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    const drip = setInterval(() => client.socket.writable && client.write('x'), 20);
    try {
      expect(await client.end()).toMatch(/^HTTP\/1\.1 408 /);
    } finally {
      clearInterval(drip);
    }
  });

  it('that rests between two calls for too long is closed', async () => {
    face = await startFace({ limits: { keepAliveTimeoutMs: 50 } });
    const client = await connect();
    client.write(post('/RPC2', 'call'));
    expect((await client.response()).status).toBe(200);
    expect(await client.end()).toBe('');
  });

  it('that does not read its answer is cut off', async () => {
    const held = new Held();
    face = await startFace({ rpc: held.rpc, limits: { idleTimeoutMs: 100 } });
    const client = await connect();
    client.socket.pause();
    client.write(post('/RPC2', 'call'));
    (await held.call(0)).answer('x'.repeat(50_000_000));
    // Closing waits for connections with an answer under way; this one must end on its own.
    await face.close({ graceMs: 600_000 });
    client.socket.resume();
    expect((await client.end()).length).toBeLessThan(50_000_000);
  });
});

describe('too many connections', () => {
  it('are dropped, with one line in the log, while those that are there go on', async () => {
    face = await startFace({ limits: { maxConnections: 2 } });
    const first = await connect();
    const second = await connect();
    for (const client of [first, second]) {
      client.write(post('/RPC2', 'call'));
      expect((await client.response()).status).toBe(200);
    }
    for (let index = 0; index < 5; index += 1) expect(await (await connect()).end()).toBe('');
    expect(face.log).toEqual([expect.objectContaining({ level: 'warn', details: { maxConnections: 2 } })]);
    first.write(post('/RPC2', 'call'));
    expect((await first.response()).status).toBe(200);
    second.socket.destroy();
    await waitFor('room for another one', async () => {
      const client = await connect();
      client.write(post('/RPC2', 'call'));
      return client.response().then(
        ({ status }) => status === 200,
        () => false,
      );
    });
  });
});

describe('too many connections of one address', () => {
  it('are dropped, with one line in the log, while those that are there go on', async () => {
    face = await startFace({ limits: { maxConnectionsPerAddress: 2 } });
    const [one, two] = [await connect(), await connect()];
    for (const client of [one, two]) {
      client.write(post('/RPC2', 'known'));
      expect((await client.response()).status).toBe(200);
    }
    for (const further of [await connect(), await connect()]) expect(await further.end()).toBe('');
    two.socket.destroy();
    await waitFor('the place to be free', async () => {
      const next = await connect();
      next.write(post('/RPC2', 'next', 'Connection: close\r\n'));
      return (await next.end()).includes('<next>');
    });
    one.write(post('/RPC2', 'still here'));
    expect((await one.response()).body).toBe('<still here>');
    const lines = face.log.filter(({ message }) =>
      message.startsWith('Too many connections from one address'),
    );
    expect(lines.length).toBeGreaterThanOrEqual(1);
    expect(lines[0]?.details).toEqual({ address: '127.0.0.1', most: 2 });
  });

  it('give way to newer ones, the oldest first, as long as they have shown no good token', async () => {
    face = await startFace({ limits: { maxConnectionsPerAddress: 3 } });
    const known = await connect();
    known.write(post('/RPC2', 'known'));
    expect((await known.response()).status).toBe(200);
    const [silent, half] = [await connect(), await connect()];
    half.write('POST /RPC2 HTTP/1.1\r\nHost: ');
    const flood = [];
    for (let n = 0; n < 20; n += 1) flood.push(await connect());
    expect([await silent.end(), await half.end()]).toEqual(['', '']);
    const late = await connect();
    for (const client of [known, late]) {
      client.write(post('/RPC2', 'served'));
      expect((await client.response()).body).toBe('<served>');
    }
    for (const one of flood.slice(0, -1)) expect(await one.end()).toBe('');
  });
});

describe('closing', () => {
  it('ends resting connections at once and takes no new ones', async () => {
    face = await startFace();
    const silent = await connect();
    const rested = await connect();
    rested.write(post('/RPC2', 'call'));
    expect((await rested.response()).status).toBe(200);
    await face.close({ graceMs: 60_000 });
    expect([await silent.end(), await rested.end()]).toEqual(['', '']);
    await expect(connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await face.close({ graceMs: 0 });
  });

  it('lets answers under way finish, whole, however large', async () => {
    const held = new Held();
    face = await startFace({ rpc: held.rpc });
    const client = await connect();
    client.write(post('/RPC2', 'one') + post('/RPC2', 'two'));
    const second = await held.call(1);
    const closed = face.close({ graceMs: 60_000 });
    const large = 'x'.repeat(5_000_000);
    second.answer(large);
    (await held.call(0)).answer('first');
    expect((await client.response()).body).toBe('first');
    expect((await client.response()).body === large).toBe(true);
    expect(await client.end()).toBe('');
    await closed;
  });

  it('serves a call that arrives on a busy connection, and then ends it', async () => {
    const held = new Held();
    face = await startFace({ rpc: held.rpc });
    const client = await connect();
    client.write(post('/RPC2', 'one'));
    await held.call(0);
    const closed = face.close({ graceMs: 60_000 });
    client.write(post('/RPC2', 'two'));
    (await held.call(1)).answer('second');
    (await held.call(0)).answer('first');
    expect((await client.response()).body).toBe('first');
    const second = await client.response();
    expect([second.body, second.headers.get('connection')]).toEqual(['second', 'close']);
    await closed;
  });

  it('cuts what is left when the time is over', async () => {
    const held = new Held();
    face = await startFace({ rpc: held.rpc });
    const client = await connect();
    client.write(post('/RPC2', 'never answered'));
    await held.call(0);
    await face.close({ graceMs: 50 });
    expect(await client.end()).toBe('');
  });
});

describe('listening', () => {
  const other = (host: string, port: number) =>
    createHttpFace({
      listen: { host, port },
      authenticate: () => undefined,
      rpc: new Held().rpc,
      web: (_request, _response, next) => next(),
      log: { error() {}, warn() {}, info() {}, debug() {} },
    });

  it('is refused on an address in use, with the address in the sentence', async () => {
    face = await startFace();
    await expect(other('127.0.0.1', face.port).listen()).rejects.toMatchObject({
      name: 'HttpFaceError',
      code: 'address_in_use',
      message: expect.stringContaining(`127.0.0.1:${face.port}`),
    });
  });

  it('is refused on an address that is not of this machine', async () => {
    await expect(other('192.0.2.1', 0).listen()).rejects.toMatchObject({ code: 'address_unavailable' });
  });

  it('may be closed before it began', async () => {
    await expect(other('127.0.0.1', 0).close({ graceMs: 0 })).resolves.toBeUndefined();
  });
});

describe('with a certificate', () => {
  it('serves HTTPS, shrugs at those who do not speak it, and closes as well', async () => {
    await withScratch(async ({ dir }) => {
      const tls = makeCertificate(dir);
      face = await startFace({ tls });
      expect(face.address).toBe(`https://127.0.0.1:${face.port}`);
      const plain = await connect();
      plain.write(post('/RPC2', 'no TLS'));
      await plain.end();
      const stalled = await connect();
      const socket = connectTls({
        port: face.port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: tls.cert,
      });
      const client = rawClient(socket);
      clients.push(client);
      client.write(post('/RPC2', 'secret'));
      expect(await client.response()).toMatchObject({ status: 200, body: '<secret>' });
      await face.close({ graceMs: 50 });
      expect([await client.end(), await stalled.end()]).toEqual(['', '']);
      expect(face.bodies).toEqual(['secret']);
    });
  });

  it('that is none, refuses to start', async () => {
    face = await startFace();
    await expect(startFace({ tls: { cert: 'no PEM', key: 'no PEM' } })).rejects.toMatchObject({
      code: 'bad_certificate',
    });
  });
});
