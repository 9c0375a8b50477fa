import { decodeState, encodeState } from '../../../src/core/snapshot.ts';
import { emptyState } from '../../../src/core/state.ts';
import { makeBlock, readApplication } from '../../scenario/application.ts';
import { World } from '../../scenario/world.ts';

/** A run under way, one that has begun after it, and an application of the same specification. */
function busyWorld(): World {
  const world = new World();
  const app = readApplication('x', ['component c 1', 'component_block b c']);
  const block = makeBlock('work');
  const odd = { ...block, process: { ...block.process, env: { $map: 'x' } } };
  const spec = { ...app, component_blocks: app.component_blocks.map((b) => ({ ...b, blocks: [odd] })) };
  world.submit({ type: 'load_app', app: spec, file: 'x.xml' });
  for (const hostname of ['n1', 'n2'])
    world.submit({ type: 'add_node', node: { hostname, type: 'ssh', properties: { $set: 'y' } } });
  world.submit({ type: 'start_run' });
  world.submit({ type: 'fail_host', hostname: 'n1' });
  world.submit({ type: 'start_run' });
  return world;
}

describe('a state written down', () => {
  it('comes back as it was, also when a specification uses the words of the writing', () => {
    const { state } = busyWorld();
    expect([...state.runs.values()].flatMap((run) => [...run.members.values(), ...run.past]).length).toBe(2);
    expect(decodeState(encodeState(state))).toEqual(state);
    expect(decodeState(encodeState(emptyState()))).toEqual(emptyState());
  });

  it('of a version that did not know who answers is read as of a controller that knows of nobody', () => {
    const { state } = busyWorld();
    const [first = '', ...rest] = encodeState(state);
    const [, row] = JSON.parse(first) as [string, Record<string, unknown>];
    delete row.contact;
    expect(decodeState([JSON.stringify(['state', row]), ...rest])).toEqual(state);
  });

  it('has each specification once, shared again by those who shared it', () => {
    const world = busyWorld();
    const rows = [...encodeState(world.state)];
    expect(rows.filter((row) => row.startsWith('["spec"')).length).toBe(1);
    const { apps, runs } = decodeState(rows);
    const [first, second] = [...runs.values()];
    expect(first?.spec === apps.get('x')?.spec && first?.spec === second?.spec).toBe(true);
  });

  it('keeps a specification that another one has replaced for the runs that have it', () => {
    const world = busyWorld();
    world.submit({ type: 'load_app', app: readApplication('x', ['component c 1']), file: 'x.xml' });
    const copy = decodeState(encodeState(world.state));
    expect(copy).toEqual(world.state);
    const [run] = [...copy.runs.values()];
    expect(run?.spec === copy.apps.get('x')?.spec).toBe(false);
  });

  it('has no subscriptions where a version wrote it that knew none', () => {
    const { state } = busyWorld();
    const rows = [...encodeState(state)].map((text) => {
      const row = JSON.parse(text) as [string, Record<string, unknown>];
      if (row[0] === 'state') delete row[1].subscriptions;
      return JSON.stringify(row);
    });
    expect(decodeState(rows)).toEqual(state);
  });

  it('is refused where rows are missing', () => {
    const rows = [...encodeState(busyWorld().state)];
    expect(() => decodeState(rows.slice(0, -1))).toThrow('The snapshot is not whole');
    expect(() => decodeState(rows.toSpliced(1, 1))).toThrow('The snapshot is not whole');
    expect(() => decodeState(rows.slice(1))).toThrow('The snapshot lacks a row');
    expect(() => decodeState(rows.filter((row) => !row.startsWith('["spec"')))).toThrow('lacks a row');
    expect(() => decodeState([])).toThrow('The snapshot is not whole');
    expect(() => decodeState(['{'])).toThrow(SyntaxError);
  });
});
