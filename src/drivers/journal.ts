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
  /** Oldest record still readable; 1 unless history was compacted. */
  readonly first: number;
  /**
   * Adds records atomically and durably: when this returns they survive SIGKILL and power loss, and when it throws
   * none of them is there. Returns the sequence number of the first.
   * @throws JournalError (`disk_full`, `io`, `closed`)
   */
  append(records: readonly NewRecord[]): number;
  /** Records with seq > `after`, oldest first, at most `limit`; lazy, so that a long history costs no memory. */
  read(after: number, limit?: number): Iterable<JournalRecord>;
  /** Stores a fold of all records up to and including `seq`, replacing any older one. */
  saveSnapshot(snapshot: Snapshot): void;
  /** The newest snapshot, or undefined. */
  loadSnapshot(): Snapshot | undefined;
  /** A durable cursor of a reader of the journal (a callback client); undefined where none was set. */
  cursor(name: string): number | undefined;
  setCursor(name: string, seq: number): void;
  removeCursor(name: string): void;
  close(): void;
}

/** The state at a sequence number, written by one version of the fold. */
export interface Snapshot {
  readonly seq: number;
  /** Version of the fold that wrote it; a reader with another version ignores the snapshot and folds from the start. */
  readonly version: number;
  readonly state: string;
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
