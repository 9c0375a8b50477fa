/** A workflow of many tasks: what a task costs does not grow with their number, and no row of a snapshot does. */
import type { Fact } from '../../../api/events.ts';
import type { WorkflowBlockSpec } from '../../../api/spec.ts';
import { decide } from '../../../src/core/decide.ts';
import type { Input } from '../../../src/core/input.ts';
import { decodeState, encodeState } from '../../../src/core/snapshot.ts';
import { emptyState, type State } from '../../../src/core/state.ts';
import { makeBlock, makeComponent, makeWorkflow } from '../../scenario/application.ts';
import { foldFacts } from '../../scenario/world.ts';

const NODES = Number(process.env.NODES ?? 100);
const TASKS = Number(process.env.TASKS ?? 10_000);

type Steps = WorkflowBlockSpec['blocks'];

interface Done {
  readonly state: State;
  readonly facts: readonly Fact[];
  /** Of one task on average, in µs. */
  readonly cost: number;
}

const gate = (...predecessors: string[]) =>
  ({ kind: 'barrier', name: 'gate', barrier: 'all', predecessors }) as const;

/** Runs a workflow on nodes that do everything at once, as far as its `upTo`-th result. */
function work(tasks: number, nodes: number, upTo = tasks, steps: Steps = [makeBlock('step')]): Done {
  const state = emptyState();
  const facts: Fact[] = [];
  let nowMs = Date.UTC(2026, 0, 1);
  let results = 0;
  const reports: Input[] = [];
  const submit = (input: Input) => {
    nowMs += 1;
    const decision = decide(state, input, { nowMs, seed: 1 });
    facts.push(...decision.facts);
    results += decision.facts.filter(({ type }) => type === 'workflow_task_finished').length;
    for (const effect of decision.effects) {
      if (effect.type === 'start_task') {
        const { task_id, run_id } = effect.order;
        const task = { task_id, run_id, state: 'exited', pid: 1, exit_code: 0 } as const;
        reports.push({ type: 'task_report', hostname: effect.hostname, task });
      } else if (effect.type === 'collect_task') {
        const { hostname, run_id, task_id } = effect;
        reports.push({ type: 'task_collected', hostname, run_id, task_id });
      }
    }
    return decision.answer as string;
  };
  const workflow: WorkflowBlockSpec = {
    ...makeWorkflow('many', tasks, [], new Map()),
    blocks: steps,
  };
  const component_blocks = [{ name: 'all', component: 'c', predecessors: [], blocks: [workflow] }];
  const app = {
    name: 'a',
    project: 'a',
    software: [],
    components: [makeComponent('c', nodes, nodes)],
    component_blocks,
    barriers: [{ name: 'all', type: 'traditional' as const }],
  };
  submit({ type: 'start_controller', controller: 'c', version: '1' });
  submit({ type: 'load_app', app, file: 'a.xml' });
  const names = Array.from({ length: nodes }, (_, i) => `n${i}`);
  submit({ type: 'load_directory', nodes: names.map((hostname) => ({ hostname, type: 'ssh' })) });
  const run_id = submit({ type: 'start_run' });
  const agent = {
    protocol: 1,
    bundle: 'b',
    instance: 'i',
    pid: 1,
    boot_id: 'b',
    node_version: '',
    platform: '',
    installed: [],
    tasks: [],
  };
  for (const hostname of names) submit({ type: 'node_up', hostname, agent });
  for (const hostname of names) submit({ type: 'installed', hostname, run_id, bytes: 0 });
  const began = performance.now();
  for (let next = 0; next < reports.length && results < upTo; next += 1) submit(reports[next] as Input);
  return { state, facts, cost: ((performance.now() - began) * 1000) / upTo };
}

it('takes about as long for each of many tasks as for each of few', () => {
  work(1000, 20);
  const few = work(TASKS / 10, NODES);
  const many = work(TASKS, NODES);
  const [run] = [...many.state.runs.values()];
  expect(run?.workflows?.get('many')?.results.size).toBe(TASKS);
  if (process.env.TASKS !== undefined) process.stderr.write(`${few.cost} µs, ${many.cost} µs\n`);
  expect(many.cost).toBeLessThan(5 * few.cost);
});

it.each([
  ['in the middle', [makeBlock('step'), gate('step'), makeBlock('rest', ['gate'])]],
  ['at the beginning', [gate(), makeBlock('step', ['gate'])]],
])('takes about as long for each of many that meet at a barrier %s', (_where, steps) => {
  work(1000, 20, 1000, steps);
  const few = work(TASKS / 10, NODES, TASKS / 10, steps);
  const many = work(TASKS, NODES, TASKS, steps);
  const [run] = [...many.state.runs.values()];
  expect(run?.workflows?.get('many')?.results.size).toBe(TASKS);
  expect(run?.barriers.get('all')?.opened?.cause).toBe('all');
  expect(many.cost).toBeLessThan(5 * few.cost);
});

it('is written in rows that hold a bounded part of it, and is the same again when they are read', () => {
  const { state, facts } = work(TASKS, NODES, TASKS - 10);
  const rows = [...encodeState(state)];
  const own = rows.filter((row) => /^\["(workflow|part|member|run)"/.test(row));
  expect(Math.max(...own.map((row) => row.length))).toBeLessThan(40_000);
  expect([...encodeState(decodeState(rows))]).toEqual(rows);
  expect([...encodeState(foldFacts(facts))]).toEqual(rows);
});
