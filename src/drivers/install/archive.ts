/** Unpacks tar archives: each member is looked at first, then the machine's own tar does it. */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { ArchiveMembers, type Member, type MemberType } from '../../core/agent/archive-members.ts';
import { AgentError, errorCode, messageOf } from '../agent-error.ts';
import { MAX_MEMBERS, MAX_UNPACKED_BYTES } from './bounds.ts';
import type { CommandOptions } from './command.ts';
import { DISK_FULL, freeBytes, noRoomSentence } from './room.ts';
import { throughLink } from './through-link.ts';
import { inPlainWords, runTool, toolMissing } from './tool.ts';

type Compression = 'none' | 'gzip' | 'bzip2';

/** What tar is told, beside the file: no owners, since that is for root. */
const EXTRACT: { readonly [C in Compression]: string } = { none: '-xof', gzip: '-xozf', bzip2: '-xojf' };

const TYPES: Readonly<Record<string, MemberType>> = {
  directory: 'directory',
  symlink: 'symlink',
  link: 'link',
  'character-device': 'special',
  'block-device': 'special',
  fifo: 'special',
};

/** @throws AgentError archive_damaged, archive_escapes, tool_missing, disk_full, failed (over a bound) */
export async function unpack(file: string, options: CommandOptions): Promise<void> {
  const compression = compressionOf(file);
  const bytes = await checkMembers(file, compression, options);
  const free = freeBytes(options.cwd);
  const args = [EXTRACT[compression], file];
  const result = await runTool('tar', args, inPlainWords(options));
  if (result.exit_code === 0) return;
  const { tail, ...status } = result;
  const details = { command: `tar ${args.join(' ')}`, ...status, stderr_tail: tail };
  // Of a full disk tar has but words to tell, the system's in the C locale or its own for a short write; a quota shows in
  // nothing else.
  const told = tail.some((line) => /No space left|quota exceeded|File too large|Wrote only/i.test(line));
  if (told || result.signal === 'SIGXFSZ' || (free !== undefined && free < bytes)) {
    const stderr_tail = [...tail, noRoomSentence(options.cwd, bytes)];
    throw new AgentError('disk_full', DISK_FULL, { ...details, stderr_tail });
  }
  throw new AgentError('archive_damaged', `tar cannot unpack ${shown(file)}`, details);
}

/** Both tell themselves by their first bytes (RFC 1952, 2.3.1; bzip2's `BZh`). */
function compressionOf(file: string): Compression {
  const fd = fs.openSync(file, 'r');
  try {
    const head = Buffer.alloc(3);
    const read = fs.readSync(fd, head, 0, 3, 0);
    if (read >= 2 && head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
    return read === 3 && head.toString('latin1') === 'BZh' ? 'bzip2' : 'none';
  } finally {
    fs.closeSync(fd);
  }
}

/** @returns bytes of all members together */
async function checkMembers(
  file: string,
  compression: Compression,
  options: CommandOptions,
): Promise<number> {
  const { cwd, signal } = options;
  const check = new MemberCheck(file);
  // Old archives (V7) have no magic; what is no archive at all fails its first checksum.
  const parser = extract({ allowUnknownFormat: true } as Parameters<typeof extract>[0]);
  parser.on('entry', (header, stream, next) => {
    stream.on('end', next);
    // The parser fails with the same error, and is listened to.
    stream.on('error', () => undefined);
    stream.resume();
    const problem = check.add(header);
    if (problem !== undefined) parser.destroy(problem);
  });
  try {
    if (compression === 'bzip2') await bunzip(file, parser, options);
    else if (compression === 'gzip')
      await pipeline(fs.createReadStream(file), createGunzip(), parser, { signal });
    else await pipeline(fs.createReadStream(file), parser, { signal });
  } catch (error) {
    if (error instanceof AgentError || signal.aborted || errorCode(error) === 'EIO') throw error;
    throw damaged(file, error);
  }
  return check.finish(cwd);
}

/** Node has no bzip2 of its own. @throws AgentError tool_missing, or the error that `parser` was destroyed with */
async function bunzip(
  file: string,
  parser: NodeJS.WritableStream,
  { env, signal }: CommandOptions,
): Promise<void> {
  const child = spawn('bzip2', ['-dc', file], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(errorCode(cause) === 'ENOENT' ? toolMissing(['bzip2'], cause) : cause),
    );
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`bzip2 ended with exit code ${code}`)),
    );
  });
  try {
    // Of a broken archive the parser's own error says more than how bzip2 took the closed pipe.
    const [parsed, end] = await Promise.allSettled([pipeline(child.stdout, parser, { signal }), ended]);
    if (end.status === 'rejected' && end.reason instanceof AgentError) throw end.reason;
    if (parsed.status === 'rejected') throw parsed.reason;
    if (end.status === 'rejected') throw end.reason;
  } finally {
    child.kill('SIGKILL');
  }
}

/** Looks at one member after the other. */
class MemberCheck {
  readonly #members = new ArchiveMembers();
  #count = 0;
  #bytes = 0;

  constructor(private readonly file: string) {}

  add(header: Header): AgentError | undefined {
    this.#count += 1;
    this.#bytes += header.size ?? 0;
    if (this.#count > MAX_MEMBERS)
      return new AgentError('failed', `${shown(this.file)} has over ${MAX_MEMBERS} members`);
    if (this.#bytes > MAX_UNPACKED_BYTES) {
      return new AgentError('failed', `${shown(this.file)} unpacks to over ${MAX_UNPACKED_BYTES} bytes`);
    }
    const problem = membersOf(header)
      .map((member) => this.#members.add(member))
      .find((found) => found !== undefined);
    return problem === undefined ? undefined : escapes(problem);
  }

  /** @returns bytes of all members. @throws AgentError archive_escapes, archive_damaged */
  finish(cwd: string): number {
    if (this.#count === 0 && fs.statSync(this.file).size === 0)
      throw damaged(this.file, new Error('it is empty'));
    const problem = this.#members.finish() ?? throughLink(cwd, this.#members.folders);
    if (problem !== undefined) throw escapes(problem);
    return this.#bytes;
  }
}

/** A sparse file has its name in an extension that tar obeys and tar-stream does not: both names count. */
function membersOf(header: Header): Member[] {
  const type = TYPES[header.type ?? 'file'] ?? 'file';
  const target = header.linkname;
  const member: Member =
    typeof target === 'string' ? { name: header.name, type, target } : { name: header.name, type };
  const { pax } = header as { pax?: Readonly<Record<string, string>> | null };
  const sparse = pax?.['GNU.sparse.name'];
  return sparse === undefined ? [member] : [member, { ...member, name: sparse }];
}

/** Without its folder, which has another name on each node. */
function shown(file: string): string {
  return basename(file);
}

function escapes(problem: string): AgentError {
  return new AgentError('archive_escapes', `${problem}; the archive was not unpacked`);
}

function damaged(file: string, cause: unknown): AgentError {
  return new AgentError(
    'archive_damaged',
    `${shown(file)} is not a whole tar archive: ${messageOf(cause)}`,
    {},
    { cause },
  );
}
