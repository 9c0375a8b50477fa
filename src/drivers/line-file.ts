/** A file of lines that only grows at its end, and is turned over when it is large. */
import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

export interface LineFileOptions {
  /** Size beyond which a new file is begun. */
  readonly maxBytes: number;
  /** Old files that are kept, as FILE.1 (the newest) and on. */
  readonly keep: number;
  /** Lines could not be written and are lost; told once until writing works again. */
  readonly onLost: (error: unknown, lines: number) => void;
}

/** Lines that wait for the next write at most, in UTF-16 units; beyond, they are written at once. */
const MAX_WAITING = 1 << 20;

/** Lines of one turn of the event loop share one write. Mode 0600. */
export class LineFile {
  readonly #file: string;
  readonly #options: LineFileOptions;
  #fd: number | undefined;
  #size = 0;
  #waiting: string[] = [];
  #waitingSize = 0;
  #scheduled = false;
  #isFailing = false;

  /** @throws the system's error when the file cannot be opened */
  constructor(file: string, options: LineFileOptions) {
    this.#file = file;
    this.#options = options;
    this.#open();
  }

  /** @param line without its line feed */
  add(line: string): void {
    this.#waiting.push(`${line}\n`);
    this.#waitingSize += line.length + 1;
    if (this.#waitingSize > MAX_WAITING) this.flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Writes what waits. Never throws. */
  flush(): void {
    const lines = this.#waiting;
    if (lines.length === 0) return;
    this.#waiting = [];
    this.#waitingSize = 0;
    try {
      // After a failure the last line may be half there.
      this.#write(Buffer.from(`${this.#isFailing ? '\n' : ''}${lines.join('')}`));
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#options.onLost(error, lines.length);
      this.#isFailing = true;
    }
  }

  close(): void {
    this.flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #write(bytes: Buffer): void {
    if (this.#size > 0 && this.#size + bytes.length > this.#options.maxBytes) this.#turnOver();
    const fd = this.#fd ?? this.#open();
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    this.#size += bytes.length;
  }

  #open(): number {
    const fd = openSync(this.#file, 'a', 0o600);
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
    return fd;
  }

  #turnOver(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    const { keep } = this.#options;
    rmSync(`${this.#file}.${keep}`, { force: true });
    for (let i = keep - 1; i >= 0; i -= 1) {
      const from = i === 0 ? this.#file : `${this.#file}.${i}`;
      renameIfThere(from, `${this.#file}.${i + 1}`);
    }
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
