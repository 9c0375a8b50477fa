/** The callback servers of the client libraries, called as plushd calls, and as somebody else might. */
import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { decodeResponse } from '../../src/wire/xmlrpc/decode.ts';
import { encodeCall } from '../../src/wire/xmlrpc/encode.ts';
import { type ClientLibrary, clientLibraries, type Receiver } from '../harness/client-library.ts';
import { waitFor } from '../harness/wait.ts';

const SECRET = 'sixteen characters, at least';
const EVENT = {
  seq: 7,
  time: '2026-01-01T00:00:00.000Z',
  type: 'member_failed',
  run_id: 'r',
  hostname: 'ü:1',
};

const sign = (body: string, secret = SECRET) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
const jsonCall = (method: string, params: unknown, id: unknown = 1) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

describe.each(clientLibraries)('the callback server of %s', (_language, library: ClientLibrary) => {
  let receiver: Receiver;

  afterEach(() => receiver.close());

  const post = async (body: string, headers: Record<string, string> = {}) => {
    const type = body.startsWith('<') ? 'text/xml; charset=utf-8' : 'application/json';
    const response = await fetch(receiver.url, {
      method: 'POST',
      body,
      headers: { 'Content-Type': type, Connection: 'close', ...headers },
    });
    return { status: response.status, text: await response.text() };
  };
  /** A Python program prints a moment later than it answers. */
  const told = (count: number) =>
    waitFor(`${count} calls`, () => (receiver.told().length >= count ? receiver.told() : undefined));

  test('takes classic calls over XML-RPC, and detailed ones over either protocol', async () => {
    receiver = await library.serve({});
    const matching = { workers: ['a', 'b:1'], seq: ['c'] };
    const answers = [
      await post(encodeCall('sendHostStatus', ['ü:1'])),
      await post(encodeCall('sendResourceMatching', [matching])),
      await post(encodeCall('sendHostStatus', [EVENT.hostname, EVENT])),
      // The same fact in another call, then the next one.
      await post(encodeCall('sendResourceMatching', [matching, EVENT])),
      await post(encodeCall('sendEvent', [{ ...EVENT, seq: 8 }])),
      await post(encodeCall('sendApplicationExit', [])),
    ];
    for (const { status, text } of answers) {
      expect({ status, answer: decodeResponse(Buffer.from(text)) }).toEqual({
        status: 200,
        answer: { value: true },
      });
    }
    const json = [
      await post(jsonCall('sendHostStatus', ['x'], 'id')),
      await post(jsonCall('sendEvent', [{ ...EVENT, seq: 9 }], 3)),
    ];
    expect(json.map(({ status, text }) => [status, JSON.parse(text)])).toEqual([
      [200, { jsonrpc: '2.0', id: 'id', result: true }],
      [200, { jsonrpc: '2.0', id: 3, result: true }],
    ]);
    expect(await told(8)).toEqual([
      { called: 'sendHostStatus', params: ['ü:1'] },
      { called: 'sendResourceMatching', params: [matching] },
      { called: 'sendHostStatus', params: ['ü:1', EVENT] },
      { event: EVENT },
      { called: 'sendResourceMatching', params: [matching, EVENT] },
      { event: { ...EVENT, seq: 8 } },
      { called: 'sendHostStatus', params: ['x'] },
      { event: { ...EVENT, seq: 9 } },
    ]);
  });

  test('takes nothing that is not signed with its secret', async () => {
    receiver = await library.serve({ secret: SECRET });
    const body = encodeCall('sendHostStatus', ['a']);
    for (const headers of [
      {},
      { 'X-Plush-Signature': '' },
      { 'X-Plush-Signature': sign(body, 'another secret of the same') },
      { 'X-Plush-Signature': sign(`${body} `) },
      { 'X-Plush-Signature': sign(body).slice('sha256='.length) },
      { 'X-Plush-Signature': 'sha256=é' },
      { 'X-Plush-Signature': `${sign(body)}00` },
    ] as Record<string, string>[]) {
      expect(await post(body, headers)).toEqual({ status: 401, text: expect.stringMatching(/signature/) });
    }
    expect((await post(body, { 'X-Plush-Signature': sign(body) })).status).toBe(200);
    expect(await told(1)).toEqual([{ called: 'sendHostStatus', params: ['a'] }]);
  });

  test('has a call made again that its handler could not handle, with its event', async () => {
    receiver = await library.serve({ fails: 1 });
    const body = encodeCall('sendHostStatus', [EVENT.hostname, EVENT]);
    expect((await post(body)).status).toBe(500);
    expect((await post(body)).status).toBe(200);
    expect(await told(2)).toEqual([
      { called: 'sendHostStatus', params: [EVENT.hostname, EVENT] },
      { event: EVENT },
    ]);
  });

  test('answers what is no call in the protocol it came in, and goes on', async () => {
    receiver = await library.serve({});
    const bad = [
      '<methodCall><methodName>sendHostStatus</methodName><params>',
      '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "e">]><methodCall><methodName>a</methodName></methodCall>',
      '<html/>',
    ];
    for (const body of bad) {
      const { status, text } = await post(body);
      expect(status).toBe(200);
      expect(decodeResponse(Buffer.from(text))).toHaveProperty('fault');
    }
    for (const body of [
      '{"jsonrpc":',
      '[]',
      'null',
      '{}',
      jsonCall('sendHostStatus', 'a'),
      jsonCall('sendHostStatus', { a: 1 }),
    ]) {
      const { status, text } = await post(body, { 'Content-Type': 'application/json' });
      expect({ status, answer: JSON.parse(text) as unknown }).toEqual({
        status: 200,
        answer: {
          jsonrpc: '2.0',
          id: null,
          error: { code: expect.any(Number), message: expect.any(String) },
        },
      });
    }
    // Names that every object has are no callbacks.
    for (const name of ['constructor', '__proto__', 'onEvent', 'secret', 'close']) {
      expect((await post(jsonCall(name, ['x']))).status).toBe(200);
    }
    expect((await fetch(receiver.url)).status).toBeGreaterThanOrEqual(400);
    expect(receiver.told()).toEqual([]);
    expect((await post(encodeCall('sendHostStatus', ['still']))).status).toBe(200);
    expect(await told(1)).toEqual([{ called: 'sendHostStatus', params: ['still'] }]);
  });

  test('does not read a call without a bound', async () => {
    receiver = await library.serve({});
    const { hostname, port } = new URL(receiver.url);
    const open = (head: string) => {
      const socket = connect(Number(port), hostname);
      let answer = '';
      socket.on('data', (bytes) => {
        answer += bytes.toString();
      });
      socket.on('error', () => {
        // It need not read what it has refused.
      });
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n${head}\r\n\r\n`);
      const isOver = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      return { socket, isOver, answer: () => answer };
    };
    const told = open(`Content-Length: ${64 << 20}`);
    await waitFor('the refusal', () => told.answer().startsWith('HTTP/1.1 413'));
    told.socket.destroy();

    const endless = open('Transfer-Encoding: chunked');
    const piece = `${(1 << 20).toString(16)}\r\n${' '.repeat(1 << 20)}\r\n`;
    const feed = () => {
      while (!endless.socket.destroyed && endless.socket.write(piece));
    };
    endless.socket.on('drain', feed);
    feed();
    await endless.isOver;
    expect((await post(encodeCall('sendHostStatus', ['still']))).status).toBe(200);
  });
});
