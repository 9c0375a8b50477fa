import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import {
  AUTHORIZED,
  connectRaw,
  post,
  type RawClient,
  type StartedFace,
  startFace,
} from '../harness/http-face.ts';
import { waitFor } from '../harness/wait.ts';

const MAX_BODY_BYTES = 200_000;

let face: StartedFace;
let client: RawClient;

beforeEach(async () => {
  face = await startFace({ limits: { maxBodyBytes: MAX_BODY_BYTES } });
  client = await connectRaw(face.port);
});

afterEach(async () => {
  client.socket.destroy();
  await face.close({ graceMs: 0 });
});

const head = (headers: string) => `POST /RPC2 HTTP/1.1\r\n${AUTHORIZED}${headers}\r\n`;

function encoded(encoding: string, body: Buffer): Buffer {
  const headers = `Content-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\n`;
  return Buffer.concat([Buffer.from(head(headers)), body]);
}

async function mustServeOn(): Promise<void> {
  const fresh = await connectRaw(face.port);
  fresh.write(post('/RPC2', 'still here'));
  expect(await fresh.response()).toMatchObject({ status: 200, body: '<still here>' });
  fresh.socket.destroy();
}

describe('a body', () => {
  it('may arrive byte by byte', async () => {
    client.socket.setNoDelay(true);
    const request = post('/RPC2', 'slow but sure');
    for (const byte of Buffer.from(request)) {
      await new Promise<void>((resolve) => client.socket.write(Buffer.of(byte), () => resolve()));
    }
    expect(await client.response()).toMatchObject({ status: 200, body: '<slow but sure>' });
  });

  it('may arrive in chunks of its own making, with extensions and trailers', async () => {
    client.write(head('Transfer-Encoding: chunked\r\n'));
    client.write('3;name="value"\r\nabc\r\n');
    client.write('10\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n');
    expect(await client.response()).toMatchObject({ status: 200, body: '<abc0123456789abcdef>' });
    client.write(post('/RPC2', 'next'));
    expect(await client.response()).toMatchObject({ status: 200, body: '<next>' });
  });

  it('may be exactly as large as the limit', async () => {
    client.write(post('/RPC2', 'x'.repeat(MAX_BODY_BYTES)));
    expect((await client.response()).status).toBe(200);
    client.write(encoded('gzip', gzipSync('x'.repeat(MAX_BODY_BYTES))));
    expect((await client.response()).status).toBe(200);
    expect(face.bodies.map((body) => body.length)).toEqual([MAX_BODY_BYTES, MAX_BODY_BYTES]);
  });

  it('of a declared length over the limit is refused unread', async () => {
    client.write(head(`Content-Length: ${MAX_BODY_BYTES + 1}\r\n`));
    const response = await client.response();
    expect([response.status, response.body]).toEqual([
      413,
      `The body is larger than ${MAX_BODY_BYTES} bytes. Send less at once, or start plushd with a larger --max-body.\n`,
    ]);
    expect(response.headers.get('connection')).toBe('close');
    await mustServeOn();
  });

  it('in chunks is refused when they pass the limit, however many follow', async () => {
    client.write(head('Transfer-Encoding: chunked\r\n'));
    const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
    const pump = () => {
      while (client.socket.writable && client.socket.write(chunk));
    };
    client.socket.on('drain', pump);
    pump();
    expect((await client.response()).status).toBe(413);
    await client.end();
    expect(face.bodies).toEqual([]);
    await mustServeOn();
  });

  it.each([
    ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde'],
    ['a length that is no number', 'Content-Length: five\r\n\r\nabcde'],
    ['a negative length', 'Content-Length: -5\r\n\r\nabcde'],
    ['a chunk size that is no number', 'Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n'],
  ])('with %s is refused', async (_what, rest) => {
    client.write(`POST /RPC2 HTTP/1.1\r\n${AUTHORIZED}${rest}`);
    expect(await client.end()).toMatch(/^HTTP\/1.1 400 /);
    expect(face.bodies).toEqual([]);
    await mustServeOn();
  });

  it('that breaks off does no harm and calls nobody', async () => {
    client.write(`${head('Content-Length: 1000\r\n')}begun`);
    client.write(encoded('gzip', gzipSync('unfinished')).subarray(0, -3));
    const half = await connectRaw(face.port);
    half.write(`${head('Transfer-Encoding: chunked\r\n')}5\r\nbegun\r\n`);
    client.socket.resetAndDestroy();
    half.socket.end();
    await half.end();
    await mustServeOn();
    expect(face.bodies).toEqual(['still here']);
    expect(face.log).toEqual([]);
  });

  it('may be gone with its sender before the answer is ready', async () => {
    let answer: ((value: { body: string; contentType: string }) => void) | undefined;
    const slow = await startFace({
      rpc: {
        xmlrpc: () => new Promise((resolve) => (answer = resolve)),
        jsonrpc: async () => ({ status: 204 }),
        async *events() {},
      },
    });
    try {
      const gone = await connectRaw(slow.port);
      gone.write(post('/RPC2', 'call'));
      const give = await waitFor('the call', () => answer);
      gone.socket.resetAndDestroy();
      give({ body: 'x'.repeat(1_000_000), contentType: 'text/xml' });
      expect((await fetch(`${slow.address}/healthz`)).status).toBe(200);
      expect(slow.log).toEqual([]);
    } finally {
      await slow.close({ graceMs: 0 });
    }
  });
});

