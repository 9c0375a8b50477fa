/**
 * The machine's processes. A process is identified by pid, start time and boot: a pid alone is reused.
 * On Linux all is read from /proc (proc(5)); elsewhere `ps` tells start times, and processes are known by group alone.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { errorCode } from '../agent-error.ts';

/** One process, for ever. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Linux: clock ticks since boot; elsewhere as `ps` prints it. */
  readonly start: string;
  readonly boot_id: string;
}

/** A live process; zombies are not. */
export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
  /** Clock ticks since boot. */
  readonly startTicks: number;
}

/** Clock ticks a second in /proc; the kernel's USER_HZ is 100 on every platform that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** Whether processes can be looked through, with their environment. */
export function hasProc(): boolean {
  return fs.existsSync('/proc/self/stat') && fs.existsSync('/proc/self/environ');
}

/** What differs for each boot of the machine. */
export function readBootId(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // No such file: not Linux. BSD's kernels tell the time of the boot.
    const told = spawnSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' }).stdout;
    return typeof told === 'string' && told.trim() !== '' ? told.trim() : 'unknown';
  }
}

/** A live process's entry in /proc; undefined when there is none, or a zombie. */
export function readProcess(pid: number): ProcessInfo | undefined {
  let stat: string;
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // It ended, or never was: both are the answer asked for.
  }
  // The name in parentheses may hold anything, parentheses and spaces too: the fields begin after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ppid, pgrp, session] = fields;
  if (state === undefined || state === 'Z' || state === 'X' || state === 'x') return undefined;
  return {
    pid,
    ppid: Number(ppid),
    pgrp: Number(pgrp),
    session: Number(session),
    startTicks: Number(fields[19]),
  };
}

/** Lists of processes that one look takes at most. */
const MAX_LISTINGS = 100;

/**
 * Calls `visit` for each live process that started at `sinceTicks` or later, as soon as it is found. Looks again until a list
 * has nobody new: a chain of processes, each of which starts the next one and ends, would slip through a single list. One
 * for which `visit` answers false is visited again.
 */
export function visitProcesses(sinceTicks: number, visit: (info: ProcessInfo) => boolean): void {
  const seen = new Set<string>();
  let again = true;
  for (let listing = 0; again && listing < MAX_LISTINGS; listing += 1) {
    again = false;
    for (const name of fs.readdirSync('/proc')) {
      if (seen.has(name) || !/^\d+$/.test(name)) continue;
      again = true;
      const info = readProcess(Number(name));
      if (info === undefined || info.startTicks < sinceTicks || visit(info)) seen.add(name);
    }
  }
}

/**
 * The environment a process was started with, each variable with a NUL before and after. It is empty (two NULs) while the
 * process is in the middle of execve(2), and undefined when it may not be read.
 */
export function readEnviron(pid: number): Buffer | undefined {
  try {
    const bytes = fs.readFileSync(`/proc/${pid}/environ`);
    return Buffer.concat([NUL, bytes, NUL]);
  } catch {
    return undefined; // Another account's process, or it ended.
  }
}

const NUL = Buffer.alloc(1);

/** Identity of a live process; undefined when there is none. */
export function identify(pid: number, bootId: string): ProcessIdentity | undefined {
  const start = startOf(pid);
  return start === undefined ? undefined : { pid, start, boot_id: bootId };
}

/** Whether exactly this process lives. */
export function isAlive(identity: ProcessIdentity, bootId: string): boolean {
  return identity.boot_id === bootId && startOf(identity.pid) === identity.start;
}

function startOf(pid: number): string | undefined {
  const info = readProcess(pid);
  if (info !== undefined) return String(info.startTicks);
  if (fs.existsSync('/proc/self/stat')) return undefined;
  const told = spawnSync('ps', ['-o', 'lstart=', '-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  const line = typeof told.stdout === 'string' ? told.stdout.trim() : '';
  const cut = line.lastIndexOf(' ');
  const state = line.slice(cut + 1);
  return line === '' || state.startsWith('Z') ? undefined : line.slice(0, cut).trim();
}

/** Sends a signal; false when the process is gone. @throws the system's error (EPERM, EINVAL) */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    throw error;
  }
}
