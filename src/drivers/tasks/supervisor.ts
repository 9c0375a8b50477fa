/**
 * Supervises tasks: starts each identity at most once, tells what becomes of it, finds and ends its processes, and takes
 * over the tasks of an earlier agent.
 *
 *     start ─▶ running ─▶ exited          an own wrapper's exit is told by the system, an adopted one's is looked for
 *        └────(cannot start)──▶ exited    every state is in the task's folder first
 */
import { constants, uptime } from 'node:os';
import { join } from 'node:path';
import { insideSegments } from '../../core/agent/relative-path.ts';
import type { TaskOrder, TaskReport } from '../../wire/agent.ts';
import { AgentError, isNoRoom } from '../agent-error.ts';
import type { RunFolders } from '../files/run-folders.ts';
import { DISK_FULL, freeBytes } from '../install/room.ts';
import { adoptTask } from './adopt.ts';
import { endProcesses } from './end-processes.ts';
import { carriedTasks, findProcesses, type Scope } from './find-processes.ts';
import { awaitProgram, launch } from './launch.ts';
import type { OutputChunk } from './output.ts';
import { identify, type ProcessInfo } from './processes.ts';
import { findProgram } from './program.ts';
import { agentMark, type Reason, Task } from './task.ts';
import { createTaskFolder, listTaskFolders } from './task-folder.ts';
import { Watch } from './watch.ts';

/** Tasks known at a time, of all runs. */
const MAX_TASKS = 10_000;
/** A file system with less than this is full: a page or two are left where others share it. */
const FULL_BYTES = 16 << 10;
/** Status of a program that wrote a file larger than its account may have. */
const TOO_LARGE_STATUS = 128 + constants.signals.SIGXFSZ;
/** How long a task's report may lag behind the end of its last process. */
const SETTLE_MS = 5_000;

export interface SupervisorOptions {
  readonly folders: RunFolders;
  readonly bootId: string;
  /** Environment under the order's own. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: (message: string) => void;
  /** News of a task. */
  readonly onReport: (report: TaskReport) => void;
}

export class Supervisor {
  readonly #tasks = new Map<string, Task>();
  readonly #starting = new Map<string, Promise<TaskReport>>();
  readonly #watch: Watch;
  readonly #mark: string;

