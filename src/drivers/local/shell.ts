import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { AccessError } from '../access.ts';
import type { CommandEnd, RunningCommand } from '../command.ts';

/**
 * What a command keeps of the controller's environment: what a login over SSH would have as well. The rest stays out, the
 * controller's secrets with it.
 */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const;

type Shell = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Starts a command line in /bin/sh, in the home folder, as the leader of a session of its own.
 *
 * @throws AccessError `failed` when the process cannot be made
 */
export function startShell(command: string, env: Readonly<Record<string, string>>): Promise<RunningCommand> {
  const home = homedir();
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: existsSync(home) ? home : '/',
    env: { ...inheritedEnv(), SHELL: '/bin/sh', ...env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(watchable(child)));
    child.once('error', (error) => {
      const message = `The command could not be started: ${error.message}`;
      reject(new AccessError('failed', message, { cause: error }));
    });
  });
}

function watchable(child: Shell): RunningCommand {
  const ended = new Promise<CommandEnd>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(code === null ? { signal: signal ?? 'SIGKILL' } : { code });
    });
  });
  const release = () => {
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  };
  const kill = () => {
    killGroup(child);
    release();
  };
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended, kill, release };
}

/** Kills the command with its children. A daemon that left the command's session has left its group too, and lives. */
function killGroup(child: Shell): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left, or none that we may signal: then the shell at most.
    child.kill('SIGKILL');
  }
}

function inheritedEnv(): Record<string, string> {
  const entries = INHERITED.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(
    entries.filter((entry): entry is [(typeof entry)[0], string] => entry[1] !== undefined),
  );
}
