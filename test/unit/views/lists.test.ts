import type { Input } from '../../../src/core/input.ts';
import { Rejection } from '../../../src/core/rejection.ts';
import { MAX_ENDED_RUNS, type Run, type State } from '../../../src/core/state.ts';
import { appDetail, listApps } from '../../../src/core/views/apps.ts';
import { listNodes } from '../../../src/core/views/nodes.ts';
import { blockDetail, listRuns, matching, runDetail } from '../../../src/core/views/runs.ts';
import { encodeResponse } from '../../../src/wire/xmlrpc/encode.ts';
import { readApplication } from '../../scenario/application.ts';
import { World } from '../../scenario/world.ts';

const COUNT = 25;

function worldWith(...inputs: Input[]): World {
  const world = new World();
  world.submit({ type: 'start_controller', controller: 'here', version: '1' });
  for (const input of inputs) world.submit(input);
  return world;
}

const node = (hostname: string, group: string): Input => ({
  type: 'add_node',
  node: { hostname, type: 'ssh', group },
});

const app = (name: string, ...lines: string[]): Input => ({
  type: 'load_app',
  app: readApplication(name, lines),
  file: `${name}.xml`,
});

const WORK = ['component c 1', 'component_block b c', 'block work'];

/** Names as nobody would add them: out of order. */
const nodes = Array.from({ length: COUNT }, (_, i) =>
  node(`n${String((i * 7) % COUNT).padStart(2, '0')}`, i % 2 ? 'a' : 'b'),
);

function allNodes(state: State, filter: Parameters<typeof listNodes>[1], each?: () => void): string[] {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = listNodes(state, { ...filter, ...(cursor === undefined ? {} : { cursor }) });
    names.push(...page.nodes.map((one) => one.hostname));
    cursor = page.cursor;
    each?.();
  } while (cursor !== undefined);
  return names;
}

function symbolOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof Rejection) return error.symbol;
    throw error;
  }
  return undefined;
}

describe('listNodes', () => {
  it('lists every node once, in the order of the names, whatever the size of the page', () => {
    const { state } = worldWith(...nodes);
    const sorted = [...state.nodes.keys()].sort();
    for (const limit of [1, 7, COUNT - 1, COUNT, COUNT + 1]) {
      expect(allNodes(state, { limit })).toEqual(sorted);
    }
  });

  it('counts and lists only what the filter lets through', () => {
    const world = worldWith(...nodes, { type: 'fail_host', hostname: 'n03' });
    expect(listNodes(world.state, { state: 'failed' })).toMatchObject({
      total: 1,
      nodes: [{ hostname: 'n03' }],
    });
    expect(listNodes(world.state, { group: 'a', limit: 5 }).total).toBe(12);
    expect(allNodes(world.state, { group: 'a', limit: 5 })).toHaveLength(12);
    expect(listNodes(world.state, { run: 'nowhere' })).toEqual({ nodes: [], total: 0 });
  });

  it('lists the nodes of a run', () => {
    const world = worldWith(...nodes, app('x', 'component c 3', 'component_block b c', 'block work'));
    world.submit({ type: 'start_run' });
    const run_id = world.runId('x#1');
    const names = allNodes(world.state, { run: run_id, limit: 2 });
    expect(names).toEqual([...names].sort());
    expect(names).toEqual([...(world.state.runs.get(run_id)?.members.keys() ?? [])].sort());
  });

  it('goes on where it was when nodes come and go between two pages', () => {
    const world = worldWith(...nodes);
    let isFirst = true;
    const names = allNodes(world.state, { limit: 10 }, () => {
      if (!isFirst) return;
      isFirst = false;
      world.submit({ type: 'remove_node', hostname: 'n09' });
      world.submit(node('n05b', 'a'));
      world.submit(node('n15b', 'a'));
    });
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toContain('n10');
    expect(names).toContain('n15b');
  });

  it('refuses a cursor that it did not make', () => {
    const { state } = worldWith(...nodes, app('x', ...WORK), app('y', ...WORK));
    const foreign = listApps(state, { limit: 1 }).cursor ?? '';
    for (const cursor of ['', 'n01', '%%%', foreign, `${listNodes(state, { limit: 1 }).cursor}=`]) {
      expect(symbolOf(() => listNodes(state, { cursor }))).toBe('BAD_CURSOR');
    }
  });
});

