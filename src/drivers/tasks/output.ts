/**
 * The kept output of a program that writes to a file directly, so that it needs no agent to go on. The program holds the
 * file open: it cannot be renamed away, so when it is half of the bound its bytes are copied to the older file and it is
 * emptied. A program that writes faster than that loses bytes: they are counted apart, since offsets go on without them. Only what
 * comes between two system calls, the look at the size and the emptying, nobody can count.
 *
 *     NAME        the live file                NAME.next   a copy being made
 *     NAME.older  what was before it           NAME.json   the window
 */
import * as fs from 'node:fs';
import {
  EMPTY_WINDOW,
  nextLookMs,
  type OutputWindow,
  planRead,
  rotateAt,
} from '../../core/agent/output-window.ts';
import { messageOf } from '../agent-error.ts';
import { readJson, writeAtomic } from '../files/atomic.ts';

/** How often a copy begins anew for a program that is faster. */
const RESTARTS = 4;
/** More is not kept of a stream, whatever the order says: half of it is copied in one go. */
const MAX_KEPT_BYTES = 256 << 20;
const COPY_BYTES = 256 << 10;

interface Saved extends OutputWindow {
  /** The live file is being moved: `older` is where its copy begins, `base` still where it began itself. */
  readonly emptying?: true;
  /** Bytes that were dropped because the program was faster than they could be copied. */
  readonly lost?: number;
}

/** Bytes read, and where they lie. */
export interface OutputChunk {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly end: number;
  /** Bytes lost between those that are kept or were kept; offsets do not count them. At least so many. */
  readonly lost: number;
}

export class OutputFile {
  readonly #log: (message: string) => void;
  #window: OutputWindow;
  #lost: number;
  /** Size of the live file when it was last looked at. */
  #seen = 0;
  readonly #threshold: number;
  readonly #maxBytes: number;

  /** Takes up what an earlier agent left, wherever in emptying the file it was cut off. */
  constructor(
    readonly path: string,
    maxBytes: number,
    log: (message: string) => void,
  ) {
    this.#log = log;
    this.#maxBytes = Math.min(maxBytes, MAX_KEPT_BYTES);
    this.#threshold = rotateAt(this.#maxBytes);
    const saved: Saved = (readJson(`${path}.json`) as Saved | undefined) ?? EMPTY_WINDOW;
    this.#window = { older: saved.older, base: saved.base };
    this.#lost = saved.lost ?? 0;
    if (saved.emptying === true) this.#recover(saved);
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
    // A program that is faster than its output is moved may leave a little more than the bound.
    const first = this.#window.base + size - this.#maxBytes;
    const plan = planRead(this.#window, size, Math.max(offset, first), limit);
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
    return { bytes: Buffer.concat(parts), offset: plan.offset, end: plan.end, lost: this.#lost };
  }

  /** Logical size so far. */
  get end(): number {
    const size = this.#measure();
    return this.#window.base + size;
  }

  /** Removes all that is kept. */
  remove(): void {
    for (const ending of ['', '.older', '.next', '.json'])
      fs.rmSync(`${this.path}${ending}`, { force: true });
  }

  /** The last bytes, at most `limit`. */
  tail(limit: number): Buffer {
    const size = this.#measure();
    const end = this.#window.base + size;
    return this.read(Math.max(0, end - limit), limit).bytes;
  }

  #measure(): number {
    const size = sizeOf(this.path) ?? 0;
    if (size < this.#seen) {
      // The program emptied its own output (it can, through /dev/stdout): the bytes are gone, their offsets stay used.
      this.#window = { older: this.#window.base + this.#seen, base: this.#window.base + this.#seen };
      fs.rmSync(`${this.path}.older`, { force: true });
      this.#save(this.#window);
    }
    this.#seen = size;
    return size;
  }

  /** Moves the end of the live file to the older one; without any pause, so that nothing is read between the steps. */
  #rotate(size: number): void {
    const start = Math.max(0, size - this.#threshold);
    try {
      fs.writeFileSync(`${this.path}.next`, '', { mode: 0o600 });
      this.#save({ older: this.#window.base + start, base: this.#window.base, emptying: true });
      this.#move(start);
    } catch {
      // No room for a copy: emptying the file without one makes room, which is what matters now.
      fs.rmSync(`${this.path}.next`, { force: true, recursive: true });
      this.#window = { older: this.#window.base + size, base: this.#window.base + size };
      fs.truncateSync(this.path, 0);
      this.#finish();
    }
  }

  /**
   * Copies what is missing of the live file from `start` on, and empties it in the same moment. Where the program writes
   * faster than that, the copy begins anew with less of the past: its newest lines, which tell how it ends, matter most.
   */
  #move(start: number): void {
    const most = this.#threshold + Math.floor(this.#threshold / 4);
    let from = start;
    for (let left = RESTARTS; ; left -= 1) {
      const moved = moveRest(this.path, from, most, left > 0);
      if (moved !== undefined) {
        this.#window = { older: this.#window.base + from, base: this.#window.base + from + moved.copied };
        this.#lost += moved.dropped;
        this.#finish();
        return;
      }
      from = Math.max(from, (sizeOf(this.path) ?? 0) - Math.floor(this.#threshold / 2));
      fs.writeFileSync(`${this.path}.next`, '', { mode: 0o600 });
      this.#save({ older: this.#window.base + from, base: this.#window.base, emptying: true });
    }
  }

  /** An earlier agent was emptying the live file. The copy's size says how far it came. */
  #recover({ older, base }: Saved): void {
    const copied = sizeOf(`${this.path}.next`);
    if (copied === undefined) {
      // The copy is the older file already.
      this.#window = { older, base: older + (sizeOf(`${this.path}.older`) ?? 0) };
      this.#save(this.#window);
      return;
    }
    this.#window = { older: base, base };
    // A live file that reaches to the copy's end was not emptied; only a program that filled it anew within the same moment
    // is mistaken for that, and loses these bytes.
    if ((sizeOf(this.path) ?? 0) >= older - base + copied) {
      this.#move(older - base);
    } else {
      this.#window = { older, base: older + copied };
      this.#finish();
    }
  }

  #finish(): void {
    this.#seen = 0;
    if (fs.existsSync(`${this.path}.next`)) fs.renameSync(`${this.path}.next`, `${this.path}.older`);
    this.#checkOlder();
    this.#save(this.#window);
  }

