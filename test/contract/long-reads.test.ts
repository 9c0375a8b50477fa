/** Requests that read very much of the journal: others are served meanwhile, and nothing is read for who has gone. */
import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { openSqliteJournal } from '../../src/drivers/journal-sqlite.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { RawCalls, jsonCall as rpc } from '../harness/raw-calls.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { SocketClient } from '../harness/socket-client.ts';
import { waitFor } from '../harness/wait.ts';

const FACTS = 60_000;
const REQUESTS = 20;
const CALLS = 400;

let scratch: Scratch;
let plushd: Plushd;
let raw: RawCalls;

beforeAll(async () => {
  scratch = makeScratch();
  mkdirSync(`${scratch.dir}/state`, { mode: 0o700 });
  const journal = openSqliteJournal(`${scratch.dir}/state/journal.db`);
  const body = { operation_id: 'o', component: 'c', ok: true };
  const fact = { time: '2026-01-01T00:00:00.000Z', type: 'resources_answered', body };
  journal.append(Array(FACTS).fill(fact));
  journal.close();
  plushd = await startPlushd({ scratch });
  raw = new RawCalls(plushd);
}, 60_000);

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

/** Looks at 20,000 facts for each of its calls, and finds none. */
function longRead(): Buffer {
  const one = { methodName: 'plushGetEvents', params: [{ after: 10_000, limit: 1000, topics: ['run'] }] };
  return raw.request('/rpc', rpc('system.multicall', JSON.stringify([Array(CALLS).fill(one)])));
}

function begin(): Socket {
  const socket = connect(Number(new URL(plushd.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(longRead());
  return socket;
}

async function metric(pattern: RegExp): Promise<number> {
  const headers = { authorization: `Bearer ${plushd.token}` };
  const text = await (await fetch(`${plushd.url}/metrics`, { headers })).text();
  return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
}

const RUNNING = /^plush_calls_running (\d+)$/gm;
const ENDED = /^plush_calls_total\{[^}]*method="plushGetEvents"[^}]*\} (\d+)$/gm;
const REFUSED = /^plush_calls_total\{[^}]*method="plushGetEvents"[^}]*TOO_LARGE[^}]*\} (\d+)$/gm;

test('others are answered while many long reads are under way, which end when their clients go', async () => {
  const readers = Array.from({ length: REQUESTS }, begin);
  try {
    let answered = 0;
    for (const reader of readers) reader.once('data', () => (answered += 1));
    await waitFor('reads under way', async () => (await metric(RUNNING)) >= REQUESTS);
    for (let round = 0; round < 5; round += 1) {
      expect((await fetch(`${plushd.url}/healthz`)).status).toBe(200);
      expect(await plushd.call('plushTestConnection')).toBe('Hello World');
    }
    expect(answered).toBe(0);
  } finally {
    for (const reader of readers) reader.destroy();
  }
  await waitFor('the end of all reads', async () => (await metric(ENDED)) === REQUESTS * CALLS);
  expect(await metric(REFUSED)).toBeGreaterThan((REQUESTS * CALLS) / 2);
}, 60_000);

test('a call that waits ends with its client, so that those who have gone take no places from others', async () => {
  await plushd.addLocalNodes(1);
  const id = await plushd.call('plushShell', 'sleep 60', { timeout_s: 60 });
  const wait = rpc('plushGetOperation', JSON.stringify([id, { wait_s: 30 }]));
  const several = 15;
  const bodies = [`[${Array(several).fill(wait).join()}]`, ...Array<string>(49).fill(wait)];
  const waiters = bodies.map((body) => {
    const socket = connect(Number(new URL(plushd.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(raw.request('/rpc', body));
    return socket;
  });
  const page = await SocketClient.connect(plushd.url, { token: plushd.token });
  page.send(`[${Array(several).fill(wait).join()}]`);
  await waitFor('calls that wait', async () => (await metric(RUNNING)) >= 49 + 2 * several);
  const began = performance.now();
  page.close();
  for (const socket of waiters) socket.destroy();
  await waitFor('their end', async () => (await metric(RUNNING)) === 0);
  expect(performance.now() - began).toBeLessThan(15_000);
  // Node warns on stderr where many wait for one connection's end and that is not meant.
  const strange = plushd.logText().split('\n');
  expect(strange.filter((line) => line !== '' && !line.startsWith('{'))).toEqual([]);
}, 60_000);

test('a page that leaves nearly everything out is whole, and tells where to go on', async () => {
  const page = (await plushd.call('plushGetEvents', {
    after: 10_000,
    limit: 1000,
    topics: ['run'],
  })) as object;
  expect(page).toEqual({ events: [], last: 30_000, more: true });
});
