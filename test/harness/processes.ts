/** Live processes of this machine by what their environment holds. */
import { readdirSync, readFileSync } from 'node:fs';

/** Pids of live processes with a variable whose value begins with a folder's path, and with all of the given variables. */
export function processesOf(folder: string, variables: Readonly<Record<string, string>> = {}): number[] {
  const wanted = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return processesWhere(
    (environment) =>
      wanted.every((entry) => environment.includes(entry)) &&
      environment.some((entry) => `${entry}/`.includes(`=${folder}/`)),
  );
}

/** Pids of live processes that have the word among their arguments. */
export function processesCalled(word: string): number[] {
  return pids().filter((pid) => commandLine(pid)?.includes(word) === true && isAlive(String(pid)));
}

function processesWhere(isWanted: (environment: readonly string[]) => boolean): number[] {
  return pids().filter((pid) => {
    const environment = readProc(String(pid), 'environ')?.split('\0');
    return environment !== undefined && isWanted(environment) && isAlive(String(pid));
  });
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number);
}

/** The arguments of a process; undefined when it is gone. */
export function commandLine(pid: number): readonly string[] | undefined {
  return readProc(String(pid), 'cmdline')?.split('\0').slice(0, -1);
}

/** Not ended and waiting for its parent to notice. */
function isAlive(pid: string): boolean {
  const stat = readProc(pid, 'stat');
  return stat !== undefined && stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
}

function readProc(pid: string, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It ended between the two looks, or is somebody else's.
    return undefined;
  }
}

/** Sends SIGKILL, also to a process that has just ended. */
export function killProcess(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
