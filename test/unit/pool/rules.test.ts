import type { Fact } from '../../../api/events.ts';
import { evolve } from '../../../src/core/evolve.ts';
import { addDrop, dropsNow, flagEndMs, flagMs, NODE_RULES } from '../../../src/core/pool/rules.ts';
import { emptyState, type PoolNode } from '../../../src/core/state.ts';

const time = '2026-01-01T00:00:00.000Z';
const after = (ms: number) => new Date(Date.parse(time) + ms).toISOString();

function failedNode(cause: string, flag_ms?: number): NonNullable<PoolNode['failed']> {
  const state = emptyState();
  const node = { hostname: 'n1', type: 'ssh' } as const;
  const failure = { phase: 'watch', cause, message: 'It failed', attempt: 1 } as const;
  const more = flag_ms === undefined ? {} : { flag_ms };
  const facts: Fact[] = [
    { type: 'node_added', time, body: { node, source: 'api' } },
    { type: 'node_failed', time, body: { hostname: 'n1', failure, ...more } },
  ];
  for (const fact of facts) evolve(state, fact);
  const { failed } = state.nodes.get('n1') as PoolNode;
  if (failed === undefined) throw new Error('The flag is not set');
  return failed;
}

describe('the end of a failed flag', () => {
  it('is the one that the fact tells, whatever the options are when it is folded', () => {
    expect(failedNode('link_lost', 60_000).until).toBe(after(60_000));
    expect(flagEndMs(failedNode('link_lost', 60_000))).toBe(Date.parse(time) + 60_000);
  });

  it('is that of the first version for facts that do not tell it', () => {
    expect(flagEndMs(failedNode('link_lost'))).toBe(Date.parse(time) + 600_000);
    expect(flagEndMs(failedNode('exit_code'))).toBe(Date.parse(time) + 10_000);
  });

  it('comes no later for a cause that is not the node’s than for one that is', () => {
    const rules = { ...NODE_RULES, failedMs: 5_000, failedShortMs: 60_000 };
    expect(flagMs(rules, 'link_lost')).toBe(5_000);
    expect(flagMs(rules, 'download_failed')).toBe(5_000);
  });
});

describe('losses of the connection', () => {
  it('count as far as the window reaches', () => {
    const rules = { ...NODE_RULES, dropWindowMs: 1_000 };
    expect(dropsNow(rules, [1_000, 1_999, 2_000, 2_500], 3_000)).toBe(2);
  });

  it('are remembered as many as the fact says, and as the first version did where it does not say', () => {
    expect(addDrop([1, 2, 3], 4, 2)).toEqual([3, 4]);
    expect(addDrop([1], 4, 100)).toEqual([1, 4]);
    expect(addDrop([1], 4, 0)).toEqual([4]);
    expect(addDrop([1, 599_000, 599_001, 599_002], 600_001, undefined)).toEqual([599_001, 599_002, 600_001]);
  });
});
