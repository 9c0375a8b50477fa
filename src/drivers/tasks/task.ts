/** One task as the supervisor knows it. */
import { constants } from 'node:os';
import { join } from 'node:path';
import { exitStatus } from '../../core/agent/exit-status.ts';
import { TAIL_BYTES, tailLines } from '../../core/agent/tail.ts';
import type { StreamName, TaskCause, TaskOrder, TaskReport } from '../../wire/agent.ts';
import { monotonicMs } from '../clock.ts';
import { isPopulated } from './cgroups.ts';
import type { LedSession, Scope } from './find-processes.ts';
import { OutputFile } from './output.ts';
import { type ProcessIdentity, TICKS_PER_SECOND } from './processes.ts';
import { TaskFolder } from './task-folder.ts';

/** Environment entry that marks every process of one agent. */
export function agentMark(dir: string): string {
  return `PLUSH_AGENT=${dir}`;
}

/** What an exited task's status leaves open. */
export interface Reason {
  readonly cause: TaskCause;
  readonly message: string;
  /** Place of the liveness monitor that gave the task up. */
  readonly monitor?: number;
}

/** Signal and grace of a stop where the order says nothing. */
const STOP_SIGNAL = 'SIGTERM';
const STOP_GRACE_MS = 5_000;

/**
 * How soon after its wrapper a program must be gone to have been killed with it, by an operator or for want of memory: longer than
 * it takes to look for the last process.
 */
const KILLED_WITH_MS = 1_000;

/** How a task is asked to end. */
export interface Stop {
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
}

export class Task {
  readonly id: string;
  readonly runId: string;
  readonly folder: TaskFolder;
  readonly stdout: OutputFile;
  readonly stderr: OutputFile;
  report: TaskReport;
  wrapper: ProcessIdentity | undefined;
  /** The wrapper's exit is not told by the system but must be looked for. */
  adopted = false;
  /** Why we began to stop it, if we did. */
  stopping: Reason | undefined;
  /** Processes of it live on although it has exited. */
  leftovers = false;
  /** How it is stopped, as its order says. */
  readonly stop: Stop;
  /** The attempt before this one. */
  readonly replaces: string | undefined;
  #endedTicks: number | undefined;
  #killed: { readonly status: number; readonly atMs: number } | undefined;
  #group: string | undefined;

  constructor(order: TaskOrder, path: string, log: (message: string) => void) {
    this.id = order.task_id;
    this.runId = order.run_id;
    const { stop_signal = STOP_SIGNAL, stop_grace_ms = STOP_GRACE_MS } = order;
    this.stop = { signal: stop_signal as NodeJS.Signals, graceMs: stop_grace_ms };
    this.replaces = order.replaces;
    this.folder = new TaskFolder(path, log);
    const bound = (name: StreamName) => order.log?.[name]?.max_bytes ?? order.max_output_bytes;
    this.stdout = new OutputFile(join(path, 'stdout'), bound('stdout'), log);
    this.stderr = new OutputFile(join(path, 'stderr'), bound('stderr'), log);
    this.report = { task_id: order.task_id, run_id: order.run_id, state: 'running' };
  }

  get running(): boolean {
    return this.report.state === 'running';
  }

  /** Control group that holds all its processes, once its wrapper is in it. */
  get group(): string | undefined {
    this.#group ??= this.folder.readGroup();
    return this.#group;
  }

  /** Whether anybody lives in its control group; false where it has none, which says nothing. */
  get isGroupPopulated(): boolean {
    return this.group !== undefined && isPopulated(this.group);
  }

  /** Its processes. */
  scope(agentDir: string): Scope {
    const since = this.wrapper === undefined ? 0 : Number(this.wrapper.start);
    return {
      marks: [agentMark(agentDir), `PLUSH_TASK=${this.id}`],
      sessions: this.sessions(),
      sinceTicks: Number.isFinite(since) ? since : 0,
      groups: this.groups(),
    };
  }

  groups(): string[] {
    return this.group === undefined ? [] : [this.group];
  }

  sessions(): LedSession[] {
    if (this.wrapper === undefined) return [];
    const ended = this.#endedTicks;
    return [ended === undefined ? { leader: this.wrapper } : { leader: this.wrapper, endedTicks: ended }];
  }

  /** It is to be stopped for this reason, which outlives the agent; an earlier one stays. */
  setStopping(reason: Reason): void {
    if (this.stopping !== undefined) return;
    this.stopping = reason;
    this.folder.markStopping(reason);
    const { cause, message, monitor } = reason;
    if (cause === 'liveness') this.report = { ...this.report, unhealthy: { monitor: monitor ?? 0, message } };
  }

  /** Somebody else killed its wrapper, with this signal. */
  noteKilled(signal: NodeJS.Signals | undefined): void {
    if (signal !== undefined) this.#killed = { status: 128 + constants.signals[signal], atMs: monotonicMs() };
  }

  /** The status of a program that has just been killed together with its wrapper, which could not write down any. */
  killedStatus(): number | undefined {
    if (this.#killed === undefined || monotonicMs() - this.#killed.atMs > KILLED_WITH_MS) return undefined;
    return this.#killed.status;
  }

  /** Its kept output goes; what became of it stays known. */
  dropOutput(): void {
    if (this.running) return;
    this.stdout.remove();
    this.stderr.remove();
  }

  /** The program runs, or is about to. */
  setPid(pid: number | undefined): void {
    if (this.running && pid !== undefined) this.report = { ...this.report, pid };
  }

  /** It has exited with a status as the shell tells it, or for a reason, or both. */
  setExited(status: number | undefined, reason: Reason | undefined, uptimeS: number): TaskReport {
    const pid = this.report.pid ?? this.folder.readProgramPid();
    this.#noteEnd(uptimeS);
    this.report = {
      task_id: this.id,
      run_id: this.runId,
      state: 'exited',
      ...(pid === undefined ? {} : { pid }),
      ...(status === undefined ? {} : exitStatus(status, constants.signals)),
      ...(reason ?? {}),
      stderr_tail: tailLines(this.stderr.tail(TAIL_BYTES)),
    };
    this.folder.writeExited(this.report);
    return this.report;
  }

  /** Takes over what an earlier agent wrote. */
  restore(saved: TaskReport, uptimeS: number): void {
    this.report = saved;
    this.#noteEnd(uptimeS);
  }

  /** The wrapper had ended at the latest when its status was written: see LedSession. */
  #noteEnd(uptimeS: number): void {
    const timeMs = this.folder.statusTimeMs();
    const agoS = timeMs === undefined ? 0 : Math.max(0, (Date.now() - timeMs) / 1000);
    this.#endedTicks = Math.ceil((uptimeS - agoS) * TICKS_PER_SECOND);
  }
}
