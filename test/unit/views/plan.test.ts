import type { AppSpec } from '../../../api/spec.ts';
import type { Input } from '../../../src/core/input.ts';
import { shortfallSentence, staticRequirement, toldShortfall } from '../../../src/core/pool/shortfall.ts';
import { planOf } from '../../../src/core/run/plan.ts';
import { encodeState } from '../../../src/core/snapshot.ts';
import { planApp, plannedApp } from '../../../src/core/views/plan.ts';
import { readApplication } from '../../scenario/application.ts';
import { World } from '../../scenario/world.ts';
import { Chance } from '../../simulation/chance.ts';

const add = (hostname: string, preference = 0, group = 'lab'): Input => ({
  type: 'add_node',
  node: { hostname, type: 'ssh', group, preference },
});

function worldWith(app: AppSpec, ...inputs: Input[]): World {
  const world = new World();
  world.submit({ type: 'start_controller', controller: 'here', version: '1' });
  world.submit({ type: 'load_app', app, file: 'app.xml' });
  for (const input of inputs) world.submit(input);
  return world;
}

const WORKERS = ['component workers 2 group=lab', 'component_block w workers', 'block work'];

describe('a plan', () => {
  it('chooses what a run chooses where preferences leave no choice, and changes nothing', () => {
    const world = worldWith(readApplication('a', WORKERS), add('n1', 1), add('n2', 3), add('n3', 2));
    const before = [...encodeState(world.state)];
    const plan = planApp(world.state, plannedApp(world.state, 'a'));
    expect([...encodeState(world.state)]).toEqual(before);
    expect(plan).toMatchObject({ app: 'a', can_run: true, shortfalls: [] });
    expect(plan.note).not.toMatch(/chance/);
    expect(plan.components[0]).toMatchObject({
      name: 'workers',
      candidates: 3,
      count: 2,
      nodes: [
        { hostname: 'n2', index: 0, preference: 3, chosen: 'preference' },
        { hostname: 'n3', index: 1, preference: 2, chosen: 'preference' },
      ],
    });
    world.submit({ type: 'start_run' });
    const [run] = world.state.runs.values();
    expect([...(run?.members.keys() ?? [])]).toEqual(['n2', 'n3']);
  });

  it('is the same each time, and says where a run may choose otherwise', () => {
    const app = readApplication('a', [
      'component c 1 static=n9',
      ...WORKERS,
      'component_block x c',
      'block y',
    ]);
    const nodes = Array.from({ length: 9 }, (_, i) => add(`n${i + 1}`));
    const world = worldWith(app, ...nodes);
    const plan = planApp(world.state, app);
    expect(planApp(world.state, app)).toEqual(plan);
    expect(plan.note).toMatch(/chance/);
    const chosen = plan.components.map((component) => component.nodes.map((node) => node.chosen));
    expect(chosen).toEqual([['static'], ['tie', 'tie']]);
  });

  it('lists the steps in an order in which they can happen, with what they wait for', () => {
    const app = readApplication('a', [
      'component c 1..2',
      'component d 1',
      'component_block late d after=early',
      'block last',
      'component_block early c',
      'block second after=first',
      'block first',
    ]);
    const world = worldWith(app, add('n1'), add('n2'), add('n3'));
    const { steps } = planApp(world.state, app);
    const runs = steps.filter(({ action }) => action === 'run');
    expect(steps.map(({ action }) => action)).toEqual(['connect', 'run', 'run', 'run', 'clean']);
    expect(runs.map(({ block, nodes, waits_for }) => ({ block, nodes, waits_for }))).toEqual([
      { block: 'first', nodes: 2, waits_for: [] },
      { block: 'second', nodes: 2, waits_for: [{ block: 'first', on: 'node' }] },
      {
        block: 'last',
        nodes: 1,
        // That all have done the second says that all have done the first.
        waits_for: [{ block: 'second', on: 'all' }],
      },
    ]);
  });

  it('names of what a block waits for only what the rest does not say', () => {
    const chance = new Chance(7);
    for (let round = 0; round < 50; round += 1) {
      const names = Array.from({ length: 12 }, (_, i) => `b${i}`);
      const lines = names.map((name, i) => {
        const after = chance.shuffle(names.slice(0, i)).slice(0, chance.int(0, 4));
        return `block ${name}${after.length === 0 ? '' : ` after=${after.join(',')}`}`;
      });
      const app = readApplication('a', ['component c 1', 'component_block x c', ...lines]);
      const { steps } = planApp(worldWith(app, add('n1')).state, app);
      const told = new Map(steps.map(({ block = '', waits_for }) => [block, waits_for.map((w) => w.block)]));
      const given = new Map([...planOf(app).blocks.values()].map(({ spec, before }) => [spec.name, before]));
      const allBefore = (waits: ReadonlyMap<string, readonly string[]>, name: string): Set<string> => {
        const found = new Set<string>();
        for (const one of waits.get(name) ?? [])
          for (const each of [one, ...allBefore(waits, one)]) found.add(each);
        return found;
      };
      for (const name of names) {
        expect(allBefore(told, name)).toEqual(allBefore(given, name));
        const waits = told.get(name) ?? [];
        for (const one of waits)
          for (const other of waits) expect(allBefore(given, other).has(one)).toBe(false);
      }
    }
  });

  it('says what becomes of latecomers at a barrier, and of the slow tasks of a workflow', () => {
    const app = readApplication('a', [
      'component c 2',
      'component_block x c',
      'barrier meet early percent=75 late=catchup catchup=next',
      'barrier next traditional late=remove',
      'barrier_block m meet',
      'barrier_block n next after=m',
      'workflow crunch 98 min_percent=50 max_attempts=3 knee=kneedle',
      'step part',
    ]);
    const { steps } = planApp(worldWith(app, add('n1'), add('n2')).state, app);
    expect(
      steps.flatMap(({ command, rule }) => [command, rule].filter((text) => text !== undefined)),
    ).toEqual([
      'barrier "meet" releases when all have entered, or earlier when 75 % have; who comes later skips what lies before barrier "next"',
      '98 tasks: ./part',
      'unfinished tasks are started again on idle nodes at the knee (kneedle) of the finished ones, not before 50 % are done; at most 3 attempts at a task at a time, the first that finishes counts',
      'barrier "next" releases when all have entered; who comes later is taken out of the run',
    ]);
  });

  it('says of each request to a service whether it was sent', () => {
    const plain = readApplication('a', ['component c 1', 'component_block x c', 'block work']);
    const server = 'http://sword.example/';
    const requests = [
      { service: 'sword', attributes: {} },
      { service: 'sword', server, attributes: {} },
      { service: 'shirako', server, attributes: {} },
    ] as const;
    const app: AppSpec = { ...plain, components: plain.components.map((one) => ({ ...one, requests })) };
    const notes = (world: World) => planApp(world.state, app).requests.map(({ note }) => note);
    const never = 'Never sent, since it names no server: preferences are as they would be without it';
    const byCall = 'Not sent by a run: plushCreateResources sends it';
    expect(notes(worldWith(plain, add('n1')))).toEqual([
      never,
      'Not sent yet: loading the application sends it, and until then preferences are as they would be without it',
      byCall,
    ]);
    const world = worldWith(app, add('n1'));
    expect(notes(world)).toEqual([
      never,
      'Not answered yet, and until then preferences are as they would be without it',
      byCall,
    ]);
    const [operation] = world.state.operations.values();
    const answer = { operation_id: operation?.operation_id ?? '', component: 'c', request: 1 };
    world.submit({ type: 'resources_answered', ...answer, ok: true, message: 'yes' });
    world.submit({ type: 'create_resources' });
    expect(notes(world)).toEqual([
      never,
      'Answered: preferences hold what it says',
      'Sent, not answered yet; plushCreateResources sends it again',
    ]);
    expect(planApp(world.state, app).requests.map(({ service, server: at }) => [service, at])).toEqual([
      ['sword', undefined],
      ['sword', server],
      ['shirako', server],
    ]);
  });

  it('counts transfers for all components that need the package', () => {
    const plain = readApplication('a', [
      'component c 1 software=tool,data',
      'component d 2 software=tool',
      'component_block x c',
      'block one',
      'component_block y d',
      'block two',
    ]);
    const pack = {
      name: 'tool.tar',
      type: 'web',
      path: 'http://h/tool.tar',
      dest_path: 'tool.tar',
      size: 7,
    } as const;
    const software = plain.software.map((one) => (one.name === 'tool' ? { ...one, package: pack } : one));
    const app: AppSpec = { ...plain, software };
    const { transfers, steps } = planApp(worldWith(app, add('n1'), add('n2'), add('n3')).state, app);
    expect(transfers).toEqual([
      { package: 'tool.tar', software: 'tool', type: 'web', path: 'http://h/tool.tar', size: 7, nodes: 3 },
    ]);
    expect(steps.filter(({ action }) => action === 'install').map(({ nodes }) => nodes)).toEqual([1, 2]);
  });

  it('tells the shortfalls that would end a run', () => {
    const app = readApplication('a', WORKERS);
    const world = worldWith(app, add('n1'), add('n2', 0, 'other'));
    const plan = planApp(world.state, app);
    expect(plan.can_run).toBe(false);
    expect(plan.shortfalls).toMatchObject([{ component: 'workers', wanted: 2, found: 1, pool: 2 }]);
    world.submit({ type: 'start_run' });
    const [run] = world.state.runs.values();
    expect(run?.ending?.shortfalls.map(toldShortfall)).toEqual(plan.shortfalls);
    expect(plan.shortfalls[0]?.removed[0]?.sentence).toBe('1 node is not in group "lab"');
  });

  it('tells what is the matter with a static host', () => {
    const app = readApplication('a', ['component w 1 static=n9', 'component_block b w', 'block work']);
    const sentence = (...inputs: Input[]) => {
      const world = worldWith(app, ...inputs);
      return planApp(world.state, app).shortfalls.map(shortfallSentence).join();
    };
    const needs = 'Component "w" needs the static host "n9", which';
    expect(sentence(add('n1'))).toBe(`${needs} is not in the pool. The pool has 1 node.`);
    expect(sentence(add('n1'), add('n9'), { type: 'fail_host', hostname: 'n9' })).toContain(
      `${needs} is marked failed.`,
    );
    const run: Input = { type: 'start_run' };
    expect(sentence(add('n1'), add('n9'), run)).toContain(`${needs} is in use by another run.`);
    const { state } = worldWith(app, {
      type: 'add_node',
      node: { hostname: 'n9', type: 'ssh', user: 'eve' },
    });
    const asBob = staticRequirement(
      state,
      { hostname: 'n9', user: 'bob' },
      () => false,
      () => undefined,
    );
    expect(asBob).toBe('static host "bob@n9", which is in the pool with the user "eve"');
    const old = {
      component: 'w',
      wanted: 1,
      found: 1,
      pool: 0,
      removed: [{ requirement: 'static host "x"', nodes: 0 }],
    };
    expect(shortfallSentence(old)).toBe(
      'Component "w" needs the static host "x", which is missing, marked failed or in use. The pool is empty.',
    );
  });

  it('leaves out nodes that another run uses or that are failed', () => {
    const app = readApplication('a', WORKERS);
    const world = worldWith(app, add('n1', 5), add('n2', 5), add('n3'), add('n4'), add('n5'));
    world.submit({ type: 'start_run' });
    world.submit({ type: 'fail_host', hostname: 'n3' });
    const [component] = planApp(world.state, app).components;
    expect(component?.candidates).toBe(2);
    expect(component?.nodes.map(({ hostname }) => hostname).sort()).toEqual(['n4', 'n5']);
  });

  it('is refused for an application that is not there or has nothing to run', () => {
    const empty = readApplication('a', ['component c 1']);
    const { state } = worldWith(empty);
    expect(() => plannedApp(state, 'b')).toThrow(/No application "b"/);
    expect(() => planApp(state, plannedApp(state, undefined))).toThrow(/no blocks/);
    expect(() => plannedApp(new World().state, undefined)).toThrow(/loaded yet/);
  });
});
