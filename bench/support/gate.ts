/** The semaphore of the engine in front of transfers, driven by whoever knows the time. */
import type { BarrierSpec } from '../../api/spec.ts';
import { type Barrier, enter, leave, newBarrier, release } from '../../src/core/barrier/barrier.ts';
import { nextPlaces } from '../../src/core/barrier/curve.ts';
import { type Flow, hear, newFlow, type Progress } from '../../src/core/barrier/flow.ts';
import { paceTo, roomOf } from '../../src/core/barrier/pace.ts';
import { nextStep } from '../../src/core/barrier/rules.ts';

/** How many may transfer at a time: a fixed number, or by a rule. */
export type Limit = number | 'median' | 'gradient2' | typeof WATCHED;

/** gradient2, where those inside tell what they move: as packages do. */
export const WATCHED = 'watched';

/** Says who may begin. */
export interface Admission {
  /** All enter at once. @returns those that may begin */
  enter(names: readonly string[], nowMs: number): string[];
  /** One has its file. @returns those that may begin now */
  leave(name: string, nowMs: number): string[];
  /** One tells how far it is; absent where nobody listens. @returns those that may begin now */
  hear?(name: string, progress: Progress, nowMs: number): string[];
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
  readonly #flow: Flow | undefined;

  /** @param best used from the first measurement on: what one could do who then knew the best */
  constructor(
    limit: Limit,
    private readonly best?: number,
  ) {
    const adaptive = limit === WATCHED ? 'gradient2' : limit;
    const places = typeof adaptive === 'number' ? { concurrency: adaptive } : { adaptive };
    this.#spec = { name: 'transfers', type: 'semaphore', ...places };
    this.#barrier = newBarrier(this.#spec, limit === WATCHED);
    this.#flow = limit === WATCHED ? newFlow() : undefined;
  }

  enter(names: readonly string[], nowMs: number): string[] {
    for (const participant of names) enter(this.#barrier, this.#spec, { participant }, nowMs);
    return this.#admit(nowMs);
  }

  leave(name: string, nowMs: number): string[] {
    leave(this.#barrier, name, 'left', nowMs);
    return this.#admit(nowMs);
  }

  hear(name: string, progress: Progress, nowMs: number): string[] {
    if (this.#flow === undefined) return [];
    const { pace, inside, waiting } = this.#barrier;
    const standing = { inside: inside.size, waiting: waiting.size, limit: roomOf(pace) };
    const measured = hear(this.#flow, name, progress, standing, nowMs);
    if (measured === undefined) return [];
    paceTo(pace, this.best ?? nextPlaces(measured.measures, roomOf(pace), measured));
    return this.#admit(nowMs);
  }

  #admit(nowMs: number): string[] {
    const step = nextStep(this.#spec, this.#barrier, 0, nowMs);
    if (step?.kind !== 'release') return [];
    release(this.#barrier, this.#spec, step, nowMs);
    return [...step.participants];
  }
}
