/** Looks at tasks at intervals: how their output grows, and whether adopted ones still run. */

import { messageOf } from '../agent-error.ts';
import { monotonicMs } from '../clock.ts';
import { wrapperLives } from './adopt.ts';
import type { ProcessInfo } from './processes.ts';
import type { Task } from './task.ts';

/** Output is looked at within these bounds, the faster it grows the sooner. */
const LOOK_MS = { min: 10, max: 200 };
/** How late the exit of an adopted task may be noticed. */
const ADOPTED_MS = 500;
/** How often processes that outlived their task are looked for. */
const LEFTOVERS_MS = 60_000;
const SETTLED_MS = 5;

export interface WatchOptions {
  readonly bootId: string;
  readonly processesOf: (task: Task) => readonly ProcessInfo[];
  /** Ids of tasks that some live process carries. */
  readonly carried: () => ReadonlySet<string>;
  /** An adopted task's last process may be gone. */
  readonly onEnd: (task: Task) => void;
  readonly log: (message: string) => void;
}

export class Watch {
  readonly #tasks = new Set<Task>();
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  #adoptedAt = 0;
  #leftoversAt = 0;

  constructor(private readonly options: WatchOptions) {}

  /** Watches a task while it runs or has left processes behind. */
  add(task: Task): void {
    if (!task.running && !task.leftovers) return;
    if (this.#tasks.size === 0) this.#lookedAt = monotonicMs();
    this.#tasks.add(task);
    this.#timer ??= setTimeout(() => this.#look(), LOOK_MS.min);
  }

  remove(task: Task): void {
    this.#tasks.delete(task);
  }

  /** Settles when none of the tasks runs any more, or when the time is up. */
  async ended(tasks: readonly Task[], timeoutMs: number): Promise<void> {
    const deadline = monotonicMs() + timeoutMs;
    while (monotonicMs() < deadline) {
      for (const task of tasks) {
        if (task.running && task.adopted) this.#check(task);
      }
      if (!tasks.some((task) => task.running)) return;
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    }
  }

  #look(): void {
    this.#timer = undefined;
    const now = monotonicMs();
    const elapsedMs = now - this.#lookedAt;
    this.#lookedAt = now;
    const checkAdopted = now - this.#adoptedAt >= ADOPTED_MS;
    if (checkAdopted) this.#adoptedAt = now;
    if (now - this.#leftoversAt >= LEFTOVERS_MS) this.#lookForLeftovers(now);
    let nextMs = LOOK_MS.max;
    for (const task of this.#tasks) {
      nextMs = Math.min(nextMs, this.#lookAtOutput(task, elapsedMs));
      if (checkAdopted && task.running && task.adopted) this.#check(task);
      if (!task.running && !task.leftovers) this.#tasks.delete(task);
    }
    if (this.#tasks.size > 0) this.#timer ??= setTimeout(() => this.#look(), nextMs);
  }

  /** A program may do anything to the files it writes to, removing them included; that is its task's trouble alone. */
  #lookAtOutput(task: Task, elapsedMs: number): number {
    try {
      return Math.min(task.stdout.look(elapsedMs, LOOK_MS), task.stderr.look(elapsedMs, LOOK_MS));
    } catch (error) {
      this.options.log(`Output of ${task.id}: ${messageOf(error)}`);
      return LOOK_MS.max;
    }
  }

  #check(task: Task): void {
    if (wrapperLives(task, this.options.bootId)) return;
    if (task.folder.readStatus() === undefined && this.options.processesOf(task).length > 0) return;
    this.options.onEnd(task);
  }

  #lookForLeftovers(now: number): void {
    this.#leftoversAt = now;
    const left = [...this.#tasks].filter((task) => task.leftovers);
    if (left.length === 0) return;
    const carried = this.options.carried();
    for (const task of left) task.leftovers = carried.has(task.id) || task.isGroupPopulated;
  }
}
