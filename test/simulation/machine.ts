/** A machine with an agent on it, as far as the controller can tell: what an agent promises, and what happens to machines. */
import { strict as assert } from 'node:assert';
import type { AgentState, HostSample, TaskCause, TaskOrder, TaskReport } from '../../src/core/task.ts';
import type { Chance } from './chance.ts';
import type { Clock } from './clock.ts';

interface Process {
  readonly run_id: string;
  readonly order: TaskOrder;
  /** Decides how it ends, and what is said of that. */
  readonly chance: Chance;
  report: TaskReport;
}

export interface MachineOptions {
  readonly clock: Clock;
  /** What a task does, whenever it is started. */
  readonly chanceOf: (task_id: string) => Chance;
  /** Probability that a task does not end with exit code 0. */
  readonly taskFailure: number;
  /** Probability that an end is told otherwise than it was, each time that it is told again. */
  readonly lying: number;
  /** How many times as long as elsewhere its tasks take. */
  readonly slowness: number;
  /** What its host monitor tells, which is the same all the time. */
  readonly host: HostSample;
  /** Identities started so far in the whole simulation. */
  readonly started: Set<string>;
  /** A task has ended of itself, or is said to have ended so. */
  readonly onEnd: (order: TaskOrder, end: Partial<TaskReport>) => void;
  /** Throws when it is too early for a task. */
  readonly checkOrder: (order: TaskOrder) => void;
}

export class Machine {
  /** Whether sshd answers. */
  isUp = true;
  /** Why it cannot be reached while it does not. */
  downCause = 'refused';
  /** Whether it tells of its tasks what is true from now on. */
  isHonest = false;
  /** Removed from the pool while it did not answer: nobody is to clean it. */
  isOrphan = false;
  readonly processes = new Map<string, Process>();
  /** Runs that have a folder here. */
  readonly folders = new Set<string>();
  readonly installed = new Set<string>();
  readonly #generations = new Map<string, number>();
  #pid = 100;

  constructor(
    readonly hostname: string,
    private readonly options: MachineOptions,
    /** Tells the controller, where there is a link. */
    private readonly tell: (report: TaskReport) => void,
  ) {}

  /** The newest sample of its host monitor. */
  get host(): HostSample {
    return this.options.host;
  }

  hello(): AgentState {
    return {
      protocol: 1,
      bundle: 'b',
      instance: 'i',
      pid: 1,
      boot_id: 'b',
      host: this.host,
      node_version: 'v20',
      platform: 'linux-x64',
      installed: [...this.installed],
      tasks: [...this.processes.values()].map((process) => this.#told(process)),
    };
  }

  /** What it says of a task. Of one that is over it may say different things. */
  #told({ order, chance, report }: Process): TaskReport {
    const { lying, onEnd } = this.options;
    const isOfItself = report.state === 'exited' && report.cause === undefined;
    if (!isOfItself || this.isHonest || !chance.is(lying)) return report;
    const { task_id, run_id, pid } = report;
    const end = chance.is(0.5) ? { exit_code: chance.pick([0, 1, 3]) } : { signal: 'SIGSEGV' };
    onEnd(order, end);
    return { task_id, run_id, state: 'exited', ...(pid === undefined ? {} : { pid }), ...end };
  }

  /** @param isFresh the working folder is emptied before, and the software installed there again */
  start(order: TaskOrder, isFresh = false): TaskReport {
    const { task_id, run_id } = order;
    const known = this.processes.get(task_id);
    if (known !== undefined) return this.#told(known);
    assert(!this.options.started.has(task_id), `${task_id} was started twice`);
    assert(this.installed.has(run_id), `${task_id} was started before its software was there`);
    this.options.checkOrder(order);
    this.options.started.add(task_id);
    this.#pid += 1;
    const report: TaskReport = { task_id, run_id, state: 'running', pid: this.#pid };
    const { clock, taskFailure, slowness } = this.options;
    const chance = this.options.chanceOf(task_id);
    this.processes.set(task_id, { run_id, order, chance, report });
    let end = chance.is(taskFailure) ? this.#badEnd(order, chance) : { exit_code: 0 };
    if (isFresh && end.exit_code !== 0) end = { cause: 'reinstall_failed', message: 'It went wrong' };
    let lasts = slowness * chance.delay(20_000);
    if (lasts > (order.timeout_ms ?? lasts)) {
      lasts = order.timeout_ms ?? lasts;
      end = { cause: 'timeout', signal: 'SIGTERM', message: 'It ran too long' };
    }
    clock.after(lasts, () => {
      if (this.processes.get(task_id)?.report.state !== 'running') return;
      if (end.cause === 'liveness') {
        this.#giveUp(order, end);
        return;
      }
      this.options.onEnd(order, end);
      this.#end(task_id, end);
    });
    return report;
  }

  /** A monitor has it stopped, which takes a while, and is told before. */
  #giveUp(order: TaskOrder, end: Partial<TaskReport>): void {
    const { task_id } = order;
    const process = this.processes.get(task_id);
    if (process === undefined) return;
    const message = 'It does not answer';
    process.report = { ...process.report, unhealthy: { monitor: end.monitor ?? 0, message } };
    if (process.chance.is(0.7)) this.tell(process.report);
    this.options.clock.after(process.chance.delay(5000), () => {
      if (this.processes.get(task_id)?.report.state !== 'running') return;
      this.options.onEnd(order, end);
      this.#end(task_id, end);
    });
  }