  /** An older file that is not what the window says (no room, or cut off) is dropped. */
  #checkOlder(): void {
    const size = sizeOf(`${this.path}.older`) ?? 0;
    if (size === this.#window.base - this.#window.older) return;
    this.#window = { older: this.#window.base, base: this.#window.base };
    fs.rmSync(`${this.path}.older`, { force: true });
  }

  #save(saved: Saved): void {
    try {
      const lost = this.#lost === 0 ? {} : { lost: this.#lost };
      writeAtomic(`${this.path}.json`, JSON.stringify({ ...saved, ...lost }));
    } catch (error) {
      // Without room the window lives in memory alone; emptying the file makes the room for the next time.
      this.#log(`Cannot save where ${this.path} begins: ${messageOf(error)}`);
    }
  }
}

/**
 * Copies a live file from `start` on to the end of its copy, and empties it as soon as the end is reached: between the two
 * lies one system call. A program that writes faster than this copies must not hold it up: beyond `most` bytes the live file
 * is left as it is where the caller can begin anew, else the rest is dropped.
 * @returns bytes of the copy, and those that were dropped; undefined where it is to begin anew
 */
function moveRest(
  path: string,
  start: number,
  most: number,
  canRestart: boolean,
): { readonly copied: number; readonly dropped: number } | undefined {
  const live = fs.openSync(path, 'r+');
  const next = fs.openSync(`${path}.next`, 'a', 0o600);
  try {
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    let copied = fs.fstatSync(next).size;
    for (;;) {
      const wanted = Math.max(0, Math.min(buffer.length, most - copied));
      const count = fs.readSync(live, buffer, 0, wanted, start + copied);
      for (let at = 0; at < count; ) at += fs.writeSync(next, buffer, at, count - at);
      copied += count;
      if (count > 0) continue;
      const dropped = Math.max(0, fs.fstatSync(live).size - start - copied);
      // Written since the last look: it is copied too, as long as there is room.
      if (dropped > 0 && copied < most) continue;
      if (dropped > 0 && canRestart) return undefined;
      fs.ftruncateSync(live, 0);
      return { copied, dropped };
    }
  } finally {
    fs.closeSync(live);
    fs.closeSync(next);
  }
}

function sizeOf(path: string): number | undefined {
  return fs.statSync(path, { throwIfNoEntry: false })?.size;
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
