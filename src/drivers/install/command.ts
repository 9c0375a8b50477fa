/** Runs a program of an installation to its end. */
import { spawn } from 'node:child_process';
import { TAIL_BYTES, tailLines } from '../../core/agent/tail.ts';
import { errorCode } from '../agent-error.ts';

export interface CommandResult {
  readonly exit_code?: number;
  readonly signal?: string;
  /** Last lines of stdout and stderr together, as a terminal would show them. */
  readonly tail: readonly string[];
}

export interface CommandOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the program and all of its group. */
  readonly signal: AbortSignal;
}

/** @throws the system's error when the program cannot be started */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const { cwd, env, signal } = options;
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let tail = Buffer.alloc(0);
    const keep = (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]);
      if (tail.length > 2 * TAIL_BYTES) tail = tail.subarray(-TAIL_BYTES);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const abort = () => endGroup(child.pid);
    const done = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort);
    child.once('error', (error) => {
      done();
      reject(error);
    });
    // Not 'close': a daemon that the command leaves behind holds the pipes open.
    child.once('exit', (code, killedBy) => {
      done();
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({
          ...(code === null ? {} : { exit_code: code }),
          ...(killedBy === null ? {} : { signal: killedBy }),
          tail: tailLines(tail),
        });
      });
    });
    if (signal.aborted) abort();
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: it ended just now. EPERM: the group changed its account; the run's clean-up looks for it again.
    if (errorCode(error) === undefined) throw error;
  }
}
