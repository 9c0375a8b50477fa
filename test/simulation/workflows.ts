/** Workflows in simulations: random ones, and what must hold of them. */
import { strict as assert } from 'node:assert';
import type { Fact } from '../../api/events.ts';
import type { BarrierSpec, ComponentBlockSpec, ProcessBlockSpec, WorkflowBlockSpec } from '../../api/spec.ts';
import { MAX_UNCOLLECTED } from '../../src/core/limits.ts';
import { planOf } from '../../src/core/run/plan.ts';
import { isLive } from '../../src/core/run/workflow-state.ts';
import type { Run, State } from '../../src/core/state.ts';
import { firstReady, parkedOn } from '../../src/core/workflow/parking.ts';
import { attemptOf, nextNumber, type Workflow } from '../../src/core/workflow/workflow.ts';
import { makeBlock } from '../scenario/application.ts';
import type { Chance } from './chance.ts';
import type { Controller } from './controller.ts';
import { addInside, checkWaiting } from './workflow-barriers.ts';

type Parent = { -readonly [K in keyof ComponentBlockSpec]: ComponentBlockSpec[K] };
type MakeStep = (name: string, predecessors: readonly string[]) => ProcessBlockSpec;

/** Gives some component blocks a workflow, which may wait for other blocks and may be waited for. */
export function addWorkflows(chance: Chance, parents: Parent[], policies: () => object): BarrierSpec[] {
  const barriers: BarrierSpec[] = [];
  const makeStep: MakeStep = (name, predecessors) => {
    const block = makeBlock(name, predecessors);
    return { ...block, process: { ...block.process, ...policies() } };
  };
  for (const parent of parents) {
    if (chance.is(0.4)) continue;
    const before = parent.blocks.slice(0, chance.int(0, parent.blocks.length)).map((block) => block.name);
    const workflow = randomWorkflow(chance, `wf-${parent.name}`, before, makeStep, barriers);
    const isAwaited = chance.is(0.5);
    const rest = parent.blocks.slice(before.length).map((one) => ({
      ...one,
      predecessors: [...one.predecessors, ...(isAwaited ? [workflow.name] : [])],
    }));
    // Each block stands behind what it waits for.
    parent.blocks = [...parent.blocks.slice(0, before.length), workflow, ...rest];
  }
  return barriers;
}

function randomWorkflow(
  chance: Chance,
  name: string,
  predecessors: readonly string[],
  makeStep: MakeStep,
  barriers: BarrierSpec[],
): WorkflowBlockSpec {
  const first = `${name}-first`;
  const steps = [makeStep(first, []), ...(chance.is(0.4) ? [makeStep(`${name}-second`, [first])] : [])];
  const blocks = chance.is(0.4) ? addInside(chance, { name }, steps, barriers) : steps;
  const base = {
    kind: 'workflow',
    name,
    id: name,
    predecessors,
    num_tasks: chance.int(1, 14),
    blocks,
  } as const;
  if (chance.is(0.2)) return base;
  const wait = chance.is(0.3) ? { min_wait_ms: chance.int(1, 20_000) } : {};
  const reallocation = {
    knee: chance.pick(['ewma', 'kneedle'] as const),
    min_percent: chance.int(1, 100),
    max_attempts: chance.int(1, 3),
    ...wait,
  };
  return { ...base, reallocation };
}

/** What is known of each workflow agrees with what its nodes do, and nobody is idle while something waits for him. */
export function checkWorkflows(state: State): void {
  for (const run_id of state.active) {
    const run = state.runs.get(run_id) as Run;
    if (run.state !== 'running' || run.restarting !== undefined) continue;
    for (const workflow of run.workflows?.values() ?? []) checkWorkflow(state, run, workflow);
  }
}

