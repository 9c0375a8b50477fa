/**
 * Unpacks zip archives: every entry of the central directory is looked at first, then files and folders are written, and links
 * last, so that nothing is ever written through one. The node needs no unzip for it.
 */
import * as fs from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as yauzl from 'yauzl';
import { ArchiveMembers, type Member } from '../../core/agent/archive-members.ts';
import { AgentError, errorCode, isNoRoom, messageOf } from '../agent-error.ts';
import { MAX_MEMBERS, MAX_UNPACKED_BYTES } from './bounds.ts';
import type { CommandOptions } from './command.ts';
import { throughLink } from './through-link.ts';
import { createFresh, workFile } from './work-file.ts';

/** Bit 11 of the general purpose flag: the name is UTF-8 (APPNOTE 4.4.4). */
const UTF8_NAME = 0x800;
const FILE_TYPE = 0o170000;
const LINK = 0o120000;
const FOLDER = 0o040000;
const PLAIN = 0o100000;
const MAX_LINK_BYTES = 4096;

interface Entry {
  readonly raw: yauzl.Entry;
  readonly member: Member;
  /** Permissions; undefined where the archive was not made on Unix. */
  readonly mode: number | undefined;
}

/** @throws AgentError archive_damaged, archive_escapes, failed (over a bound), or the system's error */
export async function unzip(
  file: string,
  { cwd, signal }: Pick<CommandOptions, 'cwd' | 'signal'>,
): Promise<void> {
  let archive: yauzl.ZipFile | undefined;
  try {
    archive = await openArchive(file);
    const entries = await readEntries(archive, file, signal);
    checkEntries(entries, cwd);
    for (const entry of entries) {
      signal.throwIfAborted();
      await write(archive, entry, cwd, signal);
    }
    for (const { member } of entries) {
      if (member.type !== 'symlink') continue;
      const path = workFile(cwd, member.name);
      fs.rmSync(path, { force: true });
      fs.symlinkSync(member.target ?? '', path);
    }
  } catch (cause) {
    if (cause instanceof AgentError || signal.aborted || isNoRoom(cause) || errorCode(cause) === 'EIO')
      throw cause;
    const message = `${basename(file)} is not a whole zip archive: ${messageOf(cause)}`;
    throw new AgentError('archive_damaged', message, {}, { cause });
  } finally {
    archive?.close();
  }
}

function openArchive(file: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false, decodeStrings: false };
    yauzl.open(file, options, (error, archive) => (error ? reject(error) : resolve(archive)));
  });
}

/** All entries with the targets of links, which are their contents. */
async function readEntries(archive: yauzl.ZipFile, file: string, signal: AbortSignal): Promise<Entry[]> {
  const entries: Entry[] = [];
  let bytes = 0;
  if (archive.entryCount > MAX_MEMBERS)
    throw new AgentError('failed', `${basename(file)} has over ${MAX_MEMBERS} members`);
  for (let raw = await nextEntry(archive); raw !== undefined; raw = await nextEntry(archive)) {
    signal.throwIfAborted();
    bytes += raw.uncompressedSize;
    if (bytes > MAX_UNPACKED_BYTES)
      throw new AgentError('failed', `${basename(file)} unpacks to over ${MAX_UNPACKED_BYTES} bytes`);
    entries.push(await readEntry(archive, raw));
  }
  return entries;
}

function nextEntry(archive: yauzl.ZipFile): Promise<yauzl.Entry | undefined> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      archive.removeAllListeners('entry').removeAllListeners('end').removeAllListeners('error');
      settle();
    };
    archive.once('entry', (entry: yauzl.Entry) => done(() => resolve(entry)));
    archive.once('end', () => done(() => resolve(undefined)));
    archive.once('error', (error: Error) => done(() => reject(error)));
    archive.readEntry();
  });
}

async function readEntry(archive: yauzl.ZipFile, raw: yauzl.Entry): Promise<Entry> {
  // Names are bytes here (decodeStrings is off), against what the types say.
  const bytes = raw.fileName as unknown as Buffer;
  const name = bytes.toString((raw.generalPurposeBitFlag & UTF8_NAME) === 0 ? 'latin1' : 'utf8');
  const unix = raw.externalFileAttributes >>> 16;
  const type = unix & FILE_TYPE;
  const mode = unix === 0 ? undefined : unix & 0o777;
  if (name.endsWith('/') || type === FOLDER) return { raw, mode, member: { name, type: 'directory' } };
  if (type === LINK)
    return { raw, mode, member: { name, type: 'symlink', target: await readTarget(archive, raw) } };
  const isPlain = type === 0 || type === PLAIN;
  return { raw, mode, member: { name, type: isPlain ? 'file' : 'special' } };
}

async function readTarget(archive: yauzl.ZipFile, raw: yauzl.Entry): Promise<string> {
  if (raw.uncompressedSize > MAX_LINK_BYTES) throw new Error('a symbolic link is longer than a path may be');
  const chunks: Buffer[] = [];
  for await (const chunk of await contents(archive, raw)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function contents(archive: yauzl.ZipFile, raw: yauzl.Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    archive.openReadStream(raw, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}

/** @throws AgentError archive_escapes */
function checkEntries(entries: readonly Entry[], cwd: string): void {
  const members = new ArchiveMembers();
  let problem: string | undefined;
  for (const { member } of entries) problem ??= members.add(member);
  problem ??= members.finish() ?? throughLink(cwd, members.folders);
  if (problem !== undefined)
    throw new AgentError('archive_escapes', `${problem}; the archive was not unpacked`);
}

async function write(archive: yauzl.ZipFile, entry: Entry, cwd: string, signal: AbortSignal): Promise<void> {
  const { member, mode, raw } = entry;
  if (member.type === 'symlink') return;
  if (member.type === 'directory') {
    const path = workFile(cwd, member.name.replace(/\/+$/, ''));
    fs.mkdirSync(path, { recursive: true, mode: 0o700 });
    return;
  }
  const path = workFile(cwd, member.name);
  const out = await createFresh(path);
  try {
    await pipeline(await contents(archive, raw), out.createWriteStream(), { signal });
  } finally {
    await out.close();
  }
  fs.chmodSync(path, mode ?? 0o600);
}
