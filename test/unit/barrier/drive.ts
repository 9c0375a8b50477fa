/** Drives a barrier as the engine does: every change, and every time it asked for, is followed by all that is due. */
import type { LeaveCause, ReleaseCause } from '../../../api/events.ts';
import type { BarrierSpec } from '../../../api/spec.ts';
import { type Barrier, enter, leave, newBarrier, release } from '../../../src/core/barrier/barrier.ts';
import { lateness, nextStep, wakeAt } from '../../../src/core/barrier/rules.ts';

export interface Released {
  readonly atMs: number;
  readonly cause: ReleaseCause;
  readonly participants: readonly string[];
  readonly opens: boolean;
  /** How many had entered by then. */
  readonly entered: number;
}

/** Steps at one moment; more of them would be a barrier that never comes to rest. */
const MAX_STEPS = 10_000;

export class Drive {
  readonly barrier: Barrier;
  readonly releases: Released[] = [];
  /** Times of knees that were too early. */
  readonly ignored: number[] = [];
  readonly expired: string[] = [];
  nowMs = 0;

  constructor(
    readonly spec: BarrierSpec,
    public expected: number,
  ) {
    this.barrier = newBarrier(spec);
  }

  enter(participant: string, label?: string): void {
    const late = lateness(this.spec, this.barrier);
    enter(
      this.barrier,
      this.spec,
      { participant, ...(label === undefined ? {} : { label }), ...(late === undefined ? {} : { late }) },
      this.nowMs,
    );
    this.settle();
  }

  leave(participant: string, cause: LeaveCause = 'left'): void {
    leave(this.barrier, participant, cause, this.nowMs);
    this.settle();
  }

  /** Lets time pass, with everything that falls due on the way. */
  until(atMs: number): void {
    for (;;) {
      const next = wakeAt(this.spec, this.barrier, this.nowMs);
      if (next === undefined || next > atMs) break;
      this.nowMs = next;
      this.settle();
    }
    this.nowMs = atMs;
    this.settle();
  }

  /** Time goes on for as long as the barrier asks for it. */
  toTheEnd(): void {
    for (let i = 0; i < MAX_STEPS; i += 1) {
      const next = wakeAt(this.spec, this.barrier, this.nowMs);
      if (next === undefined) return;
      this.until(next);
    }
    throw new Error('The barrier asks for time for ever');
  }

  settle(): void {
    for (let i = 0; i < MAX_STEPS; i += 1) {
      const step = nextStep(this.spec, this.barrier, this.expected, this.nowMs);
      if (step === undefined) return;
      if (step.kind === 'knee') {
        this.barrier.knee.ignored = this.barrier.entries.size;
        this.ignored.push(this.nowMs);
      } else if (step.kind === 'expire') {
        this.expired.push(...step.participants);
        for (const participant of step.participants) leave(this.barrier, participant, 'expired', this.nowMs);
      } else {
        release(this.barrier, this.spec, step, this.nowMs);
        const { participants, cause, opens } = step;
        this.releases.push({
          atMs: this.nowMs,
          cause,
          participants,
          opens,
          entered: this.barrier.entries.size,
        });
      }
    }
    throw new Error('The barrier never comes to rest');
  }
}
