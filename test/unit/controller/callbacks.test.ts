/** Callbacks over a journal in memory and a clock that the test moves; subscribers are real servers. */
import type { Clock } from '../../../src/controller/callback-reader.ts';
import { Callbacks } from '../../../src/controller/callbacks.ts';
import { Loop } from '../../../src/controller/loop.ts';
import { RecentEvents } from '../../../src/controller/recent-events.ts';
import type { InputOf } from '../../../src/core/input.ts';
import { classicId } from '../../../src/core/subscription/decide.ts';
import { createMemoryJournal } from '../../../src/drivers/journal-memory.ts';
import { startCallbackClient } from '../../harness/callback-client.ts';
import { type Answering, startSubscriber } from '../../harness/subscriber.ts';
import { waitFor } from '../../harness/wait.ts';

const HOUR_MS = 60 * 60_000;
const RANDOM = 0.5;

/** Time that stands still until it is moved. */
class HandClock implements Clock {
  now = Date.parse('2026-01-01T00:00:00Z');
  /** Delays asked for, in order. */
  readonly delays: number[] = [];
  #waiting: (() => void)[] = [];

  nowMs(): number {
    return this.now;
  }

  after(ms: number, run: () => void): () => void {
    this.delays.push(ms);
    this.#waiting.push(run);
    return () => {
      this.#waiting = this.#waiting.filter((one) => one !== run);
    };
  }

  /** Time passes, and whoever waits is called. */
  pass(ms: number): void {
    this.now += ms;
    const due = this.#waiting;
    this.#waiting = [];
    for (const run of due) run();
  }
}

let closing: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
  closing = [];
});

function controller(maxHeldFacts?: number) {
  const journal = createMemoryJournal();
  const clock = new HandClock();
  const logged: object[] = [];
  const log = () => {};
  let callbacks: Callbacks | undefined;
  const loop = new Loop({
    journal,
    moment: () => ({ nowMs: clock.now, seed: journal.last }),
    carryOut: () => {},
    onCommit: () => callbacks?.wake(),
    onFatal: (error) => {
      throw error;
    },
    onSnapshotFailed: () => {},
    keepAfter: () => 0,
  });
  callbacks = new Callbacks({
    journal,
    state: loop.state,
    secrets: { get: () => undefined },
    isGoodCaller: () => true,
    submit: (input) => loop.submit(input),
    random: () => RANDOM,
    clock,
    log: { debug: log, info: log, error: log, warn: (facts) => logged.push(facts) },
    ...(maxHeldFacts === undefined ? {} : { maxHeldFacts }),
  });
  const running = callbacks;
  closing.push(() => running.close());
  return {
    journal,
    clock,
    logged,
    callbacks: running,
    state: loop.state,
    addNodes: (...names: string[]) =>
      Promise.all(
        names.map((hostname) => loop.submit({ type: 'add_node', node: { hostname, type: 'ssh' } })),
      ),
    async subscribe(url: string, more: Partial<InputOf<'subscribe'>> = {}) {
      const order = { url, protocol: 'jsonrpc', details: true, signed: false, caller: 'me' } as const;
      const id = await loop.submit({ type: 'subscribe', ...order, now: journal.last, ...more });
      running.registered(id ?? '');
      return id ?? '';
    },
    async register(url: string) {
      await loop.submit({ type: 'register_client', url });
      running.registered(classicId(url));
    },
    /** Has facts up to a number removed. */
    compact(upTo: number) {
      loop.close();
      journal.compact(upTo);
    },
  };
}

async function subscriber(answering?: (n: number) => Answering) {
  const started = await startSubscriber(answering);
  closing.push(() => started.stop());
  return started;
}

