/** Takes over a task from its folder. */
import { uptime } from 'node:os';
import { identify, isAlive, type ProcessIdentity, readEnviron } from './processes.ts';
import { Task } from './task.ts';
import { TaskFolder } from './task-folder.ts';

export interface Adopting {
  readonly bootId: string;
  readonly log: (message: string) => void;
}

/**
 * The task whose folder this is, with the state its earlier agent left: exited, or running until it is settled.
 *
 * @param carried ids of tasks that some live process carries
 * @returns undefined for a folder that tells no identity
 */
export function adoptTask(
  path: string,
  { bootId, log }: Adopting,
  carried: ReadonlySet<string>,
): Task | undefined {
  const folder = new TaskFolder(path, log);
  const order = folder.readOrder();
  if (typeof order?.task_id !== 'string' || typeof order.run_id !== 'string') {
    log(`The folder ${path} has no order and is left alone`);
    return undefined;
  }
  const task = new Task(order, path, log);
  task.adopted = true;
  task.stopping = folder.readStopping();
  task.wrapper = folder.readWrapper() ?? wrapperByPid(folder, order.task_id, bootId);
  const exited = folder.readExited();
  if (exited !== undefined) {
    task.restore(exited, uptime());
    task.leftovers = carried.has(order.task_id) || task.isGroupPopulated;
  } else {
    task.setPid(folder.readProgramPid());
  }
  return task;
}

/** Whether the wrapper of an adopted task still runs: only then nothing needs to be settled. */
export function wrapperLives(task: Task, bootId: string): boolean {
  return task.wrapper !== undefined && isAlive(task.wrapper, bootId);
}

/** The earlier agent died before it wrote down the wrapper's identity: the pid counts if that process carries the task's id. */
function wrapperByPid(folder: TaskFolder, taskId: string, bootId: string): ProcessIdentity | undefined {
  const pid = folder.readWrapperPid();
  if (pid === undefined || !readEnviron(pid)?.includes(Buffer.from(`\0PLUSH_TASK=${taskId}\0`)))
    return undefined;
  return identify(pid, bootId);
}
