import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Puts a small file (mode 0600) in place of another one: readers see the old text or the new one, never a part, also
 * after power loss.
 *
 * @throws the file system's error
 */
export function replaceFile(file: string, text: string): void {
  const draft = writeDraft(file, text);
  try {
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncFolder(file);
}

/**
 * Makes a small file (mode 0600), whole or not at all, where there is none.
 *
 * @returns false when a file of that name is there already; it is left as it is.
 * @throws the file system's error
 */
export function createFile(file: string, text: string): boolean {
  const draft = writeDraft(file, text);
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolder(file);
  return true;
}

function writeDraft(file: string, text: string): string {
  const draft = `${file}.${process.pid}.new`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return draft;
}

/** A new name is durable once its folder is. */
function syncFolder(file: string): void {
  const handle = openSync(dirname(file), 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
