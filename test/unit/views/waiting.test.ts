import type { Failure } from '../../../api/schemas.ts';
import type { Input } from '../../../src/core/input.ts';
import type { Run } from '../../../src/core/state.ts';
import type { AgentState } from '../../../src/core/task.ts';
import { missingWords } from '../../../src/core/views/barriers.ts';
import { explain } from '../../../src/core/views/explain.ts';
import { nodeInfo } from '../../../src/core/views/nodes.ts';
import { readApplication } from '../../scenario/application.ts';
import { World } from '../../scenario/world.ts';

const failure: Failure = { phase: 'bootstrap', cause: 'refused', message: 'Nothing listens', attempt: 1 };

function worldWith(...inputs: Input[]): World {
  const world = new World();
  world.submit({ type: 'start_controller', controller: 'here', version: '1' });
  for (const input of inputs) world.submit(input);
  return world;
}

function infoOf(world: World, hostname: string) {
  const node = world.state.nodes.get(hostname);
  if (node === undefined) throw new Error(`There is no node ${hostname}`);
  return nodeInfo(world.state, node);
}

const agentOf = (hostname: string): AgentState => ({
  protocol: 1,
  bundle: 'b',
  instance: `agent-${hostname}`,
  pid: 1,
  boot_id: 'boot',
  node_version: 'v20',
  platform: 'linux-x64',
  installed: [],
  tasks: [],
});

const add = (hostname: string): Input => ({ type: 'add_node', node: { hostname, type: 'ssh' } });

describe('since when a node is as it is', () => {
  it('does not move for a failed node when the daemon is started again', () => {
    const world = worldWith(add('n1'), { type: 'connect', hostname: 'n1' });
    world.wait(1000);
    world.submit({ type: 'fail_host', hostname: 'n1' });
    const before = infoOf(world, 'n1');
    expect(before).toMatchObject({ state: 'failed', since: '2026-01-01T00:00:01.000Z' });
    world.wait(60_000);
    world.restart();
    expect(infoOf(world, 'n1')).toMatchObject({ state: 'failed', since: before.since });
    expect(explain(world.state, 'n1').summary).toContain(`failed since ${before.since}`);
  });

  it('is the end of its lease for a node whose lease is over', () => {
    const lease = { id: 'l', expires: '2026-01-01T00:00:10Z' };
    const world = worldWith({ type: 'add_node', node: { hostname: 'n1', type: 'ssh', lease } });
    world.submit({ type: 'connect', hostname: 'n1' });
    world.wait(10_000);
    world.submit({ type: 'timer', timer: { kind: 'lease' } });
    world.wait(60_000);
    world.restart();
    expect(infoOf(world, 'n1')).toMatchObject({ state: 'failed', since: '2026-01-01T00:00:10.000Z' });
  });

  it('is the first attempt for a run that waits for a connection, however many attempts follow', () => {
    const world = worldWith(add('n1'), {
      type: 'load_app',
      app: readApplication('app', ['component c 1', 'component_block b c', 'block work']),
      file: 'app.xml',
    });
    world.submit({ type: 'start_run', app: 'app' });
    const [run_id = ''] = world.state.runs.keys();
    world.wait(5000);
    world.submit({ type: 'node_down', hostname: 'n1', failure });
    world.wait(5000);
    world.submit({ type: 'timer', timer: { kind: 'reconnect', hostname: 'n1' } });
    const { waiting } = explain(world.state, run_id);
    expect(waiting).toMatchObject([{ nodes: 1, since: '2026-01-01T00:00:00.000Z' }]);
    world.restart();
    expect(explain(world.state, run_id).waiting).toMatchObject([{ since: '2026-01-01T00:00:00.000Z' }]);
    expect(explain(world.state, 'n1').waiting).toMatchObject([{ since: '2026-01-01T00:00:00.000Z' }]);
  });
});

describe('a barrier that waits', () => {
  const spec = (extra = '') =>
    readApplication('app', [
      `barrier meet traditional${extra}`,
      'component c 6',
      'component_block b c',
      'block first',
      'barrier_block wait meet after=first',
    ]);

  function worldAt(extra: string, entered: number): { world: World; run_id: string } {
    const names = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];
    const world = worldWith(...names.map(add), { type: 'load_app', app: spec(extra), file: 'app.xml' });
    world.submit({ type: 'start_run', app: 'app' });
    const [run_id = ''] = world.state.runs.keys();
    for (const hostname of names) {
      world.submit({ type: 'node_up', hostname, agent: agentOf(hostname) });
      world.submit({ type: 'installed', hostname, run_id, bytes: 0 });
    }
    for (const hostname of names.slice(0, entered))
      world.submit({ type: 'enter_barrier', run_id, barrier: 'meet', hostname });
    return { world, run_id };
  }

  const missingOf = (extra: string, entered: number) => {
    const { world, run_id } = worldAt(extra, entered);
    return missingWords(world.state.runs.get(run_id) as Run, 'meet');
  };

  it('names a few of those who are missing, and counts the rest', () => {
    expect(missingOf('', 1)).toMatch(/^: n\d, n\d, n\d and 2 more are missing$/);
    expect(missingOf('', 4)).toMatch(/^: n\d and n\d are missing$/);
    expect(missingOf('', 5)).toBe(': n6 is missing');
    expect(missingOf('', 6)).toBe('');
  });

  it('says how many of them must come where not all need to', () => {
    expect(missingOf(' max=3', 1)).toMatch(/^: 2 of n\d, n\d, n\d and 2 more must come$/);
  });
});
