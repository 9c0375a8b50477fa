/** Control groups that agents leave behind when a test kills them. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { Cgroups } from '../../src/drivers/tasks/cgroups.ts';

/** Removes the empty groups of one agent's folder. */
export function sweepAgent(dir: string): void {
  new Cgroups(dir).sweep();
}

/** Removes those of all agents below a base folder, CONTROLLER/NODE in it. */
export function sweepBase(base: string): void {
  if (!existsSync(base)) return;
  const root = realpathSync(base);
  for (const path of readdirSync(root, { withFileTypes: true })) {
    if (!path.isDirectory()) continue;
    for (const node of readdirSync(join(root, path.name))) sweepAgent(join(root, path.name, node));
  }
}
