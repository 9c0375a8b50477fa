/**
 * The controller's copies of tasks' output, brought back before a node is cleaned:
 * DIR/RUN/NODE/BLOCK.ATTEMPT.STREAM (BLOCK.ATTEMPT.of-NUMBER.STREAM for a task of a workflow), and beside it, where the node had dropped the beginning, FILE.from with the offset at
 * which the copy begins.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './agent-error.ts';

export interface OutputPiece {
  readonly bytes: Buffer;
  /** Logical offset of the first byte. */
  readonly offset: number;
  /** Logical size of the whole. */
  readonly size: number;
}

export interface OutputStore {
  /** Writes one stream's whole output from pieces in order; complete or absent. */
  save(
    task_id: string,
    stream: string,
    pieces: AsyncIterable<{ offset: number; bytes: Buffer }>,
  ): Promise<void>;
  /** A piece at an offset, or the first byte kept when that is later; undefined when no copy is here. */
  read(task_id: string, stream: string, offset: number, limit: number): Promise<OutputPiece | undefined>;
  /** Removes the output of runs that are not in `keep`. */
  prune(keep: ReadonlySet<string>): Promise<void>;
}

/** A name of any kind as a file name that is readable where it can be and always unique. */
function fileName(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9_.:@-]{0,100}$/.test(name)) return name;
  return `${name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 60)}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}

function noFile(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
}

function noFolder(error: unknown): string[] {
  noFile(error);
  return [];
}

export function openOutputStore(dir: string): OutputStore {
  const place = (task_id: string, stream: string) => {
    const [run = '', block = '', node = '', attempt = '', number] = task_id.split('/');
    const name = number === undefined ? attempt : `${attempt}.of-${number}`;
    const folder = join(dir, fileName(run), fileName(node));
    return { folder, file: join(folder, `${fileName(block)}.${name}.${stream}`) };
  };
  return {
    async save(task_id, stream, pieces) {
      const { folder, file } = place(task_id, stream);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const part = `${file}.part`;
      const handle = await open(part, 'w', 0o600);
      let from: number | undefined;
      try {
        for await (const { offset, bytes } of pieces) {
          from ??= offset;
          await handle.write(bytes);
        }
      } finally {
        await handle.close();
      }
      if (from !== undefined && from > 0) await writeFile(`${file}.from`, String(from), { mode: 0o600 });
      await rename(part, file);
    },
    async read(task_id, stream, offset, limit) {
      const { file } = place(task_id, stream);
      const known = await stat(file).catch(noFile);
      if (known === undefined) return undefined;
      const from = Number((await readFile(`${file}.from`, 'utf8').catch(noFile)) ?? '0');
      const size = from + known.size;
      const start = Math.min(Math.max(offset, from), size);
      const bytes = Buffer.alloc(Math.min(limit, size - start));
      const handle = await open(file, 'r');
      try {
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, start - from);
        return { bytes: bytes.subarray(0, bytesRead), offset: start, size };
      } finally {
        await handle.close();
      }
    },
    async prune(keep) {
      const names = new Set([...keep].map(fileName));
      for (const name of await readdir(dir).catch(noFolder)) {
        if (!names.has(name)) await rm(join(dir, name), { recursive: true, force: true });
      }
    },
  };
}
