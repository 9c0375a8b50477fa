/** Small files that are there wholly or not at all, whatever moment the process or the machine dies at. */
import * as fs from 'node:fs';
import { errorCode } from '../agent-error.ts';

/** Replaces a file's content atomically: a reader sees the old or the new. @throws the system's error */
export function writeAtomic(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    fs.writeFileSync(temporary, text, { mode: 0o600 });
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/** Writes a new file and has it on the disk before it returns. @throws the system's error */
export function writeDurable(path: string, text: string): void {
  const fd = fs.openSync(path, 'wx', 0o600);
  try {
    fs.writeFileSync(fd, text);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Puts a folder's entries on the disk (a new or renamed file is not durable before). @throws the system's error */
export function syncFolder(path: string): void {
  const fd = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** A file's text; undefined when it is not there. @throws the system's error */
export function readIfThere(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The value of a JSON file that this program wrote; undefined when it is not there or not JSON (cut off by a full disk). */
export function readJson(path: string): unknown {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
