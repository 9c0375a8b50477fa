import { isAbsolute } from 'node:path';
import { AccessError } from './access.ts';

/** Room for a path in the address of a Unix socket, without its closing NUL: 108 bytes on Linux, 104 on BSD and macOS. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * Holds a socket's path to what the system can take, because some systems cut a long one short in silence.
 *
 * @throws AccessError `failed`
 */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    const limit = `at most ${MAX_SOCKET_PATH_BYTES}`;
    throw new AccessError(
      'failed',
      `The socket's path ${path} has ${bytes} bytes; a Unix socket takes ${limit}`,
    );
  }
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new AccessError('failed', `The socket's path ${JSON.stringify(path)} is not an absolute path`);
  }
}
