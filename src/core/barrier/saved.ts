/** A barrier as rows of a snapshot: what it knows as a whole, and one row for each entry, so that no row grows with the nodes. */
import type { Barrier, Entry } from './barrier.ts';

export type SavedBarrier<B extends Barrier = Barrier> = Omit<B, 'entries' | 'waiting' | 'inside'> & {
  /** Participants inside, in the order of their admission. */
  readonly inside: readonly string[];
};

/** Without its entries. */
export function encodeBarrier<B extends Barrier>(barrier: B): SavedBarrier<B> {
  const { entries: _entries, waiting: _waiting, inside, ...rest } = barrier;
  return { ...rest, inside: [...inside] };
}

export function decodeBarrier<B extends Barrier>({ inside, ...rest }: SavedBarrier<B>): B {
  return { ...rest, entries: new Map(), waiting: new Set(), inside: new Set(inside) } as unknown as B;
}

/** Entries come in the order of `entries`, which is that of their entering. */
export function addEntry(barrier: Barrier, entry: Entry): void {
  barrier.entries.set(entry.participant, entry);
  if (entry.state === 'waiting') barrier.waiting.add(entry.participant);
}
