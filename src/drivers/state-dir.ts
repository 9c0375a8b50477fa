import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { replaceFile } from './replace-file.ts';

/** The file that the operating system locks for us. It stays empty and is never removed: removing it would race. */
const LOCK_FILE = 'lock';

/** Who holds the lock, for the message to the next one. Beside the lock: a locked file cannot be read on every system. */
const PID_FILE = 'lock.pid';

/** Where this daemon can be found, for programs on the same machine. */
const RUNTIME_FILE = 'plushd.json';

/** A pid and a newline fit; what is longer is not ours. */
const MAX_PID_CHARACTERS = 20;

/**
 * Several contenders may turn each other away in the moments in which SQLite takes its lock in steps; trying again for
 * so long lets one of them in, and a predecessor that is just ending finish.
 */
const LOCK_WAIT_MS = 1_000;

/**
 * What the daemon keeps in its folder and has to read and write. Each is looked at before anything begins, so that a folder that
 * another user's plushd has used is refused in one sentence, and not by the first step that needs one of them.
 */
const KEPT = [
  'journal.db',
  'journal.db-wal',
  'journal.db-shm',
  'tokens.json',
  'audit.log',
  'callback-secrets.json',
  'known_hosts',
  'outputs',
  'cache',
  'packages',
  'local',
];

/** What `plushd.json` holds while the daemon serves. */
export interface RuntimeInfo {
  readonly url: string;
  readonly pid: number;
  /** Absolute path of the file with the token that the API asks for. */
  readonly token_file: string;
}

/** The daemon's folder, held by this process until `close` or its death, whichever way it dies. */
export interface StateDir {
  /** Absolute path. */
  readonly path: string;
  /** Sentences for the log about a folder that is usable but not as private as it should be. */
  readonly warnings: readonly string[];
  /** Absolute path of a file in the folder. */
  file(name: string): string;
  /**
   * Says in DIR/plushd.json where the daemon serves; a reader sees the old file or the new one, whole.
   * @throws StateDirError (`not_writable`)
   */
  writeRuntimeInfo(info: RuntimeInfo): void;
  /** Removes plushd.json and gives the folder free. May be called again. */
  close(): void;
}

/** Why the state folder cannot be used. */
export class StateDirError extends Error {
  constructor(
    readonly code: 'in_use' | 'not_a_folder' | 'not_makeable' | 'not_writable' | 'damaged',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'StateDirError';
  }
}

/**
 * Takes the state folder for this process alone; makes it, for its owner only, where it is missing.
 *
 * @param dir Absolute, or relative to the working directory.
 * @throws StateDirError (`in_use`, `not_a_folder`, `not_makeable`, `not_writable`, `damaged`)
 */
export function openStateDir(dir: string): StateDir {
  const path = resolve(dir);
  makeFolder(path);
  const lock = takeLock(path);
  try {
    // What a predecessor left that was killed: it serves no more.
    rmSync(join(path, RUNTIME_FILE), { force: true });
    writeFileSync(join(path, PID_FILE), `${process.pid}\n`, { mode: 0o600 });
    for (const name of KEPT) checkKept(path, name);
  } catch (error) {
    lock.close();
    throw error instanceof StateDirError ? error : notWritable(path, error);
  }
  return new LockedStateDir(path, lock, privacyWarnings(path));
}

class LockedStateDir implements StateDir {
  #open = true;

  constructor(
    readonly path: string,
    private readonly lock: Database.Database,
    readonly warnings: readonly string[],
  ) {}

  file(name: string): string {
    return join(this.path, name);
  }

  writeRuntimeInfo(info: RuntimeInfo): void {
    try {
      replaceFile(this.file(RUNTIME_FILE), `${JSON.stringify(info)}\n`);
    } catch (error) {
      throw notWritable(this.path, error);
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      // Before the lock is free: afterwards the files may be our successor's.
      rmSync(this.file(RUNTIME_FILE), { force: true });
      rmSync(this.file(PID_FILE), { force: true });
    } finally {
      this.lock.close();
    }
  }
}

/** @throws StateDirError (`not_writable`) for what is there and not for this user */
function checkKept(path: string, name: string): void {
  try {
    accessSync(join(path, name), constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new StateDirError(
      'not_writable',
      `The state folder ${path} holds ${name}, which this user may not read and write. Start plushd as the user whose folder it is, or give --state another folder.`,
      { cause: error },
    );
  }
}

function makeFolder(path: string): void {
  try {
    makeMissing(path);
    if (statSync(path).isDirectory()) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') throw notAFolder(path, error);
    const reason = error instanceof Error ? error.message : String(error);
    throw new StateDirError(
      'not_makeable',
      `The state folder ${path} cannot be made (${reason}). Give --state another folder.`,
      { cause: error },
    );
  }
  throw notAFolder(path);
}

/**
 * Folder by folder from the first that is missing: Node's recursive mkdir never returns where the system says that a
 * folder is missing which is there, as it does below /proc.
 */
function makeMissing(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      // Another plushd was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function notAFolder(path: string, cause?: unknown): StateDirError {
  return new StateDirError(
    'not_a_folder',
    `The state folder ${path} is a file, or lies below one. Give --state a folder.`,
    { cause },
  );
}

/**
 * An SQLite database in an exclusive transaction is a lock that every platform's kernel releases at the death of the
 * process, and no stale file ever has to be recognised.
 */
function takeLock(path: string): Database.Database {
  const file = join(path, LOCK_FILE);
  let lock: Database.Database | undefined;
  try {
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw notWritable(path, error);
  }
  try {
    lock = new Database(file, { fileMustExist: true, timeout: LOCK_WAIT_MS });
    lock.pragma('journal_mode = MEMORY'); // nothing is ever written, so no file beside it
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    throw lockRefused(path, file, error);
  }
}

function lockRefused(path: string, file: string, error: unknown): StateDirError {
  const code = String((error as { code?: unknown }).code ?? '');
  if (code.startsWith('SQLITE_BUSY')) {
    const pid = holder(path);
    const who = pid === undefined ? 'Another plushd' : `Another plushd (pid ${pid})`;
    return new StateDirError(
      'in_use',
      `${who} uses the state folder ${path}. Stop it, or give --state another folder.`,
      { cause: error },
    );
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new StateDirError(
      'damaged',
      `The file ${file} is not the lock of a plushd. Move it away, or give --state another folder.`,
      { cause: error },
    );
  }
  return notWritable(path, error);
}

/** The pid beside the lock, unless it is a dead predecessor's that the holder has not replaced yet. */
function holder(path: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(join(path, PID_FILE), 'utf8').slice(0, MAX_PID_CHARACTERS));
  } catch {
    return undefined; // no such file yet, or not readable for us: the message does without
  }
  return Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // another user's
  }
}

function notWritable(path: string, error: unknown): StateDirError {
  const reason = error instanceof Error ? error.message : String(error);
  return new StateDirError(
    'not_writable',
    `The state folder ${path} cannot be written (${reason}). Make it writable for this user, or give --state another folder.`,
    { cause: error },
  );
}

/** Not repaired: the folder may be one that others use for good reasons, such as /tmp given by mistake. */
function privacyWarnings(path: string): string[] {
  const { mode } = statSync(path);
  if ((mode & 0o022) === 0) return [];
  return [
    `Other users may write to the state folder ${path}, and so replace the token. Run: chmod go-w ${path}`,
  ];
}
