/**
 * Who is to be released, and when (section 5 of plush-toit.2011). Time comes in; nothing here waits.
 *
 * After each change, and when the time that `wakeAt` names has come, `nextStep` is asked until it has nothing more to say;
 * each step is made true (barrier.ts) before the next question.
 */
import type { BarrierSpec } from '../../../api/spec.ts';
import type { Barrier, Late, Release } from './barrier.ts';
import { ewmaKneeAt, type Knee } from './knee.ts';
import { kneedleKneeAt } from './kneedle.ts';
import { placesFor } from './pace.ts';

export type Step =
  | ({ readonly kind: 'release' } & Release)
  /** These have been inside for too long. */
  | { readonly kind: 'expire'; readonly participants: readonly string[] }
  /** A knee, too early to release: it is remembered and ignored. */
  | { readonly kind: 'knee' };

/** How many must have entered for that share of the participants. */
export function shareOf(percent: number, expected: number): number {
  // Not 7 of 10 for 70.00000000000001 %.
  return Math.max(0, Math.ceil((percent * expected) / 100 - 1e-9));
}

/**
 * What is due now; undefined when nothing is.
 * @param expected how many participants there are
 */
export function nextStep(
  spec: BarrierSpec,
  barrier: Barrier,
  expected: number,
  nowMs: number,
): Step | undefined {
  if (spec.type === 'semaphore') return semaphoreStep(spec, barrier, nowMs);
  if (barrier.opened !== undefined) return openStep(spec, barrier, nowMs);
  if (spec.manual === true) return undefined;
  const cause = openCause(spec, barrier, expected, nowMs);
  if (cause === 'ignored_knee') return { kind: 'knee' };
  if (cause === undefined) return undefined;
  return { kind: 'release', participants: firstOf(barrier, batchOf(spec)), cause, opens: true };
}

/** When to ask again although nothing has changed (ms); undefined for never. Later than now. */
export function wakeAt(spec: BarrierSpec, barrier: Barrier, nowMs: number): number | undefined {
  const times = spec.type === 'semaphore' ? [leaseEnd(spec, barrier)] : releaseTimes(spec, barrier);
  const coming = times.filter((time): time is number => time !== undefined && time > nowMs);
  return coming.length === 0 ? undefined : Math.min(...coming);
}

/** What becomes of one that enters now; undefined when it is not late. A throttled barrier lets latecomers stand in line. */
export function lateness(spec: BarrierSpec, barrier: Barrier): Late | undefined {
  if (barrier.opened === undefined || spec.type === 'semaphore') return undefined;
  const late = spec.late ?? 'pass';
  return spec.type === 'throttled' && late === 'pass' ? undefined : late;
}

function semaphoreStep(spec: BarrierSpec, barrier: Barrier, nowMs: number): Step | undefined {
  const end = leaseEnd(spec, barrier);
  if (end !== undefined && end <= nowMs) {
    const [oldest = ''] = barrier.inside;
    return { kind: 'expire', participants: [oldest] };
  }
  const inside = barrier.inside.size;
  const room = placesFor(barrier.pace, barrier.waiting.size + inside) - inside;
  if (room <= 0 || barrier.waiting.size === 0) return undefined;
  return { kind: 'release', participants: firstOf(barrier, room), cause: 'place', opens: false };
}

/** When the oldest lease is over. Leases are equally long, so it is that of the first one that was admitted. */
function leaseEnd({ hold_timeout_ms }: BarrierSpec, barrier: Barrier): number | undefined {
  const [oldest] = barrier.inside;
  if (oldest === undefined || hold_timeout_ms === undefined) return undefined;
  return (barrier.entries.get(oldest)?.released_ms ?? 0) + hold_timeout_ms;
}

function openStep(spec: BarrierSpec, barrier: Barrier, nowMs: number): Step | undefined {
  if (barrier.waiting.size === 0 || (barrier.next_ms ?? 0) > nowMs) return undefined;
  const cause = spec.type === 'throttled' ? 'rate' : 'late';
  return { kind: 'release', participants: firstOf(barrier, batchOf(spec)), cause, opens: false };
}

function batchOf({ type, rate = 1 }: BarrierSpec): number {
  return type === 'throttled' ? Math.max(1, rate) : Number.POSITIVE_INFINITY;
}

function firstOf({ waiting }: Barrier, count: number): string[] {
  if (count >= waiting.size) return [...waiting];
  const first: string[] = [];
  for (const participant of waiting) {
    if (first.length >= count) break;
    first.push(participant);
  }
  return first;
}

type OpenCause = 'all' | 'percent' | 'timeout' | 'knee' | 'ignored_knee';

function openCause(
  spec: BarrierSpec,
  barrier: Barrier,
  expected: number,
  nowMs: number,
): OpenCause | undefined {
  const entered = barrier.entries.size;
  const first = barrier.first_ms;
  if (entered === 0 || first === undefined) return undefined;
  if (entered >= expected) return 'all';
  if (spec.type === 'traditional') return undefined;
  const { min_percent = 0, min_wait_ms = 0, percent, timeout_ms } = spec;
  const isKnee = kneeAt(spec.knee, barrier.knee) <= nowMs;
  if (entered < shareOf(min_percent, expected) || nowMs < first + min_wait_ms) {
    return isKnee && barrier.knee.ignored !== entered ? 'ignored_knee' : undefined;
  }
  if (percent !== undefined && entered >= shareOf(percent, expected)) return 'percent';
  if (timeout_ms !== undefined && nowMs >= first + timeout_ms) return 'timeout';
  return isKnee ? 'knee' : undefined;
}

/** When a knee is reached if nobody arrives before (ms), which may be never; a knee lasts until the next arrival. */
export function kneeAt(rule: BarrierSpec['knee'], knee: Knee): number {
  if (rule === undefined) return Number.POSITIVE_INFINITY;
  const at = rule === 'kneedle' ? kneedleKneeAt(knee) : ewmaKneeAt(knee);
  return at ?? Number.POSITIVE_INFINITY;
}

function releaseTimes(spec: BarrierSpec, barrier: Barrier): (number | undefined)[] {
  if (barrier.opened !== undefined) return [barrier.waiting.size === 0 ? undefined : barrier.next_ms];
  const first = barrier.first_ms;
  if (first === undefined || barrier.entries.size === 0 || spec.manual || spec.type === 'traditional')
    return [];
  const knee = kneeAt(spec.knee, barrier.knee);
  return [
    spec.timeout_ms === undefined ? undefined : first + spec.timeout_ms,
    spec.min_wait_ms === undefined ? undefined : first + spec.min_wait_ms,
    Number.isFinite(knee) ? knee : undefined,
  ];
}
