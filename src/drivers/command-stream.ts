import { Duplex } from 'node:stream';
import { AccessError } from './access.ts';
import type { RunningCommand } from './command.ts';

/** Kept of what the command writes to its standard error, for the message when it fails. */
const MAX_WORDS_CHARACTERS = 2_000;

/**
 * A command's standard input and output as one stream. Our end is the end of its input; its end is the end of the stream,
 * and an error when its exit code is not 0. Destroying the stream ends the command, as far as it can be reached.
 */
export class CommandStream extends Duplex {
  #ended = false;
  #words = '';
  #onRoom: (() => void) | undefined;

  /** @param place where the command runs, for messages */
  constructor(
    private readonly command: RunningCommand,
    private readonly place: string,
  ) {
    super({ allowHalfOpen: false });
    const { stdin, stdout, stderr } = command;
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    stderr.on('data', (chunk: Buffer) => {
      this.#words = (this.#words + chunk.toString()).slice(-MAX_WORDS_CHARACTERS);
    });
    stdin.on('drain', () => this.#goOn());
    // A command may end, or close its input, without having read all of it; its end tells how that was.
    stdin.on('error', () => this.#stop());
    stdin.on('close', () => this.#stop());
    command.ended.then((end) => {
      this.#stop();
      if (end !== undefined && 'code' in end && end.code === 0) this.push(null);
      else this.destroy(this.#failure(end));
    });
  }

  override _read(): void {
    this.command.stdout.resume();
  }

  /** What the command can take no more is dropped; the end of the stream tells so. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const { stdin } = this.command;
    if (this.#ended || stdin.writableEnded || stdin.write(chunk)) done();
    else this.#onRoom = done;
  }

  override _final(done: () => void): void {
    if (!this.#ended) this.command.stdin.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.command.stdout.removeAllListeners('data');
    this.command.kill();
    done(error);
  }

  #stop(): void {
    this.#ended = true;
    this.#goOn();
  }

  #goOn(): void {
    const done = this.#onRoom;
    this.#onRoom = undefined;
    done?.();
  }

  #failure(end: Awaited<RunningCommand['ended']>): AccessError {
    const words = this.#words.trim();
    if (end === undefined)
      return new AccessError('closed', `A command on ${this.place} ended without telling how`);
    const how = 'code' in end ? `with code ${end.code}` : `by ${end.signal}`;
    return new AccessError('failed', words === '' ? `A command on ${this.place} ended ${how}` : words);
  }
}
