/** The core alone, driven by a scenario's commands. Nothing happens but what the commands say. */
import type { Fact } from '../../api/events.ts';
import { decide } from '../../src/core/decide.ts';
import { resume } from '../../src/core/effects.ts';
import { evolve } from '../../src/core/evolve.ts';
import type { Input } from '../../src/core/input.ts';
import { NODE_RULES, type NodeRules } from '../../src/core/pool/rules.ts';
import { Rejection } from '../../src/core/rejection.ts';
import { emptyState, type State } from '../../src/core/state.ts';
import type { HostSample } from '../../src/core/task.ts';
import { printEffect, printFact } from './print.ts';

/** Scenarios begin at this time. */
const START_MS = Date.UTC(2026, 0, 1);

/** A state made of the facts alone, from their JSON, as a restarted daemon makes it. */
export function foldFacts(facts: readonly Fact[]): State {
  const state = emptyState();
  for (const fact of facts) evolve(state, JSON.parse(JSON.stringify(fact)));
  return state;
}

export class World {
  state = emptyState();
  readonly facts: Fact[] = [];
  /** What the host monitors tell, which is no fact. */
  readonly samples = new Map<string, HostSample | undefined>();
  readonly hosts = (hostname: string) => this.samples.get(hostname);
  /** As the daemon's options would say. */
  rules: NodeRules = NODE_RULES;
  #nowMs = START_MS;
  #seed = 0;
  /** Ids of runs as the daemon made them → as the scenario calls them. */
  readonly #names = new Map<string, string>();

  wait(ms: number): void {
    this.#nowMs += ms;
  }

  /** The trace of one input. */
  submit(input: Input): string[] {
    this.#seed += 1;
    try {
      const { facts, effects, answer } = decide(this.state, input, {
        nowMs: this.#nowMs,
        seed: this.#seed,
        hosts: this.hosts,
        rules: this.rules,
      });
      this.facts.push(...facts);
      for (const fact of facts) if (fact.type === 'run_started') this.#name(fact.body.run_id, fact.body.app);
      return [
        ...facts.map(printFact),
        ...effects.map(printEffect),
        ...(answer === undefined ? [] : [`= ${answer}`]),
      ].map((line) => this.#short(line));
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      return [this.#short(`! ${error.symbol}: ${error.message}`)];
    }
  }

  /** The daemon is killed and started again on its journal. */
  restart(): string[] {
    this.state = foldFacts(this.facts);
    const started = this.submit({ type: 'start_controller', controller: 'other', version: '1' });
    return [...started, ...resume(this.state, this.#nowMs).map((effect) => this.#short(printEffect(effect)))];
  }

  /** A run's id from what the scenario calls it. */
  runId(name: string): string {
    return [...this.#names].find(([, short]) => short === name)?.[0] ?? name;
  }

  /** The lines with runs called as the scenario calls them. */
  shorten(lines: readonly string[]): string[] {
    return lines.map((line) => this.#short(line));
  }

  #name(run_id: string, app: string): void {
    this.#names.set(run_id, `${app}#${this.#names.size + 1}`);
  }

  #short(line: string): string {
    let text = line;
    for (const [id, short] of this.#names) text = text.replaceAll(id, short);
    return text;
  }
}
