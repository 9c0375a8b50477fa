/** Brings a package to its place in the run's folder, from wherever its type says. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { PackageSpec } from '../../../api/spec.ts';
import { AgentError } from '../agent-error.ts';
import { checkPackage, sha256OfFile } from './check.ts';
import type { CommandResult } from './command.ts';
import { type DownloadOptions, download } from './download.ts';
import { endOf, inPlainWords, runTool, type ToolOptions, toolMissing } from './tool.ts';
import { createFresh } from './work-file.ts';

export type FetchOptions = ToolOptions & DownloadOptions;

/** Exit codes of a program that fetches → what they mean; any other is download_failed. */
type Meanings = Readonly<Record<number, 'download_refused' | 'download_stalled' | 'download_incomplete'>>;

const CURL: Meanings = {
  9: 'download_refused',
  18: 'download_incomplete',
  28: 'download_stalled',
  67: 'download_refused',
  78: 'download_refused',
};
const WGET: Meanings = { 6: 'download_refused', 8: 'download_refused' };
const RSYNC: Meanings = {
  5: 'download_refused',
  12: 'download_incomplete',
  23: 'download_refused',
  30: 'download_stalled',
  35: 'download_stalled',
};

/** @returns bytes of the package. @throws AgentError download_*, hash_mismatch, size_mismatch, tool_missing */
export async function fetchPackage(spec: PackageSpec, file: string, options: FetchOptions): Promise<number> {
  switch (spec.type) {
    case 'web':
      return download(spec, file, options);
    case 'inline':
      return writeInline(spec, file);
    case 'ftp':
      return keep(spec, file, (part) => fetchFtp(spec, part, options));
    case 'rsync':
      return keep(spec, file, (part) => fetchRsync(spec, part, options));
    case 'scp':
    case 'file':
      throw new AgentError('failed', `The package ${spec.name} was not handed over before its installation`);
  }
}

async function writeInline(spec: PackageSpec, file: string): Promise<number> {
  const bytes = Buffer.from(spec.content ?? '', 'utf8');
  return keep(spec, file, async (part) => {
    const out = await createFresh(part);
    try {
      await out.writeFile(bytes);
    } finally {
      await out.close();
    }
  });
}

/** What was fetched is there under its name only when it is complete and right. */
async function keep(
  spec: PackageSpec,
  file: string,
  fetch: (part: string) => Promise<void>,
): Promise<number> {
  const part = `${file}.part`;
  fs.rmSync(part, { recursive: true, force: true });
  try {
    await fetch(part);
    const found = await measure(spec, part);
    fs.rmSync(file, { recursive: true, force: true });
    fs.renameSync(part, file);
    return found;
  } catch (error) {
    fs.rmSync(part, { recursive: true, force: true });
    throw error;
  }
}

/** @returns bytes; those of all files of a folder. @throws AgentError hash_mismatch, size_mismatch */
async function measure(spec: PackageSpec, path: string): Promise<number> {
  const stat = fs.statSync(path);
  if (stat.isFile()) {
    const digest = spec.sha256 === undefined ? {} : { sha256: await sha256OfFile(path) };
    checkPackage(spec, { size: stat.size, ...digest });
    return stat.size;
  }
  if (spec.sha256 !== undefined)
    throw new AgentError('hash_mismatch', `The package ${spec.name} is a folder, which has no SHA-256`);
  const size = folderBytes(path);
  checkPackage(spec, { size });
  return size;
}

function folderBytes(path: string): number {
  let bytes = 0;
  for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    bytes += entry.isDirectory() ? folderBytes(inner) : fs.lstatSync(inner).size;
  }
  return bytes;
}

/** FTP by the node's curl, else its wget. The URL, which may hold a password, is not on the command line. */
async function fetchFtp(spec: PackageSpec, part: string, options: FetchOptions): Promise<void> {
  const seconds = String(Math.max(1, Math.ceil(options.stallMs / 1000)));
  const list = `${part}.url`;
  try {
    await writePrivate(list, `url = "${spec.path.replace(/["\\]/g, '\\$&')}"\n`);
    const curl = ['-q', '-sS', '--fail', '--globoff', '--connect-timeout', seconds];
    const watch = ['--speed-limit', '1', '--speed-time', seconds, '-o', part, '--config', list];
    const byCurl = await attempt('curl', [...curl, ...watch], options);
    if (byCurl !== undefined) return judge(spec, 'curl', byCurl, CURL);
    await writePrivate(list, `${spec.path}\n`);
    const byWget = await attempt(
      'wget',
      ['-nv', `--timeout=${seconds}`, '--tries=1', '-O', part, '-i', list],
      options,
    );
    if (byWget !== undefined) return judge(spec, 'wget', byWget, WGET);
    throw toolMissing(['curl', 'wget']);
  } finally {
    fs.rmSync(list, { force: true });
  }
}

async function writePrivate(path: string, text: string): Promise<void> {
  const out = await createFresh(path);
  try {
    await out.writeFile(text);
  } finally {
    await out.close();
  }
}

/** The node's own rsync, with whatever keys the account has there. */
async function fetchRsync(spec: PackageSpec, part: string, options: FetchOptions): Promise<void> {
  const seconds = Math.max(1, Math.ceil(options.stallMs / 1000));
  // A timeout of connecting is for daemons alone, and the shell for the others.
  const way = /^rsync:|::/.test(spec.path)
    ? [`--contimeout=${seconds}`]
    : ['-e', `ssh -o BatchMode=yes -o ConnectTimeout=${seconds}`];
  const args = ['-a', `--timeout=${seconds}`, ...way, '--', spec.path, part];
  const result = await runTool('rsync', args, inPlainWords(options));
  judge(spec, 'rsync', result, RSYNC);
  if (!fs.existsSync(part))
    throw new AgentError('download_refused', `rsync brought nothing for ${withoutPassword(spec.path)}`);
}

/** Undefined when the program is not there. */
async function attempt(
  file: string,
  args: readonly string[],
  options: FetchOptions,
): Promise<CommandResult | undefined> {
  try {
    return await runTool(file, args, inPlainWords(options));
  } catch (error) {
    if (error instanceof AgentError && error.failure.code === 'tool_missing') return undefined;
    throw error;
  }
}

function judge(spec: PackageSpec, tool: string, result: CommandResult, meanings: Meanings): void {
  if (result.exit_code === 0) return;
  const code = meanings[result.exit_code ?? -1] ?? 'download_failed';
  const last = result.tail.at(-1);
  const said = last === undefined ? '' : `: ${withoutPassword(last)}`;
  const source = withoutPassword(spec.path);
  throw new AgentError(code, `${tool} cannot fetch ${source} (${endOf(result)})${said}`, {
    stderr_tail: result.tail.map(withoutPassword),
  });
}

function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, '//');
}
