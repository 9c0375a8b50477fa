/** The handshake of WebSockets on GET /rpc: who is let in, and what those who are not are told. */
import type { HttpFaceOptions } from '../../src/drivers/http/face.ts';
import { AUTHORIZED, connectRaw, type StartedFace, startFace, TOKEN } from '../harness/http-face.ts';
import { HandshakeRefused, SocketClient, type SocketClientOptions } from '../harness/socket-client.ts';
import { handshake, Messages } from '../harness/socket-messages.ts';
import { waitFor } from '../harness/wait.ts';

let face: StartedFace;
let messages: Messages;
const clients: SocketClient[] = [];

async function start(options: Partial<HttpFaceOptions> = {}): Promise<void> {
  messages = new Messages();
  face = await startFace({ openSocket: messages.open, ...options });
}

async function connect(options: SocketClientOptions = { token: TOKEN }): Promise<SocketClient> {
  const client = await SocketClient.connect(face.address, options);
  clients.push(client);
  return client;
}

async function refusal(options: SocketClientOptions): Promise<HandshakeRefused> {
  const error: unknown = await connect(options).then(
    () => new Error('It was let in'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof HandshakeRefused)) throw error;
  return error;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await face.close({ graceMs: 0 });
});

describe('a handshake', () => {
  it.each<[string, SocketClientOptions, string]>([
    ['the token as bearer token', { token: TOKEN }, ''],
    [
      'the token as password of HTTP Basic',
      { headers: { Authorization: `Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}` } },
      '',
    ],
    ['the token as a subprotocol', { protocols: ['plush.v1', `plush.token.${TOKEN}`] }, 'plush.v1'],
    ['the subprotocols the other way round', { protocols: [`plush.token.${TOKEN}`, 'plush.v1'] }, 'plush.v1'],
    ['a header that is right beside a subprotocol', { token: TOKEN, protocols: ['plush.v1'] }, 'plush.v1'],
  ])('with %s opens a socket, and the token is not sent back', async (_what, options, protocol) => {
    await start();
    const client = await connect(options);
    expect(client.ws.protocol).toBe(protocol);
    expect(client.ws.extensions).toBe('');
    client.send('!hello');
    expect(await client.text(0)).toBe('!hello');
    expect(messages.callers).toEqual(['owner']);
  });

  it.each<[string, SocketClientOptions, number, RegExp]>([
    ['without a token', {}, 401, /needs the API token/],
    ['with a wrong token', { token: 'wrong' }, 401, /needs the API token/],
    [
      'with a wrong subprotocol',
      { protocols: ['plush.v1', 'plush.token.wrong'] },
      401,
      /needs the API token/,
    ],
    ['with an empty subprotocol', { protocols: ['plush.v1', 'plush.token.'] }, 401, /needs the API token/],
    ['with a wrong header', { token: 'no', protocols: ['plush.v1', `plush.token.${TOKEN}`] }, 401, /needs/],
    ['with nothing but a token', { protocols: [`plush.token.${TOKEN}`] }, 400, /Offer .* plush\.v1 beside/],
    [
      'from a page of others',
      { token: TOKEN, headers: { Origin: 'http://evil.example' } },
      403,
      /Pages from "http:\/\/evil.example"/,
    ],
    ['from no page at all', { token: TOKEN, headers: { Origin: 'null' } }, 403, /Pages from "null"/],
    ['by a name that is not ours', { token: TOKEN, headers: { Host: 'evil.example' } }, 403, /host name/],
  ])('%s is refused', async (_what, options, status, sentence) => {
    await start();
    const error = await refusal(options);
    expect([error.status, error.sentence]).toEqual([status, expect.stringMatching(sentence)]);
    expect(error.headers.connection).toBe('close');
    expect(messages.peers).toEqual([]);
  });

  it('from a page that this server itself shows is let in', async () => {
    await start();
    await connect({ protocols: ['plush.v1', `plush.token.${TOKEN}`], headers: { Origin: face.address } });
  });

  it('beyond the bound is told to try again, until a socket is closed', async () => {
    await start({ limits: { maxSockets: 2 } });
    const first = await connect();
    await connect();
    const { status, headers } = await refusal({ token: TOKEN });
    expect([status, headers['retry-after']]).toEqual([503, '10']);
    first.ws.close();
    await first.closed;
    await waitFor('room', () => connect().catch(() => undefined));
  });

  it('is refused behind requests whose answers are due, since nothing could be sent before those', async () => {
    await start({ rpc: { ...never(), async *events() {} } });
    const raw = await connectRaw(face.port);
    raw.write(`POST /RPC2 HTTP/1.1\r\n${AUTHORIZED}Content-Length: 1\r\n\r\nx${handshake()}`);
    expect(await raw.end()).toBe('');
  });

  it.each([
    ['an older version', handshake({ version: '8' }), 426],
    ['a key that is none', handshake({ key: 'short' }), 400],
    ['subprotocols that are none', handshake({ more: 'Sec-WebSocket-Protocol: a b, ,\r\n' }), 400],
    ['another method', handshake({ method: 'PUT' }), 405],
    ['another path', handshake({ path: '/events' }), 200],
    ['no wish for a socket', handshake({ upgrade: 'h2c' }), 426],
  ])('with %s is answered by HTTP', async (_what, text, status) => {
    await start();
    const raw = await connectRaw(face.port);
    raw.write(text);
    const head = await raw.until('the head', (received) => received.includes('\r\n\r\n'));
    expect(head.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    raw.socket.destroy();
  });

  it('that is cut off in the middle is ended in time', async () => {
    await start({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 100 } });
    const raw = await connectRaw(face.port);
    raw.write(handshake().slice(0, -10));
    expect(await raw.end()).toMatch(/^HTTP\/1.1 408/);
  });

  it.each([
    ['POST /RPC2', 'h2c', '<x>'],
    ['POST /RPC2', 'websocket', '<x>'],
  ])('is not seen in %s with "Upgrade: %s": the call is served', async (line, upgrade, answer) => {
    await start();
    const raw = await connectRaw(face.port);
    const call = `${line} HTTP/1.1\r\n${AUTHORIZED}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${upgrade}\r\nContent-Length: 1\r\n\r\nx`;
    for (let i = 0; i < 2; i += 1) {
      raw.write(call);
      expect((await raw.response()).body).toBe(answer);
    }
    raw.socket.destroy();
  });
});

/** Handlers that never answer. */
function never() {
  return {
    xmlrpc: () => new Promise<never>(() => undefined),
    jsonrpc: () => new Promise<never>(() => undefined),
  };
}
