/**
 * Watches one command of a NodeSession to its end, whichever way it was started: feeds its standard input, keeps a
 * bounded part of its output, and holds it to its deadline.
 */

import { finished, type Readable, type Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { durationText } from '../core/duration.ts';
import { AccessError, type ExecOptions, type ExecResult } from './access.ts';
import { startDeadline } from './deadline.ts';

/** Kept of stdout and of stderr when ExecOptions does not say. */
const DEFAULT_MAX_OUTPUT_BYTES = 262_144;

/** How a command ended: by exit code or by signal. */
export type CommandEnd = { readonly code: number } | { readonly signal: string };

/** A command that was started, with what is needed to watch it. */
export interface RunningCommand {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * Settles, and never rejects, when the command has ended and both outputs have been read to their ends; with undefined
   * when the other side did not tell how it ended.
   */
  readonly ended: Promise<CommandEnd | undefined>;
  /** Ends the command, as far as it can be reached. */
  kill(): void;
  /** Lets go of the command: nothing is read from it or written to it any more, and it goes on. */
  release(): void;
}

export interface CommandSetting {
  /** Aborted, with an AccessError as reason, when the session has ended. */
  readonly hangup: AbortSignal;
  /** Where the command runs, for messages: "10.0.0.7 port 22". */
  readonly place: string;
}

/**
 * Runs a command as NodeSession.exec promises it. The time that `start` takes counts.
 *
 * @throws AccessError `timeout`, the session's own when it ended meanwhile, or whatever `start` rejects with.
 */
export function runCommand(
  start: () => Promise<RunningCommand>,
  options: ExecOptions,
  setting: CommandSetting,
): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const watch = new CommandWatch(options, setting, resolve, reject);
    watch.begin(start);
  });
}

class CommandWatch {
  readonly #options: ExecOptions;
  readonly #setting: CommandSetting;
  readonly #resolve: (result: ExecResult) => void;
  readonly #reject: (error: unknown) => void;
  readonly #stdout: BoundedText;
  readonly #stderr: BoundedText;
  readonly #deadline: NodeJS.Timeout;
  #command: RunningCommand | undefined;
  #settled = false;
  /** Whether nothing more of the input is wanted. */
  #isFed = false;
  /** Told to a command that starts only after this watch has settled. */
  #farewell: 'kill' | 'release' = 'release';

  constructor(
    options: ExecOptions,
    setting: CommandSetting,
    resolve: (result: ExecResult) => void,
    reject: (error: unknown) => void,
  ) {
    const limit = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
    this.#options = options;
    this.#setting = setting;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#stdout = new BoundedText(limit);
    this.#stderr = new BoundedText(limit);
    this.#deadline = startDeadline(options.timeoutMs, () => {
      const message = `The command did not end within ${durationText(options.timeoutMs)} on ${setting.place}`;
      this.#fail(new AccessError('timeout', message), 'kill');
    });
  }

  begin(start: () => Promise<RunningCommand>): void {
    const { hangup } = this.#setting;
    if (hangup.aborted) {
      this.#onHangup();
      return;
    }
    hangup.addEventListener('abort', this.#onHangup);
    this.#watchSource();
    start().then(
      (command) => this.#attach(command),
      (error: unknown) => this.#fail(error, 'release'),
    );
  }

  #attach(command: RunningCommand): void {
    if (this.#settled) {
      command[this.#farewell]();
      return;
    }
    this.#command = command;
    command.stderr.on('data', (chunk: Buffer) => this.#stderr.add(chunk));
    command.stdout.on('data', (chunk: Buffer) => this.#onStdout(chunk));
    command.ended.then((end) => {
      if (end !== undefined) return this.#finish(end);
      const message = `A command on ${this.#setting.place} ended without telling how`;
      this.#fail(new AccessError('closed', message), 'release');
    });
    this.#feed(command.stdin);
  }

  #onStdout(chunk: Buffer): void {
    if (this.#settled || !this.#stdout.add(chunk) || this.#options.until === undefined) return;
    try {
      if (!this.#options.until(this.#stdout.text)) return;
    } catch (error) {
      this.#fail(error, 'kill');
      return;
    }
    this.#finish({});
    this.#command?.release();
  }

  /** From the beginning, since the source may break off before the command has started. */
  #watchSource(): void {
    const source = this.#source();
    if (source === undefined) return;
    finished(source, { writable: false }, (error) => {
      if (!error || this.#isFed) return;
      const message = `The input of a command on ${this.#setting.place} broke off: ${error.message}`;
      this.#fail(new AccessError('failed', message, { cause: error }), 'kill');
    });
  }

  #source(): Readable | undefined {
    const { stdin } = this.#options;
    return typeof stdin === 'string' || Buffer.isBuffer(stdin) ? undefined : stdin;
  }

  #feed(stdin: Writable): void {
    const source = this.#source();
    // A command may end, or close its input, without having read all of it; that is its right.
    stdin.on('error', () => this.#stopFeeding());
    if (source === undefined) stdin.end(this.#options.stdin);
    else if (source.readableEnded) stdin.end();
    else source.pipe(stdin);
  }

  /** The source is destroyed, since nobody reads it any more and its producer must not wait for ever. */
  #stopFeeding(): void {
    this.#isFed = true;
    this.#source()?.unpipe();
    this.#source()?.destroy();
  }

  readonly #onHangup = (): void => this.#fail(this.#setting.hangup.reason, 'release');

  #finish(end: CommandEnd | Record<string, never>): void {
    if (!this.#settle()) return;
    this.#resolve({ ...end, stdout: this.#stdout.end(), stderr: this.#stderr.end() });
  }

  #fail(error: unknown, farewell: 'kill' | 'release'): void {
    this.#farewell = farewell;
    if (!this.#settle()) return;
    this.#reject(error);
    this.#command?.[farewell]();
  }

  /** @returns whether this was the first time */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#deadline);
    this.#setting.hangup.removeEventListener('abort', this.#onHangup);
    this.#stopFeeding();
    return true;
  }
}

/** The beginning of a byte stream as text; the rest is dropped. */
class BoundedText {
  readonly #decoder = new StringDecoder('utf8');
  #room: number;
  #text = '';

  constructor(maxBytes: number) {
    this.#room = maxBytes;
  }

  get text(): string {
    return this.#text;
  }

  /** @returns whether the text grew */
  add(chunk: Buffer): boolean {
    if (this.#room === 0) return false;
    const kept = chunk.length > this.#room ? chunk.subarray(0, this.#room) : chunk;
    this.#room -= kept.length;
    this.#text += this.#decoder.write(kept);
    return true;
  }

  /** The whole text. A character that was cut in two at the end shows as U+FFFD. */
  end(): string {
    this.#text += this.#decoder.end();
    return this.#text;
  }
}
