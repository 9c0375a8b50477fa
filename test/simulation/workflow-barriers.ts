/** Barriers inside workflows in simulations: random ones, and what must hold of the tasks that go through them. */
import { strict as assert } from 'node:assert';
import type { BarrierBlockSpec, BarrierSpec, ProcessBlockSpec, WorkflowBlockSpec } from '../../api/spec.ts';
import { planOf, stepsInOrder } from '../../src/core/run/plan.ts';
import { participantTask, taskParticipant } from '../../src/core/run/workflow-state.ts';
import type { Run } from '../../src/core/state.ts';
import { attemptOf, type Workflow } from '../../src/core/workflow/workflow.ts';
import type { Chance } from './chance.ts';
import type { Controller } from './controller.ts';

type Step = ProcessBlockSpec | BarrierBlockSpec;

/** Puts one or two barriers between the steps of a workflow, or at either end of it. */
export function addInside(
  chance: Chance,
  { name }: { readonly name: string },
  steps: readonly ProcessBlockSpec[],
  barriers: BarrierSpec[],
): Step[] {
  let all: Step[] = [...steps];
  for (let i = chance.pick([1, 1, 2]); i > 0; i -= 1) {
    const barrier = `in-${name}-${i}`;
    const at = chance.int(0, all.length);
    barriers.push(randomInside(chance, barrier));
    all = all.toSpliced(at, 0, { kind: 'barrier', name: `gate-${name}-${i}`, barrier, predecessors: [] });
  }
  // One behind the other, as they stand.
  return all.map((step, i) => ({ ...step, predecessors: i === 0 ? [] : [(all[i - 1] as Step).name] }));
}

function randomInside(chance: Chance, name: string): BarrierSpec {
  const type = chance.pick(['traditional', 'traditional', 'early', 'throttled', 'semaphore'] as const);
  const some = <K extends keyof BarrierSpec>(key: K, value: BarrierSpec[K]) =>
    chance.is(0.4) ? { [key]: value } : {};
  return {
    name,
    type,
    ...(type === 'semaphore'
      ? { concurrency: chance.int(1, 3), ...some('hold_timeout_ms', chance.int(1000, 60_000)) }
      : {}),
    ...(type === 'early' ? { percent: chance.int(1, 100), ...some('knee', 'ewma') } : {}),
    ...(type === 'throttled' ? { rate: chance.int(1, 3), interval_ms: chance.int(1, 10_000) } : {}),
    ...(type !== 'semaphore' && chance.is(0.1) ? { manual: true } : {}),
  };
}

/** Whoever waits for a task of the workflow is where it is done, and nobody else does it meanwhile. */
export function checkWaiting(run: Run, workflow: Workflow): void {
  for (const { name, waiting, entries } of run.barriers.values()) {
    for (const participant of waiting) {
      const task = participantTask(participant);
      if (task?.workflow !== workflow.block) continue;
      const label = `${run.run_id} ${name}: ${participant}`;
      const attempts = workflow.open.get(task.number)?.attempts;
      // Its program has entered without waiting, and it is over.
      if (attempts === undefined) continue;
      assert.deepEqual(
        attempts.map(({ hostname }) => hostname),
        [entries.get(participant)?.hostname],
        `${label} waits for a task that is done elsewhere`,
      );
    }
  }
  let waiting = 0;
  for (const [hostname, place] of workflow.parked) {
    waiting += place.waiting.size;
    for (const number of place.waiting) {
      const at = attemptOf(workflow, number, hostname)?.at ?? '';
      const spec = planOf(run.spec).steps.get(at)?.spec;
      const barrier = run.barriers.get(spec?.kind === 'barrier' ? spec.barrier : '');
      const participant = taskParticipant(workflow.block, number);
      assert(barrier?.waiting.has(participant), `${run.run_id}: ${participant} waits at no barrier`);
    }
  }
  assert.equal(workflow.waiting, waiting, `${run.run_id} ${workflow.block}: waiting`);
}

/** What the facts so far say of one run. */
interface Story {
  /** BARRIER PARTICIPANT of those that were let go, or let in. */
  readonly through: Set<string>;
  /** Tasks that went without a result, by workflow. */
  readonly ignored: Map<string, Set<number>>;
  /** Participants that have entered, by barrier. */
  readonly entered: Map<string, Set<string>>;
}

/**
 * No process behind a barrier was ordered before its task was let go there (or its node was let into a semaphore), and no
 * barrier for all the tasks of a workflow opened before all of them had come that still could.
 */
export function checkInside({ durable, state }: Controller): void {
  const stories = new Map<string, Story>();
  for (const { type, body } of durable) {
    if (type === 'run_started' || type === 'run_restarted')
      stories.set(body.run_id, { through: new Set(), ignored: new Map(), entered: new Map() });
    const run_id = 'run_id' in body ? body.run_id : undefined;
    const run = state.runs.get(run_id ?? '');
    const story = stories.get(run_id ?? '');
    if (run === undefined || story === undefined) continue;
    const plan = planOf(run.spec);
    if (type === 'barrier_entered') {
      const entered = story.entered.get(body.barrier) ?? new Set();
      story.entered.set(body.barrier, entered.add(body.participant));
    } else if (type === 'barrier_left') {
      // A place may be taken back from a process that goes on, and begins again.
      if (plan.barriers.get(body.barrier)?.spec.type === 'semaphore') continue;
      story.through.delete(`${body.barrier} ${body.participant}`);
      story.entered.get(body.barrier)?.delete(body.participant);
    } else if (type === 'barrier_released') {
      for (const participant of body.participants) story.through.add(`${body.barrier} ${participant}`);
      const { workflows, components } = plan.barriers.get(body.barrier) ?? {};
      if (body.cause !== 'all' || workflows === undefined || components?.size !== 0) continue;
      let least = 0;
      for (const { name, num_tasks } of workflows.values())
        least += num_tasks - (story.ignored.get(name)?.size ?? 0);
      const count = story.entered.get(body.barrier)?.size ?? 0;
      assert(count >= least, `${run_id} ${body.barrier} opened with ${count} of ${least}`);
    } else if (type === 'workflow_task_finished' && body.ignored) {
      const ignored = story.ignored.get(body.block) ?? new Set();
      story.ignored.set(body.block, ignored.add(body.number));
    } else if (type === 'task_ordered' && body.number !== undefined) {
      const step = plan.steps.get(body.block);
      if (step === undefined) continue;
      const place = `${step.component}/${body.index}/${step.workflow.name}`;
      checkStep(step.workflow, body, place, story);
    }
  }
}

function checkStep(
  workflow: WorkflowBlockSpec,
  { task_id, block, number }: { task_id: string; block: string; number?: number },
  place: string,
  { through }: Story,
): void {
  for (const step of stepsInOrder(workflow)) {
    if (step.name === block) return;
    if (step.kind !== 'barrier') continue;
    const isThrough =
      through.has(`${step.barrier} ${workflow.name}#${number}`) || through.has(`${step.barrier} ${place}`);
    assert(isThrough, `${task_id} was ordered before barrier ${step.barrier} let it go`);
  }
}
