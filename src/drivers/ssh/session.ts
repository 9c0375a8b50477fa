import { setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { durationText } from '../../core/duration.ts';
import { AccessError, type ExecOptions, type ExecResult, type NodeSession } from '../access.ts';
import { messageOf } from '../agent-error.ts';
import { runCommand } from '../command.ts';
import { CommandStream } from '../command-stream.ts';
import { startDeadline } from '../deadline.ts';
import { checkSocketPath } from '../unix-socket.ts';
import { startOnChannel } from './channel-command.ts';
import { ChannelStream } from './channel-stream.ts';
import type { SshConnection } from './connection.ts';
import { explainDialFailure } from './dial-failure.ts';

/** Time that a peer has to answer our goodbye before the connection is cut. */
const GOODBYE_MS = 1_000;

/** Commands and streams of one session at a time; more of them means that somebody forgets to end them. */
const MAX_CHANNELS = 64;

type Opening =
  | { readonly channel: ClientChannel; readonly refusal?: undefined }
  | { readonly channel?: undefined; readonly refusal: Error };

/** A session over a connection whose login has succeeded. */
export class SshSession implements NodeSession {
  readonly env = {};
  readonly closed: Promise<AccessError>;
  readonly #connection: SshConnection;
  readonly #hangup = new AbortController();
  readonly #streams = new Set<Duplex>();
  #channels = 0;

  constructor(connection: SshConnection) {
    this.#connection = connection;
    const { signal } = this.#hangup;
    setMaxListeners(0, signal);
    this.closed = new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
    });
    connection.socket.once('end', () => connection.socket.destroy());
    connection.client.once('close', () => this.#end(this.#lossOf(connection.failure())));
  }

  async exec(command: string, options: ExecOptions): Promise<ExecResult> {
    const { client, target } = this.#connection;
    const setting = { hangup: this.#hangup.signal, place: target.place };
    return await this.#counted(() =>
      runCommand(() => startOnChannel(client, command, target.place), options, setting),
    );
  }

  async dial(socketPath: string, timeoutMs: number): Promise<Duplex> {
    checkSocketPath(socketPath);
    const deadline = performance.now() + timeoutMs;
    return await this.#counted(async () => {
      const open = () => this.#openStream(socketPath);
      const { channel, refusal } = await this.#inTime(
        open,
        `open the socket ${socketPath}`,
        timeoutMs,
        (late) => late.channel?.close(),
      );
      if (channel !== undefined) return this.#adopt(new ChannelStream(channel));
      this.#hangup.signal.throwIfAborted();
      const left = Math.max(1, deadline - performance.now());
      const setting = { place: this.#connection.target.place, socketPath, timeoutMs: left };
      throw await explainDialFailure(refusal, this, setting);
    });
  }

  async pipe(command: string, timeoutMs: number): Promise<Duplex> {
    const { client, target } = this.#connection;
    return await this.#counted(async () => {
      const start = () => startOnChannel(client, command, target.place);
      const running = await this.#inTime(start, 'start a command', timeoutMs, (late) => late.kill());
      return this.#adopt(new CommandStream(running, target.place));
    });
  }

  close(): void {
    const { client, socket, target } = this.#connection;
    if (this.#hangup.signal.aborted) return;
    client.end();
    // A peer that has died does not answer; nothing of the connection is needed any more.
    const cut = startDeadline(GOODBYE_MS, () => socket.destroy());
    socket.once('close', () => clearTimeout(cut));
    this.#end(new AccessError('closed', `The connection to ${target.place} was closed`));
  }

  /** @returns the channel, or why the server opened none */
  #openStream(socketPath: string): Promise<Opening> {
    return new Promise((resolve, reject) => {
      try {
        this.#connection.client.openssh_forwardOutStreamLocal(socketPath, (error, channel) => {
          resolve(error ? { refusal: error } : { channel });
        });
      } catch (error) {
        // The connection is just ending; ssh2 throws for that alone.
        reject(this.#lossOf(error));
      }
    });
  }

  /** Rejects with an AccessError when time or connection run out; `release` gets what comes after that. */
  #inTime<T>(
    step: () => Promise<T>,
    what: string,
    timeoutMs: number,
    release: (late: T) => void,
  ): Promise<T> {
    const { signal } = this.#hangup;
    const { place } = this.#connection.target;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const settle = () => {
        clearTimeout(deadline);
        signal.removeEventListener('abort', onHangup);
      };
      const giveUp = (error: unknown) => {
        isLate = true;
        settle();
        reject(error);
      };
      const onHangup = () => giveUp(signal.reason);
      const deadline = startDeadline(timeoutMs, () => {
        giveUp(new AccessError('timeout', `${place} did not ${what} within ${durationText(timeoutMs)}`));
      });
      if (signal.aborted) return onHangup();
      signal.addEventListener('abort', onHangup);
      step().then((value) => {
        if (isLate) release(value);
        settle();
        resolve(value);
      }, giveUp);
    });
  }

  #adopt(stream: Duplex): Duplex {
    this.#streams.add(stream);
    this.#channels += 1;
    stream.once('close', () => {
      this.#streams.delete(stream);
      this.#channels -= 1;
    });
    return stream;
  }

  /** Counts a step as a channel while it lasts. */
  async #counted<T>(step: () => Promise<T>): Promise<T> {
    if (this.#channels >= MAX_CHANNELS) {
      const message = `${this.#connection.target.place} has ${MAX_CHANNELS} commands and streams already; end some of them`;
      throw new AccessError('failed', message);
    }
    this.#channels += 1;
    try {
      return await step();
    } finally {
      this.#channels -= 1;
    }
  }

  #lossOf(failure: unknown): AccessError {
    const { place } = this.#connection.target;
    if (failure === undefined) return new AccessError('closed', `${place} closed the connection`);
    return new AccessError('closed', `The connection to ${place} broke: ${messageOf(failure)}`, {
      cause: failure,
    });
  }

  #end(reason: AccessError): void {
    if (this.#hangup.signal.aborted) return;
    this.#hangup.abort(reason);
    for (const stream of this.#streams) stream.destroy(reason);
  }
}
