/**
 * Finds every process that belongs to us, also one that forked away. A process belongs when any of these holds:
 *
 * - its environment carries our marks (survives fork, exec, setsid and double forks);
 * - it is in a control group of ours (survives all that follows);
 * - its session or process group was led by a wrapper of ours (survives a cleared environment);
 * - its parent belongs.
 */
import { processesIn } from './cgroups.ts';
import {
  hasProc,
  isAlive,
  type ProcessIdentity,
  type ProcessInfo,
  readEnviron,
  sendSignal,
  visitProcesses,
} from './processes.ts';

/** A session that a wrapper of ours leads or led. */
export interface LedSession {
  readonly leader: ProcessIdentity;
  /**
   * When the leader had certainly ended, in ticks since boot. The kernel keeps a session's number taken while members live:
   * one that started before this time is ours, a later one may belong to a new leader with the same number.
   */
  readonly endedTicks?: number;
}

/** What to look for. */
export interface Scope {
  /** NAME=value entries that a process's environment must all carry. */
  readonly marks: readonly string[];
  readonly sessions: readonly LedSession[];
  /** No process of the scope started earlier; ticks since boot. @default 0 */
  readonly sinceTicks?: number;
  /** Control groups all of whose processes belong. */
  readonly groups?: readonly string[];
}

/**
 * The scope's live processes, this one never. Without /proc each live group counts as one process whose pid is the group's
 * negative number, which is how kill(2) wants it.
 */
export function findProcesses(scope: Scope, bootId: string): ProcessInfo[] {
  const sessions = scope.sessions.filter((session) => session.leader.boot_id === bootId);
  if (!hasProc()) return sessions.flatMap(liveGroup);
  const led = new Map(
    sessions.map((session) => [session.leader.pid, { ...session, alive: isAlive(session.leader, bootId) }]),
  );
  const needles = scope.marks.map((mark) => Buffer.from(`\0${mark}\0`));
  const all: ProcessInfo[] = [];
  const found = new Set<ProcessInfo>();
  const grouped = (scope.groups ?? []).flatMap(processesIn).filter(({ pid }) => pid !== process.pid);
  const groupedPids = new Set(grouped.map(({ pid }) => pid));
  for (const info of grouped) {
    found.add(info);
    all.push(info);
  }
  const empty = new Map<number, number>();
  visitProcesses(scope.sinceTicks ?? 0, (info) => {
    if (info.pid === process.pid || info.pid === 1 || groupedPids.has(info.pid)) return true;
    const session = led.get(info.session) ?? led.get(info.pgrp);
    const ours = (session !== undefined && belongs(info, session)) || carries(info, needles, empty);
    if (ours === undefined) return false;
    all.push(info);
    if (ours) found.add(info);
    return true;
  });
  addChildren(found, all);
  return [...found];
}

/** Ids of the tasks that some live process with our mark carries. Empty without /proc. */
export function carriedTasks(mark: string): Set<string> {
  const tasks = new Set<string>();
  if (!hasProc()) return tasks;
  const needle = Buffer.from(`\0${mark}\0`);
  visitProcesses(0, ({ pid }) => {
    const environ = readEnviron(pid);
    const at = environ?.indexOf(TASK_ENTRY) ?? -1;
    if (environ === undefined || at === -1 || !environ.includes(needle)) return true;
    const begin = at + TASK_ENTRY.length;
    tasks.add(environ.toString('utf8', begin, environ.indexOf(0, begin)));
    return true;
  });
  return tasks;
}

const TASK_ENTRY = Buffer.from('\0PLUSH_TASK=');

function belongs(info: ProcessInfo, session: LedSession & { readonly alive: boolean }): boolean {
  if (session.alive) return true;
  const { leader, endedTicks } = session;
  return endedTicks !== undefined && info.startTicks >= Number(leader.start) && info.startTicks <= endedTicks;
}

/** How often an empty environment is read again: it may be one in the middle of execve. */
const EMPTY_READS = 5;

/** Whether a process carries all entries; undefined when it should be asked again. `empty` counts empty answers by pid. */
function carries(
  { pid, session }: ProcessInfo,
  needles: readonly Buffer[],
  empty: Map<number, number>,
): boolean | undefined {
  if (needles.length === 0) return false;
  const environ = readEnviron(pid);
  if (environ === undefined) return false;
  // Threads of the kernel are in session 0 and have no environment ever.
  if (environ.length > 2 || session === 0) return needles.every((needle) => environ.includes(needle));
  const reads = (empty.get(pid) ?? 0) + 1;
  empty.set(pid, reads);
  return reads < EMPTY_READS ? undefined : false;
}

function addChildren(found: Set<ProcessInfo>, all: readonly ProcessInfo[]): void {
  const parents = new Set([...found].map((info) => info.pid));
  // A child started after its parent, yet the list is in no order: repeat until nothing is added.
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const info of all) {
      if (parents.has(info.ppid) && !found.has(info)) {
        found.add(info);
        parents.add(info.pid);
      }
    }
  }
}

function liveGroup({ leader }: LedSession): ProcessInfo[] {
  const group = { pid: -leader.pid, ppid: 0, pgrp: leader.pid, session: leader.pid, startTicks: 0 };
  try {
    return sendSignal(-leader.pid, 0) ? [group] : [];
  } catch {
    return []; // EPERM: the number belongs to somebody else now.
  }
}
