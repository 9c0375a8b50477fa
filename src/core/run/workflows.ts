/**
 * The workflows of a run (section 6.3 of plush-toit.2011): an idle node takes the next task; at a knee of the finished ones the
 * unfinished are started again on the fastest idle nodes; the first to finish wins, and the others are stopped.
 */
import type { WorkflowBlockSpec } from '../../../api/spec.ts';
import type { GivenCause } from '../../../api/workflow-events.ts';
import type { InputOf, Timer } from '../input.ts';
import { MAX_UNCOLLECTED } from '../limits.ts';
import type { Member, Run, Work } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { firstReady } from '../workflow/parking.ts';
import { kneeNow, kneeWake } from '../workflow/straggling.ts';
import {
  attemptOf,
  countAgain,
  kneedOf,
  nextAttempt,
  nextNumber,
  type Workflow,
} from '../workflow/workflow.ts';
import { completed } from './advance.ts';
import { partDone, settleAll } from './barriers.ts';
import { taskId } from './evolve.ts';
import { type PlannedBlock, planOf, stepsInOrder } from './plan.ts';
import { endRun } from './recover.ts';
import {
  beginStep,
  leaveBehind,
  leaveIfIdle,
  leaveWithTask,
  resumeTask,
  tasksOn,
} from './workflow-barriers.ts';
import { taskParticipant, workflowOf } from './workflow-state.ts';

/** A workflow block is due on a node: it takes part, and its first task. */
export function joinWorkflow(
  tx: Transaction,
  run: Run,
  member: Member,
  { spec, component }: PlannedBlock,
): void {
  if (spec.kind !== 'workflow' || member.work?.has(spec.name)) return;
  const { run_id } = run;
  const { hostname } = member;
  tx.emit('workflow_joined', { run_id, block: spec.name, hostname });
  if (run.blocks.get(spec.name)?.state === 'waiting')
    tx.emit('block_changed', { run_id, block: spec.name, component, state: 'running' });
  const workflow = run.workflows?.get(spec.name);
  if (workflow === undefined) return;
  if (workflow.results.size === spec.num_tasks) completeOn(tx, run, member, spec);
  else takeNext(tx, run, member, workflow, spec);
}

/** Whether a node can begin a task now. One that does not answer gets none, nor one whose output does not get away. */
function mayTake(tx: Transaction, run: Run, member: Member, workflow: Workflow): boolean {
  if (run.state !== 'running' || run.restarting !== undefined) return false;
  if (run.members.get(member.hostname) !== member || !workflow.idle.has(member.hostname)) return false;
  if ((member.uncollected?.size ?? 0) >= MAX_UNCOLLECTED) return false;
  return tx.state.nodes.get(member.hostname)?.link === 'connected';
}

/** Gives an idle node something to do: what it had begun and may go on with, else the next task. */
function takeNext(
  tx: Transaction,
  run: Run,
  member: Member,
  workflow: Workflow,
  spec: WorkflowBlockSpec,
): void {
  const [first] = stepsInOrder(spec);
  // A task that begins at a barrier waits there, and leaves its node idle.
  while (mayTake(tx, run, member, workflow)) {
    const ready = firstReady(workflow, member.hostname);
    if (ready !== undefined) {
      resumeTask(tx, run, member, spec.name, ready);
      return;
    }
    const number = nextNumber(workflow, spec);
    if (number === undefined || first === undefined) return;
    const { run_id } = run;
    const cause = causeOf(workflow, number);
    tx.emit('workflow_task_started', {
      run_id,
      block: spec.name,
      number,
      attempt: nextAttempt(workflow, number),
      hostname: member.hostname,
      cause,
      ...(cause === 'straggler' ? { kneed: kneedOf(workflow), total: spec.num_tasks } : {}),
    });
    beginStep(tx, run, member, number, first.name);
  }
}

/** A node may have become idle in a workflow. */
export function takeWorkOf(tx: Transaction, run: Run, member: Member, spec: WorkflowBlockSpec): void {
  const workflow = run.workflows?.get(spec.name);
  if (workflow !== undefined) takeNext(tx, run, member, workflow, spec);
}

function causeOf({ open, returned }: Workflow, number: number): GivenCause {
  if (returned.has(number)) return 'returned';
  return open.has(number) ? 'straggler' : 'first';
}

/**
 * Orders a process of a task that the node has: for the first time, or once more under the next attempt.
 * @param of the task; without it the one that the node works on
 */
