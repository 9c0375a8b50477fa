/**
 * The journal's port: the durable, ordered log of facts that everything the controller knows is folded from.
 * One conformance suite (test/conformance) holds every implementation to this text.
 */

/** A fact as the journal keeps it. Bodies are JSON-able plain data. */
export interface JournalRecord {
  /** Position in the journal: 1, 2, 3, … without gaps. */
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What is handed to `append`; the journal numbers it. */
export type NewRecord = Omit<JournalRecord, 'seq'>;

export interface Journal {
  /** Sequence number of the newest record, 0 when empty. */
  readonly last: number;
  /** Oldest record still readable; 1 unless history was compacted, `last + 1` where all of it was. */
  readonly first: number;
  /**
   * Adds records atomically and durably: when this returns they survive SIGKILL and power loss, and when it throws
   * none of them is there. Returns the sequence number of the first.
   * @throws JournalError (`disk_full`, `io`, `closed`)
   */
  append(records: readonly NewRecord[]): number;
  /**
   * Records with seq > `after`, oldest first, at most `limit`; lazy, so that a long history costs no memory. A reader that
   * compaction has overtaken misses what was removed and goes on.
   */
  read(after: number, limit?: number): Iterable<JournalRecord>;
  /**
   * Stores a fold of all records up to and including `seq`, replacing any older one; when it throws, also because `rows`
   * did, the older one stays. The rows are taken one by one, and may not touch the journal.
   * @throws RangeError for a `seq` beyond `last` or before `first - 1`
   * @throws JournalError (`disk_full`, `io`, `closed`)
   */
  saveSnapshot(snapshot: Snapshot): void;
  /** The newest snapshot, or undefined. Its rows are read as they are taken, which must be before the next one is saved. */
  loadSnapshot(): Snapshot | undefined;
  /**
   * Removes records with seq ≤ `upTo`, oldest first and a bounded number in one call; true when there are more of them to
   * remove. Numbering goes on as if they were there. The space is used again by later records.
   * @throws RangeError for an `upTo` beyond the snapshot's `seq`: without it those records are all there is of the state
   * @throws JournalError (`disk_full`, `io`, `closed`)
   */
  compact(upTo: number): boolean;
  /** A durable cursor of a reader of the journal (a callback client); undefined where none was set. */
  cursor(name: string): number | undefined;
  setCursor(name: string, seq: number): void;
  removeCursor(name: string): void;
  close(): void;
}

/** The state at a sequence number, written by one version of the fold. */
export interface Snapshot {
  readonly seq: number;
  /** Version of the fold that wrote it; a reader with another version folds from the start, as long as that is there. */
  readonly version: number;
  /** The state in pieces, so that none becomes longer than a string may be. */
  readonly rows: Iterable<string>;
}

/** Records that one call of `compact` removes at most. */
export const COMPACT_RECORDS = 10_000;

/**
 * Checks the place of a snapshot.
 * @throws RangeError
 */
export function checkSnapshotSeq(seq: number, { first, last }: Pick<Journal, 'first' | 'last'>): void {
  if (seq > last) throw new RangeError(`A snapshot at ${seq} is ahead of the journal's end, ${last}`);
  if (seq < first - 1)
    throw new RangeError(`A snapshot at ${seq} would leave a hole before ${first}, the oldest record`);
}

/**
 * Checks that a snapshot stands for the records to be removed.
 * @throws RangeError
 */
export function checkCompaction(upTo: number, snapshotSeq: number): void {
  if (upTo > snapshotSeq)
    throw new RangeError(`Records up to ${upTo} cannot be removed: the snapshot is at ${snapshotSeq}`);
}

/**
 * Why the journal could not do its work. After `disk_full` it goes on once there is room; after `io` it refuses every
 * write until it is opened again. `foreign`: the file is no journal, or one of a newer version of Plush.
 */
export class JournalError extends Error {
  constructor(
    readonly code: 'disk_full' | 'io' | 'closed' | 'locked' | 'damaged' | 'foreign',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'JournalError';
  }
}
