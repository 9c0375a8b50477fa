/**
 * The controller's copy of an output while it grows: a folder of files, each named by the logical offset of its first byte. The
 * oldest go beyond the bound, and a gap is a file that begins later than the one before it ends.
 *
 *     FILE.stream/0  FILE.stream/16777216  …  FILE.stream/end   (the size of the whole, once it is complete, and behind a blank
 *                                                                how many bytes its node lost, which offsets do not count)
 */
import { appendFile, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './agent-error.ts';
import type { OutputPiece } from './outputs.ts';

/** Files that a bound is divided into. */
const PARTS = 4;
const END = 'end';

interface Part {
  readonly from: number;
  size: number;
}

/** What is here of an output. */
export interface Kept {
  /** Logical offset to go on at. */
  readonly end: number;
  readonly isWhole: boolean;
}

export class GrowingOutput {
  readonly #dir: string;

  constructor(file: string) {
    this.#dir = `${file}.stream`;
  }

  async kept(): Promise<Kept> {
    const last = (await this.#parts()).at(-1);
    const end = last === undefined ? 0 : last.from + last.size;
    return { end, isWhole: (await this.#ending()) !== undefined };
  }

  /** Adds bytes at an offset at or behind the end, and drops the oldest beyond the bound. */
  async append(offset: number, bytes: Buffer, maxBytes: number): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const partBytes = Math.max(1, Math.floor(maxBytes / PARTS));
    const parts = await this.#parts();
    const last = parts.at(-1);
    let part = last !== undefined && last.from + last.size === offset ? last : undefined;
    for (let at = 0; at < bytes.length; ) {
      if (part === undefined || part.size >= partBytes) {
        part = { from: offset + at, size: 0 };
        parts.push(part);
      }
      const piece = bytes.subarray(at, at + partBytes - part.size);
      await appendFile(join(this.#dir, String(part.from)), piece, { mode: 0o600 });
      part.size += piece.length;
      at += piece.length;
    }
    let total = parts.reduce((sum, { size }) => sum + size, 0);
    for (const { from, size } of parts.slice(0, -1)) {
      if (total <= maxBytes) return;
      await rm(join(this.#dir, String(from)), { force: true });
      total -= size;
    }
  }

  /** All has been copied. @param lost bytes that the node lost */
  async finish(size: number, lost = 0): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await writeFile(join(this.#dir, END), lost > 0 ? `${size} ${lost}` : String(size), { mode: 0o600 });
  }

  /** A piece at an offset, or behind it where it is not kept; undefined where nothing is. */
  async read(offset: number, limit: number): Promise<(OutputPiece & { isWhole: boolean }) | undefined> {
    const ending = await this.#ending();
    const isWhole = ending !== undefined;
    const lost = ending?.lost === undefined ? {} : { lost: ending.lost };
    const parts = await this.#parts();
    const last = parts.at(-1);
    if (last === undefined)
      return isWhole ? { bytes: Buffer.alloc(0), offset: 0, size: 0, isWhole, ...lost } : undefined;
    const size = last.from + last.size;
    const part = parts.find(({ from, size: own }) => from + own > offset);
    if (part === undefined) return { bytes: Buffer.alloc(0), offset: size, size, isWhole, ...lost };
    const start = Math.max(offset, part.from);
    const bytes = Buffer.alloc(Math.min(limit, part.from + part.size - start));
    const handle = await open(join(this.#dir, String(part.from)), 'r');
    try {
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start - part.from);
      return { bytes: bytes.subarray(0, bytesRead), offset: start, size, isWhole, ...lost };
    } finally {
      await handle.close();
    }
  }

  /** What is noted of the whole; undefined as long as it grows. */
  async #ending(): Promise<{ readonly lost?: number } | undefined> {
    const text = await readFile(join(this.#dir, END), 'utf8').catch(nothing);
    if (text === undefined) return undefined;
    const lost = Number(text.split(' ')[1] ?? '0');
    return lost > 0 ? { lost } : {};
  }

  async #parts(): Promise<Part[]> {
    const names = (await readdir(this.#dir).catch(nothing)) ?? [];
    const parts: Part[] = [];
    for (const name of names.filter((one) => /^\d+$/.test(one))) {
      const known = await stat(join(this.#dir, name)).catch(nothing);
      if (known !== undefined) parts.push({ from: Number(name), size: known.size });
    }
    return parts.sort((a, b) => a.from - b.from);
  }
}

function nothing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
}
