import { type Database, SqliteError, type Statement } from 'better-sqlite3';
import {
  COMPACT_RECORDS,
  checkCompaction,
  checkSnapshotSeq,
  type Journal,
  JournalError,
  type JournalRecord,
  type NewRecord,
  type Snapshot,
} from './journal.ts';
import { asJournalError, openJournalFile } from './journal-sqlite-file.ts';

/** A page of `read` (and of a snapshot's rows) ends at this many records … */
const PAGE_RECORDS = 256;

/** … or once its texts have this many characters, whichever is first (a single larger body is a page of its own). */
const PAGE_CHARACTERS = 1024 * 1024;

/** So many calls of `setCursor` may wait in memory for the next append before they are written on their own. */
const CURSOR_UPDATES_KEPT = 256;

interface Row {
  readonly seq: number;
  readonly time: string;
  readonly type: string;
  readonly body: string;
}

/**
 * Opens the journal in an SQLite file, or makes one (mode 0600). One process at a time has it open; the lock ends with
 * the process. An append waits for fsync, so many records in one append cost little more than one.
 *
 * Cursors are cheap and a little less durable than records: they are kept in memory and written with the next append,
 * after 256 updates and at close. What a crash loses of them makes a reader get records again (at-least-once), never
 * miss one.
 *
 * @param file Absolute path; its folder must exist.
 * @throws JournalError (`locked`, `damaged`, `foreign`, `disk_full`, `io`)
 */
export function openSqliteJournal(file: string): Journal {
  const database = openJournalFile(file);
  try {
    return new SqliteJournal(file, database);
  } catch (error) {
    database.close();
    throw asJournalError(error, file, 'read');
  }
}

class SqliteJournal implements Journal {
  #first: number;
  #last: number;
  #closed = false;
  /** Set by a failed write whose outcome on the disk is unknown; only opening the file anew tells it. */
  #broken: JournalError | undefined;
  /** Cursors set since the last flush; undefined stands for a removed one. */
  readonly #cursors = new Map<string, number | undefined>();
  #cursorUpdates = 0;

  readonly #insert: Statement<[number, string, string, string]>;
  readonly #page: Statement<[number, number], Row>;
  readonly #remove: Statement<[number]>;
  readonly #putSnapshot: Statement<[number, number]>;
  readonly #getSnapshot: Statement<[], Omit<Snapshot, 'rows'>>;
  readonly #dropSnapshotRows: Statement<[]>;
  readonly #putSnapshotRow: Statement<[number, string]>;
  readonly #getSnapshotRows: Statement<[number], { number: number; text: string }>;
  readonly #getCursor: Statement<[string], number>;
  readonly #putCursor: Statement<[string, number]>;
  readonly #dropCursor: Statement<[string]>;

