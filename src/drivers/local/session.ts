import { setMaxListeners } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { durationText } from '../../core/duration.ts';
import {
  type AccessCause,
  AccessError,
  type ExecOptions,
  type ExecResult,
  type NodeSession,
} from '../access.ts';
import { errorCode } from '../agent-error.ts';
import { runCommand } from '../command.ts';
import { CommandStream } from '../command-stream.ts';
import { startDeadline } from '../deadline.ts';
import { checkSocketPath } from '../unix-socket.ts';
import { startShell } from './shell.ts';

/** A session of a node that is this machine: there is no connection, so it ends only when it is closed. */
export class LocalSession implements NodeSession {
  readonly closed: Promise<AccessError>;
  readonly #hangup = new AbortController();
  readonly #streams = new Set<Duplex>();

  constructor(
    readonly env: Readonly<Record<string, string>>,
    private readonly place: string,
  ) {
    const { signal } = this.#hangup;
    setMaxListeners(0, signal);
    this.closed = new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
    });
  }

  exec(command: string, options: ExecOptions): Promise<ExecResult> {
    const setting = { hangup: this.#hangup.signal, place: this.place };
    return runCommand(() => startShell(command, this.env), options, setting);
  }

  async dial(socketPath: string, timeoutMs: number): Promise<Duplex> {
    checkSocketPath(socketPath);
    const { signal } = this.#hangup;
    signal.throwIfAborted();
    const socket = this.#adopt(connect({ path: socketPath }));
    await connected(socket, socketPath, timeoutMs);
    return socket;
  }

  async pipe(command: string): Promise<Duplex> {
    const { signal } = this.#hangup;
    signal.throwIfAborted();
    const stream = this.#adopt(new CommandStream(await startShell(command, this.env), this.place));
    if (signal.aborted) stream.destroy(signal.reason);
    return stream;
  }

  close(): void {
    if (this.#hangup.signal.aborted) return;
    const reason = new AccessError('closed', `The session of ${this.place} was closed`);
    this.#hangup.abort(reason);
    for (const stream of this.#streams) stream.destroy(reason);
  }

  #adopt<S extends Duplex>(stream: S): S {
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    return stream;
  }
}

function connected(socket: Socket, path: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = startDeadline(timeoutMs, () => {
      const message = `The socket ${path} did not take the connection within ${durationText(timeoutMs)}`;
      socket.destroy(new AccessError('timeout', message));
    });
    const onError = (error: Error) => {
      clearTimeout(deadline);
      reject(error instanceof AccessError ? error : dialFailure(error, path));
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      clearTimeout(deadline);
      socket.off('error', onError);
      resolve();
    });
  });
}

const DIAL_CAUSES: Readonly<Record<string, AccessCause>> = {
  ENOENT: 'not_listening',
  ECONNREFUSED: 'not_listening',
};

function dialFailure(error: Error, path: string): AccessError {
  const cause = DIAL_CAUSES[errorCode(error) ?? ''];
  return cause === undefined
    ? new AccessError('failed', `The socket ${path} cannot be reached: ${error.message}`, { cause: error })
    : new AccessError(cause, `Nobody listens on the socket ${path}`, { cause: error });
}
