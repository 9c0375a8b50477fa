import type { Server, Socket } from 'node:net';
import type { Log } from '../log.ts';

/** Drops connections of an address that has too many already, with one line in the log each time that it begins to. */
export function limitPerAddress(server: Server, most: number, log: Log): void {
  const counts = new Map<string, number>();
  const told = new Set<string>();
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: address } = socket;
    // It has gone already.
    if (address === undefined) return;
    const count = (counts.get(address) ?? 0) + 1;
    counts.set(address, count);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left > 0) counts.set(address, left);
      else {
        counts.delete(address);
        told.delete(address);
      }
    });
    if (count <= most) return;
    socket.destroy();
    if (told.has(address)) return;
    told.add(address);
    log.warn({ address, most }, 'Too many connections from one address: new ones are dropped');
  });
}
