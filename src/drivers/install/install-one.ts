/** Installs one piece of software: its package, its command, its version check. */
import * as fs from 'node:fs';
import type { PackageSpec, SoftwareSpec } from '../../../api/spec.ts';
import { AgentError } from '../agent-error.ts';
import { unpack } from './archive.ts';
import { checkPackage, sha256OfFile } from './check.ts';
import { type FetchOptions, fetchPackage } from './fetch.ts';
import type { PackageCache } from './package-cache.ts';
import { installSystemPackage, isSystemSoftware } from './system-packages.ts';
import { endOf, runTool } from './tool.ts';
import { workFile } from './work-file.ts';

/** Longest time of a version check and of an uninstall command. */
const COMMAND_MS = 60_000;

export interface Surroundings extends FetchOptions {
  readonly cache: PackageCache;
}

/** @returns bytes of its package. @throws AgentError with the cause, or the system's error */
export async function installOne(software: SoftwareSpec, options: Surroundings): Promise<number> {
  // A system package stays on the node from one run to the next.
  if (isSystemSoftware(software) && software.version_check !== undefined) {
    if ((await versionFault(software.version_check, options)) === undefined) return 0;
  }
  const { bytes, file } = await bring(software, options);
  options.signal.throwIfAborted();
  if (isSystemSoftware(software)) await installSystemPackage(software, file, options);
  else if (file !== undefined) await unfold(software, file, options);
  options.signal.throwIfAborted();
  if (software.install !== undefined && software.install !== '') await runInstall(software.install, options);
  if (software.version_check !== undefined) {
    const fault = await versionFault(software.version_check, options);
    if (fault !== undefined) throw fault;
  }
  return bytes;
}

/** Runs the software's own command against what its installation did. @throws AgentError install_failed, install_stalled */
export async function uninstallOne(command: string, options: FetchOptions): Promise<void> {
  const { tail, ...status } = await runTool('/bin/sh', ['-c', command], {
    ...options,
    timeoutMs: COMMAND_MS,
  });
  if (status.exit_code === 0) return;
  const details = { command, ...status, stderr_tail: tail };
  throw new AgentError('install_failed', `The uninstall command ended with ${endOf(status)}`, details);
}

/** Has the package at its place; system software of a name needs none. */
async function bring(
  software: SoftwareSpec,
  options: Surroundings,
): Promise<{ bytes: number; file?: string }> {
  const spec = software.package;
  const isNamed = isSystemSoftware(software) && spec?.path === '' && spec.content === undefined;
  if (spec === undefined || isNamed) return { bytes: 0 };
  const file = workFile(options.cwd, spec.dest_path);
  const present = (await presentBytes(spec, file)) ?? (await cached(spec, file, options.cache));
  if (present !== undefined) return { bytes: present, file };
  const bytes = await fetchPackage(spec, file, options);
  if (spec.sha256 !== undefined) options.cache.keep(spec.sha256, file);
  return { bytes, file };
}

async function cached(spec: PackageSpec, file: string, cache: PackageCache): Promise<number | undefined> {
  if (spec.sha256 === undefined) return undefined;
  const size = await cache.take(spec.sha256, file);
  if (size !== undefined) checkPackage(spec, { size, sha256: spec.sha256 });
  return size;
}

async function unfold(software: SoftwareSpec, file: string, options: Surroundings): Promise<void> {
  switch (software.type) {
    case 'zip': {
      const { unzip } = await import('./zip.ts');
      return unzip(file, options);
    }
    case 'gz': {
      const { gunzip } = await import('./gunzip.ts');
      return gunzip(file, options.signal);
    }
    case 'tar':
    case 'tgz':
    case 'tbz2':
      return unpack(file, options);
    default:
  }
}

/** Whether the node's controller hands the package over, since the node has no way to it. */
function isHandedOver({ type }: PackageSpec): boolean {
  return type === 'scp' || type === 'file';
}

/** Size of a package that is there already with the right bytes; undefined when it must be fetched. */
async function presentBytes(spec: PackageSpec, file: string): Promise<number | undefined> {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return undefined;
  if (!isHandedOver(spec) && spec.sha256 === undefined) return undefined;
  const found = spec.sha256 === undefined ? {} : { sha256: await sha256OfFile(file) };
  try {
    checkPackage(spec, { size: stat.size, ...found });
    return stat.size;
  } catch (error) {
    // What the node fetches is fetched again; nobody but the controller can bring a right one of the others.
    if (!isHandedOver(spec)) return undefined;
    throw error;
  }
}

async function runInstall(command: string, options: Surroundings): Promise<void> {
  const { tail, ...status } = await runTool('/bin/sh', ['-c', command], options);
  if (status.exit_code === 0) return;
  throw new AgentError('install_failed', `The install command ended with ${endOf(status)}`, {
    command,
    ...status,
    stderr_tail: tail,
  });
}

/** What is wrong with the version; undefined when it is right. */
async function versionFault(
  { command, expect }: NonNullable<SoftwareSpec['version_check']>,
  options: Surroundings,
): Promise<AgentError | undefined> {
  const { tail, ...status } = await runTool('/bin/sh', ['-c', command], {
    ...options,
    timeoutMs: COMMAND_MS,
  });
  const details = { command, ...status, stderr_tail: tail };
  if (status.exit_code !== 0)
    return new AgentError('version_mismatch', `The version check ended with ${endOf(status)}`, details);
  const said = tail.join('\n').trim();
  if (expect === undefined || said === expect.trim()) return undefined;
  const message = `The version check printed ${JSON.stringify(said.slice(0, 200))} where ${JSON.stringify(expect)} is expected`;
  return new AgentError('version_mismatch', message, details);
}