export function orderStep(tx: Transaction, run: Run, member: Member, block: string, of?: number): void {
  const step = planOf(run.spec).steps.get(block);
  const workflow = step && run.workflows?.get(step.workflow.name);
  const number = of ?? (workflow && member.work?.get(workflow.block)?.number);
  const current = workflow && attemptOf(workflow, number, member.hostname);
  if (workflow === undefined || number === undefined || current === undefined) return;
  const isAgain = member.tasks.get(block)?.number === number;
  const attempt = isAgain ? nextAttempt(workflow, number) : current.attempt;
  const { run_id } = run;
  const { hostname, index, component } = member;
  const state = run.components.get(component);
  const count = Math.max(state?.count ?? 0, state?.members.size ?? 0);
  const task_id = taskId(run_id, block, hostname, attempt, number);
  tx.emit('task_ordered', { run_id, task_id, block, hostname, attempt, index, count, number });
}

/** A process of a task is complete: the next one follows, or the task is finished. */
export function stepDone(tx: Transaction, run: Run, member: Member, block: string): void {
  const step = planOf(run.spec).steps.get(block);
  const number = step && member.work?.get(step.workflow.name)?.number;
  if (step === undefined || number === undefined) return;
  leaveBehind(tx, run, member, step);
  if (step.next !== undefined) beginStep(tx, run, member, number, step.next);
  else finishTask(tx, run, member, step.workflow, false);
}

/**
 * A task that a node has is over: with its result, or ignored without one.
 * @param of the task; without it the one that the node works on
 */
export function finishTask(
  tx: Transaction,
  run: Run,
  member: Member,
  spec: WorkflowBlockSpec,
  ignored: boolean,
  of?: number,
): void {
  const workflow = run.workflows?.get(spec.name);
  const number = of ?? member.work?.get(spec.name)?.number;
  const open = number === undefined ? undefined : workflow?.open.get(number);
  const own = workflow && attemptOf(workflow, number, member.hostname);
  if (workflow === undefined || open === undefined || own === undefined) return;
  const losers = open.attempts.filter((attempt) => attempt !== own).map((attempt) => attempt.hostname);
  tx.emit('workflow_task_finished', {
    run_id: run.run_id,
    block: spec.name,
    number: open.number,
    attempt: own.attempt,
    hostname: member.hostname,
    done: workflow.results.size + 1,
    total: spec.num_tasks,
    losers,
    ...(ignored ? { ignored } : {}),
  });
  for (const hostname of [member.hostname, ...losers]) {
    const free = run.members.get(hostname);
    if (free !== undefined) leaveIfIdle(tx, run, free, spec);
  }
  // One fewer comes to the barriers inside.
  if (ignored) settleAll(tx, run);
  if (workflow.results.size === spec.num_tasks) {
    endWorkflow(tx, run, spec);
    return;
  }
  for (const hostname of [member.hostname, ...losers]) {
    const free = run.members.get(hostname);
    if (free !== undefined) takeNext(tx, run, free, workflow, spec);
  }
}

/** Every task has its result: the block is complete on all nodes that take part, once nothing has to be stopped there. */
function endWorkflow(tx: Transaction, run: Run, spec: WorkflowBlockSpec): void {
  const component = planOf(run.spec).blocks.get(spec.name)?.component ?? '';
  for (const hostname of run.components.get(component)?.members ?? []) {
    const member = run.members.get(hostname);
    const work = member?.work?.get(spec.name);
    if (member !== undefined && work !== undefined && work.number === undefined)
      completeOn(tx, run, member, spec);
  }
}

function completeOn(tx: Transaction, run: Run, member: Member, { name }: WorkflowBlockSpec): void {
  tx.emit('blocks_completed', {
    run_id: run.run_id,
    hostname: member.hostname,
    blocks: [name],
    skipped: false,
  });
  tx.later(() => {
    if (run.ending !== undefined || run.restarting !== undefined) return;
    completed(tx, run, member, name);
    partDone(tx, run, member);
  });
}

/** An attempt that came too late is over: its node can do something else, or is through with the workflow. */
export function beatenEnded(tx: Transaction, run: Run, member: Member, block: string): void {
  const step = planOf(run.spec).steps.get(block);
  const workflow = step && run.workflows?.get(step.workflow.name);
  if (step === undefined || workflow === undefined) return;
  leaveIfIdle(tx, run, member, step.workflow);
  if (workflow.results.size === step.workflow.num_tasks) completeOn(tx, run, member, step.workflow);
  else takeNext(tx, run, member, workflow, step.workflow);
}

/** A node answers again, or its output got away: it begins what waits for it. */
export function takeWork(tx: Transaction, run: Run, member: Member): void {
  for (const block of member.work?.keys() ?? []) {
    const found = workflowOf(run, block);
    if (found !== undefined) takeNext(tx, run, member, found.workflow, found.spec);
  }
}

