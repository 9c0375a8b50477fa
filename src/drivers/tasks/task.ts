/** One task as the supervisor knows it. */
import { constants } from 'node:os';
import { join } from 'node:path';
import { exitStatus } from '../../core/agent/exit-status.ts';
import { TAIL_BYTES, tailLines } from '../../core/agent/tail.ts';
import type { TaskCause, TaskOrder, TaskReport } from '../../wire/agent.ts';
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
  /** We began to stop it. */
  stopping = false;
  /** Processes of it live on although it has exited. */
  leftovers = false;
  #endedTicks: number | undefined;

  constructor(order: TaskOrder, path: string, log: (message: string) => void) {
    this.id = order.task_id;
    this.runId = order.run_id;
    this.folder = new TaskFolder(path, log);
    this.stdout = new OutputFile(join(path, 'stdout'), order.max_output_bytes, log);
    this.stderr = new OutputFile(join(path, 'stderr'), order.max_output_bytes, log);
    this.report = { task_id: order.task_id, run_id: order.run_id, state: 'running' };
  }

  get running(): boolean {
    return this.report.state === 'running';
  }

  /** Its processes. */
  scope(agentDir: string): Scope {
    const since = this.wrapper === undefined ? 0 : Number(this.wrapper.start);
    return {
      marks: [agentMark(agentDir), `PLUSH_TASK=${this.id}`],
      sessions: this.sessions(),
      sinceTicks: Number.isFinite(since) ? since : 0,
    };
  }

  sessions(): LedSession[] {
    if (this.wrapper === undefined) return [];
    const ended = this.#endedTicks;
    return [ended === undefined ? { leader: this.wrapper } : { leader: this.wrapper, endedTicks: ended }];
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
