/** Packages that the controller hands over chunk by chunk. */
import * as fs from 'node:fs';
import { AgentError } from '../agent-error.ts';
import { checkHash, sha256OfFile } from './check.ts';
import type { PackageCache } from './package-cache.ts';
import { explainNoRoom } from './room.ts';
import { workFile } from './work-file.ts';

export interface Chunk {
  /** Relative to the working folder. */
  readonly name: string;
  readonly offset: number;
  readonly bytes: Buffer;
  readonly last: boolean;
  readonly sha256?: string;
}

/**
 * Adds a chunk to a package, which is there under its name only after the last one. A chunk that was added before may come
 * again: what lies after its offset is dropped.
 *
 * @returns bytes that are there. @throws AgentError path_escapes, hash_mismatch, disk_full, BAD_REQUEST for a gap
 */
export async function putChunk(workPath: string, chunk: Chunk, cache: PackageCache): Promise<number> {
  const file = workFile(workPath, chunk.name);
  const part = `${file}.part`;
  const size = chunk.offset + chunk.bytes.length;
  const there = fs.lstatSync(part, { throwIfNoEntry: false });
  if (there === undefined && chunk.last && chunk.offset > 0 && sizeOf(file) === size) {
    // The answer to the last chunk was lost on its way: the package is complete already.
    checkHash(chunk.name, chunk.sha256, chunk.sha256 === undefined ? undefined : await sha256OfFile(file));
    return size;
  }
  if (chunk.offset > 0 && (there === undefined || !there.isFile() || there.size < chunk.offset)) {
    const have = there?.isFile() ? there.size : 0;
    throw new AgentError(
      'BAD_REQUEST',
      `A chunk at ${chunk.offset} of ${chunk.name} where ${have} bytes are there`,
    );
  }
  try {
    append(part, chunk);
  } catch (error) {
    throw explainNoRoom(error, workPath, chunk.bytes.length);
  }
  if (!chunk.last) return size;
  if (chunk.sha256 !== undefined) await checkPart(part, chunk.name, chunk.sha256);
  fs.renameSync(part, file);
  if (chunk.sha256 !== undefined) cache.keep(chunk.sha256, file);
  return size;
}

function append(part: string, { offset, bytes }: Chunk): void {
  if (offset === 0) fs.rmSync(part, { force: true });
  const fd = fs.openSync(part, offset === 0 ? 'wx' : 'r+', 0o600);
  try {
    fs.ftruncateSync(fd, offset);
    for (let written = 0; written < bytes.length; ) {
      written += fs.writeSync(fd, bytes, written, bytes.length - written, offset + written);
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Wrong bytes are removed, so that the next attempt begins anew. */
async function checkPart(part: string, name: string, sha256: string): Promise<void> {
  try {
    checkHash(name, sha256, await sha256OfFile(part));
  } catch (error) {
    fs.rmSync(part, { force: true });
    throw error;
  }
}

function sizeOf(file: string): number | undefined {
  return fs.statSync(file, { throwIfNoEntry: false })?.size;
}
