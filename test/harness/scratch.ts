import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Where scratch folders are made. Not os.tmpdir(): TMPDIR may be long, and the address of a Unix socket has room for
 * 107 bytes only.
 */
const ROOT = '/tmp';

/** How often a folder is cleared again while a dying process still writes into it. */
const REMOVE_RETRIES = 5;

/** A temporary folder with a short absolute path (about 14 bytes). */
export interface Scratch {
  readonly dir: string;
  /** Absolute path inside the folder; the folders above it are made, the last name is not. */
  path(...parts: string[]): string;
  /** Removes the folder with all it holds. May be called more than once. */
  remove(): Promise<void>;
}

/** Makes a temporary folder that only its owner may enter. The caller removes it, in `afterEach` or `afterAll`. */
export function makeScratch(): Scratch {
  const dir = mkdtempSync(join(ROOT, 'plush-'));
  return {
    dir,
    path(...parts) {
      const path = join(dir, ...parts);
      mkdirSync(dirname(path), { recursive: true });
      return path;
    },
    remove: () => rm(dir, { recursive: true, force: true, maxRetries: REMOVE_RETRIES }),
  };
}

/** Runs `body` with a scratch folder and removes it afterwards, whatever happens. */
export async function withScratch<T>(body: (scratch: Scratch) => Promise<T>): Promise<T> {
  const scratch = makeScratch();
  try {
    return await body(scratch);
  } finally {
    rmSync(scratch.dir, { recursive: true, force: true, maxRetries: REMOVE_RETRIES });
  }
}
