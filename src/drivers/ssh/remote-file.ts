import { Readable } from 'node:stream';
import { durationText } from '../../core/duration.ts';
import { AccessError, type NodeSession } from '../access.ts';
import type { RunningCommand } from '../command.ts';
import { startDeadline } from '../deadline.ts';
import { startOnChannel } from './channel-command.ts';
import type { SshConnection } from './connection.ts';
import { SshSession } from './session.ts';
import { quote } from './shell.ts';

/** What comes before this line is a greeting of the account's login shell. */
const MARK_LINE = 'PLUSH file follows';
const MARK = Buffer.from(`\n${MARK_LINE}\n`);
/** A longer greeting is none. */
const MAX_GREETING_BYTES = 64 << 10;

/** Kept of what the machine says when it cannot read the file. */
const MAX_WORDS_BYTES = 2_000;

/**
 * Reads a file over a connection of its own, which ends with the stream. A relative path starts in the account's home folder.
 *
 * @param timeoutMs time until the file begins to arrive; from then on the pace is the reader's
 * @throws AccessError `failed` with the machine's own words when it cannot read the file, `timeout`, `closed`; the same
 *   errors end the stream when they come later
 */
export async function readRemoteFile(
  connection: SshConnection,
  path: string,
  timeoutMs: number,
): Promise<Readable> {
  const session = new SshSession(connection);
  const { place } = connection.target;
  // Without a slash in front, a name such as -n would be taken for an option.
  const file = path.startsWith('/') ? path : `./${path.replace(/^~\//, '')}`;
  const command = `exec /bin/sh -c ${quote(`echo; echo ${MARK_LINE}; exec cat "$1"`)} sh ${quote(file)}`;
  return await new Promise((resolve, reject) => {
    const abandon = (error: unknown) => {
      clearTimeout(deadline);
      session.close();
      reject(error);
    };
    const deadline = startDeadline(timeoutMs, () => {
      abandon(
        new AccessError(
          'timeout',
          `${place} did not begin to send ${path} within ${durationText(timeoutMs)}`,
        ),
      );
    });
    session.closed.then(abandon);
    startOnChannel(connection.client, command, place).then((running) => {
      const file = new RemoteFile(running, session, `${place} cannot read ${path}`);
      file.opened.then(() => {
        clearTimeout(deadline);
        resolve(file);
      }, abandon);
    }, abandon);
  });
}

class RemoteFile extends Readable {
  /** Settles when the first bytes, or the end of an empty file, have come. */
  readonly opened: Promise<void>;
  #open: () => void = () => undefined;
  #refuse: (error: AccessError) => void = () => undefined;
  #isOpen = false;
  #isWhole = false;
  #words = '';
  /** What has come before the file; undefined once the file follows. */
  #greeting: Buffer | undefined = Buffer.alloc(0);

  constructor(
    private readonly command: RunningCommand,
    private readonly session: NodeSession,
    private readonly complaint: string,
  ) {
    super();
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    command.stdin.on('error', (error) => this.#fail(new AccessError('failed', complaint, { cause: error })));
    command.stdin.end();
    command.stderr.on('data', (chunk: Buffer) => {
      this.#words = (this.#words + chunk.toString()).slice(0, MAX_WORDS_BYTES);
    });
    command.stdout.on('data', (chunk: Buffer) => {
      const bytes = this.#greeting === undefined ? chunk : this.#skipGreeting(chunk);
      if (bytes.length === 0) return;
      this.#begin();
      if (!this.push(bytes)) command.stdout.pause();
    });
    command.ended.then((end) => {
      const isRead = this.#greeting === undefined && end !== undefined && 'code' in end && end.code === 0;
      if (!isRead) return this.#fail(this.#told());
      this.#begin();
      this.#isWhole = true;
      this.push(null);
    });
    session.closed.then((error) => this.#fail(error));
  }

  override _read(): void {
    this.command.stdout.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.command.release();
    this.session.close();
    done(error);
  }

  /** @returns what has come of the file itself */
  #skipGreeting(chunk: Buffer): Buffer {
    const seen = Buffer.concat([this.#greeting ?? Buffer.alloc(0), chunk]);
    const at = seen.indexOf(MARK);
    if (at >= 0) {
      this.#greeting = undefined;
      return seen.subarray(at + MARK.length);
    }
    this.#greeting = seen;
    if (seen.length > MAX_GREETING_BYTES) this.#fail(this.#told());
    return Buffer.alloc(0);
  }

  #begin(): void {
    this.#isOpen = true;
    this.#open();
  }

  #told(): AccessError {
    const words = this.#words.trim();
    return new AccessError('failed', words === '' ? this.complaint : `${this.complaint}: ${words}`);
  }

  #fail(error: AccessError): void {
    if (this.destroyed || this.#isWhole) return;
    this.#refuse(error);
    // Before the file has begun nobody listens on the stream; the promise tells.
    this.destroy(this.#isOpen ? error : undefined);
  }
}
