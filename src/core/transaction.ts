/**
 * One input's facts while they are being decided. Each fact is folded into the state as it is emitted, because the next
 * choice must see it (the second replacement may not take the node that the first took). The loop makes the facts durable
 * before it starts their effects; if it cannot, the daemon ends and the next one folds only what is durable.
 */
import type { EventType, Fact, FactBody } from '../../api/events.ts';
import type { Effect } from './effect.ts';
import { effectsOf } from './effects.ts';
import { evolve } from './evolve.ts';
import type { Moment } from './input.ts';
import { type HostReadings, NO_READINGS } from './pool/requirements.ts';
import { type NodeRules, rulesOf } from './pool/rules.ts';
import { type Random, randomFrom } from './random.ts';
import type { State } from './state.ts';

export class Transaction {
  readonly facts: Fact[] = [];
  readonly effects: Effect[] = [];
  readonly random: Random;
  readonly nowMs: number;
  readonly hosts: HostReadings;
  readonly rules: NodeRules;
  readonly #later: (() => void)[] = [];
  #time: string | undefined;

  constructor(
    readonly state: State,
    moment: Moment,
  ) {
    this.nowMs = moment.nowMs;
    this.hosts = moment.hosts ?? NO_READINGS;
    this.rules = rulesOf(moment);
    this.random = randomFrom(moment.seed);
  }

  emit<T extends EventType>(type: T, body: FactBody<T>): void {
    // Many inputs, such as what an agent tells again, lead to no fact at all.
    this.#time ??= new Date(this.nowMs).toISOString();
    const fact = { type, time: this.#time, body } as Fact;
    // Noted first: should folding it fail halfway, the state is no longer that of the facts before it.
    this.facts.push(fact);
    evolve(this.state, fact);
    for (const effect of effectsOf(fact, this.state)) this.effects.push(effect);
  }

  /** Has something decided after all that is being decided now, so that a chain of consequences is no chain of calls. */
  later(work: () => void): void {
    this.#later.push(work);
  }

  /** Decides what was put off, and what that puts off in turn. */
  finish(): void {
    for (let next = 0; next < this.#later.length; next += 1) this.#later[next]?.();
    this.#later.length = 0;
  }
}
