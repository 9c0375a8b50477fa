/** The semaphore of the engine in front of transfers, driven by whoever knows the time. */
import type { BarrierSpec } from '../../api/spec.ts';
import { type Barrier, enter, leave, newBarrier, release } from '../../src/core/barrier/barrier.ts';
import { nextStep } from '../../src/core/barrier/rules.ts';

/** How many may transfer at a time: a fixed number, or by a rule. */
export type Limit = number | 'median' | 'gradient2';

/** Says who may begin. */
export interface Admission {
  /** All enter at once. @returns those that may begin */
  enter(names: readonly string[], nowMs: number): string[];
  /** One has its file. @returns those that may begin now */
  leave(name: string, nowMs: number): string[];
}

/** So many at a time, and from the first that leaves on another number: what one could do who then knew the best. */
export class Informed implements Admission {
  readonly #waiting: string[] = [];
  #inside = 0;

  constructor(
    readonly first: number,
    readonly best: number,
  ) {}

  enter(names: readonly string[]): string[] {
    this.#waiting.push(...names);
    return this.#admit(this.first);
  }

  leave(): string[] {
    this.#inside -= 1;
    return this.#admit(this.best);
  }

  #admit(limit: number): string[] {
    const admitted = this.#waiting.splice(0, Math.max(0, limit - this.#inside));
    this.#inside += admitted.length;
    return admitted;
  }
}

export class Gate implements Admission {
  readonly #spec: BarrierSpec;
  readonly #barrier: Barrier;

  constructor(limit: Limit) {
    const places = typeof limit === 'number' ? { concurrency: limit } : { adaptive: limit };
    this.#spec = { name: 'transfers', type: 'semaphore', ...places };
    this.#barrier = newBarrier(this.#spec);
  }

  enter(names: readonly string[], nowMs: number): string[] {
    for (const participant of names) enter(this.#barrier, this.#spec, { participant }, nowMs);
    return this.#admit(nowMs);
  }

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
