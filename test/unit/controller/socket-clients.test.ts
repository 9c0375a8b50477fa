import type { CallRequest } from '../../../src/controller/call.ts';
import { EventStream } from '../../../src/controller/event-stream.ts';
import { createRpc } from '../../../src/controller/rpc.ts';
import { SocketClients } from '../../../src/controller/socket-clients.ts';
import { SocketSubscriptions } from '../../../src/controller/socket-subscriptions.ts';
import type { SocketPeer } from '../../../src/drivers/http/face.ts';
import { createMemoryJournal } from '../../../src/drivers/journal-memory.ts';
import { waitFor } from '../../harness/wait.ts';

const caller = { name: 'owner', scopes: new Set(['read'] as const) };
const log = { debug() {}, info() {}, warn() {}, error() {} };

/** One client that reads as slowly as a test likes, and a controller that can do nothing but subscribe. */
class World {
  readonly journal = createMemoryJournal();
  readonly events = new EventStream(this.journal);
  readonly gone = new AbortController();
  readonly sent: string[] = [];
  /** The client has taken the first that it was sent, and takes all that follows at once. */
  read = () => {};
  readonly #reads = new Promise<void>((resolve) => {
    this.read = resolve;
  });
  readonly clients = new SocketClients({
    converse: createRpc(
      {
        call: async (_method: string, params: unknown, { socket }: CallRequest) =>
          socket?.subscribe((params as [{ after: number }])[0]),
      },
      { unreadable: () => undefined },
    ).converse,
    events: this.events,
    journal: this.journal,
    socketSubscriptions: new SocketSubscriptions(),
    log,
  });
  readonly peer: SocketPeer = {
    signal: this.gone.signal,
    send: (text) => {
      this.sent.push(text);
      return this.#reads;
    },
  };

  write(count: number): void {
    const fact = { time: '2026-01-01T00:00:00.000Z', type: 'quit_requested', body: {} };
    this.journal.append(Array.from({ length: count }, () => fact));
    this.events.wake();
  }

  /** The events that were sent, once there are so many. */
  async seen(count: number): Promise<unknown[]> {
    await waitFor(`${count} events`, () => this.sent.length >= count);
    return this.sent.map((text) => (JSON.parse(text) as { params: { event: unknown } }).params.event);
  }

  async subscribe(params: string): Promise<void> {
    const body = Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"plushSubscribe","params":[${params}]}`);
    const { answer } = this.clients.open(this.peer, undefined).message(body, caller);
    const { text, sent } = await answer;
    expect(text).toMatch(/"subscription_id":"socket:[0-9a-f]{16}"/);
    expect(this.sent).toEqual([]);
    sent();
  }
}

test('a slow subscriber whom compaction overtakes is told of the gap, and goes on behind it', async () => {
  const world = new World();
  world.write(3_000);
  await world.subscribe('{"after":0,"details":false}');
  await waitFor('the first event', () => world.sent.length > 0);
  world.journal.saveSnapshot({ seq: 3_000, version: 1, rows: [] });
  world.journal.compact(2_990);
  // The page that was read before is still given.
  world.read();
  const seen = await world.seen(511);
  expect(seen.slice(499)).toEqual([
    expect.objectContaining({ seq: 500, type: 'quit_requested' }),
    { seq: 2_990, type: 'gap', first: 2_991 },
    ...Array.from({ length: 10 }, (_, i) => expect.objectContaining({ seq: 2_991 + i })),
  ]);
  world.gone.abort();
});

test('a subscription from now on has what was written while its answer was on the way', async () => {
  const world = new World();
  world.write(10);
  const body = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"plushSubscribe","params":[{}]}');
  const { answer } = world.clients.open(world.peer, undefined).message(body, caller);
  world.write(1);
  const { sent } = await answer;
  sent();
  expect(await world.seen(1)).toEqual([expect.objectContaining({ seq: 11 })]);
  world.gone.abort();
});
