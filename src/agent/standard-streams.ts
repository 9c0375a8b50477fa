/** The agent's standard streams: the caller hears one line, then the agent lets go of what the caller gave it. */
import * as fs from 'node:fs';
import { errorCode } from '../drivers/agent-error.ts';

/** Size of the log from which it is put aside; two of them are kept. */
const MAX_LOG_BYTES = 1 << 20;
const TELL_ATTEMPTS = 1_000;

/** Writes one line to the caller. Without process.stdout, which would keep the stream and load much. */
export function tell(message: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let at = 0, attempt = 0; at < bytes.length && attempt < TELL_ATTEMPTS; attempt += 1) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch (error) {
      // EPIPE: the caller has gone, and nobody waits for the line. EAGAIN: its pipe is full.
      if (errorCode(error) === 'EPIPE') return;
      if (errorCode(error) !== 'EAGAIN') throw error;
    }
  }
}

/** The agent's log: stderr once it is detached, so that Node's own last words go there too. */
export class Log {
  constructor(private readonly path: string) {}

  /** Lets go of the caller's streams: the log becomes stderr, the others lead nowhere. */
  detach(): void {
    for (const [fd, path, flags] of [
      [0, '/dev/null', 'r'],
      [1, '/dev/null', 'w'],
      [2, this.path, 'a'],
    ] as const) {
      reopen(fd, path, flags);
    }
  }

  readonly write = (message: string): void => {
    try {
      if (fs.fstatSync(2).size > MAX_LOG_BYTES) {
        fs.renameSync(this.path, `${this.path}.1`);
        reopen(2, this.path, 'a');
      }
      fs.writeSync(2, `${new Date().toISOString()} ${message}\n`);
    } catch {
      // A log that cannot be written (full disk, removed folder) has nowhere to say so, and must not end the agent.
    }
  };
}

/**
 * Opens a file under a number: the lowest free one is taken, and the lower ones are open. Where the file cannot be had, as on a full disk,
 * something else must take the number, or the next file of all would hear what is said here. @throws the system's error
 */
function reopen(fd: number, path: string, flags: string): void {
  fs.closeSync(fd);
  try {
    fs.openSync(path, flags, 0o600);
  } catch (error) {
    fs.openSync('/dev/null', 'r+');
    throw error;
  }
}
