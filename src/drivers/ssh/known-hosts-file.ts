import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { AccessError } from '../access.ts';
import { errorCode, messageOf } from '../agent-error.ts';
import { KnownHosts, type KnownKey } from './known-hosts.ts';

/** A longer file is refused: it would not be a list of host keys, and it is held in memory. */
const MAX_FILE_BYTES = 128 * 1024 * 1024;

/**
 * A known_hosts file that is parsed again only when it has changed. The work is done synchronously: a look at the file's
 * times costs microseconds, and a check of a host key then never sees half of a change.
 */
export class KnownHostsFile {
  #stamp = '';
  #hosts = new KnownHosts('');
  #lines = 0;

  constructor(readonly path: string) {}

  /**
   * The keys of a host, in the order of the file. A missing file has none.
   *
   * @throws AccessError `failed` when the file is there and cannot be read: it may hold keys that are revoked
   */
  find(name: string): KnownKey[] {
    this.#refresh();
    return this.#hosts.find(name);
  }

  /**
   * Adds a line in one write at the end of the file, so that lines of several writers do not mix. Makes the file, for its
   * owner alone, when there is none.
   *
   * @throws AccessError `failed`
   */
  append(line: string): void {
    this.#refresh();
    try {
      const file = openSync(this.path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
      try {
        this.#appendTo(file, line);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw this.#failure('written', error);
    }
  }

  #appendTo(file: number, line: string): void {
    const before = fstatSync(file);
    const text = Buffer.from(`${endsInLine(file, before.size) ? '' : '\n'}${line}\n`);
    const written = writeSync(file, text);
    if (written !== text.length) throw new Error('The disk is full');
    const after = fstatSync(file);
    // When nobody else wrote meanwhile what is in memory is completed; a thousand new hosts need no thousand parses.
    const isOurs = stampOf(before) === this.#stamp && after.size === before.size + text.length;
    if (!isOurs || text[0] === 10) return;
    this.#hosts.add(line, this.#lines);
    this.#lines += 1;
    this.#stamp = stampOf(after);
  }

  #refresh(): void {
    try {
      const stats = statSync(this.path, { throwIfNoEntry: false });
      const stamp = stats === undefined ? '' : stampOf(stats);
      if (stamp === this.#stamp) return;
      if (stats !== undefined && stats.size > MAX_FILE_BYTES) {
        throw new Error(`It is longer than ${MAX_FILE_BYTES} bytes`);
      }
      const text = stats === undefined ? '' : readFileSync(this.path, 'utf8');
      this.#hosts = new KnownHosts(text);
      this.#lines = text.split('\n').length;
      this.#stamp = stamp;
    } catch (error) {
      if (errorCode(error) === 'ENOTDIR') return;
      throw this.#failure('read', error);
    }
  }

  #failure(verb: string, error: unknown): AccessError {
    const message = `The known_hosts file ${this.path} cannot be ${verb}: ${messageOf(error)}`;
    return new AccessError('failed', message, { cause: error });
  }
}

/** Two states of a file with the same stamp are taken to be the same. */
function stampOf(stats: Stats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`;
}

function endsInLine(file: number, size: number): boolean {
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(file, last, 0, 1, size - 1);
  return last[0] === 10;
}