  constructor(
    private readonly file: string,
    private readonly database: Database,
  ) {
    const ends = database
      .prepare<[], { first: number | null; last: number | null }>(
        'SELECT (SELECT min(seq) FROM records) AS first, (SELECT max(seq) FROM records) AS last',
      )
      .get();
    this.#insert = database.prepare('INSERT INTO records (seq, time, type, body) VALUES (?, ?, ?, ?)');
    this.#page = database.prepare(
      'SELECT seq, time, type, body FROM records WHERE seq > ? AND seq <= ? ORDER BY seq',
    );
    this.#remove = database.prepare('DELETE FROM records WHERE seq <= ?');
    this.#putSnapshot = database.prepare(
      'INSERT OR REPLACE INTO snapshot (only, seq, version) VALUES (1, ?, ?)',
    );
    this.#getSnapshot = database.prepare('SELECT seq, version FROM snapshot');
    this.#dropSnapshotRows = database.prepare('DELETE FROM snapshot_rows');
    this.#putSnapshotRow = database.prepare('INSERT INTO snapshot_rows (number, text) VALUES (?, ?)');
    this.#getSnapshotRows = database.prepare(
      'SELECT number, text FROM snapshot_rows WHERE number > ? ORDER BY number',
    );
    this.#getCursor = database.prepare<[string], number>('SELECT seq FROM cursors WHERE name = ?').pluck();
    this.#putCursor = database.prepare('INSERT OR REPLACE INTO cursors (name, seq) VALUES (?, ?)');
    this.#dropCursor = database.prepare('DELETE FROM cursors WHERE name = ?');
    // Where all records were removed the snapshot tells the number of the last.
    this.#last = ends?.last ?? this.#getSnapshot.get()?.seq ?? 0;
    this.#first = ends?.first ?? this.#last + 1;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  append(records: readonly NewRecord[]): number {
    this.#mustBeOpen();
    const start = this.#last + 1;
    if (records.length === 0) return start;
    // Encoded before the transaction: a body that is no JSON is the caller's mistake, not the journal's failure.
    const rows = records.map(({ time, type, body }) => ({ time, type, body: JSON.stringify(body) }));
    this.#write(() => {
      let seq = start;
      for (const row of rows) this.#insert.run(seq++, row.time, row.type, row.body);
      this.#writeCursors();
    });
    this.#last += records.length;
    this.#forgetWrittenCursors();
    return start;
  }

  read(after: number, limit = Number.POSITIVE_INFINITY): Iterable<JournalRecord> {
    this.#mustBeOpen();
    const from = Math.max(Math.floor(after), this.#first - 1);
    return this.#records(from, Math.min(this.#last, from + limit));
  }

  /** Holds no statement open between two records, so the consumer may append, and stop, as it likes. */
  *#records(after: number, end: number): Generator<JournalRecord> {
    let seq = after;
    while (seq < end) {
      this.#mustBeOpen();
      seq = Math.max(seq, this.#first - 1);
      if (seq >= end) return;
      for (const row of this.#readPage(seq, end)) {
        yield this.#decode(row);
        seq = row.seq;
      }
    }
  }

  #readPage(after: number, end: number): Row[] {
    let rows: Row[] = [];
    try {
      rows = takePage(this.#page.iterate(after, end), ({ body }) => body.length);
    } catch (error) {
      throw asJournalError(error, this.file, 'read');
    }
    const hole = rows.findIndex(({ seq }, index) => seq !== after + index + 1);
    if (hole >= 0) rows.length = hole;
    if (rows.length === 0) {
      throw new JournalError(
        'damaged',
        `The journal ${this.file} is damaged: record ${after + 1} is missing. Restore the file from a copy or move it away.`,
      );
    }
    return rows;
  }

  #decode(row: Row): JournalRecord {
    try {
      return { seq: row.seq, time: row.time, type: row.type, body: JSON.parse(row.body) };
    } catch (error) {
      throw asJournalError(error, this.file, 'read');
    }
  }

  saveSnapshot({ seq, version, rows }: Snapshot): void {
    this.#mustBeOpen();
    checkSnapshotSeq(seq, this);
    this.#write(() => {
      this.#dropSnapshotRows.run();
      this.#putSnapshot.run(seq, version);
      let number = 0;
      for (const text of rows) this.#putSnapshotRow.run(++number, text);
    });
  }

  loadSnapshot(): Snapshot | undefined {
    const head = this.#snapshotHead();
    return head === undefined ? undefined : { ...head, rows: this.#snapshotRows() };
  }

  #snapshotHead(): Omit<Snapshot, 'rows'> | undefined {
    this.#mustBeOpen();
    try {
      return this.#getSnapshot.get();
    } catch (error) {
      throw asJournalError(error, this.file, 'read');
    }
  }

  /** Like records, without a statement held open between two rows. */
  *#snapshotRows(): Generator<string> {
    let page: { number: number; text: string }[] = [];
    do {
      this.#mustBeOpen();
      page = this.#readSnapshotPage(page.at(-1)?.number ?? 0);
      for (const { text } of page) yield text;
    } while (page.length > 0);
  }

  #readSnapshotPage(after: number): { number: number; text: string }[] {
    try {
      return takePage(this.#getSnapshotRows.iterate(after), ({ text }) => text.length);
    } catch (error) {
      throw asJournalError(error, this.file, 'read');
    }
  }

  compact(upTo: number): boolean {
    checkCompaction(upTo, this.#snapshotHead()?.seq ?? 0);
    const end = Math.min(Math.floor(upTo), this.#first - 1 + COMPACT_RECORDS);
    if (end < this.#first) return false;
    this.#write(() => this.#remove.run(end));
    this.#first = end + 1;
    return this.#first <= upTo;
  }

  cursor(name: string): number | undefined {
    this.#mustBeOpen();
    if (this.#cursors.has(name)) return this.#cursors.get(name);
    try {
      return this.#getCursor.get(name);
    } catch (error) {
      throw asJournalError(error, this.file, 'read');
    }
  }

  setCursor(name: string, seq: number): void {
    this.#mustBeOpen();
    this.#keepCursor(name, seq);
  }

  removeCursor(name: string): void {
    this.#mustBeOpen();
    this.#keepCursor(name, undefined);
  }

  close(): void {
    if (this.#closed) return;
    try {
      if (this.#broken === undefined) this.#flushCursors();
    } finally {
      this.#closed = true;
      this.database.close();
    }
  }

  #keepCursor(name: string, seq: number | undefined): void {
    this.#cursors.set(name, seq);
    this.#cursorUpdates += 1;
    if (this.#cursorUpdates >= CURSOR_UPDATES_KEPT) this.#flushCursors();
  }

  #flushCursors(): void {
    if (this.#cursors.size === 0) return;
    // Counted from zero whatever happens: on a full disk the next try is 256 updates away, not at every call.
    this.#cursorUpdates = 0;
    try {
      this.#write(() => this.#writeCursors());
      this.#forgetWrittenCursors();
    } catch (error) {
      // A full disk costs nothing here that a crash would not: the cursors stay in memory for a later flush.
      if (!(error instanceof JournalError) || error.code !== 'disk_full') throw error;
    }
  }

  #writeCursors(): void {
    for (const [name, seq] of this.#cursors) {
      if (seq === undefined) this.#dropCursor.run(name);
      else this.#putCursor.run(name, seq);
    }
  }

  #forgetWrittenCursors(): void {
    this.#cursors.clear();
    this.#cursorUpdates = 0;
  }

  /** All of it or nothing, on the disk when it returns. */
  #write(change: () => void): void {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      this.database.transaction(change).immediate();
    } catch (error) {
      if (!(error instanceof SqliteError)) throw error;
      const failure = asJournalError(error, this.file, 'written');
      // Where fsync failed nobody knows what reached the disk, and asking again would not tell: stop here.
      if (failure.code === 'damaged' || error.code.startsWith('SQLITE_IOERR')) this.#broken = failure;
      throw failure;
    }
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new JournalError('closed', `The journal ${this.file} is closed`);
  }
}

/** The rows up to the bounds of a page; the statement behind them is closed then. */
function takePage<T>(rows: Iterable<T>, charactersOf: (row: T) => number): T[] {
  const page: T[] = [];
  let characters = 0;
  for (const row of rows) {
    page.push(row);
    characters += charactersOf(row);
    if (page.length === PAGE_RECORDS || characters >= PAGE_CHARACTERS) break;
  }
  return page;
}
