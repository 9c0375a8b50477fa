import { evolve } from '../../src/core/evolve.ts';
import { emptyState } from '../../src/core/state.ts';
import { foldFacts } from '../scenario/world.ts';
import { Chance } from './chance.ts';
import { type Outcome, simulate } from './simulation.ts';

/** `SEED=7` replays one seed; `SEEDS=100000` tries more of them than the usual number. */
const one = process.env.SEED;
const count = Number(process.env.SEEDS ?? 2000);
const seeds = one === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(one)];

function replay(seed: number, dieAfter?: number): Outcome {
  try {
    return simulate(seed, dieAfter);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const when = dieAfter === undefined ? '' : `, killed after fact ${dieAfter}`;
    throw new Error(`${why}\nReplay: SEED=${seed}${when} npx jest test/simulation/core.test.ts`, { cause });
  }
}

describe('the core, with whatever may happen to it', () => {
  it(
    `ends every run and leaves nothing behind, for ${seeds.length} seeds`,
    () => {
      const ends: Record<string, number> = {};
      let restarts = 0;
      let outages = 0;
      for (const seed of seeds) {
        const outcome = replay(seed);
        restarts += outcome.restarts;
        outages += outcome.outages;
        for (const [end, runs] of Object.entries(outcome.runs)) ends[end] = (ends[end] ?? 0) + runs;
      }
      if (one !== undefined) return;
      expect(restarts).toBeGreaterThan(0);
      expect(outages).toBeGreaterThan(0);
      expect(Object.keys(ends).sort()).toEqual(['aborted', 'failed', 'succeeded']);
    },
    60_000 + count * 50,
  );

  it('comes to the same end whatever fact it died after, where nothing else goes wrong', () => {
    let calm = 0;
    for (const seed of seeds.slice(0, Math.max(150, count / 10))) {
      const { facts, ends, isCalm } = replay(seed);
      if (!isCalm) continue;
      calm += 1;
      const chance = new Chance(seed);
      for (let cuts = 0; cuts < 3; cuts += 1) {
        const dieAfter = chance.int(2, facts.length);
        const again = replay(seed, dieAfter);
        expect({ seed, dieAfter, ends: again.ends }).toEqual({ seed, dieAfter, ends });
        expect(again.restarts).toBeGreaterThan(0);
      }
    }
    if (one === undefined) expect(calm).toBeGreaterThan(10);
  });

  it('folds facts in any order, and those of another journal, without a throw', () => {
    const other = replay(1).facts;
    for (const seed of seeds.slice(0, 50)) {
      const { facts } = replay(seed);
      const chance = new Chance(seed);
      foldFacts(chance.shuffle(facts));
      foldFacts(chance.shuffle([...facts, ...facts, ...other]));
      const state = foldFacts(other);
      for (const fact of facts) evolve(state, fact);
      expect(() =>
        evolve(emptyState(), { type: 'of_a_later_version', time: '', body: {} } as never),
      ).not.toThrow();
    }
  });
});
