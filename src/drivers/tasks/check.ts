/** One look of a liveness monitor at a process. */
import { spawn } from 'node:child_process';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { durationText } from '../../core/duration.ts';
import { messageOf } from '../agent-error.ts';
import { sendSignal } from './processes.ts';

/** How a monitor's command is run. */
export interface CommandSetting {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** What is put before the shell, to run it as another account. */
  readonly prefix: readonly string[];
}

/** Answers undefined when the process is well, else what was seen, as a clause: "the command exited with code 1". */
export type Check = () => Promise<string | undefined>;

/** Runs a shell command; well with exit code 0. One that hangs is killed with all its group. */
export function checkCommand(
  command: string,
  timeoutMs: number,
  setting: CommandSetting,
): Promise<string | undefined> {
  const { cwd, env, prefix } = setting;
  const [program, ...args] = [...prefix, '/bin/sh', '-c', command] as unknown as [string, ...string[]];
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: 'ignore', detached: true });
    const { pid } = child;
    const timer = setTimeout(() => {
      if (pid !== undefined) killGroup(pid);
      resolve(`the command did not end within its timeout of ${durationText(timeoutMs)}`);
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve(`the command could not be started: ${messageOf(error)}`);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(undefined);
      else resolve(`the command ${signal === null ? `exited with code ${code}` : `was ended by ${signal}`}`);
    });
  });
}

/** Asks a URL; well with a status below 400. The body is not read. */
export function checkHttp(url: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const fail = (error: unknown) => resolve(`the URL could not be asked: ${messageOf(error)}`);
    try {
      const get = url.startsWith('https:') ? getHttps : getHttp;
      const request = get(url, { agent: false }, (response) => {
        clearTimeout(timer);
        const { statusCode = 0 } = response;
        response.destroy();
        resolve(
          statusCode > 0 && statusCode < 400 ? undefined : `the server answered with status ${statusCode}`,
        );
      });
      const timer = setTimeout(() => {
        resolve(`the server did not answer within the timeout of ${durationText(timeoutMs)}`);
        request.destroy();
      }, timeoutMs);
      request.on('error', (error) => {
        clearTimeout(timer);
        fail(error);
      });
    } catch (error) {
      fail(error);
    }
  });
}

function killGroup(leader: number): void {
  try {
    sendSignal(-leader, 'SIGKILL');
  } catch {
    // Not ours to kill any more: its processes carry the run's mark and end when the node is cleaned.
  }
}
