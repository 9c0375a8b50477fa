/** The file of the SQLite journal: how it is made, recognised and opened, and what its errors mean. */
import { accessSync, chmodSync, closeSync, constants, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { JournalError } from './journal.ts';

/** "Plsh": marks the file as ours (SQLite's header field application_id). */
const APPLICATION_ID = 0x506c7368;

/** Version of the tables below (SQLite's header field user_version); grows with each change of them. */
const SCHEMA_VERSION = 2;

/** The write-ahead log is cut back to this size once its content is in the main file. */
const WAL_KEPT_BYTES = 16 * 1024 * 1024;

/** Two tables, since a state may be larger than one text: its rows are in the second. */
const SNAPSHOT_SCHEMA = `
  CREATE TABLE snapshot (
    only INTEGER PRIMARY KEY CHECK (only = 1), seq INTEGER NOT NULL, version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE snapshot_rows (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
`;

const SCHEMA = `
  CREATE TABLE records (seq INTEGER PRIMARY KEY, time TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE TABLE cursors (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  ${SNAPSHOT_SCHEMA}
`;

const TABLES: readonly string[] = ['records', 'snapshot', 'cursors'];

/**
 * Opens the journal's file for this process alone, and makes it (mode 0600) where there is none. Nothing is written to
 * a file before it is known to be ours.
 *
 * @throws JournalError (`locked`, `damaged`, `foreign`, `disk_full`, `io`)
 */
export function openJournalFile(file: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    createPrivately(file);
    database = new Database(file, { fileMustExist: true, timeout: 0 });
    // Set before the first access: the lock of the operating system then stays until close or death of the process.
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('trusted_schema = OFF');
    database.pragma('cell_size_check = ON');
    const version = versionOf(database, file);
    if (version === 0) makeSchema(database);
    else if (version < SCHEMA_VERSION) migrate(database);
    chmodSync(file, 0o600);
    beDurable(database);
    return database;
  } catch (error) {
    database?.close();
    throw asJournalError(error, file, 'opened');
  }
}

/** SQLite gives the files beside it (the write-ahead log) the mode of the main file. */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // SQLite would open a file that may only be read, and fail at the first append.
    accessSync(file, constants.R_OK | constants.W_OK);
  }
}

/** Version of the file's tables; 0 for an empty file, such as one that a crash left between its making and its first table. */
function versionOf(database: Database.Database, file: string): number {
  const id = database.pragma('application_id', { simple: true });
  const version = Number(database.pragma('user_version', { simple: true }));
  if (id === 0 && version === 0 && tableNames(database).length === 0) return 0;
  if (id !== APPLICATION_ID) {
    throw new JournalError(
      'foreign',
      `The file ${file} is an SQLite database of another program, not a journal of Plush. Move it away or use another state folder.`,
    );
  }
  if (version > SCHEMA_VERSION) {
    throw new JournalError(
      'foreign',
      `The journal ${file} was written by a newer Plush (format ${version}, this one knows ${SCHEMA_VERSION}). Use that version or another state folder.`,
    );
  }
  const tables = tableNames(database);
  for (const table of version === 1 ? TABLES : [...TABLES, 'snapshot_rows']) {
    if (!tables.includes(table)) {
      throw new JournalError(
        'damaged',
        `The journal ${file} is damaged: its table ${table} is missing. Restore the file from a copy or move it away.`,
      );
    }
  }
  return version;
}

function tableNames(database: Database.Database): unknown[] {
  return database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
}

/** One transaction, so that a crash leaves either an empty file or a whole journal. */
function makeSchema(database: Database.Database): void {
  beDurable(database);
  database.transaction(() => {
    database.exec(SCHEMA);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}

/**
 * From version 1, whose snapshot was a single text, to 2. The old snapshot is dropped: such a journal was never compacted,
 * so its records tell the state.
 */
function migrate(database: Database.Database): void {
  beDurable(database);
  database.transaction(() => {
    database.exec(`DROP TABLE snapshot; ${SNAPSHOT_SCHEMA}`);
    database.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}

/**
 * FULL makes each commit wait for fsync of the write-ahead log (the library's default with WAL does not);
 * fullfsync is the same promise on macOS, whose fsync leaves data in the drive's cache.
 */
function beDurable(database: Database.Database): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('fullfsync = ON');
  database.pragma('checkpoint_fullfsync = ON');
  database.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`);
}

/** Turns an error of SQLite or of the file system into one sentence that names the file. `done` as in "could not be …". */
export function asJournalError(
  error: unknown,
  file: string,
  done: 'opened' | 'read' | 'written',
): JournalError {
  if (error instanceof JournalError) return error;
  const code = String((error as { code?: unknown }).code ?? '');
  const reason = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') {
    return new JournalError('disk_full', `The disk of the journal ${file} is full. Make room there`, cause);
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new JournalError(
      'locked',
      `Another process has the journal ${file} open. Stop it or use another state folder.`,
      cause,
    );
  }
  if (isDamage(error, code)) {
    return new JournalError(
      'damaged',
      `The journal ${file} is damaged (${reason}). Restore the file from a copy or move it away.`,
      cause,
    );
  }
  return new JournalError('io', `The journal ${file} could not be ${done} (${code}: ${reason})`, cause);
}

function isDamage(error: unknown, code: string): boolean {
  return (
    code.startsWith('SQLITE_CORRUPT') ||
    code === 'SQLITE_NOTADB' ||
    code === 'SQLITE_IOERR_SHORT_READ' ||
    code === 'SQLITE_ERROR' || // the schema is not the one that this version of the file must have
    error instanceof SyntaxError // a body that is no JSON
  );
}
