/** Waiting for files to grow: told by the system where it can tell, else looked for at intervals. */
import * as fs from 'node:fs';

/** Waits at a time; a further one is over at once, so that its asker has to come again. */
const MAX_WAITS = 64;
/** The system does not tell of every file: not on every file system, and not when it watches too many. */
const LOOK_MS = 250;
const MAX_WAIT_MS = 60_000;
/** A wait that finds no room is over after this time. */
const BUSY_MS = 500;

export interface Wait {
  readonly waitMs: number;
  /** Nobody waits any more. */
  readonly gone: AbortSignal;
}

interface Waiting {
  readonly look: () => void;
}

export class Waits {
  readonly #waiting = new Set<Waiting>();

  /** Settles when `isDone` answers true, when the time is up, or when nobody waits any more. */
  until(path: string, isDone: () => boolean, { waitMs, gone }: Wait): Promise<void> {
    const isBusy = this.#waiting.size >= MAX_WAITS;
    return new Promise((resolve) => {
      const watcher = isBusy ? undefined : watch(path, () => waiting.look());
      const end = () => {
        clearTimeout(deadline);
        clearInterval(timer);
        watcher?.close();
        gone.removeEventListener('abort', end);
        this.#waiting.delete(waiting);
        resolve();
      };
      const waiting = { look: () => isDone() && end() };
      const timer = setInterval(waiting.look, LOOK_MS);
      const deadline = setTimeout(end, Math.min(waitMs, isBusy ? BUSY_MS : MAX_WAIT_MS));
      gone.addEventListener('abort', end);
      if (!isBusy) this.#waiting.add(waiting);
      if (gone.aborted) end();
      else waiting.look();
    });
  }

  /** Something is over that may be waited for. */
  look(): void {
    for (const { look } of [...this.#waiting]) look();
  }
}

function watch(path: string, onChange: () => void): fs.FSWatcher | undefined {
  try {
    const watcher = fs.watch(path, { persistent: false }, onChange);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined; // Too many watches, or none on this system.
  }
}
