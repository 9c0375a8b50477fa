/** Barriers in simulations: random ones, people and tasks that meddle with them, and what must hold. */
import { strict as assert } from 'node:assert';
import type { BarrierSpec, BlockSpec, ComponentBlockSpec } from '../../api/spec.ts';
import { roomOf } from '../../src/core/barrier/pace.ts';
import { nextStep } from '../../src/core/barrier/rules.ts';
import { expectedAt } from '../../src/core/run/barrier-state.ts';
import { INSTALL_BARRIER, planOf } from '../../src/core/run/plan.ts';
import { taskParticipant } from '../../src/core/run/workflow-state.ts';
import type { Run, RunBarrier, State } from '../../src/core/state.ts';
import type { Chance } from './chance.ts';
import type { Controller } from './controller.ts';

type Parent = { -readonly [K in keyof ComponentBlockSpec]: ComponentBlockSpec[K] };

/**
 * Puts barriers between the blocks of component blocks, each for one component block alone; and one at the beginning of all
 * that wait for nothing, which meet there.
 */
export function addBarriers(chance: Chance, parents: Parent[]): BarrierSpec[] {
  const barriers: BarrierSpec[] = [];
  for (const parent of parents) {
    if (chance.is(0.4)) continue;
    const name = `at-${parent.name}`;
    const before = parent.blocks.slice(0, chance.int(0, parent.blocks.length)).map((block) => block.name);
    const block: BlockSpec = {
      kind: 'barrier',
      name: `wait-${parent.name}`,
      barrier: name,
      predecessors: before,
    };
    const rest = parent.blocks.map((one) =>
      before.includes(one.name) ? one : { ...one, predecessors: [...one.predecessors, block.name] },
    );
    parent.blocks = [...rest, block];
    barriers.push(randomBarrier(chance, name));
  }
  const first = parents.filter((parent) => parent.predecessors.length === 0);
  if (first.length < 2 || chance.is(0.5)) return barriers;
  for (const parent of first) {
    const block: BlockSpec = {
      kind: 'barrier',
      name: `meet-${parent.name}`,
      barrier: 'meet',
      predecessors: [],
    };
    parent.blocks = [...parent.blocks, block];
  }
  return [...barriers, randomBarrier(chance, 'meet')];
}

function randomBarrier(chance: Chance, name: string): BarrierSpec {
  const some = <K extends keyof BarrierSpec>(key: K, value: BarrierSpec[K]) =>
    chance.is(0.4) ? { [key]: value } : {};
  const type = chance.pick(['traditional', 'early', 'early', 'throttled', 'semaphore'] as const);
  return {
    name,
    type,
    ...some('percent', chance.int(1, 100)),
    ...some('timeout_ms', chance.int(0, 60_000)),
    ...some('knee', chance.pick(['ewma', 'kneedle'])),
    ...some('min_percent', chance.int(1, 100)),
    ...some('min_wait_ms', chance.int(0, 20_000)),
    ...(chance.is(0.1) ? { manual: true } : {}),
    ...(chance.is(0.4) ? { late: chance.pick(['pass', 'remove', 'replace', 'catchup'] as const) } : {}),
    ...(type === 'throttled' ? { rate: chance.int(1, 3), interval_ms: chance.int(1, 10_000) } : {}),
    ...(type === 'semaphore'
      ? { concurrency: chance.int(1, 3), hold_timeout_ms: chance.int(1000, 60_000) }
      : {}),
    ...(type === 'semaphore' ? some('adaptive', chance.pick(['median', 'gradient2'])) : {}),
  };
}

/** Somebody enters, leaves or releases what it should, or should not. */
export function meddle(chance: Chance, controller: Controller, hostname: string): void {
  const run = chance.pick([...controller.state.runs.values()]);
  if (run === undefined) return;
  const { run_id } = run;
  const barrier = chance.pick([...planOf(run.spec).barriers.keys()]);
  const block = chance.pick([...planOf(run.spec).blocks.keys()]);
  const acts = [
    () => controller.submit({ type: 'enter_barrier', run_id, barrier, hostname }),
    () => controller.submit({ type: 'enter_barrier', run_id, barrier, hostname, block }),
    () => controller.submit({ type: 'leave_barrier', run_id, barrier, hostname }),
    () => {
      const told = () => ({ inside: chance.int(-1, 40), bytes_per_second: chance.pick([0, 1, 1e6, 1e300]) });
      const measures = Array.from({ length: chance.int(0, 4) }, told);
      const unevenness = chance.pick([0, 1]);
      controller.submit({ type: 'transfers_measured', run_id, measures, progress: 0.1, unevenness });
    },
    () => controller.submit({ type: 'release_barrier', run_id, barrier }),
    () => controller.submit({ type: 'release_barrier', run_id, barrier, hostnames: [hostname] }),
    () => controller.submit({ type: 'timer', timer: { kind: 'barrier', run_id, barrier } }),
    () => askForTask(chance, controller, run, { hostname, barrier }),
    () => askForTask(chance, controller, run, { hostname, barrier }),
    () => {
      const task_id = `${run_id}/${block}/${hostname}/1`;
      const op = chance.pick(['enter', 'leave', 'status'] as const);
      controller.submit({ type: 'barrier_ask', hostname, ask: { id: 1, op, task_id, barrier } });
    },
  ];
  chance.pick(acts)();
}

