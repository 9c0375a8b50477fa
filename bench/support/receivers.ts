/** A hundred subscribers over JSON-RPC, each a server of its own; one is dead, and one takes its time. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const SUBSCRIBERS = 100;
/** Time that the slow one takes for each call. */
const SLOW_MS = 1_000;

export interface Receiver {
  readonly url: string;
  readonly kind: 'healthy' | 'slow' | 'dead';
}

export interface Receivers {
  readonly all: readonly Receiver[];
  /** Events that healthy ones have had, all together, since the last reset. */
  count(): number;
  /** Time from the fact to its arrival at a healthy one, in ms, one for each event. */
  lags(): readonly number[];
  reset(): void;
  close(): Promise<void>;
}

export async function startReceivers(): Promise<Receivers> {
  let lags: number[] = [];
  const servers: Server[] = [];
  const all: Receiver[] = [];
  for (let i = 0; i < SUBSCRIBERS; i += 1) {
    const kind = i === 0 ? 'dead' : i === 1 ? 'slow' : 'healthy';
    const server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const { id, params } = JSON.parse(body) as { id: number; params: { time: string }[] };
        const time = params.at(-1)?.time;
        if (kind === 'healthy' && time !== undefined) lags.push(Date.now() - Date.parse(time));
        const text = `{"jsonrpc":"2.0","id":${id},"result":true}`;
        const headers = { 'Content-Type': 'application/json', 'Content-Length': text.length };
        const answer = () => response.writeHead(200, headers).end(text);
        if (kind === 'slow') setTimeout(answer, SLOW_MS);
        else answer();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    all.push({ url: `http://127.0.0.1:${port}/`, kind });
    if (kind === 'dead') server.close();
    else servers.push(server);
  }
  return {
    all,
    count: () => lags.length,
    lags: () => lags,
    reset() {
      lags = [];
    },
    async close() {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  return text;
}
