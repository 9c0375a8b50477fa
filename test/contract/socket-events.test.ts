/** Calls and subscriptions on WebSockets of a real plushd, over its death too. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { type Event, SocketClient } from '../harness/socket-client.ts';
import { waitFor } from '../harness/wait.ts';

let scratch: Scratch;
let plushd: Plushd;
const clients: SocketClient[] = [];

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
}, 60_000);

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

async function connect(): Promise<SocketClient> {
  const client = await SocketClient.connect(plushd.url, { token: plushd.token });
  clients.push(client);
  return client;
}

const addNode = (hostname: string) => ({ jsonrpc: '2.0', method: 'plushAddNode', params: [{ hostname }] });
const numbers = (events: readonly Event[]) => events.map(({ seq }) => seq);

test('events come behind the answer that names their subscription, whole, in order and of its topics alone', async () => {
  const client = await connect();
  const { length } = await plushd.events();
  const all = await client.subscribe({ after: 0 });
  const nodes = await client.subscribe({ topics: ['node'], details: false });
  client.send(JSON.stringify(addNode('told.example.org')));
  await waitFor('both', () => client.events(nodes).length === 1 && client.events(all).length === length + 1);
  expect(client.events(all)).toEqual(await plushd.events());
  expect(client.events(nodes)).toEqual([
    { seq: expect.any(Number), time: expect.any(String), type: 'node_added' },
  ]);
  const first = client.heard.findIndex(({ params }) => params?.subscription_id === all);
  const named = client.heard.findIndex(({ result }) => JSON.stringify(result)?.includes(all));
  expect(named).toBeLessThan(first);
});

test('a subscription ends with plushUnsubscribe, and only on the socket that made it', async () => {
  const client = await connect();
  const other = await connect();
  const ended = await client.subscribe();
  const kept = await client.subscribe();
  const { error } = await other.call('plushUnsubscribe', ended);
  expect(error?.message).toMatch(/^SUBSCRIPTION_NOT_FOUND/);
  expect((await client.call('plushUnsubscribe', ended)).result).toBe(true);
  expect((await client.call('plushUnsubscribe', ended)).error?.message).toMatch(/^SUBSCRIPTION_NOT_FOUND/);
  await plushd.call('plushAddNode', { hostname: 'after-the-end.example.org' });
  await waitFor('the event', () => client.events(kept).length > 0);
  expect(client.events(ended)).toEqual([]);
});

test('a subscription is listed with how far it is, until its socket has gone', async () => {
  const client = await connect();
  const id = await client.subscribe({ topics: ['node'], details: false });
  // Nothing of its topic: what was not wanted counts as delivered.
  await plushd.call('plushShell', 'true').catch(() => undefined);
  await plushd.call('plushAddNode', { hostname: 'listed.example.org' });
  const listed = async () => {
    const { subscriptions } = await plushd.call('plushListSubscriptions');
    return subscriptions.find(({ subscription_id }) => subscription_id === id);
  };
  const newest = (await plushd.events()).at(-1)?.seq;
  await waitFor('the event', async () => (await listed())?.delivered === newest);
  expect(await listed()).toEqual({
    subscription_id: id,
    url: '',
    protocol: 'jsonrpc',
    classic: false,
    details: false,
    topics: ['node'],
    signed: false,
    caller: 'owner',
    since: expect.stringMatching(/Z$/),
    delivered: newest,
    behind: 0,
    state: 'active',
  });
  client.close();
  await waitFor('its end', async () => (await listed()) === undefined);
});

test('of a thousand subscriptions most are refused, and those of a socket that is gone count no more', async () => {
  const client = await connect();
  for (let id = 0; id < 1_000; id += 1)
    client.send(`{"jsonrpc":"2.0","id":${id},"method":"plushSubscribe","params":[{"topics":["task"]}]}`);
  await client.text(999);
  const refused = client.heard.filter(({ error }) => error !== undefined);
  expect(refused).toHaveLength(1_000 - 32);
  expect(refused[0]?.error).toMatchObject({
    code: 1032,
    message: expect.stringMatching(/^TOO_MANY_SUBSCRIBERS: A socket has at most 32 subscriptions; end one/),
  });
  for (let i = 0; i < 12; i += 1) {
    client.close();
    await client.closed;
    const next = await connect();
    await waitFor('room', async () => (await next.call('plushSubscribe', {})).result !== undefined);
  }
});

test('calls that change something are decided in the order in which they came, batches between them', async () => {
  const client = await connect();
  const after = (await plushd.events()).at(-1)?.seq ?? 0;
  const names = Array.from({ length: 1_500 }, (_, i) => `ordered-${i}.example.org`);
  for (let i = 0; i < 1_500; i += 300) {
    for (const name of names.slice(i, i + 100)) client.send(JSON.stringify(addNode(name)));
    client.send(JSON.stringify(names.slice(i + 100, i + 200).map(addNode)));
    // Reads between make the batch take its turns.
    const reads = names
      .slice(i + 200, i + 300)
      .flatMap((name) => [
        ...Array.from({ length: 3 }, (_, n) => ({ jsonrpc: '2.0', id: n, method: 'system.listMethods' })),
        addNode(name),
      ]);
    client.send(JSON.stringify(reads));
  }
  const added = await waitFor('all', async () => {
    const events = await plushd.events(after);
    return events.length >= 1_500 ? events : undefined;
  });
  expect(added.map(({ node }) => (node as { hostname: string }).hostname)).toEqual(names);
});

test('a subscriber that reads nothing delays nobody, costs little, and has every event in order in the end', async () => {
  const slow = await connect();
  const quick = await connect();
  const after = (await plushd.events()).at(-1)?.seq ?? 0;
  const ids = await Promise.all([slow.subscribe({ after }), quick.subscribe({ after })]);
  slow.ws.pause();
  const properties = { note: 'x'.repeat(4_000) };
  const count = 3_000;
  const big = (n: number) => ({
    jsonrpc: '2.0',
    method: 'plushAddNode',
    params: [{ hostname: `big-${n}.example.org`, properties }],
  });
  for (let i = 0; i < count; i += 100)
    quick.send(JSON.stringify(Array.from({ length: 100 }, (_, n) => big(i + n))));
  await waitFor('the quick one', () => quick.events(ids[1]).length >= count);
  slow.ws.resume();
  await waitFor('the slow one', () => slow.events(ids[0]).length >= count);
  const expected = Array.from({ length: count }, (_, i) => after + 1 + i);
  expect(numbers(quick.events(ids[1]))).toEqual(expected);
  expect(numbers(slow.events(ids[0]))).toEqual(expected);
}, 60_000);

test('a subscriber sees every event in order when plushd is killed and it goes on with after', async () => {
  let client = await connect();
  const start = (await plushd.events()).at(-1)?.seq ?? 0;
  const seen: Event[] = [];
  let asked = 0;
  for (let life = 0; life < 3; life += 1) {
    await client.subscribe({ after: seen.at(-1)?.seq ?? start });
    for (let i = 0; i < 50; i += 1) {
      asked += 1;
      client.send(JSON.stringify({ ...addNode(`life-${asked}.example.org`), id: asked }));
    }
    await waitFor('some', () => client.events().length > 10);
    await plushd.kill('SIGKILL');
    expect((await client.closed).code).toBe(1006);
    seen.push(...client.events());
    await plushd.restart();
    client = await connect();
  }
  const whole = await plushd.events(start);
  await client.subscribe({ after: seen.at(-1)?.seq ?? start });
  await waitFor('the rest', () => seen.length + client.events().length >= whole.length);
  expect([...seen, ...client.events()]).toEqual(whole);
}, 60_000);

test('a token of its own counts every call of a socket, and closes its sockets when it is revoked', async () => {
  const order = { name: 'monitor', scopes: ['read'] as ['read'], rate: 2 };
  const { token } = await plushd.call('plushCreateToken', order);
  const client = await SocketClient.connect(plushd.url, { protocols: ['plush.v1', `plush.token.${token}`] });
  clients.push(client);
  await client.subscribe({ after: 0 });
  const calls = Array.from({ length: 40 }, (_, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'plushTestConnection',
  }));
  client.send(JSON.stringify(calls));
  const answers = await waitFor('the batch', () => client.texts.find((text) => text.startsWith('[')));
  expect(answers.match(/Hello World/g)?.length).toBeLessThan(22);
  expect(answers).toContain('RATE_LIMITED');
  await plushd.call('plushRevokeToken', 'monitor');
  expect(await client.closed).toEqual({ code: 1008, reason: 'The token is not valid any more' });
});

test('a hand-made client is told what is wrong with its frames, and the same plushd serves the next', async () => {
  const script = join(__dirname, 'socket_client.py');
  const { stdout } = await promisify(execFile)('python3', [script, plushd.url, plushd.token]);
  expect(JSON.parse(stdout)).toEqual({
    good: ['"result":"Hello World"'],
    'in pieces': ['"result":"Hello World"'],
    'a byte at a time': ['"result":"Hello World"'],
    'pings between pieces': ['pong p', '"result":"Hello World"'],
    'no token': ['HTTP 401'],
    'wrong origin': ['HTTP 403'],
    unmasked: ['close 1002'],
    'reserved bit': ['close 1002'],
    'unknown opcode': ['close 1002'],
    'continuation of nothing': ['close 1002'],
    'two messages at once': ['close 1002'],
    'long ping': ['close 1002'],
    binary: ['close 1003'],
    'not UTF-8': ['close 1007'],
    oversized: ['close 1009'],
    'oversized in pieces': ['close 1009'],
    'length beyond numbers': ['close 1009'],
    'too many pieces': ['close 1008'],
    'close with a reason': ['close 1000'],
    'cut off in the middle': ['gone'],
    'cut off behind a call': ['gone'],
    'good again': ['"result":"Hello World"'],
  });
}, 60_000);

test('a stop tells every client that the server goes away', async () => {
  const client = await connect();
  await client.subscribe({ after: 0 });
  await plushd.kill('SIGTERM');
  expect(await client.closed).toEqual({ code: 1001, reason: 'The server stops' });
  expect(await plushd.exited).toEqual({ code: 0, signal: null });
  await plushd.restart();
});