/** The process of a workflow's task asks, for its task or its node, now or when it is over. */
function askForTask(
  chance: Chance,
  controller: Controller,
  { run_id, members }: Run,
  { hostname, barrier }: { readonly hostname: string; readonly barrier: string },
): void {
  const tasks = [...(members.get(hostname)?.tasks.values() ?? [])].filter(
    ({ number }) => number !== undefined,
  );
  const task = chance.pick(tasks);
  if (task === undefined) return;
  const op = chance.pick(['enter', 'enter', 'leave', 'status'] as const);
  const ask = { id: 1, op, task_id: task.task_id, barrier, own: chance.is(0.6) };
  if (chance.is(0.7)) controller.submit({ type: 'barrier_ask', hostname, ask });
  else controller.submit({ type: 'enter_barrier', run_id, barrier, hostname, block: task.block });
}

/** Releases every barrier that waits for it. */
export function releaseAll(controller: Controller): void {
  const { state } = controller;
  for (const run_id of [...state.active]) {
    for (const { name: barrier, manual } of state.runs.get(run_id)?.spec.barriers ?? []) {
      if (manual) controller.submit({ type: 'release_barrier', run_id, barrier });
    }
  }
}

/** Counters agree with the members, and nobody waits for what is due. */
export function checkBarriers(state: State): void {
  for (const run_id of state.active) {
    const run = state.runs.get(run_id) as Run;
    if (run.state !== 'running') continue;
    for (const barrier of run.barriers.values()) {
      const planned = planOf(run.spec).barriers.get(barrier.name);
      assert(planned !== undefined);
      const absent = [...run.members.values()].filter((member) => member.absent?.has(barrier.name)).length;
      assert.equal(barrier.absent - missedBy(run, barrier), absent, `${barrier.name}: absent`);
      const waiting = [...barrier.entries.values()].filter((entry) => entry.state === 'waiting').length;
      assert.equal(barrier.waiting.size, waiting, `${barrier.name}: waiting`);
      const inside = [...barrier.entries.values()].filter((entry) => entry.state === 'inside').length;
      assert.equal(barrier.inside.size, inside, `${barrier.name}: inside`);
      if (planned.spec.adaptive === undefined && planned.spec.type === 'semaphore')
        assert(inside <= roomOf(barrier.pace), `${barrier.name}: too many inside`);
      // Barriers of an application that is begun again are about to go; only the line at the transfers goes on.
      if (run.restarting !== undefined && barrier.name !== INSTALL_BARRIER.name) continue;
      const due = nextStep(planned.spec, barrier, expectedAt(run, planned), Number.NEGATIVE_INFINITY);
      assert.equal(due, undefined, `${barrier.name}: ${due?.kind} is due without time having to pass`);
    }
  }
}

/** Tasks of workflows that went without a result before they came to the barrier. */
function missedBy(run: Run, { name, entries }: RunBarrier): number {
  let missed = 0;
  for (const workflow of planOf(run.spec).barriers.get(name)?.workflows.keys() ?? []) {
    for (const [number, { ignored }] of run.workflows?.get(workflow)?.results ?? [])
      if (ignored && !entries.has(taskParticipant(workflow, number))) missed += 1;
  }
  return missed;
}

interface Model {
  readonly entered: Set<string>;
  firstMs: number;
}

/** No barrier opened before its specification allowed it, as far as the facts tell. */
export function checkReleases({ durable, state }: Controller): void {
  const models = new Map<string, Model>();
  for (const { type, time, body } of durable) {
    if (type === 'run_restarted') {
      for (const key of models.keys()) if (key.startsWith(`${body.run_id} `)) models.delete(key);
    }
    if (type !== 'barrier_entered' && type !== 'barrier_released' && type !== 'barrier_left') continue;
    const key = `${body.run_id} ${body.barrier}`;
    const run = state.runs.get(body.run_id);
    const spec = run && planOf(run.spec).barriers.get(body.barrier)?.spec;
    if (spec === undefined) continue;
    const model = models.get(key) ?? { entered: new Set(), firstMs: Date.parse(time) };
    models.set(key, model);
    if (type === 'barrier_entered') {
      if (model.entered.size === 0) model.firstMs = Date.parse(time);
      model.entered.add(body.participant);
      if (spec.type !== 'semaphore') assert.equal(body.entered, model.entered.size, `${key}: entered`);
    } else if (type === 'barrier_left') {
      if (spec.type !== 'semaphore') model.entered.delete(body.participant);
    } else if (body.opens && body.cause !== 'manual') {
      const waitedMs = Date.parse(time) - model.firstMs;
      if (body.cause === 'timeout') assert(waitedMs >= (spec.timeout_ms ?? Number.POSITIVE_INFINITY), key);
      if (body.cause !== 'all') {
        assert.notEqual(spec.type, 'traditional', key);
        assert(waitedMs >= (spec.min_wait_ms ?? 0), `${key}: opened before the shortest wait`);
      }
      for (const participant of body.participants)
        assert(model.entered.has(participant), `${key}: ${participant}`);
    }
  }
}
