import type { Fact } from '../../../api/events.ts';
import { decide } from '../../../src/core/decide.ts';
import { evolve } from '../../../src/core/evolve.ts';
import type { Actor } from '../../../src/core/input.ts';
import { nodeBytes } from '../../../src/core/pool/owned.ts';
import { decodeState, encodeState } from '../../../src/core/snapshot.ts';
import { emptyState, type State } from '../../../src/core/state.ts';

const MOMENT = { nowMs: 0, seed: 1 };
const broker: Actor = { name: 'shirako', ownNodesOnly: true };
const operator: Actor = { name: 'anna', ownNodesOnly: false };
const LARGE = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, 'x'.repeat(4096)]));

const spec = (hostname: string, properties?: Record<string, string>) => ({
  hostname,
  type: 'ssh' as const,
  ...(properties === undefined ? {} : { properties }),
});

function add(
  state: State,
  hostname: string,
  by: Actor,
  properties?: Record<string, string>,
): readonly Fact[] {
  return decide(state, { type: 'add_node', node: spec(hostname, properties), by }, MOMENT).facts;
}

describe('the nodes of a broker', () => {
  it('are bounded by what they take, and the others are not', () => {
    const state = emptyState();
    let count = 0;
    expect(() => {
      for (; count < 1_000; count += 1) add(state, `n${count}`, broker, LARGE);
    }).toThrow(/take 64 MiB already/);
    expect(count).toBe(Math.floor((64 << 20) / nodeBytes(spec('n100', LARGE))));
    add(state, 'n0', broker);
    add(state, 'small', broker);
    expect(() => add(state, 'n0', broker, LARGE)).not.toThrow();
    expect(() => add(state, 'large', broker, LARGE)).toThrow(/take 64 MiB/);
    add(state, 'large', operator, LARGE);
    decide(state, { type: 'remove_node', hostname: 'n1', by: broker }, MOMENT);
    add(state, 'again', broker, LARGE);
  });

  it('are counted alike by folding facts and by reading a snapshot', () => {
    const state = emptyState();
    const facts = [
      ...add(state, 'a', broker),
      ...add(state, 'b', broker, { key: 'value' }),
      ...add(state, 'b', operator),
      ...add(state, 'c', operator),
      ...decide(state, { type: 'remove_node', hostname: 'a' }, MOMENT).facts,
      ...decide(state, { type: 'load_directory', nodes: [spec('c')] }, MOMENT).facts,
    ];
    expect([...state.owned]).toEqual([['shirako', nodeBytes(spec('b'))]]);
    expect(decodeState(encodeState(state)).owned).toEqual(state.owned);
    expect(facts.reduce((folded, fact) => evolve(folded, fact), emptyState()).owned).toEqual(state.owned);
  });
});
