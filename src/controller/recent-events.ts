/**
 * The journal as those read it who follow it one fact at a time. Most of them are at the same place, so what was read for
 * one is kept for the others for a while, with the calls that it was turned into.
 */
import { weigh } from '../core/views/weight.ts';
import type { Journal, JournalRecord } from '../drivers/journal.ts';

/** Facts that are kept, and about their bytes, calls included; the one that was read last is kept whatever its size. */
const MAX_KEPT = 8_192;
const MAX_KEPT_BYTES = 16 << 20;
/** Facts read ahead of who asks; readers at very different places so cost each other little. */
const READ_AHEAD = 32;

export interface RecentEvent {
  readonly record: JournalRecord;
  /** Bodies of calls by form. */
  readonly bodies: Map<string, readonly string[]>;
}

export class RecentEvents {
  readonly #journal: Pick<Journal, 'last' | 'first' | 'read'>;
  /** By sequence number, in the order in which they were read. */
  readonly #kept = new Map<number, { event: RecentEvent; bytes: number }>();
  #bytes = 0;

  constructor(journal: Pick<Journal, 'last' | 'first' | 'read'>) {
    this.#journal = journal;
  }

  /** The first fact after a sequence number that is still there; undefined when there is none yet. */
  next(after: number): RecentEvent | undefined {
    const { first, last } = this.#journal;
    if (after >= last) return undefined;
    const seq = Math.max(after + 1, first);
    return this.#kept.get(seq)?.event ?? this.#read(seq);
  }

  /** Calls were made of an event and are kept with it. */
  grew(seq: number, bytes: number): void {
    const kept = this.#kept.get(seq);
    if (kept === undefined) return;
    kept.bytes += bytes;
    this.#bytes += bytes;
    this.#shrink();
  }

  #read(seq: number): RecentEvent | undefined {
    let wanted: RecentEvent | undefined;
    for (const record of this.#journal.read(seq - 1, READ_AHEAD)) {
      const event = { record, bodies: new Map<string, readonly string[]>() };
      wanted ??= event;
      if (this.#kept.has(record.seq)) break;
      const bytes = weigh(record.body, MAX_KEPT_BYTES);
      this.#kept.set(record.seq, { event, bytes });
      this.#bytes += bytes;
      if (bytes > MAX_KEPT_BYTES / READ_AHEAD) break;
    }
    this.#shrink();
    return wanted;
  }

  #shrink(): void {
    for (const [seq, { bytes }] of this.#kept) {
      if (this.#kept.size <= MAX_KEPT && this.#bytes <= MAX_KEPT_BYTES) return;
      // Those who are woken by it all come at once.
      if (this.#kept.size === 1) return;
      this.#kept.delete(seq);
      this.#bytes -= bytes;
    }
  }
}
