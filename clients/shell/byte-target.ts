import { closeSync, openSync, writeSync } from 'node:fs';
import { CommandError } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Where bytes go as they are: stdout, or a file, which is made when the first of them come. */
export class ByteTarget {
  private handle: number | undefined;

  constructor(
    private readonly terminal: Terminal,
    private readonly path: string | undefined,
  ) {}

  /** @throws CommandError when the file cannot be written */
  write(bytes: Uint8Array): void {
    if (this.path === undefined) {
      this.terminal.write(bytes);
      return;
    }
    const handle = this.open(this.path);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
    } catch (cause) {
      throw failed(this.path, cause);
    }
  }

  /** All has come: where it was nothing, the file is empty. @throws CommandError when it cannot be made */
  finish(): void {
    if (this.path !== undefined) this.open(this.path);
  }

  close(): void {
    if (this.handle !== undefined) closeSync(this.handle);
    this.handle = undefined;
  }

  private open(path: string): number {
    try {
      this.handle ??= openSync(path, 'w');
      return this.handle;
    } catch (cause) {
      throw failed(path, cause);
    }
  }
}

function failed(path: string, cause: unknown): CommandError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CommandError(`${path} cannot be written: ${why}`, undefined, { cause });
}
