/**
 * Liveness monitors and the time limits of tasks (section 3.4.1 of plush-toit.2011). All of it starts anew with the agent: a task that
 * is taken over is looked at again, and the time it has run counts from its start.
 */
import { uptime } from 'node:os';
import { durationText } from '../../core/duration.ts';
import type { MonitorOrder, TaskOrder } from '../../wire/agent.ts';
import { startDeadline } from '../deadline.ts';
import { type Check, type CommandSetting, checkCommand, checkHttp } from './check.ts';
import { TICKS_PER_SECOND } from './processes.ts';
import type { Reason, Task } from './task.ts';

/** Looks that go on at a time on the whole node; the others wait for their turn. */
const MAX_CHECKS = 16;
/** The shortest interval, whatever the order says. */
const MIN_INTERVAL_MS = 100;

export interface MonitorsOptions {
  /** The task is to be stopped for this. */
  readonly onGiveUp: (task: Task, reason: Reason) => void;
  /** How commands are run for the task. @throws what makes that impossible */
  readonly settingOf: (task: Task, order: TaskOrder) => Promise<CommandSetting>;
}

export class Monitors {
  readonly #stops = new Map<Task, (() => void)[]>();
  readonly #turns: (() => void)[] = [];
  #underway = 0;

  constructor(private readonly options: MonitorsOptions) {}

  /** Begins to look at a running task, as its order says. */
  watch(task: Task, order: TaskOrder): void {
    const stops: (() => void)[] = [];
    const { timeout_ms: timeoutMs, liveness = [] } = order;
    if (timeoutMs !== undefined) {
      const message = `The process ran longer than its timeout of ${durationText(timeoutMs)} and was stopped`;
      const onTimeout = () => this.options.onGiveUp(task, { cause: 'timeout', message });
      const timer = startDeadline(Math.max(0, timeoutMs - ageMs(task)), onTimeout);
      stops.push(() => clearTimeout(timer));
    }
    liveness.forEach((monitor, place) => {
      stops.push(this.#monitor(task, monitor, place, this.#checkOf(task, order, monitor)));
    });
    if (stops.length > 0) this.#stops.set(task, stops);
  }

  /** The task is over, or about to be. */
  forget(task: Task): void {
    for (const stop of this.#stops.get(task) ?? []) stop();
    this.#stops.delete(task);
  }

  /** @returns what ends the monitor */
  #monitor(task: Task, monitor: MonitorOrder, place: number, check: Check): () => void {
    const intervalMs = Math.max(MIN_INTERVAL_MS, monitor.interval_ms);
    let failures = 0;
    let timer: NodeJS.Timeout;
    let stopped = false;
    const look = async () => {
      const seen = await this.#inTurn(check);
      if (stopped) return;
      failures = seen === undefined ? 0 : failures + 1;
      if (seen !== undefined && failures >= monitor.failures) {
        const times = failures === 1 ? '' : ` ${failures} times in a row`;
        const message = `${nameOf(monitor)} failed${times}: ${seen}`;
        this.options.onGiveUp(task, { cause: 'liveness', message, monitor: place });
        return;
      }
      timer = startDeadline(intervalMs, look);
    };
    timer = startDeadline(intervalMs, look);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }

  #checkOf(task: Task, order: TaskOrder, monitor: MonitorOrder): Check {
    const { type, target = '', timeout_ms: timeoutMs, interval_ms: intervalMs } = monitor;
    if (type === 'http') return () => checkHttp(target, timeoutMs);
    if (type === 'command') {
      return async () => checkCommand(target, timeoutMs, await this.options.settingOf(task, order));
    }
    let before = writtenBy(task);
    return () => {
      const now = writtenBy(task);
      const isSilent = now === before;
      before = now;
      return Promise.resolve(
        isSilent ? `nothing was written within its interval of ${durationText(intervalMs)}` : undefined,
      );
    };
  }

  async #inTurn(check: Check): Promise<string | undefined> {
    if (this.#underway >= MAX_CHECKS) await new Promise<void>((resolve) => this.#turns.push(resolve));
    else this.#underway += 1;
    try {
      return await check();
    } catch (error) {
      return `it could not look: ${error instanceof Error ? error.message : error}`;
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#underway -= 1;
      else next();
    }
  }
}

function nameOf({ type, target }: MonitorOrder): string {
  if (type === 'output') return 'The liveness monitor of the output';
  return `The liveness monitor ${JSON.stringify(target)}`;
}

function writtenBy(task: Task): number {
  return task.stdout.end + task.stderr.end;
}

/** How long a task has run, as far as can be told. */
function ageMs({ wrapper }: Task): number {
  const ticks = Number(wrapper?.start);
  return Number.isFinite(ticks) ? Math.max(0, uptime() - ticks / TICKS_PER_SECOND) * 1000 : 0;
}
