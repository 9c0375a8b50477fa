/** The semaphore of the engine in front of transfers, driven by whoever knows the time. */
import type { BarrierSpec } from '../../api/spec.ts';
import { type Barrier, enter, leave, newBarrier, release } from '../../src/core/barrier/barrier.ts';
import { nextStep } from '../../src/core/barrier/rules.ts';

/** How many may transfer at a time: a fixed number, or by a rule. */
export type Limit = number | 'median' | 'gradient2';

export class Gate {
  readonly #spec: BarrierSpec;
  readonly #barrier: Barrier;

  constructor(limit: Limit) {
    const places = typeof limit === 'number' ? { concurrency: limit } : { adaptive: limit };
    this.#spec = { name: 'transfers', type: 'semaphore', ...places };
    this.#barrier = newBarrier(this.#spec);
  }

  /** All enter at once. @returns those that may begin */
  enter(names: readonly string[], nowMs: number): string[] {
    for (const participant of names) enter(this.#barrier, this.#spec, { participant }, nowMs);
    return this.#admit(nowMs);
  }

  /** One has its file. @returns those that may begin now */
  leave(name: string, nowMs: number): string[] {
    leave(this.#barrier, name, 'left', nowMs);
    return this.#admit(nowMs);
  }

  #admit(nowMs: number): string[] {
    const step = nextStep(this.#spec, this.#barrier, 0, nowMs);
    if (step?.kind !== 'release') return [];
    release(this.#barrier, this.#spec, step, nowMs);
    return [...step.participants];
  }
}