describe('Callbacks', () => {
  test('tries a subscriber that fails ever more seldom, with jitter, and suspends it after a day', async () => {
    const dead = await subscriber();
    await dead.stop();
    const { subscribe, callbacks, clock, addNodes, state, journal } = controller();
    const id = await subscribe(dead.url);
    await addNodes('a');
    const failures = (count: number) =>
      waitFor(`failure ${count}`, () => callbacks.list()[0]?.failures === count);
    for (let count = 1; count <= 12; count += 1) {
      await failures(count);
      clock.pass(clock.delays.at(-1) ?? 0);
    }
    const whole = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000];
    expect(clock.delays).toEqual(whole.map((ms) => ms * (0.5 + RANDOM / 2)));
    expect(callbacks.list()).toMatchObject([
      { state: 'failing', message: expect.stringMatching(/ECONNREFUSED/) },
    ]);
    // Until it is suspended it holds its history.
    expect(callbacks.needed()).toBe(0);
    await failures(13);
    clock.pass(24 * HOUR_MS);
    await waitFor('the suspension', () => state.subscriptions.get(id)?.suspended);
    await waitFor('its fact', () =>
      [...journal.read(0)].some(({ type }) => type === 'subscription_suspended'),
    );
    expect(callbacks.list()).toMatchObject([{ state: 'suspended' }]);
    expect(callbacks.needed()).toBe(journal.last);
    const tries = clock.delays.length;
    await addNodes('b');
    clock.pass(24 * HOUR_MS);
    expect(clock.delays).toHaveLength(tries);
  });

  test('does not suspend a subscriber whose failures began long ago before it was tried often enough', async () => {
    const dead = await subscriber();
    await dead.stop();
    const { subscribe, callbacks, clock, addNodes, state } = controller();
    const id = await subscribe(dead.url);
    await addNodes('a');
    await waitFor('a failure', () => callbacks.list()[0]?.failures === 1);
    clock.pass(48 * HOUR_MS);
    await waitFor('another', () => callbacks.list()[0]?.failures === 2);
    expect(state.subscriptions.get(id)?.suspended).toBeUndefined();
  });

  test('goes on where a suspended subscriber was, and tells of the gap where history is gone', async () => {
    const away = await subscriber();
    const { subscribe, callbacks, clock, addNodes, state, journal, compact } = controller();
    const id = await subscribe(away.url);
    await addNodes('a');
    await waitFor('the first calls', () => callbacks.list()[0]?.delivered === 2);
    await away.stop();
    await addNodes('b', 'c', 'd');
    for (let count = 1; count <= 10; count += 1) {
      await waitFor('a failure', () => (callbacks.list()[0]?.failures ?? 0) >= count);
      clock.pass(4 * HOUR_MS);
    }
    await waitFor('the suspension', () => state.subscriptions.get(id)?.suspended);
    compact(4);
    const told = away.calls.length;
    await away.start();
    expect(await subscribe(away.url)).toBe(id);
    await waitFor('the rest', () => callbacks.list()[0]?.delivered === journal.last);
    const rest = away.calls.slice(told).map(({ method, params }) => [method, params.at(-1)]);
    expect(rest).toEqual([
      ['sendEvent', { seq: 4, type: 'gap', first: 5 }],
      ['sendHostStatus', expect.objectContaining({ seq: 5, node: { hostname: 'd', type: 'ssh' } })],
      ['sendEvent', expect.objectContaining({ seq: 6, type: 'subscription_suspended' })],
      ['sendEvent', expect.objectContaining({ seq: 7, type: 'subscription_updated' })],
    ]);
    expect(callbacks.list()).toMatchObject([{ state: 'active', failures: 0 }]);
  });

  test('holds no more history for those who are behind than a bound', async () => {
    const { url } = await subscriber(() => 'never');
    const { subscribe, callbacks, addNodes, journal } = controller(3);
    await subscribe(url);
    await addNodes('a', 'b', 'c', 'd', 'e');
    expect(callbacks.list()[0]?.delivered).toBe(0);
    expect(callbacks.needed()).toBe(journal.last - 3);
  });

  test('takes an error for a failure of a subscription, and any answer of a classic client for a delivery', async () => {
    const { url, calls } = await subscriber((n) => (n < 3 ? 'error' : 'result'));
    const { subscribe, callbacks, addNodes, journal, clock, register } = controller();
    const classic = await startCallbackClient();
    closing.push(classic.stop);
    classic.refuses = true;
    await register(classic.url);
    await subscribe(url, { details: false, topics: ['node'] });
    await addNodes('a');
    for (let count = 1; count <= 3; count += 1) {
      await waitFor('a failure', () => clock.delays.length === count);
      clock.pass(1);
    }
    await waitFor('both to have it', () =>
      callbacks.list().every(({ delivered }) => delivered === journal.last),
    );
    expect(calls.map(({ method, params }) => [method, params])).toEqual(
      Array.from({ length: 4 }, () => ['sendHostStatus', ['a']]),
    );
    expect(classic.calls).toEqual([{ method: 'sendHostStatus', params: ['a'] }]);
  });
});

describe('RecentEvents', () => {
  function counted(facts: number, size = 10) {
    const journal = createMemoryJournal();
    const body = { text: 'x'.repeat(size) };
    journal.append(Array.from({ length: facts }, () => ({ time: '', type: 'filler', body })));
    let reads = 0;
    const recent = new RecentEvents({
      get last() {
        return journal.last;
      },
      get first() {
        return journal.first;
      },
      read: (after, limit) => {
        reads += 1;
        return journal.read(after, limit);
      },
    });
    return { recent, journal, reads: () => reads };
  }

  test('reads the journal once for a hundred who are at the same place', () => {
    const { recent, reads } = counted(640);
    for (let after = 0; after < 640; after += 1) {
      const found = new Set(Array.from({ length: 100 }, () => recent.next(after)));
      expect([...found].map((event) => event?.record.seq)).toEqual([after + 1]);
    }
    expect(reads()).toBe(20);
    expect(recent.next(640)).toBeUndefined();
  });

  test('keeps a bounded number of bytes, calls included, and reads anew what it let go', () => {
    const { recent, reads } = counted(40, 1 << 20);
    for (let after = 0; after < 40; after += 1) expect(recent.next(after)?.record.seq).toBe(after + 1);
    const before = reads();
    expect(recent.next(39)?.record.seq).toBe(40);
    expect(reads()).toBe(before);
    recent.grew(40, 32 << 20);
    // The last one is kept whatever its size, for those who come to it together.
    expect(recent.next(39)?.record.seq).toBe(40);
    expect(reads()).toBe(before);
    expect(recent.next(0)?.record.seq).toBe(1);
    expect(recent.next(39)?.record.seq).toBe(40);
    expect(reads()).toBe(before + 2);
  });
});
