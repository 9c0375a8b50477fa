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
import type { StreamName, TaskOrder, TaskReport } from '../../wire/agent.ts';
import { AgentError, isNoRoom, messageOf } from '../agent-error.ts';
import type { RunFolders } from '../files/run-folders.ts';
import { DISK_FULL, freeBytes } from '../install/room.ts';
import type { AccountChange } from './account.ts';
import { adoptTask, wrapperLives } from './adopt.ts';
import { Cgroups, isPopulated, pidsIn, removeGroup, removeGroups } from './cgroups.ts';
import type { CommandSetting } from './check.ts';
import { endProcesses } from './end-processes.ts';
import { carriedTasks, findProcesses, type Scope } from './find-processes.ts';
import { awaitProgram, type Launch, launch } from './launch.ts';
import type { Monitors } from './monitors.ts';
import type { OutputChunk } from './output.ts';
import { identify, type ProcessInfo } from './processes.ts';
import { findProgram } from './program.ts';
import { agentMark, type Reason, type Stop, Task } from './task.ts';
import { createTaskFolder, listTaskFolders, removeTaskFolder, STOPPED } from './task-folder.ts';
import { type Wait, Waits } from './waits.ts';
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
  #monitors: Promise<Monitors> | undefined;
  readonly #waits = new Waits();
  readonly #cgroups: Cgroups;
  readonly #mark: string;

  constructor(private readonly options: SupervisorOptions) {
    this.#mark = agentMark(options.folders.dir);
    this.#cgroups = new Cgroups(options.folders.dir);
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
    this.#cgroups.sweep();
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
        if (task.running) this.#takeOver(task);
      }
    }
  }

  /** What an earlier agent saw to is seen to again: monitors, and the end of what it had begun to stop of its own accord. */
  #takeOver(task: Task): void {
    const order = task.folder.readOrder();
    if (task.stopping !== undefined && task.stopping.cause !== 'stopped') this.#giveUp(task, task.stopping);
    else if (order !== undefined) void this.#monitor(task, order);
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
  async stop(taskId: string, how: Partial<Stop> = {}): Promise<TaskReport> {
    await this.#starting.get(taskId);
    const task = this.#known(taskId);
    await this.#endTask(task, STOPPED, how);
    return task.report;
  }

  async #endTask(task: Task, reason: Reason, how: Partial<Stop> = {}): Promise<void> {
    // Nothing was left of it when it ended, and nothing comes of nothing: looking again would cost as much as ending it.
    if (!task.running && !task.leftovers) return;
    await this.#end(task.scope(this.options.folders.dir), [task], { ...task.stop, ...how }, reason);
  }

  /** Stops a task of the agent's own accord. */
  #giveUp(task: Task, reason: Reason): void {
    if (!task.running) return;
    task.setStopping(reason);
    if (task.report.unhealthy !== undefined) this.options.onReport(task.report);
    this.#endTask(task, reason).catch((error: unknown) =>
      this.options.log(`Stopping ${task.id}: ${messageOf(error)}`),
    );
  }

  /** Loaded when it is needed: an agent without monitors must be small. */
  async #monitor(task: Task, order: TaskOrder): Promise<void> {
    if (order.timeout_ms === undefined && (order.liveness ?? []).length === 0) return;
    this.#monitors ??= import('./monitors.ts').then(
      ({ Monitors }) =>
        new Monitors({
          onGiveUp: (late, reason) => this.#giveUp(late, reason),
          settingOf: (_task, its) => this.#commandSetting(its),
        }),
    );
    const monitors = await this.#monitors;
    if (task.running && task.stopping === undefined) monitors.watch(task, order);
  }

  /** Commands of a monitor carry the run's mark and not the task's, of which they are no part. */
  async #commandSetting(order: TaskOrder): Promise<CommandSetting> {
    const { folders, env } = this.options;
    const account = await this.#accountOf(order);
    return {
      cwd: join(folders.workPath(order.run_id), ...(insideSegments(order.cwd ?? '.') ?? [])),
      env: {
        ...env,
        ...order.env,
        ...account.env,
        PLUSH_RUN: order.run_id,
        PLUSH_TASK: '',
        PLUSH_MONITORED: order.task_id,
        PLUSH_AGENT: folders.dir,
      },
      prefix: account.prefix,
    };
  }

  /** How the order's account is changed to; where it has none, or that of the agent, nothing is to be done. @throws AgentError */
  async #accountOf({ user, run_id }: TaskOrder): Promise<AccountChange> {
    if (user === undefined) return { prefix: [], env: {} };
    const { changeTo } = await import('./account.ts');
    return changeTo(user, this.options.folders.workPath(run_id), this.options.env.PATH);
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

  /** Ends what is left of a task that is over, and forgets it with its output. @throws AgentError when it is not over */
  async forget(taskId: string): Promise<void> {
    await this.#starting.get(taskId);
    const task = this.#tasks.get(taskId);
    if (task === undefined) return;
    if (task.running) throw new AgentError('BAD_REQUEST', `The task ${taskId} is not over`);
    if (task.leftovers) await this.#endTask(task, STOPPED);
    await removeGroups(task.groups());
    this.#watch.remove(task);
    this.#tasks.delete(taskId);
    removeTaskFolder(task.folder.path);
  }

  /** Kept output of a task. @throws AgentError UNKNOWN_TASK */
  read(taskId: string, stream: StreamName, offset: number, limit: number): OutputChunk & { eof: boolean } {
    const task = this.#known(taskId);
    const chunk = task[stream].read(offset, limit);
    return { ...chunk, eof: !task.running && chunk.offset + chunk.bytes.length >= chunk.end };
  }

  /** Settles when a stream of a task has grown, when the task is over, or when the time is. @throws AgentError UNKNOWN_TASK */
  async grown(taskId: string, stream: StreamName, wait: Wait): Promise<void> {
    const task = this.#known(taskId);
    const { end } = task[stream];
    await this.#waits.until(task[stream].path, () => !task.running || task[stream].end !== end, wait);
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
      await this.#endEarlier(order);
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

  /** What is left of the attempt before goes; of those before that nothing is kept but how they ended. */
  async #endEarlier({ replaces }: TaskOrder): Promise<void> {
    const earlier = replaces === undefined ? undefined : this.#tasks.get(replaces);
    if (earlier === undefined) return;
    await this.#endTask(earlier, STOPPED);
    if (earlier.replaces !== undefined) this.#tasks.get(earlier.replaces)?.dropOutput();
  }

  async #launch(task: Task, order: TaskOrder, cwd: string): Promise<void> {
    const account = await this.#accountOf(order);
    const env: NodeJS.ProcessEnv = {
      ...this.options.env,
      ...account.env,
      ...order.env,
      PLUSH_RUN: order.run_id,
      PLUSH_TASK: order.task_id,
      PLUSH_AGENT: this.options.folders.dir,
    };
    const found = findProgram(order.path, { cwd, shownCwd: order.cwd ?? '.', path: env.PATH });
    const [program, ...args] = [...account.prefix, found, ...order.args] as [string, ...string[]];
    const onExit: Launch['onExit'] = (status, signal) => this.#settle(task, status, signal);
    const { stdin, log = {} } = order;
    const work = this.options.folders.workPath(order.run_id);
    const group = await this.#cgroups.make(order.task_id);
    const pid = await launch({
      folder: task.folder,
      group,
      program,
      args,
      stdin,
      log,
      work,
      cwd,
      env,
      onExit,
    });
    task.wrapper = identify(pid, this.options.bootId);
    if (task.wrapper !== undefined) task.folder.writeWrapper(task.wrapper);
    this.#watch.add(task);
    task.setPid((await awaitProgram(task.folder, () => !task.running)) ?? pid);
    if (group !== undefined && task.group === undefined) removeGroup(group);
    await this.#monitor(task, order);
  }

  /** The wrapper is gone, as far as is known: tells how the task ended, unless processes of it live on without a status. */
  #settle(task: Task, told: number | undefined, killedBy?: NodeJS.Signals): void {
    if (!task.running) return;
    task.noteKilled(killedBy);
    const left = this.#leftOf(task);
    // Read after looking for processes: a wrapper that ended between the two has written its status by now.
    const status = task.folder.readStatus() ?? told ?? (left === 'none' ? task.killedStatus() : undefined);
    if (status === undefined && left !== 'none') {
      task.adopted = true;
      return;
    }
    task.leftovers = left === 'others';
    this.#exited(task, status, this.#reasonOf(task, status));
  }

  /** What lives of a task. Its control group tells at once; without one the whole machine is looked through. */
  #leftOf(task: Task): 'none' | 'wrapper' | 'others' {
    const isWrapper = (pid: number) => pid === task.wrapper?.pid && wrapperLives(task, this.options.bootId);
    const { group } = task;
    if (group !== undefined) {
      if (!isPopulated(group)) return 'none';
      // A process that has ended before its number is read has left another one, or the group would be empty.
      const pids = pidsIn(group);
      return pids.length > 0 && pids.every(isWrapper) ? 'wrapper' : 'others';
    }
    const alive = this.#find(task.scope(this.options.folders.dir));
    if (alive.length === 0) return 'none';
    return alive.every(({ pid }) => pid === task.wrapper?.pid) ? 'wrapper' : 'others';
  }

  /** What the status alone does not say. A program that fails on a full disk seldom gets to tell why. */
  #reasonOf(task: Task, status: number | undefined): Reason | undefined {
    if (task.stopping !== undefined) return task.stopping;
    if (status === undefined)
      return { cause: 'lost', message: 'It ended while nobody watched and left no exit status' };
    const free = status === 0 ? undefined : freeBytes(this.options.folders.dir);
    const isFull = (free !== undefined && free < FULL_BYTES) || status === TOO_LARGE_STATUS;
    return isFull
      ? { cause: 'disk_full', message: `${DISK_FULL}; the program ended with status ${status}` }
      : undefined;
  }

  #exited(task: Task, status: number | undefined, reason: Reason | undefined): void {
    void this.#monitors?.then((monitors) => monitors.forget(task));
    this.options.onReport(task.setExited(status, reason, uptime()));
    this.#waits.look();
  }

  #find(scope: Scope): ProcessInfo[] {
    return findProcesses(scope, this.options.bootId);
  }

  async #endAndForget(own: () => Task[], marks: readonly string[], graceMs: number): Promise<number> {
    await Promise.allSettled(own().map((task) => this.#starting.get(task.id)));
    const tasks = own();
    const groups = tasks.flatMap((task) => task.groups());
    const scope = { marks, sessions: tasks.flatMap((task) => task.sessions()), groups };
    const killed = await this.#end(scope, tasks, { signal: 'SIGTERM', graceMs }, STOPPED);
    await removeGroups(groups);
    for (const task of tasks) {
      this.#watch.remove(task);
      this.#tasks.delete(task.id);
    }
    return killed;
  }

  /** Ends the scope's processes and waits for the reports of its tasks. */
  async #end(scope: Scope, tasks: readonly Task[], how: Stop, reason: Reason): Promise<number> {
    for (const task of tasks) {
      if (task.running) task.setStopping(reason);
    }
    const wrappers = new Map(tasks.flatMap(({ wrapper }) => (wrapper ? [[wrapper.pid, wrapper.start]] : [])));
    const { killed, left } = await endProcesses({
      find: () => this.#find(scope),
      isWrapper: (info) => wrappers.get(info.pid) === String(info.startTicks),
      ...how,
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
