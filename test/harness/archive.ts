/** Tar archives member by member, also such as no tool would make. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Header, pack } from 'tar-stream';
import type { Scratch } from './scratch.ts';

export type Entry = Partial<Header> & { readonly name: string; readonly body?: string };

/** A tar archive with exactly these members. */
export async function tarOf(...entries: readonly Entry[]): Promise<Buffer> {
  const packer = pack();
  for (const { body, ...header } of entries)
    packer.entry({ mode: 0o755, mtime: new Date(0), ...header }, body ?? '');
  packer.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of packer) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}

export interface ZipEntry {
  readonly name: string;
  readonly body?: string;
  readonly mode?: number;
}

/** A zip archive with exactly these entries. */
export function makeZip(scratch: Scratch, entries: readonly ZipEntry[]): Buffer {
  const file = scratch.path('made.zip');
  execFileSync('python3', [join(__dirname, 'zip.py'), file], { input: JSON.stringify(entries) });
  return readFileSync(file);
}
