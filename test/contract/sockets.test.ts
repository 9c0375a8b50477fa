/** WebSockets on GET /rpc: in what order messages begin, what is bounded, and how each ends. */
import { createAuthenticate } from '../../src/drivers/http/auth.ts';
import type { HttpFaceOptions, SocketPeer } from '../../src/drivers/http/face.ts';
import { connectRaw, type StartedFace, startFace, TOKEN } from '../harness/http-face.ts';
import { SocketClient, type SocketClientOptions } from '../harness/socket-client.ts';
import { handshake, Messages } from '../harness/socket-messages.ts';
import { letPass, waitFor } from '../harness/wait.ts';

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

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await face.close({ graceMs: 0 });
});

describe('messages', () => {
  it('are answered in the order in which their answers come', async () => {
    await start();
    const client = await connect();
    for (const text of ['a', 'b', 'c']) client.send(text);
    await messages.heard(3);
    messages.answer(2, 'C');
    messages.answer(0, 'A');
    messages.answer(1, 'B');
    await client.text(2);
    expect([messages.bodies, client.texts]).toEqual([
      ['a', 'b', 'c'],
      ['C', 'A', 'B'],
    ]);
  });

  it('do not overtake a batch whose calls are not all begun', async () => {
    await start();
    const client = await connect();
    client.send('[batch]');
    client.send('!behind');
    await messages.heard(1);
    const other = await connect();
    other.send('!elsewhere');
    await other.text(0);
    expect(messages.bodies).toEqual(['[batch]', '!elsewhere']);
    messages.begin(0);
    expect(await client.text(0)).toBe('!behind');
    messages.answer(0, 'batch');
    expect(await client.text(1)).toBe('batch');
  });

  it('wait while too many are under way, and nothing more is read', async () => {
    await start({ limits: { maxSocketMessages: 4 } });
    const client = await connect();
    const big = 'x'.repeat(200_000);
    for (let i = 0; i < 200; i += 1) client.send(`${i} ${big}`);
    await messages.heard(4);
    // What the kernel takes is far less than the 40 MB that were sent.
    await atRest('the sending', () => client.ws.bufferedAmount);
    expect(client.ws.bufferedAmount).toBeGreaterThan(20_000_000);
    expect(messages.bodies).toHaveLength(4);
    for (let i = 0; i < 200; i += 1) {
      await messages.heard(i + 1);
      messages.answer(i, `${i}`);
    }
    await client.text(199);
    expect(messages.bodies.map((body) => body.split(' ')[0])).toEqual(client.texts);
  });

  it('wait while a client reads none of its answers; those of others do not', async () => {
    await start({ limits: { maxUnsentBytes: 1_000_000 } });
    const client = await connect();
    const other = await connect();
    client.ws.pause();
    const answer = `!${'x'.repeat(500_000)}`;
    for (let i = 0; i < 100; i += 1) client.send(answer);
    await atRest('the messages', () => messages.bodies.length);
    expect(messages.bodies.length).toBeLessThan(60);
    other.send('!quick');
    expect(await other.text(0)).toBe('!quick');
    client.ws.resume();
    await waitFor('all', () => client.texts.length === 100);
  });

  it('of everybody wait while all together leave too much unread', async () => {
    await start({ limits: { maxTotalUnsentBytes: 1_000_000 } });
    const client = await connect();
    const other = await connect();
    client.ws.pause();
    for (let i = 0; i < 50; i += 1) client.send(`!${'x'.repeat(500_000)}`);
    await atRest('the messages', () => messages.bodies.length);
    client.ws.resume();
    other.send('!later');
    await waitFor('all', () => client.texts.length === 50 && other.texts.length === 1);
  });

  it('are refused in binary frames', async () => {
    await start();
    const client = await connect();
    client.ws.send(Buffer.from('!x'));
    expect(await client.closed).toEqual({ code: 1003, reason: 'Send JSON-RPC in text frames' });
    expect(messages.bodies).toEqual([]);
  });

  it('may be as large as a body, and no larger', async () => {
    await start({ limits: { maxBodyBytes: 1000 } });
    const client = await connect();
    client.send('!'.padEnd(1000, 'x'));
    await client.text(0);
    client.send('!'.padEnd(1001, 'x'));
    expect((await client.closed).code).toBe(1009);
  });

  it('whose handler breaks end the socket, and the log has the cause', async () => {
    await start({
      openSocket: () => ({
        message: () => ({ begun: undefined, answer: Promise.reject(new Error('a defect')) }),
      }),
    });
    const client = await connect();
    client.send('x');
    expect((await client.closed).code).toBe(1011);
    expect(face.log.map(({ message }) => message)).toEqual(['A message on a WebSocket failed unexpectedly']);
  });
});

