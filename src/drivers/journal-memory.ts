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

/**
 * A journal that lives as long as the object, for tests and simulation. It keeps bodies as JSON text, as a file would,
 * so that no reader shares an object with a writer.
 */
export function createMemoryJournal(): Journal {
  return new MemoryJournal();
}

class MemoryJournal implements Journal {
  #first = 1;
  /** Those from `first` on. */
  readonly #records: { time: string; type: string; body: string }[] = [];
  readonly #cursors = new Map<string, number>();
  #snapshot: Snapshot | undefined;
  #closed = false;

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#first - 1 + this.#records.length;
  }

  append(records: readonly NewRecord[]): number {
    this.#mustBeOpen();
    const start = this.last + 1;
    const encoded = records.map(({ time, type, body }) => ({ time, type, body: JSON.stringify(body) }));
    for (const record of encoded) this.#records.push(record);
    return start;
  }

  read(after: number, limit = Number.POSITIVE_INFINITY): Iterable<JournalRecord> {
    this.#mustBeOpen();
    const from = Math.max(Math.floor(after), this.#first - 1);
    return this.#read(from, Math.min(this.last, from + limit));
  }

  *#read(after: number, end: number): Generator<JournalRecord> {
    let seq = after;
    while (seq < end) {
      this.#mustBeOpen();
      seq = Math.max(seq + 1, this.#first);
      const record = this.#records[seq - this.#first];
      if (record === undefined || seq > end) return;
      yield { seq, time: record.time, type: record.type, body: JSON.parse(record.body) };
    }
  }

  saveSnapshot({ seq, version, rows }: Snapshot): void {
    this.#mustBeOpen();
    checkSnapshotSeq(seq, this);
    this.#snapshot = { seq, version, rows: [...rows] };
  }

  loadSnapshot(): Snapshot | undefined {
    this.#mustBeOpen();
    return this.#snapshot;
  }

  compact(upTo: number): boolean {
    this.#mustBeOpen();
    checkCompaction(upTo, this.#snapshot?.seq ?? 0);
    const count = Math.min(Math.max(Math.floor(upTo) - this.#first + 1, 0), COMPACT_RECORDS);
    this.#records.splice(0, count);
    this.#first += count;
    return this.#first <= upTo;
  }

  cursor(name: string): number | undefined {
    this.#mustBeOpen();
    return this.#cursors.get(name);
  }

  setCursor(name: string, seq: number): void {
    this.#mustBeOpen();
    this.#cursors.set(name, seq);
  }

  removeCursor(name: string): void {
    this.#mustBeOpen();
    this.#cursors.delete(name);
  }

  close(): void {
    this.#closed = true;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new JournalError('closed', 'The journal is closed');
  }
}
