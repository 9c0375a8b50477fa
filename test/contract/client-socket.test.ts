/** The WebSocket of the client library, with a real plushd. */
import { PlushClient } from '../../clients/typescript/client.ts';
import type { PlushEvent } from '../../clients/typescript/events.ts';
import { PlushFault, RefusedError, UnreachableError } from '../../clients/typescript/fault.ts';
import { freePort } from '../harness/callback-client.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

/** More than a socket lets wait before it stops to read. */
const MANY = 3_000;

let scratch: Scratch;
let plushd: Plushd;
let client: PlushClient;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  client = new PlushClient({ stateDir: scratch.path('state') });
});

afterAll(async () => {
  client.close();
  await plushd.close();
  await scratch.remove();
});

async function take(events: AsyncIterable<PlushEvent>, count: number): Promise<PlushEvent[]> {
  const taken: PlushEvent[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

const add = (first: number, count: number) =>
  client.batch(
    Array.from({ length: count }, (_, index) => ({
      method: 'plushAddNode' as const,
      params: [{ hostname: `n${first + index}`, type: 'local' }] as [{ hostname: string; type: 'local' }],
    })),
  );

test('carries calls, faults and the events of several subscriptions', async () => {
  const socket = await client.socket();
  const nodes = await socket.subscribe({ topics: ['node'] });
  const all = await socket.subscribe({ after: 0 });
  const found = await Promise.all([
    socket.call('plushTestConnection'),
    socket.with({ timeoutMs: 5_000 }).call('plushAddNode', { hostname: 'a', type: 'local' }),
    socket.call('plushGetNode', 'missing').catch((error: unknown) => error),
  ]);
  expect(found).toEqual(['Hello World', true, expect.any(PlushFault)]);
  expect(found[2]).toMatchObject({
    symbol: 'NODE_NOT_FOUND',
    hint: expect.stringContaining('plushListNodes'),
  });
  expect(await take(nodes, 1)).toMatchObject([
    { type: 'node_added', node: { hostname: 'a' }, source: 'api' },
  ]);
  expect((await take(all, 2)).map(({ seq }) => seq)).toEqual([1, 2]);
  await nodes.end();
  await socket.call('plushRemoveNode', 'a');
  expect(await take(nodes, 9)).toEqual([]);
  await socket.close();
  await socket.closed;
  await expect(socket.call('plushTestConnection')).rejects.toThrow(UnreachableError);
});

test('keeps the order for a reader who is slow and calls meanwhile', async () => {
  await add(0, MANY);
  const { last } = await client.call('plushGetEvents', { after: -1 });
  const socket = await client.socket();
  const events = await socket.subscribe({ after: 0 });
  const seqs: number[] = [];
  for await (const { seq } of events) {
    seqs.push(seq);
    // Its answer comes behind the events that wait.
    if (seq % 500 === 0) await socket.call('plushTestConnection');
    if (seq === last) break;
  }
  expect(seqs).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  await socket.close();
});

test('says of a token, an address and an abort what is wrong', async () => {
  const wrong = new PlushClient({ url: plushd.url, token: 'wrong' });
  await expect(wrong.socket()).rejects.toThrow(RefusedError);
  await expect(wrong.socket()).rejects.toThrow(/rejects the token/);
  const nobody = new PlushClient({ url: `http://127.0.0.1:${await freePort()}`, token: 'x' });
  await expect(nobody.socket()).rejects.toThrow(UnreachableError);
  const reason = new Error('enough');
  await expect(client.socket({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('ends what waits on it when plushd dies, and a new one goes on after the last event', async () => {
  const socket = await client.socket();
  const events = await socket.subscribe();
  const waiting = take(events, 1);
  const call = socket.call('plushGetOperation', 'none', { wait_s: 30 }).catch((error: unknown) => error);
  await plushd.kill('SIGKILL');
  await expect(waiting).rejects.toThrow(UnreachableError);
  // A fault, where it was answered before.
  expect(await call).toBeInstanceOf(Error);
  await socket.closed;

  await plushd.restart();
  const { last } = await client.with({ patienceMs: 10_000 }).call('plushGetEvents', { after: -1 });
  const again = await client.socket();
  expect(await take(await again.subscribe({ after: last - 1 }), 1)).toMatchObject([{ seq: last }]);
  await again.close();
});
