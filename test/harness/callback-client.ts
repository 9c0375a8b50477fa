/** A classic callback client: the npm package xmlrpc's server, which knows nothing of Plush. */
import { createServer as createTcpServer } from 'node:net';
import { createServer } from 'xmlrpc';
import { waitFor } from './wait.ts';

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
  /** Stops listening; calls are refused until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startCallbackClient(): Promise<CallbackClient> {
  const calls: { method: string; params: readonly unknown[] }[] = [];
  const port = await freePort();
  let server: ReturnType<typeof createServer> | undefined;
  const start = async () => {
    const starting = createServer({ host: '127.0.0.1', port });
    for (const method of METHODS) {
      starting.on(method, (_error, params, answer) => {
        calls.push({ method, params });
        answer(null, true);
      });
    }
    server = starting;
    await waitFor('the callback client to listen', () => starting.httpServer.listening);
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}/RPC2`,
    calls,
    start,
    async stop() {
      const ending = server;
      server = undefined;
      ending?.httpServer.closeAllConnections();
      if (ending !== undefined) await new Promise<void>((resolve) => ending.close(resolve));
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const bound = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (bound === null || typeof bound === 'string') throw new Error('No port could be bound');
  return bound.port;
}