  #badEnd({ liveness = [] }: TaskOrder, chance: Chance): Partial<TaskReport> {
    const causes: TaskCause[] = ['lost', 'disk_full', 'lost', 'program_not_found', 'start_failed', 'stopped'];
    if (liveness.length > 0 && chance.is(0.4)) {
      const monitor = chance.int(0, liveness.length - 1);
      return { cause: 'liveness', signal: 'SIGTERM', monitor, message: 'A monitor failed' };
    }
    if (chance.is(0.5)) return { exit_code: chance.int(1, 255) };
    if (chance.is(0.2)) return { signal: 'SIGSEGV' };
    return { cause: chance.pick(causes), message: 'It went wrong' };
  }

  #end(task_id: string, end: Partial<TaskReport>): void {
    const process = this.processes.get(task_id);
    if (process?.report.state !== 'running') return;
    const { unhealthy: _unhealthy, ...report } = process.report;
    process.report = { ...report, ...end, state: 'exited' };
    this.tell(process.report);
  }

  /** As the driver tells it: a task that the agent never heard of does not run. */
  stop(run_id: string, task_id: string): TaskReport {
    this.#end(task_id, { cause: 'stopped', message: 'It was stopped on request' });
    const known = this.processes.get(task_id);
    if (known !== undefined) return this.#told(known);
    return { task_id, run_id, state: 'exited', cause: 'stopped', message: 'It never started' };
  }

  /** The output of a task that is over is brought back, and the task forgotten. */
  collect(task_id: string): void {
    assert.notEqual(
      this.processes.get(task_id)?.report.state,
      'running',
      `${task_id} is collected while it runs`,
    );
    this.processes.delete(task_id);
  }

  runs(): Set<string> {
    return new Set([...this.folders, ...[...this.processes.values()].map((process) => process.run_id)]);
  }

  /** Which time the machine is in the run. */
  generation(run_id: string): number {
    return this.#generations.get(run_id) ?? 1;
  }

  /** What is left of an earlier time goes. */
  join(run_id: string, generation: number): void {
    if (generation > this.generation(run_id)) {
      this.clean(run_id);
      this.#generations.set(run_id, generation);
    }
    this.folders.add(run_id);
  }

  /** @param upTo leaves alone what is of a later time */
  clean(run_id: string, upTo = Number.POSITIVE_INFINITY): void {
    if (upTo < this.generation(run_id)) return;
    for (const [task_id, process] of this.processes) {
      if (process.run_id !== run_id) continue;
      this.#end(task_id, { cause: 'stopped', message: 'It was stopped on request' });
      this.processes.delete(task_id);
    }
    this.folders.delete(run_id);
    this.installed.delete(run_id);
  }

  /** All tasks die at once; `wipe`: the disk does not survive either. */
  reboot(wipe: boolean): void {
    for (const process of this.processes.values()) {
      if (process.report.state !== 'running') continue;
      process.report = {
        ...process.report,
        state: 'exited',
        cause: 'lost',
        message: 'The machine restarted',
      };
    }
    if (wipe) this.wipe();
  }

  /** The agent loses what it knew of its tasks, and they die with it; files stay. */
  forget(): string[] {
    const forgotten = [...this.processes.keys()];
    this.processes.clear();
    return forgotten;
  }

  wipe(): void {
    this.processes.clear();
    this.folders.clear();
    this.installed.clear();
  }
}
