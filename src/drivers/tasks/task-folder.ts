/**
 * A task's folder, all that a later agent needs to know it:
 *
 *     order.json    what was ordered; there before anything is started, and with the folder itself: the folder appears whole
 *     wrapper       pid of the wrapper, written by itself      wrapper.json   its identity
 *     pid           pid of the program
 *     exit          status of the program, digits and newline, written by the wrapper
 *     stopping      there when we began to stop it
 *     exited.json   the final report
 *     stdout, stderr and what output.ts keeps beside them
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { parseStatus } from '../../core/agent/exit-status.ts';
import type { TaskOrder, TaskReport } from '../../wire/agent.ts';
import { errorCode, messageOf } from '../agent-error.ts';
import { readIfThere, readJson, syncFolder, writeAtomic, writeDurable } from '../files/atomic.ts';
import type { ProcessIdentity } from './processes.ts';
import type { Reason } from './task.ts';

/** Beginning of the names of folders that are being made, or removed. */
const MAKING = '.making-';

/** Makes the folder with its order, at once and only once. False when the identity has one already. @throws the system's error */
export function createTaskFolder(tasksPath: string, name: string, order: TaskOrder): boolean {
  fs.mkdirSync(tasksPath, { recursive: true, mode: 0o700 });
  const making = fs.mkdtempSync(join(tasksPath, MAKING));
  try {
    writeDurable(join(making, 'order.json'), JSON.stringify(order));
    // A folder that is not empty cannot be renamed over: this is what makes the identity exclusive.
    fs.renameSync(making, join(tasksPath, name));
    syncFolder(tasksPath);
    return true;
  } catch (error) {
    fs.rmSync(making, { recursive: true, force: true });
    const code = errorCode(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/** Task folders in a run's folder of tasks; those left half made are removed. */
export function listTaskFolders(tasksPath: string): string[] {
  if (!fs.existsSync(tasksPath)) return [];
  const names = fs.readdirSync(tasksPath);
  for (const name of names) {
    if (name.startsWith(MAKING)) fs.rmSync(join(tasksPath, name), { recursive: true, force: true });
  }
  return names.filter((name) => !name.startsWith('.'));
}

/** Removes a task's folder, so that no later agent finds a part of it. @throws the system's error */
export function removeTaskFolder(path: string): void {
  const leaving = fs.mkdtempSync(join(dirname(path), MAKING));
  fs.renameSync(path, leaving);
  fs.rmSync(leaving, { recursive: true, force: true });
}

/** It is stopped because somebody asked for it. */
export const STOPPED: Reason = { cause: 'stopped', message: 'It was stopped on request' };

/** One task's folder. */
export class TaskFolder {
  constructor(
    readonly path: string,
    private readonly log: (message: string) => void,
  ) {}

  readOrder(): TaskOrder | undefined {
    return readJson(join(this.path, 'order.json')) as TaskOrder | undefined;
  }

  /** Keeps who the wrapper is. A full disk is no reason to fail: the wrapper wrote its pid, and carries the task's id. */
  writeWrapper(identity: ProcessIdentity): void {
    this.#write('wrapper.json', JSON.stringify(identity));
  }

  readWrapper(): ProcessIdentity | undefined {
    return readJson(join(this.path, 'wrapper.json')) as ProcessIdentity | undefined;
  }

  /** Pid that the wrapper wrote itself. */
  readWrapperPid(): number | undefined {
    return this.#readPid('wrapper');
  }

  readProgramPid(): number | undefined {
    return this.#readPid('pid');
  }

  /** Control group that the wrapper has entered. */
  readGroup(): string | undefined {
    return readIfThere(join(this.path, 'cgroup'));
  }

  readStatus(): number | undefined {
    return parseStatus(readIfThere(join(this.path, 'exit')) ?? '');
  }

  /** When the status was written, in milliseconds since 1970; undefined when it was not. */
  statusTimeMs(): number | undefined {
    return fs.statSync(join(this.path, 'exit'), { throwIfNoEntry: false })?.mtimeMs;
  }

  markStopping(reason: Reason): void {
    this.#write('stopping', JSON.stringify(reason));
  }

  /** Why an earlier agent began to stop the task; versions before this one left no more than the mark. */
  readStopping(): Reason | undefined {
    if (!fs.existsSync(join(this.path, 'stopping'))) return undefined;
    const reason = readJson(join(this.path, 'stopping')) as Partial<Reason> | undefined;
    return typeof reason?.cause === 'string' ? (reason as Reason) : STOPPED;
  }

  writeExited(report: TaskReport): void {
    this.#write('exited.json', JSON.stringify(report));
  }

  readExited(): TaskReport | undefined {
    return readJson(join(this.path, 'exited.json')) as TaskReport | undefined;
  }

  /** These notes can all be found out again, so a disk that is full, or a folder that is gone, does not stop the work. */
  #write(name: string, text: string): void {
    try {
      writeAtomic(join(this.path, name), text);
    } catch (error) {
      this.log(`Cannot write ${name} in ${this.path}: ${messageOf(error)}`);
    }
  }

  #readPid(name: string): number | undefined {
    const text = readIfThere(join(this.path, name));
    return text !== undefined && /^[1-9]\d*\n$/.test(text) ? Number(text) : undefined;
  }
}