function checkWorkflow(state: State, run: Run, workflow: Workflow): void {
  const { block, open, returned, again, results, idle, next } = workflow;
  const spec = planOf(run.spec).blocks.get(block)?.spec as WorkflowBlockSpec;
  const label = `${run.run_id} ${block}`;
  assert.equal(open.size + results.size, next - 1, `${label}: a task is neither open nor finished`);
  for (const number of results.keys()) assert(!open.has(number), `${label}: ${number} is open and finished`);
  const unowned = [...open.values()].filter(({ attempts }) => attempts.length === 0);
  assert.deepEqual([...returned].sort(), unowned.map(({ number }) => number).sort(), `${label}: returned`);
  for (const number of again) assert(open.get(number)?.attempts.length !== 0, `${label}: ${number} again`);
  for (const { number, attempts } of open.values()) {
    assert(attempts.length <= (spec.reallocation?.max_attempts ?? 1), `${label}: attempts at ${number}`);
    for (const { hostname } of attempts) {
      const isParked = parkedOn(workflow, hostname).includes(number);
      const isAtWork = run.members.get(hostname)?.work?.get(block)?.number === number;
      assert(isParked !== isAtWork, `${label}: ${hostname}`);
    }
  }
  checkWaiting(run, workflow);
  for (const member of run.members.values()) {
    const work = member.work?.get(block);
    assert.equal(
      idle.has(member.hostname),
      work !== undefined && work.number === undefined,
      `${label}: idle`,
    );
    if (work?.number === undefined) continue;
    const tasks = [...member.tasks.values()].filter((task) => task.number === work.number);
    const goesOn = tasks.some((task) => isLive(task) || task.restart_at !== undefined);
    const isInLine = attemptOf(workflow, work.number, member.hostname)?.at !== undefined;
    assert(goesOn || isInLine, `${label}: ${member.hostname} does nothing for ${work.number}`);
  }
  for (const hostname of idle) {
    assert(run.members.has(hostname), `${label}: ${hostname} is idle and gone`);
    const isFull = (run.members.get(hostname)?.uncollected?.size ?? 0) >= MAX_UNCOLLECTED;
    if (isFull || state.nodes.get(hostname)?.link !== 'connected') continue;
    assert.equal(firstReady(workflow, hostname), undefined, `${label}: ${hostname} is idle and may go on`);
    assert.equal(nextNumber(workflow, spec), undefined, `${label}: ${hostname} is idle`);
  }
}

/** Each task has one result, of an attempt that ended well; in a run that succeeded, every task has it. */
export function checkResults(controller: Controller, succeeded: ReadonlySet<string>): void {
  const results = new Map<string, Set<number>>();
  for (const fact of controller.durable) {
    if (fact.type === 'run_restarted') {
      for (const key of results.keys()) if (key.startsWith(`${fact.body.run_id} `)) results.delete(key);
    }
    if (fact.type === 'workflow_task_finished') checkResult(controller, fact, results, succeeded);
  }
  for (const run of controller.state.runs.values()) {
    if (run.state !== 'succeeded' || run.ending?.cause === 'end_application') continue;
    for (const { spec } of planOf(run.spec).blocks.values()) {
      if (spec.kind !== 'workflow') continue;
      const isSkipped = [...run.members.values()].every(({ work }) => !work?.has(spec.name));
      const count = results.get(`${run.run_id} ${spec.name}`)?.size ?? 0;
      if (!isSkipped)
        assert.equal(count, spec.num_tasks, `${run.run_id} succeeded without all of ${spec.name}`);
    }
  }
}

function checkResult(
  { state }: Controller,
  { body }: Extract<Fact, { type: 'workflow_task_finished' }>,
  results: Map<string, Set<number>>,
  succeeded: ReadonlySet<string>,
): void {
  const { run_id, block, number, hostname, ignored } = body;
  const key = `${run_id} ${block}`;
  const done = results.get(key) ?? new Set();
  results.set(key, done);
  assert(!done.has(number), `${key}: ${number} has two results`);
  done.add(number);
  assert.equal(body.done, done.size, `${key}: done`);
  const run = state.runs.get(run_id);
  if (ignored || run === undefined) return;
  for (const [name, step] of planOf(run.spec).steps) {
    if (step.workflow.name !== block || step.spec.kind !== 'process') continue;
    const id = `${run_id}/${name}/${hostname}/${number}`;
    assert(succeeded.has(id), `${key}: ${number} counts, but ${name} did not end well on ${hostname}`);
  }
}
