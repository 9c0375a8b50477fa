/** Files in a run's working folder, by a relative path that a stranger wrote. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { insideSegments } from '../../core/agent/relative-path.ts';
import { AgentError } from '../agent-error.ts';

/**
 * Absolute path of a file in the working folder; makes the folders on the way.
 * @throws AgentError path_escapes also when a symbolic link leads out of the folder
 */
export function workFile(workPath: string, relative: string): string {
  const segments = insideSegments(relative);
  const name = segments?.pop();
  if (segments === undefined || name === undefined) throw escapes(relative);
  let folder = workPath;
  for (const segment of segments) {
    folder = join(folder, segment);
    const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
    if (stat === undefined) fs.mkdirSync(folder, { mode: 0o700 });
    else if (stat.isSymbolicLink() && !isInside(workPath, folder)) throw escapes(relative);
  }
  return join(folder, name);
}

/** Opens a file for writing that was not there: never through a link. */
export function createFresh(path: string): Promise<fs.promises.FileHandle> {
  fs.rmSync(path, { force: true });
  return fs.promises.open(path, 'wx', 0o600);
}

function isInside(workPath: string, path: string): boolean {
  try {
    return `${fs.realpathSync(path)}/`.startsWith(`${fs.realpathSync(workPath)}/`);
  } catch {
    return false; // A link that leads nowhere, or round and round.
  }
}

function escapes(relative: string): AgentError {
  return new AgentError('path_escapes', `The path ${JSON.stringify(relative)} leads out of the run's folder`);
}
