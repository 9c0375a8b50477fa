/**
 * The controller's copies of tasks' output, brought back before a node is cleaned:
 * DIR/RUN/NODE/BLOCK.ATTEMPT.STREAM (BLOCK.ATTEMPT.of-NUMBER.STREAM for a task of a workflow), and beside it, where the node
 * had dropped the beginning, FILE.from with the offset at which the copy begins; where it lost bytes, FILE.lost with their number. What is copied as it is written lies in
 * FILE.stream (growing-output.ts), and files of the run's working folder in DIR/RUN/NODE/files.
 */
import { createHash } from 'node:crypto';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { insideSegments } from '../core/agent/relative-path.ts';
import { errorCode } from './agent-error.ts';
import { GrowingOutput } from './growing-output.ts';

/** Bytes of an output as they come from a node. */
export interface OutputBytes {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly lost?: number;
}

export interface OutputPiece {
  readonly bytes: Buffer;
  /** Logical offset of the first byte. */
  readonly offset: number;
  /** Logical size of the whole. */
  readonly size: number;
  /** Bytes that are missing somewhere and that offsets do not count. @default none */
  readonly lost?: number;
}

export interface OutputStore {
  /** Writes one stream's whole output from pieces in order; complete or absent. */
  save(task_id: string, stream: string, pieces: AsyncIterable<OutputBytes>): Promise<void>;
  /** A piece at an offset, or the first byte kept when that is later; undefined when no copy is here. */
  read(task_id: string, stream: string, offset: number, limit: number): Promise<OutputPiece | undefined>;
  /** The copy of a stream that is made as it is written. */
  growing(task_id: string, stream: string): GrowingOutput;
  /** Gives a stream that was saved a further name among the files of its node. */
  name(task_id: string, stream: string, path: string): Promise<void>;
  /** Writes a file of a run's working folder; complete or as it was. @throws Error for a path that leads out of it */
  saveFile(run_id: string, node: string, path: string, pieces: AsyncIterable<Buffer>): Promise<void>;
  hasFile(run_id: string, node: string, path: string): Promise<boolean>;
  /** A piece of a file that was brought back; undefined where it was not. */
  readFile(
    run_id: string,
    node: string,
    path: string,
    offset: number,
    limit: number,
  ): Promise<OutputPiece | undefined>;
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

/** @param range `from`: logical offset of the file's first byte; `size`: of its end */
async function readFrom(
  file: string,
  { from, size, offset, limit }: { from: number; size: number; offset: number; limit: number },
): Promise<OutputPiece> {
  const start = Math.min(Math.max(offset, from), size);
  const bytes = Buffer.alloc(Math.min(limit, size - start));
  const handle = await open(file, 'r');
  try {
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start - from);
    return { bytes: bytes.subarray(0, bytesRead), offset: start, size };
  } finally {
    await handle.close();
  }
}

/** Puts what is made beside a file in its place; what could not be made whole is removed. */
async function replacing(file: string, make: (part: string) => Promise<unknown>): Promise<void> {
  const part = `${file}.part`;
  await rm(part, { force: true });
  try {
    await make(part);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function create(file: string): Promise<FileHandle> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  return open(file, 'w', 0o600);
}

async function writeAll<T>(
  part: string,
  pieces: AsyncIterable<T>,
  write: (handle: FileHandle, piece: T) => Promise<unknown>,
): Promise<void> {
  // Made with the first piece, so that what the node does not give out leaves nothing here.
  let handle: FileHandle | undefined;
  try {
    for await (const piece of pieces) {
      handle ??= await create(part);
      await write(handle, piece);
    }
    handle ??= await create(part);
  } finally {
    await handle?.close();
  }
}

export function openOutputStore(dir: string): OutputStore {
  const turns = new Map<string, Promise<void>>();
  /** Two that write the same file never do so at once. */
  const inTurn = async (target: string, work: () => Promise<void>) => {
    const mine = (turns.get(target) ?? Promise.resolve()).then(work);
    const settled = mine.catch(() => {
      // Whoever asked for that one hears of it.
    });
    turns.set(target, settled);
    try {
      await mine;
    } finally {
      if (turns.get(target) === settled) turns.delete(target);
    }
  };
  const place = (task_id: string, stream: string) => {
    const [run = '', block = '', node = '', attempt = '', number] = task_id.split('/');
    const name = number === undefined ? attempt : `${attempt}.of-${number}`;
    const folder = join(dir, fileName(run), fileName(node));
    return { file: join(folder, `${fileName(block)}.${name}.${stream}`) };
  };
  const filePlace = (run: string, node: string, path: string) => {
    const segments = insideSegments(path);
    if (segments === undefined || segments.length === 0) throw new Error(`"${path}" is no path of a file`);
    return join(dir, fileName(run), fileName(node), 'files', ...segments);
  };
  return {
    growing: (task_id, stream) => new GrowingOutput(place(task_id, stream).file),
    async name(task_id, stream, path) {
      const [run = '', , node = ''] = task_id.split('/');
      const target = filePlace(run, node, path);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await inTurn(target, () => replacing(target, (part) => link(place(task_id, stream).file, part)));
    },
    async saveFile(run_id, node, path, pieces) {
      const target = filePlace(run_id, node, path);
      await inTurn(target, () =>
        replacing(target, (part) => writeAll(part, pieces, (handle, bytes) => handle.write(bytes))),
      );
    },
    async hasFile(run_id, node, path) {
      return (await stat(filePlace(run_id, node, path)).catch(noFile))?.isFile() === true;
    },
    async readFile(run_id, node, path, offset, limit) {
      const target = filePlace(run_id, node, path);
      const known = await stat(target).catch(noFile);
      if (known?.isFile() !== true) return undefined;
      return readFrom(target, { from: 0, size: known.size, offset, limit });
    },
    async save(task_id, stream, pieces) {
      const { file } = place(task_id, stream);
      let from: number | undefined;
      let lost = 0;
      await replacing(file, async (part) => {
        await writeAll(part, pieces, (handle, { offset, bytes, lost: more = 0 }) => {
          from ??= offset;
          lost = Math.max(lost, more);
          return handle.write(bytes);
        });
        if (lost > 0) await writeFile(`${file}.lost`, String(lost), { mode: 0o600 });
        if (from !== undefined && from > 0) await writeFile(`${file}.from`, String(from), { mode: 0o600 });
      });
    },
    async read(task_id, stream, offset, limit) {
      const { file } = place(task_id, stream);
      const known = await stat(file).catch(noFile);
      if (known === undefined) return undefined;
      const from = Number((await readFile(`${file}.from`, 'utf8').catch(noFile)) ?? '0');
      const lost = Number((await readFile(`${file}.lost`, 'utf8').catch(noFile)) ?? '0');
      const size = from + known.size;
      const piece = await readFrom(file, { from, size, offset, limit });
      return lost > 0 ? { ...piece, lost } : piece;
    },
    async prune(keep) {
      const names = new Set([...keep].map(fileName));
      for (const name of await readdir(dir).catch(noFolder)) {
        if (!names.has(name)) await rm(join(dir, name), { recursive: true, force: true });
      }
    },
  };
}
