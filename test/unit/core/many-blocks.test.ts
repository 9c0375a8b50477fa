/** What a run of many blocks costs the core. */
import type { ProcessBlockSpec } from '../../../api/spec.ts';
import { makeBlock, makeComponent } from '../../scenario/application.ts';
import { World } from '../../scenario/world.ts';

const BLOCKS = 10_000;
const NODES = ['n0', 'n1'];

const INNER = Array.from({ length: BLOCKS - 2 }, (_, i) => `b${i + 1}`);

/** Blocks that wait for the one before, or all for the first. */
const orders: Readonly<Record<string, (at: number) => ProcessBlockSpec>> = {
  'in a row': (at) => makeBlock(`b${at}`, at === 0 ? [] : [`b${at - 1}`]),
  'all at once': (at) => makeBlock(`b${at}`),
  'that all wait for one, and one for all': (at) => {
    return makeBlock(`b${at}`, at === 0 ? [] : at === BLOCKS - 1 ? INNER : ['b0']);
  },
};

test.each(Object.keys(orders))('ten thousand blocks %s come to their end in little time', (order) => {
  const world = new World();
  const blocks = Array.from({ length: BLOCKS }, (_, at) =>
    (orders[order] as (at: number) => ProcessBlockSpec)(at),
  );
  const cleanup = { command: './tidy', remove: true };
  const app = {
    name: 'long',
    project: 'p',
    software: [],
    components: [makeComponent('c', NODES.length, NODES.length)],
    component_blocks: [{ name: 'all', component: 'c', predecessors: [], blocks, cleanup }],
  };
  const agent = {
    protocol: 1,
    bundle: 'b',
    instance: 'i',
    pid: 1,
    boot_id: 'b',
    node_version: 'v20',
    platform: 'x',
  };
  world.submit({ type: 'start_controller', controller: 'c', version: '1' });
  for (const hostname of NODES) world.submit({ type: 'add_node', node: { hostname, type: 'ssh' } });
  world.submit({ type: 'load_app', app, file: 'a.xml' });
  world.submit({ type: 'start_run', app: 'long' });
  for (const hostname of NODES)
    world.submit({ type: 'node_up', hostname, agent: { ...agent, installed: [], tasks: [] } });
  const run_id = world.runId('long#1');
  for (const hostname of NODES) world.submit({ type: 'installed', hostname, run_id, bytes: 0 });
  const began = performance.now();
  for (const name of [...blocks.map((block) => block.name), 'all#cleanup', 'all#reinstall']) {
    for (const hostname of NODES) {
      const task_id = `${run_id}/${name}/${hostname}/1`;
      world.submit({
        type: 'task_report',
        hostname,
        task: { task_id, run_id, state: 'exited', pid: 1, exit_code: 0 },
      });
    }
  }
  for (const hostname of NODES) world.submit({ type: 'cleaned', hostname, run_id });
  expect(world.state.runs.get(run_id)?.state).toBe('succeeded');
  // 20,000 tasks; what is quadratic in the blocks takes minutes.
  expect(performance.now() - began).toBeLessThan(10_000);
});
