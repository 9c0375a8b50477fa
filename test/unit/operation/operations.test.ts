import type { AppSpec, ResourceRequest } from '../../../api/spec.ts';
import type { Input } from '../../../src/core/input.ts';
import { MAX_OPERATIONS } from '../../../src/core/limits.ts';
import type { Operation, State } from '../../../src/core/state.ts';
import { operationInfo } from '../../../src/core/views/operations.ts';
import { makeComponent, readApplication } from '../../scenario/application.ts';
import { foldFacts, World } from '../../scenario/world.ts';

function worldWith(...inputs: Input[]): World {
  const world = new World();
  world.submit({ type: 'start_controller', controller: 'here', version: '1' });
  for (const input of inputs) world.submit(input);
  return world;
}

const add = (hostname: string): Input => ({ type: 'add_node', node: { hostname, type: 'ssh' } });
const shell = (...hostnames: string[]): Input => ({ type: 'start_shell', hostnames });
const down = (hostname: string): Input => ({
  type: 'node_down',
  hostname,
  failure: { phase: 'bootstrap', cause: 'refused', message: 'Nothing listens', attempt: 1 },
});

function newest(state: State): Operation {
  const operation = [...state.operations.values()].at(-1);
  if (operation === undefined) throw new Error('There is no operation');
  return operation;
}

describe('a command on nodes', () => {
  it('connects to nodes that are not connected', () => {
    const world = worldWith(add('n1'), add('n2'), { type: 'connect', hostname: 'n2' });
    const trace = world.submit(shell('n1', 'n2'));
    expect(trace.filter((line) => /connect/.test(line))).toEqual(['+ node_connecting n1', '> connect n1']);
    expect(newest(world.state)).toMatchObject({ kind: 'shell', state: 'running', total: 2 });
  });

  it('leaves a node alone that the operator disconnected', () => {
    const world = worldWith(add('n1'), { type: 'connect', hostname: 'n1' });
    world.submit({ type: 'disconnect', hostname: 'n1' });
    expect(world.submit(shell('n1')).join()).not.toMatch(/connecting/);
  });

  it('never brings a node of a run closer to being given up', () => {
    const app = readApplication('a', ['component c 1', 'component_block b c', 'block work']);
    const world = worldWith(add('n1'), { type: 'load_app', app, file: 'a.xml' }, { type: 'start_run' });
    world.submit(down('n1'));
    for (let i = 0; i < 10; i += 1) world.submit(shell('n1'));
    expect(world.state.nodes.get('n1')).toMatchObject({ link: 'lost', attempts: 1 });
  });

  it('does not mark a node failed that no run uses, however often it cannot be reached', () => {
    const world = worldWith(add('n1'));
    for (let i = 0; i < 10; i += 1) {
      world.submit(shell('n1'));
      world.submit(down('n1'));
    }
    expect(world.state.nodes.get('n1')?.failed).toBeUndefined();
    expect(world.state.free.has('n1')).toBe(true);
  });

  it('is refused as a whole when a node is not in the pool, or when the controller stops', () => {
    const world = worldWith(add('n1'));
    expect(world.submit(shell('n1', 'n2'))).toEqual([expect.stringMatching(/^! NODE_NOT_FOUND/)]);
    expect(world.state.operations.size).toBe(0);
    world.submit({ type: 'quit' });
    expect(world.submit(shell('n1'))).toEqual([expect.stringMatching(/^! QUITTING/)]);
  });

  it('ends as interrupted when the controller is started again, and stays so', () => {
    const world = worldWith(add('n1'), shell('n1'));
    const { operation_id } = newest(world.state);
    world.restart();
    expect(newest(world.state)).toMatchObject({ operation_id, state: 'interrupted' });
    expect(world.submit({ type: 'end_shell', operation_id, succeeded: 1, failed: 0 })).toEqual([]);
    expect(newest(world.state).state).toBe('interrupted');
  });

  it('is forgotten after many others, and never while it is under way', () => {
    const world = worldWith(add('n1'), shell('n1'));
    const first = newest(world.state).operation_id;
    for (let i = 0; i < MAX_OPERATIONS + 10; i += 1) {
      world.submit(shell('n1'));
      const { operation_id } = newest(world.state);
      world.submit({ type: 'end_shell', operation_id, succeeded: 1, failed: 0 });
    }
    expect(world.state.operations.size).toBe(MAX_OPERATIONS);
    expect(world.state.operations.has(first)).toBe(true);
    expect(foldFacts(world.facts)).toEqual(world.state);
  });

  it('is refused when too many are under way', () => {
    const world = worldWith(add('n1'));
    for (let i = 0; i < MAX_OPERATIONS; i += 1) world.submit(shell('n1'));
    expect(world.submit(shell('n1'))).toEqual([expect.stringMatching(/^! TOO_MANY_OPERATIONS/)]);
  });
});

describe('requests for resources', () => {
  const request = (service: ResourceRequest['service']): ResourceRequest => ({
    service,
    server: `http://${service}.example/`,
    attributes: {},
  });

  function loaded(): World {
    const component = {
      ...makeComponent('c', 1, 1),
      requests: [request('sword'), request('usher'), request('usher')],
    };
    const app: AppSpec = { ...readApplication('a', []), components: [component] };
    return worldWith({ type: 'load_app', app, file: 'a.xml' });
  }

  const answer = (operation_id: string, index: number, ok: boolean): Input => ({
    type: 'resources_answered',
    operation_id,
    component: 'c',
    request: index,
    ok,
    message: ok ? 'taken' : 'refused',
  });

  it('are each sent once, and answered one by one', () => {
    const world = loaded();
    const trace = world.submit({ type: 'create_resources' });
    expect(trace.filter((line) => line.startsWith('>'))).toHaveLength(2);
    const { operation_id } = newest(world.state);
    world.submit(answer(operation_id, 1, true));
    const half = operationInfo(newest(world.state), undefined, {});
    expect(half).toMatchObject({ state: 'running', total: 2, pending: 1, succeeded: 1 });
    expect(half.requests.map(({ state }) => state)).toEqual(['accepted', 'pending']);
    world.submit(answer(operation_id, 2, false));
    const whole = operationInfo(newest(world.state), undefined, {});
    expect(whole).toMatchObject({ state: 'failed', pending: 0, failed: 1 });
    expect(whole.requests[1]).toEqual({
      component: 'c',
      service: 'usher',
      server: 'http://usher.example/',
      state: 'refused',
      message: 'refused',
    });
  });

  it('are not known to have arrived when the controller was restarted', () => {
    const world = loaded();
    world.submit({ type: 'create_resources' });
    const { operation_id } = newest(world.state);
    world.submit(answer(operation_id, 1, true));
    world.restart();
    const { state, requests } = operationInfo(newest(world.state), undefined, {});
    expect(state).toBe('interrupted');
    expect(requests.map((one) => one.state)).toEqual(['accepted', 'unknown']);
  });
});
