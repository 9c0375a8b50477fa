/** What goes on during a soak: clients that come, call, listen, break off and go, each at its own pace. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { encodeCall } from '../../src/wire/xmlrpc/encode.ts';
import { applicationXml } from '../../test/harness/application.ts';
import { CallFault, type Plushd } from '../../test/harness/plushd.ts';

export const GROUP = 'soak';
export const APP = 'soak';

/** One thing that a client does, again and again, and the pause before it does so again. */
interface Habit {
  readonly pauseMs: number;
  act(round: number): Promise<unknown>;
}

export interface Soakers {
  /** How often each habit was acted on. */
  readonly counts: Readonly<Record<string, number>>;
  /** Ends all of them; resolves when the last act is over. @throws what one of them threw */
  stop(): Promise<void>;
}

/** Has all habits acted on until they are stopped. @param onError is told of the first act that fails */
export async function startSoakers(plushd: Plushd, onError: (error: unknown) => void): Promise<Soakers> {
  const receiver = await startReceiver();
  const habits = habitsOf(plushd, `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`);
  const counts: Record<string, number> = {};
  const end = new AbortController();
  const lives = Object.entries(habits).map(async ([name, { act, pauseMs }]) => {
    for (let round = 1; !end.signal.aborted; round += 1) {
      try {
        await act(round);
      } catch (error) {
        onError(new Error(`The soak's ${name} failed`, { cause: error }));
        return;
      }
      counts[name] = round;
      await pause(pauseMs, undefined, { signal: end.signal }).catch(unlessAborted);
    }
  });
  return {
    counts,
    async stop() {
      end.abort();
      await Promise.all(lives);
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
    },
  };
}

function habitsOf(plushd: Plushd, receiver: string): Record<string, Habit> {
  return {
    calls: { pauseMs: 20, act: (round) => callOnce(plushd, round) },
    nodes: { pauseMs: 1_000, act: (round) => comeAndGo(plushd, round) },
    runs: { pauseMs: 1_000, act: (round) => runOnce(plushd, round) },
    subscribers: { pauseMs: 500, act: (round) => subscribeAWhile(plushd, receiver, round) },
    streams: { pauseMs: 200, act: () => listenAWhile(plushd) },
    sockets: { pauseMs: 300, act: (round) => talkAWhile(plushd, round) },
    'broken off': { pauseMs: 100, act: (round) => breakOff(plushd, round) },
  };
}

async function callOnce(plushd: Plushd, round: number): Promise<void> {
  switch (round % 4) {
    case 0:
      await plushd.call('plushListNodes', { limit: 50 });
      return;
    case 1:
      await plushd.call('plushGetEvents', { after: 0, limit: 20 });
      return;
    case 2: {
      const missing = await plushd.call('plushGetNode', `nobody-${round}`).catch((error: unknown) => error);
      if (!(missing instanceof CallFault)) throw new Error('A node that nobody added was found');
      return;
    }
    default: {
      const response = await fetch(`${plushd.url}/RPC2`, {
        method: 'POST',
        headers: { ...authorized(plushd), 'content-type': 'text/xml' },
        body: encodeCall('plushInfoControl', []),
      });
      if (!(await response.text()).includes('journal')) throw new Error('plushInfoControl told nothing');
    }
  }
}

/** Fifty nodes come by one multicall, and go by another. */
async function comeAndGo(plushd: Plushd, round: number): Promise<void> {
  const names = Array.from({ length: 50 }, (_, index) => `guest-${round % 7}-${index}`);
  await plushd.call(
    'system.multicall',
    names.map((hostname) => ({ methodName: 'plushAddNode', params: [{ hostname, group: 'guests' }] })),
  );
  await pause(200);
  await plushd.call(
    'system.multicall',
    names.map((hostname) => ({ methodName: 'plushRemoveNode', params: [hostname] })),
  );
}

/** An application of one line of output on each of two nodes. */
export function soakApplication(name: string, group: string): string {
  return applicationXml({
    name,
    components: [{ name: 'all', hosts: 2, group }],
    blocks: [
      { name: 'work', component: 'all', processes: [{ name: 'line', path: '/bin/echo', args: ['soaked'] }] },
    ],
  });
}

/** Every fourth run is aborted as soon as it is begun. */
async function runOnce(plushd: Plushd, round: number): Promise<void> {
  const run = await plushd.call('plushStartRun', { app: APP });
  if (round % 4 === 0) await plushd.call('plushAbortRun', run);
  await plushd.waitRun(run, ['succeeded', 'aborted']);
}

/** Every fifth URL leads nowhere. */
async function subscribeAWhile(plushd: Plushd, receiver: string, round: number): Promise<void> {
  const url = round % 5 === 0 ? `http://127.0.0.1:9/${round}` : `${receiver}/${round}`;
  const { subscription_id } = await plushd.call('plushSubscribe', {
    url,
    protocol: 'jsonrpc',
    details: true,
    after: 0,
  });
  await pause(1_500);
  await plushd.call('plushUnsubscribe', subscription_id);
}

async function listenAWhile(plushd: Plushd): Promise<void> {
  const leave = new AbortController();
  const response = await fetch(`${plushd.url}/events?after=0`, {
    headers: authorized(plushd),
    signal: leave.signal,
  });
  await response.body?.getReader().read();
  await pause(300);
  leave.abort();
}

/** A WebSocket that subscribes, hears of something, and is closed or cut. */
async function talkAWhile(plushd: Plushd, round: number): Promise<void> {
  const socket = new WebSocket(`${plushd.url.replace('http', 'ws')}/rpc`, { headers: authorized(plushd) });
  const closed = once(socket, 'close');
  await once(socket, 'open');
  const params = [{ details: true, after: 0 }];
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'plushSubscribe', params }));
  const [first] = (await once(socket, 'message')) as [Buffer];
  if (first.toString().includes('"error"')) throw new Error(`A socket was answered ${first.toString()}`);
  await once(socket, 'message');
  if (round % 2 === 0) socket.terminate();
  else socket.close();
  await closed;
}

/** In turn: a body that is cut off, an answer that nobody waits for, and a stream that nobody reads. */
async function breakOff(plushd: Plushd, round: number): Promise<void> {
  const { hostname, port } = new URL(plushd.url);
  const body = encodeCall('plushListNodes', []);
  const head = `Host: ${hostname}\r\nAuthorization: Bearer ${plushd.token}\r\n`;
  const call = `POST /RPC2 HTTP/1.1\r\n${head}Content-Type: text/xml\r\nContent-Length: ${body.length}\r\n\r\n`;
  const texts = [
    call + body.slice(0, body.length / 2),
    call + body,
    `GET /events?after=0 HTTP/1.1\r\n${head}\r\n`,
  ];
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(texts[round % texts.length] ?? '');
  await pause(50);
  if (round % 2 === 0) socket.resetAndDestroy();
  else socket.destroy();
}

/** A subscriber that takes everything. */
async function startReceiver(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end('{"jsonrpc":"2.0","id":1,"result":true}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function authorized({ token }: Plushd): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** A pause that the end cut short is over. @throws anything else */
function unlessAborted(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
}
