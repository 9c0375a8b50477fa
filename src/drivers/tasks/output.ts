/**
 * The kept output of a program that writes to a file directly, so that it needs no agent to go on. The program holds the
 * file open: it cannot be renamed away, so when it is half of the bound its bytes are copied to the older file and it is
 * emptied. What a program writes in the moment between the two may be lost; offsets stay in order all the same.
 *
 *     NAME        the live file                NAME.next   a copy being made
 *     NAME.older  what was before it           NAME.json   the window, and the size of a live file about to be emptied
 */
import * as fs from 'node:fs';
import {
  EMPTY_WINDOW,
  nextLookMs,
  type OutputWindow,
  planRead,
  rotateAt,
  rotated,
} from '../../core/agent/output-window.ts';
import { messageOf } from '../agent-error.ts';
import { readJson, writeAtomic } from '../files/atomic.ts';

/** More is not kept of a stream, whatever the order says: half of it is copied in one go. */
export const MAX_KEPT_BYTES = 256 << 20;
const COPY_BYTES = 256 << 10;

interface Saved extends OutputWindow {
  /** Size of the live file that was copied and is emptied next; absent when that is done. */
  readonly emptying?: number;
}

/** Bytes read, and where they lie. */
export interface OutputChunk {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly end: number;
}

export class OutputFile {
  readonly #log: (message: string) => void;
  #window: OutputWindow;
  /** Size of the live file when it was last looked at. */
  #seen = 0;
  readonly #threshold: number;

  /** Takes up what an earlier agent left, wherever in emptying the file it was cut off. */
  constructor(
    readonly path: string,
    maxBytes: number,
    log: (message: string) => void,
  ) {
    this.#log = log;
    this.#threshold = rotateAt(Math.min(maxBytes, MAX_KEPT_BYTES));
    const saved: Saved = (readJson(`${path}.json`) as Saved | undefined) ?? EMPTY_WINDOW;
    this.#window = { older: saved.older, base: saved.base };
    if (saved.emptying !== undefined) this.#recover(saved.emptying);
    this.#checkOlder();
    this.#measure();
  }

  /**
   * Looks at the file's size and empties it when it has reached half of the bound.
   * @returns milliseconds until it should be looked at again, as its growth suggests
   */
  look(elapsedMs: number, bounds: { readonly min: number; readonly max: number }): number {
    const before = this.#seen;
    const size = this.#measure();
    if (size >= this.#threshold) {
      this.#rotate(size);
      return bounds.min;
    }
    return nextLookMs(size - before, elapsedMs, this.#threshold - size, bounds);
  }

  /** Up to `limit` bytes from a logical offset. */
  read(offset: number, limit: number): OutputChunk {
    // First, since it may move the window.
    const size = this.#measure();
    const plan = planRead(this.#window, size, offset, limit);
    const parts: Buffer[] = [];
    for (const piece of plan.pieces) {
      const bytes = readPiece(
        piece.file === 'live' ? this.path : `${this.path}.older`,
        piece.position,
        piece.length,
      );
      parts.push(bytes);
      if (bytes.length < piece.length) break;
    }
    return { bytes: Buffer.concat(parts), offset: plan.offset, end: plan.end };
  }

  /** The last bytes, at most `limit`. */
  tail(limit: number): Buffer {
    const size = this.#measure();
    const end = this.#window.base + size;
    return this.read(Math.max(0, end - limit), limit).bytes;
  }

  #measure(): number {
    const size = fs.statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (size < this.#seen) {
      // The program emptied its own output (it can, through /dev/stdout): the bytes are gone, their offsets stay used.
      this.#window = { older: this.#window.base + this.#seen, base: this.#window.base + this.#seen };
      fs.rmSync(`${this.path}.older`, { force: true });
      this.#save();
    }
    this.#seen = size;
    return size;
  }

  /** Copies the end of the live file and empties it; without any pause, so that nothing is read between the steps. */
  #rotate(size: number): void {
    const live = fs.openSync(this.path, 'r+');
    try {
      // Without a copy everything up to `size` is dropped.
      let kept = 0;
      let end = size;
      try {
        kept = copyTail(live, `${this.path}.next`, size, this.#threshold);
        end = Math.max(0, size - this.#threshold) + kept;
      } catch {
        // No room for a copy: emptying the file without one makes room, which is what matters now.
        fs.rmSync(`${this.path}.next`, { force: true, recursive: true });
      }
      this.#window = rotated(this.#window, end, kept);
      this.#save(end);
      fs.ftruncateSync(live, 0);
      this.#seen = 0;
    } finally {
      fs.closeSync(live);
    }
    this.#finish();
  }

  /** A copied live file of `emptying` bytes was about to be emptied, or was just. */
  #recover(emptying: number): void {
    const size = fs.statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    // A live file as big as before was not emptied; only a program that filled it anew within the same moment is mistaken
    // for that, and loses these bytes.
    if (size >= emptying) fs.truncateSync(this.path, 0);
    this.#finish();
  }

  #finish(): void {
    if (fs.existsSync(`${this.path}.next`)) fs.renameSync(`${this.path}.next`, `${this.path}.older`);
    this.#checkOlder();
    this.#save();
  }

  /** An older file that is not what the window says (no room, or cut off) is dropped. */
  #checkOlder(): void {
    const size = fs.statSync(`${this.path}.older`, { throwIfNoEntry: false })?.size ?? 0;
    if (size === this.#window.base - this.#window.older) return;
    this.#window = { older: this.#window.base, base: this.#window.base };
    fs.rmSync(`${this.path}.older`, { force: true });
  }

  #save(emptying?: number): void {
    const saved: Saved = emptying === undefined ? this.#window : { ...this.#window, emptying };
    try {
      writeAtomic(`${this.path}.json`, JSON.stringify(saved));
    } catch (error) {
      // Without room the window lives in memory alone; emptying the file makes the room for the next time.
      this.#log(`Cannot save where ${this.path} begins: ${messageOf(error)}`);
    }
  }
}

/**
 * Copies the last `keep` bytes of a file of `size` bytes, and what is added meanwhile up to a quarter more: a program that
 * writes faster than this copies must not hold it up. @returns bytes copied
 */
function copyTail(from: number, toPath: string, size: number, keep: number): number {
  const to = fs.openSync(toPath, 'w', 0o600);
  try {
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    const start = Math.max(0, size - keep);
    const most = keep + Math.floor(keep / 4);
    let copied = 0;
    while (copied < most) {
      const count = fs.readSync(from, buffer, 0, Math.min(buffer.length, most - copied), start + copied);
      if (count === 0) break;
      for (let written = 0; written < count; ) written += fs.writeSync(to, buffer, written, count - written);
      copied += count;
    }
    return copied;
  } finally {
    fs.closeSync(to);
  }
}

function readPiece(path: string, position: number, length: number): Buffer {
  let fd: number;
  try {
    fd = fs.openSync(path, 'r');
  } catch {
    return Buffer.alloc(0); // The program removed its own output.
  }
  try {
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, fs.readSync(fd, buffer, 0, length, position));
  } finally {
    fs.closeSync(fd);
  }
}