describe('listRuns', () => {
  const runIds = (state: State, limit: number) => {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = listRuns(state, { limit, ...(cursor === undefined ? {} : { cursor }) });
      ids.push(...page.runs.map((run) => run.run_id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return ids;
  };

  it('lists the newest run first', () => {
    const world = worldWith(app('x', ...WORK));
    for (let i = 0; i < 7; i += 1) world.submit({ type: 'start_run' });
    const newest = [...world.state.runs.keys()].reverse();
    for (const limit of [1, 3, 7, 8]) expect(runIds(world.state, limit)).toEqual(newest);
    expect(listRuns(world.state, { state: 'succeeded' }).total).toBe(0);
    expect(listRuns(world.state, { app: 'x' }).total).toBe(7);
  });

  it('ends when the run that the page ended with has been forgotten', () => {
    const world = worldWith(app('x', ...WORK));
    world.submit({ type: 'start_run' });
    world.wait(1);
    world.submit({ type: 'start_run' });
    const { cursor = '' } = listRuns(world.state, { limit: 1 });
    for (let i = 0; i < MAX_ENDED_RUNS; i += 1) {
      world.wait(1);
      world.submit({ type: 'start_run' });
    }
    expect(world.state.runs.size).toBe(MAX_ENDED_RUNS);
    expect(listRuns(world.state, { cursor }).runs).toEqual([]);
  });
});

describe('listApps', () => {
  it('lists the applications by name, and appDetail has the specification', () => {
    const { state } = worldWith(app('b', ...WORK), app('a', ...WORK), app('c', ...WORK), app('a', ...WORK));
    const first = listApps(state, { limit: 2 });
    expect(first).toMatchObject({ total: 3, apps: [{ name: 'a' }, { name: 'b' }] });
    expect(listApps(state, { cursor: first.cursor ?? '' }).apps).toMatchObject([
      { name: 'c', components: 1, component_blocks: 1, file: 'c.xml' },
    ]);
    expect(appDetail(state, 'a').spec.name).toBe('a');
    expect(symbolOf(() => appDetail(state, 'd'))).toBe('APP_NOT_FOUND');
  });
});

describe('a run', () => {
  it('tells its matching by index, and its blocks with their tasks', () => {
    const world = worldWith(
      ...nodes,
      app(
        'x',
        'component c 3',
        'component __proto__ 1',
        'component_block b c',
        'block work',
        'component_block d __proto__',
        'block other after=work',
      ),
    );
    world.submit({ type: 'start_run' });
    const run = world.state.runs.get(world.runId('x#1')) as Run;
    const names = matching(run);
    expect(Object.keys(names).sort()).toEqual(['__proto__', 'c']);
    expect(names.c?.map((name) => run.members.get(name)?.index)).toEqual([0, 1, 2]);
    expect(blockDetail(run, 'other')).toMatchObject({
      state: 'waiting',
      waiting: 1,
      running: 0,
      predecessors: ['work'],
      tasks: [],
    });
    expect(symbolOf(() => blockDetail(run, 'third'))).toBe('BLOCK_NOT_FOUND');
  });

  describe('with very many components and blocks', () => {
    const names = Array.from({ length: 2500 }, (_, i) => String(i));
    const world = worldWith(
      app(
        'x',
        ...names.map((name) => `component c${name} 1`),
        ...names
          .map((name) => `component_block p${name} c${name}\nblock b${name}`)
          .flatMap((two) => two.split('\n')),
      ),
      app('y', ...WORK),
    );
    world.submit({ type: 'start_run', app: 'x' });
    world.submit({ type: 'start_run', app: 'y' });
    const run = world.state.runs.get(world.runId('x#1')) as Run;
    const other = world.state.runs.get(world.runId('y#2')) as Run;

    it.each([undefined, 1000, 7])('tells each once, on pages that all clients accept (limit %p)', (limit) => {
      const components: string[] = [];
      const blocks: string[] = [];
      let cursor: string | undefined;
      do {
        const part = {
          ...(limit === undefined ? {} : { limit }),
          ...(cursor === undefined ? {} : { cursor }),
        };
        const page = runDetail(run, world.state, part);
        expect(page.components.length + page.blocks.length).toBeLessThanOrEqual(limit ?? 5000);
        if (limit !== 7) expect(Buffer.byteLength(encodeResponse(page))).toBeLessThan(512 << 10);
        components.push(...page.components.map(({ name }) => name));
        blocks.push(...page.blocks.map(({ name }) => name));
        cursor = page.cursor;
        // The second page says enough about small ones.
        if (limit === 7 && blocks.length + components.length > 14) return;
      } while (cursor !== undefined);
      expect(components).toEqual(names.map((name) => `c${name}`));
      expect(blocks).toEqual(names.map((name) => `b${name}`));
    });

    it('counts all, also on a page of few', () => {
      expect(runDetail(run, world.state, { limit: 1 })).toMatchObject({
        components: [{ name: 'c0' }],
        blocks: [],
        components_total: 2500,
        blocks_total: 2500,
        // There are no nodes: the run has failed, and its blocks never began.
        block_states: { waiting: 2500, running: 0, completed: 0, failed: 0 },
      });
      expect(runDetail(other, world.state)).not.toHaveProperty('cursor');
    });

    it('refuses a cursor of another run or list', () => {
      const { cursor = '' } = runDetail(run, world.state, { limit: 1 });
      expect(symbolOf(() => runDetail(other, world.state, { cursor }))).toBe('BAD_CURSOR');
      const foreign = listRuns(world.state, { limit: 1 }).cursor ?? '';
      expect(symbolOf(() => runDetail(run, world.state, { cursor: foreign }))).toBe('BAD_CURSOR');
    });
  });
});