describe('a socket', () => {
  it('is closed with 1001 when the server stops, behind the answers that are due', async () => {
    await start();
    const client = await connect();
    client.send('a');
    await messages.heard(1);
    const closed = face.close({ graceMs: 10_000 });
    expect(messages.peers[0]?.signal.aborted).toBe(true);
    client.send('!too late');
    messages.answer(0, 'A');
    expect(await client.closed).toEqual({ code: 1001, reason: 'The server stops' });
    await closed;
    expect([messages.bodies, client.texts]).toEqual([['a'], ['A']]);
  });

  it('whose client does not close its side is cut when the time to stop is over', async () => {
    await start();
    const raw = await connectRaw(face.port);
    raw.write(handshake());
    await raw.until('the handshake', (text) => text.includes('\r\n\r\n'));
    const begun = performance.now();
    await face.close({ graceMs: 200 });
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it('is closed once its token is not valid any more, whether it calls or only listens', async () => {
    const end = new AbortController();
    const caller = { name: 'short', scopes: new Set(['read'] as const), revoked: end.signal };
    await start({ authenticate: createAuthenticate([{ token: TOKEN, caller }]) });
    const silent = await connect();
    const calling = await connect();
    end.abort();
    calling.send('!x');
    for (const client of [silent, calling]) {
      expect(await client.closed).toEqual({ code: 1008, reason: 'The token is not valid any more' });
    }
    expect(messages.bodies).toEqual([]);
  });

  it('is pinged, and ended when nothing comes back', async () => {
    await start({ limits: { heartbeatMs: 20 } });
    const dead = await connect({ token: TOKEN, autoPong: false });
    const alive = await connect();
    expect((await dead.closed).code).toBe(1006);
    await waitFor('its end', () => messages.peers[0]?.signal.aborted);
    alive.send('!x');
    await alive.text(0);
  });

  it('is ended when its client reads nothing of what waits for it', async () => {
    await start({ limits: { idleTimeoutMs: 200, heartbeatMs: 50 } });
    const client = await connect();
    client.ws.pause();
    for (let i = 0; i < 20; i += 1) client.send(`!${'x'.repeat(1_000_000)}`);
    await waitFor('its end', () => messages.peers[0]?.signal.aborted);
  });

  it('is closed when a message takes too long to arrive', async () => {
    await start({ limits: { heartbeatMs: 50, requestTimeoutMs: 100, headersTimeoutMs: 100 } });
    const raw = await connectRaw(face.port);
    raw.write(handshake());
    await raw.until('the handshake', (text) => text.includes('\r\n\r\n'));
    raw.write(Buffer.from([0x81, 0xfe, 0x01, 0x00, 0, 0, 0, 0, 0x21]));
    const drip = setInterval(() => raw.write('x'), 10);
    const text = await raw.until('the close', (received) => received.includes('too long'));
    clearInterval(drip);
    expect(text).toContain('A message took too long to arrive');
    raw.socket.destroy();
  });

  it('is told to a sender of events when it is full, and when there is room again', async () => {
    await start();
    const client = await connect();
    await waitFor('the socket', () => messages.peers[0]);
    const [peer] = messages.peers as [SocketPeer];
    client.ws.pause();
    let sent = 0;
    const sending = (async () => {
      for (; sent < 500; sent += 1) await peer.send('x'.repeat(50_000));
    })();
    await atRest('the sending', () => sent);
    expect(sent).toBeLessThan(400);
    client.ws.resume();
    await sending;
    await waitFor('all', () => client.texts.length === 500);
  });
});

/** Waits until a number that grows does not any more. */
function atRest(what: string, look: () => number): Promise<unknown> {
  return waitFor(`${what} to rest`, async () => {
    const before = look();
    await letPass(50);
    return before > 0 && look() === before;
  });
}
