import { Transfers } from '../../../src/controller/transfers.ts';
import type { Measured } from '../../../src/core/barrier/flow.ts';
import type { PoolNode, State } from '../../../src/core/state.ts';
import { explain } from '../../../src/core/views/explain.ts';
import { nodeInfo } from '../../../src/core/views/nodes.ts';
import { makeBlock, makeComponent } from '../../scenario/application.ts';
import { World } from '../../scenario/world.ts';

const NODES = 24;

/** A run on so many nodes, of which the first 20 fetch their package. */
function deploying(): { state: State; run_id: string } {
  const world = new World();
  const path = 'http://example.net/tool';
  const tool = { name: 'tool', type: 'web', path, dest_path: 'tool' } as const;
  const app = {
    name: 'job',
    project: 'p',
    software: [{ name: 'tool', type: 'none', package: tool } as const],
    components: [{ ...makeComponent('w', NODES, NODES), software: ['tool'] }],
    component_blocks: [{ name: 'all', component: 'w', predecessors: [], blocks: [makeBlock('main')] }],
  };
  const agent = { protocol: 1, bundle: 'b', instance: 'i', pid: 1, boot_id: 'b' };
  const more = { node_version: 'v20', platform: 'x', installed: [], tasks: [] };
  const hostnames = Array.from({ length: NODES }, (_, i) => `n${i + 1}`);
  world.submit({ type: 'start_controller', controller: 'c', version: '1' });
  for (const hostname of hostnames) world.submit({ type: 'add_node', node: { hostname, type: 'ssh' } });
  world.submit({ type: 'load_app', app, file: 'a.xml' });
  world.submit({ type: 'start_run', app: 'job' });
  for (const hostname of hostnames) world.submit({ type: 'node_up', hostname, agent: { ...agent, ...more } });
  return { state: world.state, run_id: world.runId('job#1') };
}

describe('what packages on their way move together', () => {
  let state: State;
  let run_id: string;
  let measured: (Measured & { run_id: string })[];
  let transfers: Transfers;

  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
    ({ state, run_id } = deploying());
    measured = [];
    transfers = new Transfers(
      () => state,
      (one) => measured.push(one),
    );
  });
  afterEach(() => jest.useRealTimers());

  it('is told to the core once it is measured', () => {
    for (let turn = 1; turn <= 20; turn += 1) {
      jest.advanceTimersByTime(100);
      for (let i = 1; i <= NODES; i += 1)
        transfers.heard(`n${i}`, run_id, { bytes: turn * 100_000, total: 1e9, ms: turn * 100 });
    }
    expect(measured[0]).toMatchObject({ run_id });
    expect(measured[0]?.measures[0]?.inside).toBeCloseTo(20, 0);
    expect(measured[0]?.measures[0]?.bytes_per_second).toBeCloseTo(2e7, -6);
  });

  it('counts nobody who has not been let in, is unknown, or tells of another run', () => {
    const inside = new Set(state.runs.get(run_id)?.barriers.get('#install')?.inside);
    expect(inside.size).toBe(20);
    for (let i = 1; i <= NODES; i += 1) transfers.heard(`n${i}`, run_id, { bytes: 100, ms: 100 });
    const known = Array.from({ length: NODES }, (_, i) => transfers.progress(run_id, `n${i + 1}`));
    expect(known.filter((one) => one !== undefined)).toHaveLength(20);
    transfers.heard('stranger', run_id, { bytes: 1, ms: 1 });
    transfers.heard('n1', 'other', { bytes: 1, ms: 1 });
    transfers.heard('n1', undefined as unknown as string, { bytes: 1, ms: 1 });
    expect(transfers.progress(run_id, 'stranger')).toBeUndefined();
    expect(transfers.progress('other', 'n1')).toBeUndefined();
    expect(measured).toEqual([]);
  });

  it('says how much a node has while it fetches, to those who ask what it waits for', () => {
    const [inside = ''] = state.runs.get(run_id)?.barriers.get('#install')?.inside ?? [];
    const hostname = state.runs.get(run_id)?.barriers.get('#install')?.entries.get(inside)?.hostname ?? '';
    const waitsFor = () =>
      nodeInfo(state, state.nodes.get(hostname) as PoolNode, transfers.progress).waits_for;
    expect(waitsFor()).toBe('software to be installed: tool');
    transfers.heard(hostname, run_id, { bytes: 3_140_000, total: 10_000_000, ms: 100 });
    expect(waitsFor()).toBe('software to be installed: tool (3.1 of 10 MB have come)');
    expect(explain(state, hostname, transfers.progress).summary).toContain('(3.1 of 10 MB have come)');
    transfers.heard(hostname, run_id, { bytes: 420_000_000, ms: 200 });
    expect(waitsFor()).toBe('software to be installed: tool (420 MB have come)');
    transfers.heard(hostname, run_id, { bytes: 430_000_000, ms: 300, done: true });
    expect(waitsFor()).toBe('software to be installed: tool');
  });
});
