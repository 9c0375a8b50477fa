/** Software that the node's package manager installs: rpm, apt and yum. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { SoftwareSpec } from '../../../api/spec.ts';
import { AgentError } from '../agent-error.ts';
import { endOf, runTool, type ToolOptions, toolMissing } from './tool.ts';

/** A package manager that has not ended by then hangs: its server stalls, or somebody else holds its lock. */
const MANAGER_MS = 15 * 60_000;
/** How long apt and dpkg wait for a lock, and for a silent server. */
const LOCK_S = 300;
const SERVER_S = 30;

export type SystemSoftware = SoftwareSpec & { readonly type: 'rpm' | 'apt' | 'yum' };

export function isSystemSoftware(software: SoftwareSpec): software is SystemSoftware {
  return software.type === 'rpm' || software.type === 'apt' || software.type === 'yum';
}

/**
 * @param file the package itself, where it was fetched; else the package manager knows it by name
 * @throws AgentError tool_missing, not_allowed, install_failed, install_stalled
 */
export async function installSystemPackage(
  software: SystemSoftware,
  file: string | undefined,
  options: ToolOptions,
): Promise<void> {
  const { tool, args } = commandOf(software, file, options.env);
  const env = { ...options.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const [program = '', ...rest] = [...asRoot(options.env), tool, ...args];
  const result = await runTool(program, rest, { ...options, env, timeoutMs: MANAGER_MS });
  if (result.exit_code === 0) return;
  const { tail, ...status } = result;
  const command = [tool, ...args].join(' ');
  const details = { command, ...status, stderr_tail: tail };
  if (program === 'sudo' && tail.some((line) => line.startsWith('sudo:'))) {
    const message = `The account may not install packages: sudo asks for a password, and ${tool} is for root`;
    throw new AgentError('not_allowed', message, details);
  }
  throw new AgentError('install_failed', `${tool} ended with ${endOf(status)}`, details);
}

/** @throws AgentError tool_missing */
function commandOf(
  { type, name, package: spec }: SystemSoftware,
  file: string | undefined,
  env: NodeJS.ProcessEnv,
): { tool: string; args: string[] } {
  const names = file === undefined ? (spec?.name ?? name).split(/\s+/).filter((word) => word !== '') : [file];
  if (type === 'rpm') {
    if (!isThere('rpm', env)) throw toolMissing(['rpm']);
    return { tool: 'rpm', args: ['-U', '--replacepkgs', '--', ...names] };
  }
  if (type === 'apt') {
    if (!isThere('apt-get', env)) throw toolMissing(['apt-get']);
    const options = [
      `DPkg::Lock::Timeout=${LOCK_S}`,
      `Acquire::http::Timeout=${SERVER_S}`,
      `Acquire::https::Timeout=${SERVER_S}`,
      `Acquire::ftp::Timeout=${SERVER_S}`,
    ];
    const said = ['-qq', '-y', '--no-install-recommends', ...options.flatMap((option) => ['-o', option])];
    return { tool: 'apt-get', args: [...said, 'install', '--', ...names] };
  }
  const tool = ['dnf', 'yum'].find((candidate) => isThere(candidate, env));
  if (tool === undefined) throw toolMissing(['dnf', 'yum']);
  return { tool, args: ['-q', '-y', `--setopt=timeout=${SERVER_S}`, 'install', ...names] };
}

/** Package managers are for root: another account asks sudo, which must not ask back. */
function asRoot(env: NodeJS.ProcessEnv): string[] {
  const isRoot = process.getuid?.() === 0;
  return isRoot || !isThere('sudo', env) ? [] : ['sudo', '-n', '--'];
}

function isThere(program: string, env: NodeJS.ProcessEnv): boolean {
  return (env.PATH ?? '').split(':').some((folder) => {
    try {
      fs.accessSync(join(folder, program), fs.constants.X_OK);
      return folder !== '';
    } catch {
      // Not in this folder.
      return false;
    }
  });
}
