/** Unpacks tar archives: each member is looked at first, then the machine's own tar does it. */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { ArchiveMembers, type Member, type MemberType } from '../../core/agent/archive-members.ts';
import { AgentError, errorCode, messageOf } from '../agent-error.ts';
import { type CommandOptions, runCommand } from './command.ts';
import { DISK_FULL, freeBytes, noRoomSentence } from './room.ts';

const MAX_MEMBERS = 1_000_000;
const MAX_UNPACKED_BYTES = 100 * 2 ** 30;

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
  const packed = isGzip(file);
  const bytes = await checkMembers(file, packed, options);
  const free = freeBytes(options.cwd);
  const args = [packed ? '-xozf' : '-xof', file];
  let result: Awaited<ReturnType<typeof runCommand>>;
  try {
    result = await runCommand('tar', args, { ...options, env: { ...options.env, LC_ALL: 'C' } });
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw cause;
    throw new AgentError('tool_missing', 'There is no tar on this node; install it', {}, { cause });
  }
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

/** Gzip tells itself by its first bytes (RFC 1952, 2.3.1). */
function isGzip(file: string): boolean {
  const fd = fs.openSync(file, 'r');
  try {
    const head = Buffer.alloc(2);
    return fs.readSync(fd, head, 0, 2, 0) === 2 && head.equals(Buffer.from([0x1f, 0x8b]));
  } finally {
    fs.closeSync(fd);
  }
}

/** @returns bytes of all members together */
async function checkMembers(file: string, packed: boolean, { cwd, signal }: CommandOptions): Promise<number> {
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
  const source = fs.createReadStream(file);
  try {
    if (packed) await pipeline(source, createGunzip(), parser, { signal });
    else await pipeline(source, parser, { signal });
  } catch (error) {
    if (error instanceof AgentError || signal.aborted || errorCode(error) === 'EIO') throw error;
    throw damaged(file, error);
  }
  return check.finish(cwd);
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

/** A folder of the archive that on the disk is a symbolic link already, or lies below one. */
function throughLink(cwd: string, folders: Iterable<string>): string | undefined {
  const kinds = new Map<string, 'absent' | 'link' | 'plain'>();
  for (const folder of folders) {
    let path = '';
    for (const segment of folder.split('/')) {
      path = path === '' ? segment : `${path}/${segment}`;
      let kind = kinds.get(path);
      if (kind === undefined) {
        const stat = fs.lstatSync(join(cwd, path), { throwIfNoEntry: false });
        kind = stat === undefined ? 'absent' : stat.isSymbolicLink() ? 'link' : 'plain';
        kinds.set(path, kind);
      }
      if (kind === 'absent') break;
      if (kind === 'link')
        return `Member below ${JSON.stringify(folder)} passes through the link ${JSON.stringify(path)}`;
    }
  }
  return undefined;
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
