/** A web server that gives out only so many bytes a second, shared equally, and fewer when it has too many to serve. */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { capacityOf, type Server } from './shared-link.ts';

const TICK_MS = 10;

export interface LimitedServer {
  readonly url: string;
  close(): void;
}

/** @param line most bytes a second for one connection */
export async function startLimitedServer(
  limits: Server,
  line: number,
  bytes: number,
): Promise<LimitedServer> {
  const left = new Map<ServerResponse, number>();
  const chunk = Buffer.alloc(1 << 20);
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Length': bytes, Connection: 'close' });
    left.set(response, bytes);
    response.once('close', () => left.delete(response));
  });
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const seconds = (nowMs - lastMs) / 1000;
    lastMs = nowMs;
    const share = Math.min(line, capacityOf(limits, left.size) / Math.max(1, left.size));
    for (const [response, rest] of left) {
      const now = Math.min(rest, Math.ceil(share * seconds), chunk.length);
      left.set(response, rest - now);
      response.write(chunk.subarray(0, now));
      if (rest > now) continue;
      left.delete(response);
      response.end();
    }
  }, TICK_MS);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/file`,
    close: () => {
      clearInterval(timer);
      server.close();
      server.closeAllConnections();
    },
  };
}