/** Before a node leaves its run: its tasks are anybody's again. */
export function returnWork(tx: Transaction, run: Run, member: Member): void {
  const { hostname } = member;
  const { run_id } = run;
  for (const block of member.work?.keys() ?? []) {
    const workflow = run.workflows?.get(block);
    for (const number of tasksOn(run, member, block)) {
      const own = workflow && attemptOf(workflow, number, hostname);
      if (own === undefined) continue;
      leaveWithTask(tx, run, member, taskParticipant(block, number));
      tx.emit('workflow_task_returned', { run_id, block, number, attempt: own.attempt, hostname });
    }
  }
  if ((member.work?.size ?? 0) > 0) tx.later(() => handOutAll(tx, run, member.component));
}

function handOutAll(tx: Transaction, run: Run, component: string): void {
  for (const { spec } of planOf(run.spec).ofComponent.get(component) ?? []) {
    const workflow = run.workflows?.get(spec.name);
    if (spec.kind === 'workflow' && workflow !== undefined) handOut(tx, run, workflow, spec);
  }
}

/** Gives what waits to idle nodes, the fastest first. */
export function handOut(tx: Transaction, run: Run, workflow: Workflow, spec: WorkflowBlockSpec): void {
  if (nextNumber(workflow, spec) === undefined) return;
  const idle = [...workflow.idle].flatMap((hostname) => {
    const member = run.members.get(hostname);
    const work = member?.work?.get(spec.name);
    return member === undefined || work === undefined ? [] : [{ member, ms: usualMs(work) }];
  });
  idle.sort((a, b) => a.ms - b.ms || a.member.index - b.member.index);
  for (const { member } of idle) {
    if (nextNumber(workflow, spec) === undefined) return;
    takeNext(tx, run, member, workflow, spec);
  }
}

/** How long a node takes for a task; one that has finished none is the slowest. */
function usualMs({ tasks, ms }: Work): number {
  return tasks === 0 ? Number.MAX_SAFE_INTEGER : ms / tasks;
}

/** The time has come to look for a knee; a timer that rang early is set again. */
export function workflowDue(tx: Transaction, timer: Extract<Timer, { kind: 'workflow' }>): void {
  const { run_id, block } = timer;
  const run = tx.state.runs.get(run_id);
  const { workflow, spec } = workflowOf(run, block) ?? {};
  if (run === undefined || workflow === undefined || spec === undefined) return;
  if (run.state !== 'running' || run.restarting !== undefined) return;
  const knee = kneeNow(workflow, spec, tx.nowMs);
  const again = knee === 'again' ? countAgain(workflow, spec) : 0;
  if (again > 0 || knee === 'ignored') {
    const done = workflow.results.size;
    tx.emit('workflow_knee', { run_id, block, done, total: spec.num_tasks, again });
    handOut(tx, run, workflow, spec);
  }
  const wake = kneeWake(workflow, spec, tx.nowMs);
  if (tx.facts.length === 0 && wake !== undefined)
    tx.effects.push({ type: 'timer', timer, delayMs: wake - tx.nowMs });
}

export function taskCollected(
  tx: Transaction,
  { hostname, run_id, task_id }: InputOf<'task_collected'>,
): void {
  const run = tx.state.runs.get(run_id);
  const current = run?.members.get(hostname);
  const member = current ?? run?.past.findLast((past) => past.hostname === hostname);
  if (run === undefined || !member?.uncollected?.has(task_id)) return;
  tx.emit('task_collected', { run_id, task_id });
  if (current !== undefined) takeWork(tx, run, current);
}

/**
 * A workflow has unfinished tasks, and every node that its component has now goes on without it: nobody will ever do them.
 * False for any other block.
 */
export function endIfStranded(tx: Transaction, run: Run, block: string): boolean {
  const planned = planOf(run.spec).blocks.get(block);
  if (planned?.spec.kind !== 'workflow') return false;
  const { num_tasks } = planned.spec;
  const done = run.workflows?.get(block)?.results.size ?? 0;
  if (done === num_tasks) return false;
  const members = run.components.get(planned.component)?.members ?? new Set();
  for (const hostname of members) {
    const { skipped, completed } = run.members.get(hostname) ?? {};
    // Before all tasks are done, only a node that came late to a barrier is through with it: it has skipped it to catch up.
    if (!skipped?.has(block) && !completed?.has(block)) return true;
  }
  const message = `No node is left for the ${num_tasks - done} unfinished tasks of workflow "${block}": all go on without it, since what it waits for was ignored, or to catch up with a barrier`;
  endRun(tx, run, 'failed', 'workflow_stranded', message);
  return true;
}
