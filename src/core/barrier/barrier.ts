/**
 * One barrier: who has entered, who waits, who is inside. Plain data, changed by the functions here alone, which are what
 * facts do to it; who is to be released and when is in rules.ts.
 *
 *     waiting ──released──▶ released                         traditional, early, throttled, manual
 *     waiting ──admitted──▶ inside ──leaves──▶ left          semaphore; who enters again begins anew
 *        └──lost──▶ gone       └──lease over──▶ left
 */
import type { LeaveCause, ReleaseCause } from '../../../api/events.ts';
import type { BarrierSpec } from '../../../api/spec.ts';
import { arrive, type Knee } from './knee.ts';
import { addPoint } from './kneedle.ts';
import { adapt, FIRST_CONCURRENCY, FIRST_WATCHED, newPace, type Pace } from './pace.ts';

/** What becomes of one that enters after the release. */
export type Late = NonNullable<BarrierSpec['late']>;

/** One participant's entry. */
export interface Entry {
  readonly participant: string;
  at_ms: number;
  state: 'waiting' | 'inside' | 'released' | 'left';
  label?: string;
  /** Node that entered, and its task when a task did. */
  hostname?: string;
  task_id?: string;
  /** Entered after the release: what became of it. */
  late?: Late;
  /** Semaphore: number of the lease, larger than every one given before, so that what it protects can refuse older ones. */
  fence?: number;
  /** With the state left: why, where it did not leave by itself. */
  left_by?: Exclude<LeaveCause, 'left'>;
  /** When it was let in, or out of the barrier. */
  released_ms?: number;
}

export interface Barrier {
  readonly name: string;
  /** By participant. */
  readonly entries: Map<string, Entry>;
  /** Participants that wait, in the order of their entry. */
  readonly waiting: Set<string>;
  /** Participants inside a semaphore, in the order of their admission. */
  readonly inside: Set<string>;
  /** Time of the first entry, in ms. */
  first_ms?: number;
  /** The condition held, or somebody released it by hand. */
  opened?: { readonly at_ms: number; readonly cause: ReleaseCause };
  /** Throttled: when the next may go. */
  next_ms?: number;
  /** Number of the newest lease. */
  fence: number;
  knee: Knee;
  readonly pace: Pace;
}

/** @param isWatched those inside tell what they move */
export function newBarrier(spec: BarrierSpec, isWatched = false): Barrier {
  const first = spec.adaptive === undefined ? 1 : FIRST_CONCURRENCY[spec.adaptive];
  const limit = spec.concurrency ?? (isWatched ? FIRST_WATCHED : first);
  return {
    name: spec.name,
    entries: new Map(),
    waiting: new Set(),
    inside: new Set(),
    fence: 0,
    knee: {},
    pace: newPace(spec.adaptive ?? 'fixed', limit, isWatched),
  };
}

/** What a newcomer brings. */
export type Newcomer = Pick<Entry, 'participant' | 'label' | 'hostname' | 'task_id' | 'late'>;

/** Somebody enters. One that waits, is inside or was released is entered already, and nothing changes. */
export function enter(barrier: Barrier, spec: BarrierSpec, newcomer: Newcomer, atMs: number): void {
  const { participant, late } = newcomer;
  const known = barrier.entries.get(participant);
  if (known !== undefined && known.state !== 'left') return;
  // One that enters anew stands at the end.
  barrier.entries.delete(participant);
  const goesOn = late !== undefined && late !== 'pass';
  barrier.entries.set(participant, { ...newcomer, at_ms: atMs, state: goesOn ? 'released' : 'waiting' });
  if (!goesOn) barrier.waiting.add(participant);
  barrier.first_ms ??= atMs;
  if (spec.knee === undefined || barrier.opened !== undefined) return;
  arrive(barrier.knee, atMs);
  if (spec.knee === 'kneedle') addPoint(barrier.knee, atMs, barrier.entries.size);
}

export interface Release {
  readonly participants: readonly string[];
  readonly cause: ReleaseCause;
  /** The barrier is open from now on. */
  readonly opens: boolean;
}

/** Releases those of the participants that wait; into a semaphore, with numbers that go on from the newest. */
export function release(barrier: Barrier, spec: BarrierSpec, released: Release, atMs: number): void {
  const { participants, cause, opens } = released;
  for (const participant of participants) {
    const entry = barrier.entries.get(participant);
    if (entry === undefined || !barrier.waiting.delete(participant)) continue;
    entry.released_ms = atMs;
    if (spec.type !== 'semaphore') {
      entry.state = 'released';
      continue;
    }
    barrier.fence += 1;
    entry.state = 'inside';
    entry.fence = barrier.fence;
    barrier.inside.add(participant);
  }
  if (opens) barrier.opened ??= { at_ms: atMs, cause };
  if (spec.type === 'throttled' && barrier.opened !== undefined && cause !== 'manual')
    barrier.next_ms = atMs + (spec.interval_ms ?? 0);
}

/** Somebody leaves: a place of a semaphore becomes free, or one that waited does so no longer. */
export function leave(barrier: Barrier, participant: string, cause: LeaveCause, atMs: number): void {
  const entry = barrier.entries.get(participant);
  if (entry === undefined) return;
  if (barrier.waiting.delete(participant)) {
    barrier.entries.delete(participant);
    if (barrier.entries.size === 0 && barrier.opened === undefined) beginAnew(barrier);
    return;
  }
  const inside = barrier.inside.size;
  if (!barrier.inside.delete(participant)) return;
  entry.state = 'left';
  if (cause !== 'left') entry.left_by = cause;
  if (cause === 'lost' || cause === 'unused') return;
  const stayMs = Math.max(0, atMs - (entry.released_ms ?? atMs));
  adapt(barrier.pace, { stayMs, atMs, inside, wanted: barrier.waiting.size > 0 });
}

/** Nobody is there any more: times count from the next first entry. */
function beginAnew(barrier: Barrier): void {
  delete barrier.first_ms;
  barrier.knee = {};
}
