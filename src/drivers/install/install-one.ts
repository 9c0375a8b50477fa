/** Installs one piece of software: its package, then its command. */
import * as fs from 'node:fs';
import type { PackageSpec, SoftwareSpec } from '../../../api/spec.ts';
import { AgentError } from '../agent-error.ts';
import { unpack } from './archive.ts';
import { checkPackage, sha256OfFile } from './check.ts';
import { type CommandOptions, runCommand } from './command.ts';
import { type DownloadOptions, download } from './download.ts';
import { workFile } from './work-file.ts';

export type Surroundings = CommandOptions & DownloadOptions;

/** @returns bytes of its package. @throws AgentError with the cause, or the system's error */
export async function installOne(software: SoftwareSpec, options: Surroundings): Promise<number> {
  let bytes = 0;
  if (software.package !== undefined) {
    const file = workFile(options.cwd, software.package.dest_path);
    bytes =
      (await presentBytes(software.package, file)) ?? (await fetchPackage(software.package, file, options));
    if (software.type !== 'none') await unpack(file, options);
  }
  options.signal.throwIfAborted();
  if (software.install !== undefined && software.install !== '') await runInstall(software.install, options);
  return bytes;
}

/** Size of a package that is there already with the right bytes; undefined when it must be fetched. */
async function presentBytes(spec: PackageSpec, file: string): Promise<number | undefined> {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return undefined;
  if (spec.type === 'web' && spec.sha256 === undefined) return undefined;
  const found = spec.sha256 === undefined ? {} : { sha256: await sha256OfFile(file) };
  try {
    checkPackage(spec, { size: stat.size, ...found });
    return stat.size;
  } catch (error) {
    // A wrong file of type web is fetched again; of type scp nobody but the controller can bring a right one.
    if (spec.type === 'web') return undefined;
    throw error;
  }
}

async function fetchPackage(spec: PackageSpec, file: string, options: DownloadOptions): Promise<number> {
  if (spec.type === 'web') return download(spec, file, options);
  throw new AgentError('failed', `The package ${spec.name} was not handed over before its installation`);
}

async function runInstall(command: string, options: CommandOptions): Promise<void> {
  const { tail, ...status } = await runCommand('/bin/sh', ['-c', command], options);
  if (status.exit_code === 0) return;
  const how = status.signal === undefined ? `exit code ${status.exit_code}` : `signal ${status.signal}`;
  throw new AgentError('install_failed', `The install command ended with ${how}`, {
    command,
    ...status,
    stderr_tail: tail,
  });
}
