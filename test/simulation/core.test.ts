import { evolve } from '../../src/core/evolve.ts';
import { emptyState } from '../../src/core/state.ts';
import { foldFacts } from '../scenario/world.ts';
import { Chance } from './chance.ts';
import { type Cuts, checkCuts } from './cuts.ts';
import { simulate } from './simulation.ts';

/** `SEED=7` replays one seed; `SEEDS=100000` tries more of them than the usual number. */
const one = process.env.SEED;
const count = Number(process.env.SEEDS ?? 2000);
const seeds = one === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(one)];

/** Seeds of which every decision is a cut, and those of which a few are. */
const WHOLE = 10;
const SAMPLED = 30;
const CUTS = 5;
/** Decisions of a seed that is cut at every one of them. */
const MAX_CUTS = 90;

function replay<T>(seed: number, work: (seed: number) => T): T {
  try {
    return work(seed);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${why}\nReplay: SEED=${seed} npx jest test/simulation/core.test.ts`, { cause });
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
        const outcome = replay(seed, simulate);
        restarts += outcome.restarts;
        outages += outcome.outages;
        for (const [end, runs] of Object.entries(outcome.runs)) ends[end] = (ends[end] ?? 0) + runs;
      }
      if (one !== undefined) return;
      expect(restarts).toBeGreaterThan(0);
      expect(outages).toBeGreaterThan(0);
      expect(Object.keys(ends).sort()).toEqual(['aborted', 'failed', 'succeeded']);
    },
    60_000 + count * 100,
  );

  it('comes to the same end whatever decision it died after, with trouble and without', () => {
    const tried = { calm: 0, troubled: 0 };
    const note = ({ isCalm, tried: cuts }: Cuts) => {
      tried[isCalm ? 'calm' : 'troubled'] += cuts;
    };
    let whole = 0;
    for (const seed of seeds) {
      if (one === undefined && whole === WHOLE) break;
      const { cuts } = simulate(seed, { isCut: true });
      if (one === undefined && cuts.length > MAX_CUTS) continue;
      whole += 1;
      note(replay(seed, checkCuts));
    }
    if (one !== undefined) return;
    for (let seed = 1; seed <= SAMPLED; seed += 1) note(replay(seed, () => checkCuts(seed, CUTS)));
    expect(tried.calm).toBeGreaterThan(100);
    expect(tried.troubled).toBeGreaterThan(100);
  }, 300_000);

  it('folds facts in any order, and those of another journal, without a throw', () => {
    const other = simulate(1).facts;
    for (const seed of seeds.slice(0, 50)) {
      const { facts } = simulate(seed);
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