describe('a compressed body', () => {
  it.each([
    ['gzip', gzipSync('hello')],
    ['X-GZip', gzipSync('hello')],
    ['gzip', Buffer.concat([gzipSync('hel'), gzipSync('lo')])],
    ['deflate', deflateSync('hello')],
    ['deflate', deflateRawSync('hello')],
    ['identity', Buffer.from('hello')],
  ])('in %s is inflated', async (encoding, body) => {
    client.write(encoded(encoding, body));
    expect(await client.response()).toMatchObject({ status: 200, body: '<hello>' });
  });

  it.each(['br', 'zstd', 'gzip, gzip', ''])('in %p is refused with what is accepted', async (encoding) => {
    client.write(encoded(encoding, Buffer.from('hello')));
    const response = await client.response();
    expect([response.status, response.headers.get('accept-encoding')]).toEqual([415, 'gzip, deflate']);
  });

  it.each([
    ['gzip', Buffer.from('this is no gzip')],
    ['gzip', gzipSync('cut off').subarray(0, -5)],
    ['gzip', Buffer.alloc(0)],
    ['deflate', Buffer.from('neither of the two formats')],
  ])('that is not valid %s is refused, and the connection goes on', async (encoding, body) => {
    client.write(encoded(encoding, body));
    const response = await client.response();
    expect([response.status, response.body]).toEqual([400, expect.stringContaining(`not valid ${encoding}`)]);
    client.write(post('/RPC2', 'next'));
    expect((await client.response()).status).toBe(200);
    expect(face.bodies).toEqual(['next']);
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(100_000_000))],
    ['deflate', deflateSync(Buffer.alloc(100_000_000))],
    ['deflate', deflateRawSync(Buffer.alloc(100_000_000))],
    ['gzip', gzipSync(Buffer.alloc(MAX_BODY_BYTES + 1))],
  ])('that is a bomb (%s) is refused without being inflated', async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(MAX_BODY_BYTES);
    const before = process.memoryUsage().arrayBuffers;
    client.write(encoded(encoding, bomb));
    expect((await client.response()).status).toBe(413);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    await mustServeOn();
    expect(face.bodies).toEqual(['still here']);
  });
});

describe('a client that asks before it sends its body', () => {
  it('is told to go on', async () => {
    client.write(head('Expect: 100-continue\r\nContent-Length: 5\r\n'));
    await client.until('100 Continue', (text) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
    expect((await client.response()).status).toBe(100);
    client.write('hello');
    expect(await client.response()).toMatchObject({ status: 200, body: '<hello>' });
  });

  it.each([
    [401, 'POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'],
    [413, head('Expect: 100-continue\r\nContent-Length: 999999\r\n')],
    [415, head('Expect: 100-continue\r\nContent-Type: image/png\r\nContent-Length: 5\r\n')],
    [417, head('Expect: miracles\r\nContent-Length: 5\r\n')],
  ])('is refused with %i instead', async (status, request) => {
    client.write(request);
    expect((await client.response()).status).toBe(status);
    expect(face.bodies).toEqual([]);
  });
});
