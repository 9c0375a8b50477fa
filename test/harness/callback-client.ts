/** A classic callback client: the npm package xmlrpc's server, which knows nothing of Plush. */
import type { Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { waitFor } from './wait.ts';

/** As much of the package's interface as is used; it comes without types. */
interface PeerServer {
  readonly httpServer: Server;
  on(
    method: string,
    take: (error: null, params: readonly unknown[], answer: (error: unknown, value: unknown) => void) => void,
  ): void;
}
interface Peer {
  createServer(options: { host: string; port: number }): PeerServer;
}

const METHODS = [
  'sendPlanetLabSlices',
  'sendSliceNodes',
  'sendApplicationExit',
  'sendHostStatus',
  'sendBlockStatus',
  'sendResourceMatching',
];

export interface CallbackClient {
  readonly url: string;
  /** Calls in the order in which they came. */
  readonly calls: readonly { readonly method: string; readonly params: readonly unknown[] }[];
  /** Answers every call with a fault. @default false */
  refuses: boolean;
  /** Stops listening; calls are refused until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startCallbackClient(): Promise<CallbackClient> {
  const calls: { method: string; params: readonly unknown[] }[] = [];
  const port = await freePort();
  let server: Server | undefined;
  const start = async () => {
    const starting = jest.requireActual<Peer>('xmlrpc').createServer({ host: '127.0.0.1', port });
    for (const method of METHODS) {
      starting.on(method, (_error, params, answer) => {
        calls.push({ method, params });
        answer(client.refuses ? { faultCode: 1, faultString: 'No' } : null, true);
      });
    }
    server = starting.httpServer;
    await waitFor('the callback client to listen', () => starting.httpServer.listening);
  };
  const client: CallbackClient = {
    refuses: false,
    url: `http://127.0.0.1:${port}/RPC2`,
    calls,
    start,
    async stop() {
      const ending = server;
      server = undefined;
      ending?.closeAllConnections();
      if (ending !== undefined) await new Promise((resolve) => ending.close(resolve));
    },
  };
  await start();
  return client;
}

/** A port of the loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const bound = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (bound === null || typeof bound === 'string') throw new Error('No port could be bound');
  return bound.port;
}
