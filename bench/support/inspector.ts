/** Looks into a plushd through its inspector: what it keeps in memory once all that is garbage is gone. */
import { WebSocket } from 'ws';
import type { Plushd } from '../../test/harness/plushd.ts';
import { waitFor } from '../../test/harness/wait.ts';

/** A plushd that is to be looked into is started with it; the agents that inherit it are not touched by it. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' };

const MEGABYTE = 1e6;

export interface Inspector {
  /** Megabytes (10^6) of objects and buffers that are in use. */
  usedMegabytes(): Promise<number>;
  /** Sockets, timers, processes and whatever else keeps its event loop. */
  handles(): Promise<number>;
  close(): void;
}

/** @throws Error when the inspector does not open */
export async function inspect(plushd: Plushd): Promise<Inspector> {
  process.kill(plushd.pid, 'SIGUSR1');
  const url = await waitFor('the inspector', () => /ws:\/\/\S+/.exec(plushd.logText())?.[0]);
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.once('open', resolve).once('error', reject);
  });
  let last = 0;
  const ask = (method: string, params: object = {}) =>
    new Promise<{ result?: { value?: unknown } }>((resolve) => {
      const id = ++last;
      const take = (data: Buffer) => {
        const message = JSON.parse(data.toString()) as {
          id?: number;
          result?: { result?: { value?: unknown } };
        };
        if (message.id !== id) return;
        socket.off('message', take);
        resolve(message.result ?? {});
      };
      socket.on('message', take);
      socket.send(JSON.stringify({ id, method, params }));
    });
  const evaluate = async (expression: string) => {
    const { result } = await ask('Runtime.evaluate', { expression, returnByValue: true });
    return Number(result?.value);
  };
  return {
    async usedMegabytes() {
      await ask('HeapProfiler.collectGarbage');
      const bytes = await evaluate(
        '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())',
      );
      return bytes / MEGABYTE;
    },
    handles: () => evaluate('process.getActiveResourcesInfo().length'),
    close: () => socket.terminate(),
  };
}
