/** The examples of the JSON-RPC 2.0 specification, and ids of every kind, over HTTP and over a WebSocket. */

import { EventStream } from '../../src/controller/event-stream.ts';
import { Fault } from '../../src/controller/fault.ts';
import { createRpc } from '../../src/controller/rpc.ts';
import { SocketClients } from '../../src/controller/socket-clients.ts';
import { SocketSubscriptions } from '../../src/controller/socket-subscriptions.ts';
import { createMemoryJournal } from '../../src/drivers/journal-memory.ts';
import { type StartedFace, startFace, TOKEN } from '../harness/http-face.ts';
import { examples } from '../harness/jsonrpc-examples.ts';
import { SocketClient } from '../harness/socket-client.ts';

/** The methods that the examples call. */
const calls = {
  async call(method: string, params: unknown): Promise<unknown> {
    const list = Array.isArray(params) ? (params as number[]) : [];
    const { minuend, subtrahend } = params as { minuend?: number; subtrahend?: number };
    switch (method) {
      case 'subtract':
        return (list[0] ?? minuend ?? 0) - (list[1] ?? subtrahend ?? 0);
      case 'sum':
        return list.reduce((sum, one) => sum + one, 0);
      case 'get_data':
        return ['hello', 5];
      default:
        throw new Fault('UNKNOWN_METHOD', 'No example has it');
    }
  },
};

let face: StartedFace;
let socket: SocketClient;

beforeAll(async () => {
  const { xmlrpc, jsonrpc, converse } = createRpc(calls, { unreadable: () => undefined });
  const journal = createMemoryJournal();
  const events = new EventStream(journal);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  face = await startFace({
    rpc: { xmlrpc, jsonrpc, events: (query) => events.stream(query) },
    openSocket: new SocketClients({
      converse,
      events,
      journal,
      socketSubscriptions: new SocketSubscriptions(),
      log,
    }).open,
  });
  socket = await SocketClient.connect(face.address, { token: TOKEN });
});

afterAll(async () => {
  socket.close();
  await face.close({ graceMs: 0 });
});

async function overHttp(body: string): Promise<string> {
  const response = await fetch(`${face.address}/rpc`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
    body,
  });
  return response.text();
}

/** @param silent behind a message that is not answered comes one that is, and its answer is the next that is heard */
async function overSocket(body: string, silent = false): Promise<string> {
  const next = socket.texts.length;
  socket.send(body);
  if (!silent) return socket.text(next);
  socket.send('{"jsonrpc":"2.0","id":"mark","method":"sum"}');
  const text = await socket.text(next);
  return text === '{"jsonrpc":"2.0","id":"mark","result":0}' ? '' : text;
}

/** The sentences are ours, and errors carry data; the codes and ids are the specification's. */
function bare(text: string): unknown {
  if (text === '') return '';
  return JSON.parse(text, (key, value: unknown) => (key === 'message' || key === 'data' ? undefined : value));
}

describe.each([
  ['HTTP', overHttp],
  ['a WebSocket', overSocket],
])('over %s', (_transport, send) => {
  it.each(examples)('the specification is kept for %s', async (_what, request, response) => {
    expect(bare(await send(request, response === ''))).toEqual(bare(response));
  });

  it.each([
    '"text"',
    '""',
    '"ü\\u0000\\ud83d\\ude00"',
    '"__proto__"',
    '0',
    '-1',
    '1.0',
    '1.50',
    '1e3',
    '9007199254740993',
    '123456789012345678901234567890',
    '1e400',
    'null',
  ])('the id %s is echoed to the letter', async (id) => {
    const text = await send(`{"jsonrpc":"2.0","method":"sum","params":[1,2],"id":${id}}`);
    expect(text).toBe(`{"jsonrpc":"2.0","id":${id},"result":3}`);
  });

  it('an id of a hundred thousand characters is echoed to the letter', async () => {
    const id = `"${'x'.repeat(100_000)}"`;
    const text = await send(`{"jsonrpc":"2.0","method":"sum","params":[],"id":${id}}`);
    expect(text).toBe(`{"jsonrpc":"2.0","id":${id},"result":0}`);
  });

  it.each(['true', '[1]', '{"a":1}'])('the id %s is refused with id null', async (id) => {
    const text = await send(`{"jsonrpc":"2.0","method":"sum","params":[],"id":${id}}`);
    expect(bare(text)).toEqual({ jsonrpc: '2.0', id: null, error: { code: -32600 } });
  });
});
