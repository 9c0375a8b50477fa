import { type Journal, JournalError, type JournalRecord, type NewRecord, type Snapshot } from './journal.ts';

/**
 * A journal that lives as long as the object, for tests and simulation. It keeps bodies as JSON text, as a file would,
 * so that no reader shares an object with a writer.
 */
export function createMemoryJournal(): Journal {
  return new MemoryJournal();
}

class MemoryJournal implements Journal {
  readonly first = 1;
  readonly #records: { time: string; type: string; body: string }[] = [];
  readonly #cursors = new Map<string, number>();
  #snapshot: Snapshot | undefined;
  #closed = false;

  get last(): number {
    return this.#records.length;
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
    const from = Math.max(Math.floor(after), 0);
    return this.#read(from, Math.min(this.last, from + limit));
  }

  *#read(after: number, end: number): Generator<JournalRecord> {
    for (let seq = after + 1; seq <= end; seq += 1) {
      this.#mustBeOpen();
      const record = this.#records[seq - 1];
      if (record === undefined) return;
      yield { seq, time: record.time, type: record.type, body: JSON.parse(record.body) };
    }
  }

  saveSnapshot({ seq, version, state }: Snapshot): void {
    this.#mustBeOpen();
    if (seq > this.last)
      throw new RangeError(`A snapshot at ${seq} is ahead of the journal's end, ${this.last}`);
    this.#snapshot = { seq, version, state };
  }

  loadSnapshot(): Snapshot | undefined {
    this.#mustBeOpen();
    return this.#snapshot;
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
