/** Ends processes for good: a signal, time to obey it, then SIGKILL until none is left. */
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../agent-error.ts';
import { monotonicMs } from '../clock.ts';
import { type ProcessInfo, readProcess, sendSignal } from './processes.ts';

/** Rounds of SIGKILL; a process that outlives them is stuck in the kernel. */
const KILL_ROUNDS = 300;
/** How long a wrapper may take to record the status of its program once that is gone. */
const WRAPPER_GRACE_MS = 2_000;
/** Further looks that must find nobody once somebody was there: a process may be born while one looks. */
const EMPTY_LOOKS = 2;
const PAUSE_MIN_MS = 5;
const PAUSE_MAX_MS = 80;
/** Between rounds of SIGKILL; with their number this is how long is tried. */
const KILL_PAUSE_MS = 40;

export interface Ending {
  /** Looks again each time it is called. */
  readonly find: () => readonly ProcessInfo[];
  /** Wrappers record their program's status, so they are let go last. */
  readonly isWrapper: (info: ProcessInfo) => boolean;
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
}

export interface Ended {
  /** Programs that were there and are not any more. */
  readonly killed: number;
  /** Processes that could not be ended. */
  readonly left: readonly number[];
}

/** Settles when no process is found any more, or when the rounds are used up. */
export async function endProcesses(ending: Ending): Promise<Ended> {
  const seen = new Set<string>();
  const killAt = monotonicMs() + ending.graceMs;
  let wrappersSince: number | undefined;
  let rounds = 0;
  let empty = 0;
  for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)) {
    const found = ending.find();
    const programs = found.filter((info) => !ending.isWrapper(info));
    const now = monotonicMs();
    empty = found.length === 0 ? empty + 1 : 0;
    if (empty > (seen.size > 0 ? EMPTY_LOOKS : 0)) return { killed: seen.size, left: [] };
    if (rounds >= KILL_ROUNDS) {
      return { killed: seen.size - programs.length, left: found.map((info) => info.pid) };
    }
    const fresh = programs.filter((info) => !seen.has(keyOf(info)));
    for (const info of fresh) seen.add(keyOf(info));
    if (found.length === 0) {
      pauseMs = PAUSE_MIN_MS;
    } else if (programs.length > 0) {
      wrappersSince = undefined;
      if (now < killAt) {
        for (const info of fresh) ask(info, ending.signal);
      } else {
        rounds += 1;
        killAll(programs, ending, seen);
        pauseMs = Math.min(pauseMs, KILL_PAUSE_MS);
      }
    } else {
      wrappersSince ??= now;
      if (now - wrappersSince >= WRAPPER_GRACE_MS) {
        rounds += 1;
        for (const info of found) signalSame(info, 'SIGKILL');
      }
    }
    await pause(now < killAt ? Math.min(pauseMs, Math.max(PAUSE_MIN_MS, killAt - now)) : pauseMs);
  }
}

/** The signal, and SIGCONT so that a stopped process can obey it. */
function ask(info: ProcessInfo, signal: NodeJS.Signals): void {
  signalSame(info, signal);
  if (signal !== 'SIGKILL' && signal !== 'SIGSTOP') signalSame(info, 'SIGCONT');
}

/** Stops all first so that none forks while the others are killed, then kills these and what they forked meanwhile. */
function killAll(programs: readonly ProcessInfo[], ending: Ending, seen: Set<string>): void {
  for (const info of programs) signalSame(info, 'SIGSTOP');
  const forked = ending.find().filter((info) => !ending.isWrapper(info));
  for (const info of forked) seen.add(keyOf(info));
  for (const info of [...programs, ...forked]) signalSame(info, 'SIGKILL');
}

/** Signals a process if it is still the one that was found. One that may not be signalled counts among those left. */
function signalSame(info: ProcessInfo, signal: NodeJS.Signals): void {
  if (info.pid > 0 && readProcess(info.pid)?.startTicks !== info.startTicks) return;
  try {
    sendSignal(info.pid, signal);
  } catch (error) {
    if (errorCode(error) === 'EPERM') return;
    throw error;
  }
}

function keyOf(info: ProcessInfo): string {
  return `${info.pid}/${info.startTicks}`;
}
