/**
 * Where things lie in a node's folder:
 *
 *     runs/RUN/run.json          the run's id as it is
 *     runs/RUN/work/             software and the tasks' working folder
 *     runs/RUN/installed.json    there when the install is complete
 *     runs/RUN/tasks/TASK/       one a task (tasks/task-folder.ts)
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { folderName } from '../../core/agent/folder-name.ts';
import { readJson, writeAtomic } from './atomic.ts';

export class RunFolders {
  /** @param dir the node's folder, absolute, without symbolic links */
  constructor(readonly dir: string) {}

  runPath(runId: string): string {
    return join(this.dir, 'runs', folderName(runId));
  }

  workPath(runId: string): string {
    return join(this.runPath(runId), 'work');
  }

  tasksPath(runId: string): string {
    return join(this.runPath(runId), 'tasks');
  }

  /** One path segment for a task's identity. */
  taskName(taskId: string): string {
    return folderName(taskId);
  }

  has(runId: string): boolean {
    return fs.existsSync(this.runPath(runId));
  }

  /** Makes the run's folders where they are missing. @throws the system's error */
  ensure(runId: string): void {
    fs.mkdirSync(this.workPath(runId), { recursive: true, mode: 0o700 });
    const name = join(this.runPath(runId), 'run.json');
    if (!fs.existsSync(name)) writeAtomic(name, JSON.stringify({ run_id: runId }));
  }

  /** Ids of all runs that have a folder; one that was cut off before its id was written is nobody's and left out. */
  list(): string[] {
    const runs = join(this.dir, 'runs');
    if (!fs.existsSync(runs)) return [];
    return fs.readdirSync(runs).flatMap((name) => {
      const saved = readJson(join(runs, name, 'run.json')) as { run_id?: string } | undefined;
      return typeof saved?.run_id === 'string' ? [saved.run_id] : [];
    });
  }
}
