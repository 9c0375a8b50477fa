/**
 * Resume at any fact leads to the same end. The daemon is killed right after a decision became durable and before any effect of it,
 * at every decision of the log in turn; nothing else is different: the same machines do the same things at the same times, each task ends
 * as it would have, and people give the same commands.
 *
 * What "the same end" is: for each run, its outcome and the cause of that. Where one end only is possible it must be that one. Where
 * things race (a program that fails, and the node of another that dies), it must be an end to which the same machines and people also
 * lead a daemon that nobody kills, when messages take another time and nodes go and come some seconds later: a restart may change who is
 * first, and nothing else. Runs that somebody begins while others are under way also race for the nodes: of those it is the outcome
 * alone, and that of any run of their application.
 */
import { strict as assert } from 'node:assert';
import { Chance } from './chance.ts';
import { type Outcome, simulate } from './simulation.ts';

/** Timings that are tried before an end counts as one that only the restart has led to. */
const MAX_TIMINGS = 300;

/** The end of a run that somebody would have begun if an earlier one had been over by then. */
const NEVER = 'never began';

export interface Cuts {
  /** Simulations in which the daemon was killed. */
  readonly tried: number;
  /** Timings that were simulated to tell what ends there are. */
  readonly timings: number;
  readonly isCalm: boolean;
}

/** The ends that runs can have without a restart, as far as they are known yet. */
class Ends {
  timings = 0;
  readonly #known = new Map<string, Set<string>>();

  constructor(
    private readonly seed: number,
    base: Outcome,
  ) {
    this.#note(base);
  }

  /** Whether a run can end so. */
  has(run: string, end: string): boolean {
    while (!this.#isKnown(run, end)) {
      if (this.timings === MAX_TIMINGS) return false;
      this.timings += 1;
      this.#note(simulate(this.seed, { isCut: true, timing: this.timings }));
    }
    return true;
  }

  all(run: string): string {
    return [...(this.#known.get(run) ?? [])].join(', ');
  }

  #isKnown(run: string, end: string): boolean {
    if (this.#known.get(run)?.has(end)) return true;
    const [app = '', place] = run.split('#');
    if (place === '1') return false;
    if (end === NEVER) return true;
    const [outcome = ''] = end.split(' ');
    return [...this.#known].some(
      ([other, ends]) => other.startsWith(`${app}#`) && [...ends].some((known) => known.startsWith(outcome)),
    );
  }

  #note({ ends }: Outcome): void {
    for (const [run, known] of this.#known) if (!ends.has(run)) known.add(NEVER);
    for (const [run, end] of ends) {
      const known = this.#known.get(run) ?? new Set();
      this.#known.set(run, known.add(end));
    }
  }
}

/**
 * Kills the daemon after each decision in turn.
 * @param most tries so many of the decisions only, by chance
 * @throws AssertionError when that led to another end, or something does not hold
 */
export function checkCuts(seed: number, most = Number.POSITIVE_INFINITY): Cuts {
  const base = simulate(seed, { isCut: true });
  const ends = new Ends(seed, base);
  const chance = Chance.of(seed, 'cuts');
  const cuts = base.cuts.length <= most ? base.cuts : chance.shuffle(base.cuts).slice(0, most);
  for (const cut of cuts) {
    // Some daemons die once more while they take up what was under way.
    const dieAfter = chance.is(0.3) ? [cut, cut + chance.int(1, 10)] : [cut];
    const label = `seed ${seed}, killed after fact ${dieAfter.join(' and ')}`;
    const again = simulateCut(seed, dieAfter, label);
    assert(again.restarts > 0, `${label}: nobody was killed`);
    const runs = new Set([...base.ends.keys(), ...again.ends.keys()]);
    for (const run of runs) {
      const end = again.ends.get(run) ?? NEVER;
      if (ends.has(run, end)) continue;
      assert.fail(`${label}: ${run} ${end}; without a restart it can only be: ${ends.all(run)}`);
    }
  }
  return { tried: cuts.length, timings: ends.timings, isCalm: base.isCalm };
}

function simulateCut(seed: number, dieAfter: readonly number[], label: string): Outcome {
  try {
    return simulate(seed, { isCut: true, dieAfter });
  } catch (cause) {
    throw new Error(`${label}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