  constructor(private readonly options: SupervisorOptions) {
    this.#mark = agentMark(options.folders.dir);
    this.#watch = new Watch({
      bootId: options.bootId,
      processesOf: (task) => this.#find(task.scope(options.folders.dir)),
      carried: () => carriedTasks(this.#mark),
      onEnd: (task) => this.#settle(task, undefined),
      log: options.log,
    });
  }

  get reports(): TaskReport[] {
    return [...this.#tasks.values()].map((task) => task.report);
  }

  knows(taskId: string): boolean {
    return this.#tasks.has(taskId) || this.#starting.has(taskId);
  }

  get anyRunning(): boolean {
    return [...this.#tasks.values()].some((task) => task.running);
  }

  /** Takes over what is in the folders. Call once, before anything else. @throws the system's error */
  adopt(): void {
    const runs = this.options.folders.list();
    if (runs.length === 0) return;
    const carried = carriedTasks(this.#mark);
    for (const runId of runs) {
      const tasksPath = this.options.folders.tasksPath(runId);
      for (const name of listTaskFolders(tasksPath)) {
        const task = adoptTask(join(tasksPath, name), this.options, carried);
        if (task === undefined) continue;
        this.#tasks.set(task.id, task);
        if (task.running) this.#settle(task, undefined);
        this.#watch.add(task);
      }
    }
  }

  /** Starts a task, or tells what became of it. @throws AgentError when it was not taken on */
  async start(order: TaskOrder): Promise<TaskReport> {
    const joined = this.#starting.get(order.task_id);
    if (joined !== undefined) return joined;
    const known = this.#tasks.get(order.task_id);
    if (known !== undefined) return known.report;
    const starting = this.#start(order).finally(() => this.#starting.delete(order.task_id));
    this.#starting.set(order.task_id, starting);
    return starting;
  }

  /** Ends every process of a task. @throws AgentError UNKNOWN_TASK, INTERNAL when some cannot be ended */
  async stop(taskId: string, signal: NodeJS.Signals, graceMs: number): Promise<TaskReport> {
    await this.#starting.get(taskId);
    const task = this.#known(taskId);
    await this.#end(task.scope(this.options.folders.dir), [task], signal, graceMs);
    return task.report;
  }

  /** Ends every process of a run, tasks or not, and forgets its tasks. @returns how many programs there were */
  async endRun(runId: string, graceMs: number): Promise<number> {
    const own = () => [...this.#tasks.values()].filter((task) => task.runId === runId);
    return this.#endAndForget(own, [this.#mark, `PLUSH_RUN=${runId}`], graceMs);
  }

  /** Ends every process of this agent and forgets all tasks. @returns how many programs there were */
  async endAll(graceMs: number): Promise<number> {
    return this.#endAndForget(() => [...this.#tasks.values()], [this.#mark], graceMs);
  }

  /** Kept output of a task. @throws AgentError UNKNOWN_TASK */
  read(
    taskId: string,
    stream: 'stdout' | 'stderr',
    offset: number,
    limit: number,
  ): OutputChunk & { eof: boolean } {
    const task = this.#known(taskId);
    const chunk = task[stream].read(offset, limit);
    return { ...chunk, eof: !task.running && chunk.offset + chunk.bytes.length >= chunk.end };
  }

  #known(taskId: string): Task {
    const task = this.#tasks.get(taskId);
    if (task === undefined) throw new AgentError('UNKNOWN_TASK', `The task ${taskId} is not known here`);
    return task;
  }

  async #start(order: TaskOrder): Promise<TaskReport> {
    const segments = insideSegments(order.cwd ?? '.');
    if (segments === undefined)
      throw new AgentError('BAD_REQUEST', `The cwd ${order.cwd} leads out of the folder`);
    if (this.#tasks.size >= MAX_TASKS) {
      throw new AgentError('start_failed', `There are ${MAX_TASKS} tasks here already; clean a run first`);
    }
    const { folders, log } = this.options;
    const name = folders.taskName(order.task_id);
    try {
      folders.ensure(order.run_id);
      if (!createTaskFolder(folders.tasksPath(order.run_id), name, order)) {
        throw new AgentError(
          'INTERNAL',
          `The folder ${name} belongs to another identity than ${order.task_id}`,
        );
      }
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      throw new AgentError(
        'disk_full',
        `${DISK_FULL}; the order of the task cannot be written down`,
        {},
        { cause: error },
      );
    }
    const task = new Task(order, join(folders.tasksPath(order.run_id), name), log);
    this.#tasks.set(task.id, task);
    try {
      await this.#launch(task, order, join(folders.workPath(order.run_id), ...segments));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const { code, message } = error.failure;
      this.#exited(task, undefined, { cause: code as Reason['cause'], message });
      return task.report;
    }
    if (task.running) this.options.onReport(task.report);
    return task.report;
  }

  async #launch(task: Task, order: TaskOrder, cwd: string): Promise<void> {
    const env: NodeJS.ProcessEnv = {
      ...this.options.env,
      ...order.env,
      PLUSH_RUN: order.run_id,
      PLUSH_TASK: order.task_id,
      PLUSH_AGENT: this.options.folders.dir,
    };
    const program = findProgram(order.path, { cwd, shownCwd: order.cwd ?? '.', path: env.PATH });
    const onExit = (status: number | undefined) => this.#settle(task, status);
    const pid = await launch({ folder: task.folder, program, args: order.args, cwd, env, onExit });
    task.wrapper = identify(pid, this.options.bootId);
    if (task.wrapper !== undefined) task.folder.writeWrapper(task.wrapper);
    this.#watch.add(task);
    task.setPid((await awaitProgram(task.folder, () => !task.running)) ?? pid);
  }

  /** The wrapper is gone, as far as is known: tells how the task ended, unless processes of it live on without a status. */
  #settle(task: Task, told: number | undefined): void {
    if (!task.running) return;
    const alive = this.#find(task.scope(this.options.folders.dir));
    // Read after looking for processes: a wrapper that ended between the two has written its status by now.
    const status = task.folder.readStatus() ?? told;
    if (status === undefined && alive.length > 0) {
      task.adopted = true;
      return;
    }
    task.leftovers = alive.some((info) => info.pid !== task.wrapper?.pid);
    this.#exited(task, status, this.#reasonOf(task, status));
  }

  /** What the status alone does not say. A program that fails on a full disk seldom gets to tell why. */
  #reasonOf(task: Task, status: number | undefined): Reason | undefined {
    if (task.stopping) return { cause: 'stopped', message: 'It was stopped on request' };
    if (status === undefined)
      return { cause: 'lost', message: 'It ended while nobody watched and left no exit status' };
    const free = status === 0 ? undefined : freeBytes(this.options.folders.dir);
    const isFull = (free !== undefined && free < FULL_BYTES) || status === TOO_LARGE_STATUS;
    return isFull
      ? { cause: 'disk_full', message: `${DISK_FULL}; the program ended with status ${status}` }
      : undefined;
  }

  #exited(task: Task, status: number | undefined, reason: Reason | undefined): void {
    this.options.onReport(task.setExited(status, reason, uptime()));
  }

  #find(scope: Scope): ProcessInfo[] {
    return findProcesses(scope, this.options.bootId);
  }

  async #endAndForget(own: () => Task[], marks: readonly string[], graceMs: number): Promise<number> {
    await Promise.allSettled(own().map((task) => this.#starting.get(task.id)));
    const tasks = own();
    const scope = { marks, sessions: tasks.flatMap((task) => task.sessions()) };
    const killed = await this.#end(scope, tasks, 'SIGTERM', graceMs);
    for (const task of tasks) {
      this.#watch.remove(task);
      this.#tasks.delete(task.id);
    }
    return killed;
  }

  /** Ends the scope's processes and waits for the reports of its tasks. */
  async #end(scope: Scope, tasks: readonly Task[], signal: NodeJS.Signals, graceMs: number): Promise<number> {
    for (const task of tasks) {
      if (!task.running) continue;
      task.stopping = true;
      task.folder.markStopping();
    }
    const wrappers = new Map(tasks.flatMap(({ wrapper }) => (wrapper ? [[wrapper.pid, wrapper.start]] : [])));
    const { killed, left } = await endProcesses({
      find: () => this.#find(scope),
      isWrapper: (info) => wrappers.get(info.pid) === String(info.startTicks),
      signal,
      graceMs,
    });
    if (left.length > 0) {
      throw new AgentError(
        'INTERNAL',
        `Processes that SIGKILL does not end: ${left.slice(0, 20).join(', ')}`,
      );
    }
    await this.#watch.ended(tasks, SETTLE_MS);
    return killed;
  }
}
