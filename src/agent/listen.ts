import * as fs from 'node:fs';
import type { Server } from 'node:net';

/** Listens on a Unix socket that nobody but this account may connect to. @throws the system's error */
export function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const umask = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        fs.chmodSync(path, 0o600);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}
