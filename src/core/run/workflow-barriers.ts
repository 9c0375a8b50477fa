/**
 * Barriers inside workflows (section 3.1 of plush-toit.2011): each task goes through them, as its own participant. A task that
 * waits frees its node for others, so that a barrier may wait for more tasks than there are nodes; a semaphore is different,
 * since it lets in what then works on a node: there the node itself stands in line with its task.
 */
import type { WorkflowBlockSpec } from '../../../api/spec.ts';
import type { Member, Run } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { parkedOn } from '../workflow/parking.ts';
import { type Attempt, attemptOf, type OpenTask } from '../workflow/workflow.ts';
import { participantOf } from './barrier-state.ts';
import { enterAt, leaveAt } from './barriers.ts';
import { type PlannedBarrier, type PlannedStep, planOf } from './plan.ts';
import { participantTask, taskParticipant, workflowOf } from './workflow-state.ts';
import { finishTask, handOut, orderStep, takeWorkOf } from './workflows.ts';

/** Begins a step of the task that a node works on, or goes on with. */
export function beginStep(tx: Transaction, run: Run, member: Member, number: number, name: string): void {
  const step = planOf(run.spec).steps.get(name);
  if (step?.spec.kind === 'process') orderStep(tx, run, member, name, number);
  else if (step !== undefined) enterTask(tx, run, member, number, step);
}

/** A task has come to a barrier block. */
function enterTask(tx: Transaction, run: Run, member: Member, number: number, step: PlannedStep): void {
  const { spec, workflow } = step;
  const planned = spec.kind === 'barrier' ? planOf(run.spec).barriers.get(spec.barrier) : undefined;
  if (planned === undefined) return;
  const block = spec.name;
  if (planned.spec.type === 'semaphore') {
    const participant = participantOf(member, workflow.name);
    enterAt(tx, run, member, planned, { block, number, participant });
    return;
  }
  const label = workflow.files?.[number - 1] ?? String(number);
  enterAt(tx, run, member, planned, {
    block,
    number,
    label,
    participant: taskParticipant(workflow.name, number),
  });
  tx.later(() => takeWorkOf(tx, run, member, workflow));
}

/** Nodes that have a task too, of which another attempt has just come to a barrier. */
export function losersAt(run: Run, participant: string, hostname: string): string[] {
  const task = participantTask(participant);
  const open = task && run.workflows?.get(task.workflow)?.open.get(task.number);
  return (open?.attempts ?? []).map((attempt) => attempt.hostname).filter((name) => name !== hostname);
}

/** What losers had is over, or being stopped: they do something else once nothing of it runs any more. */
export function freeLosers(tx: Transaction, run: Run, participant: string, losers: readonly string[]): void {
  const spec = workflowOf(run, participantTask(participant)?.workflow ?? '')?.spec;
  if (spec === undefined || losers.length === 0) return;
  tx.later(() => {
    for (const hostname of losers) {
      const member = run.members.get(hostname);
      if (member !== undefined) leaveIfIdle(tx, run, member, spec);
      if (member !== undefined) takeWorkOf(tx, run, member, spec);
    }
  });
}

/** A node with nothing to do in a workflow holds no place of its semaphores, and stands in no line. */
export function leaveIfIdle(tx: Transaction, run: Run, member: Member, spec: WorkflowBlockSpec): void {
  if (member.work?.get(spec.name)?.number !== undefined) return;
  const { barriers } = planOf(run.spec);
  for (const step of spec.blocks) {
    const planned = step.kind === 'barrier' ? barriers.get(step.barrier) : undefined;
    if (planned?.spec.type === 'semaphore')
      leaveAt(tx, run, planned, participantOf(member, spec.name), 'ended');
  }
}

/** A process is complete that was done inside a semaphore. */
export function leaveBehind(tx: Transaction, run: Run, member: Member, step: PlannedStep): void {
  const planned = planOf(run.spec).barriers.get(step.inside ?? '');
  if (planned !== undefined) leaveAt(tx, run, planned, participantOf(member, step.workflow.name), 'left');
}

/** Tasks go on behind a barrier that has let them. */
export function passTasks(
  tx: Transaction,
  run: Run,
  planned: PlannedBarrier,
  participants: readonly string[],
): void {
  if (run.state !== 'running' || run.restarting !== undefined) return;
  for (const participant of participants) {
    const task = participantTask(participant);
    const open = task && run.workflows?.get(task.workflow)?.open.get(task.number);
    if (task === undefined || open === undefined) continue;
    // Whoever came anew since waits until it is released.
    if (run.barriers.get(planned.spec.name)?.waiting.has(participant)) continue;
    for (const attempt of [...open.attempts])
      if (isAt(run, attempt, planned)) goOn(tx, run, task.workflow, open, attempt);
  }
  for (const name of planned.workflows.keys()) {
    const { workflow, spec } = workflowOf(run, name) ?? {};
    if (workflow !== undefined && spec !== undefined) handOut(tx, run, workflow, spec);
  }
}

function isAt(run: Run, { at }: Attempt, planned: PlannedBarrier): boolean {
  const spec = planOf(run.spec).steps.get(at ?? '')?.spec;
  return spec?.kind === 'barrier' && spec.barrier === planned.spec.name;
}

/** What follows the barrier block that an attempt is at. */
function goOn(tx: Transaction, run: Run, block: string, { number }: OpenTask, attempt: Attempt): void {
  const { steps } = planOf(run.spec);
  const { spec } = workflowOf(run, block) ?? {};
  const { hostname } = attempt;
  const member = run.members.get(hostname);
  if (spec === undefined) return;
  const next = steps.get(steps.get(attempt.at ?? '')?.next ?? '');
  const giveBack = () =>
    tx.emit('workflow_task_returned', {
      run_id: run.run_id,
      block,
      number,
      attempt: attempt.attempt,
      hostname,
    });
  // The node left its run after the barrier had let the task go, and before that was looked at.
  if (member === undefined) giveBack();
  else if (next === undefined) finishTask(tx, run, member, spec, false, number);
  else if (!next.onNode) enterTask(tx, run, member, number, next);
  else if (member.work?.get(block)?.number === number) beginStep(tx, run, member, number, next.spec.name);
  // Nothing of it lies on the node yet: whoever is idle may do it.
  else if (attempt.steps.length === 0) giveBack();
  else takeWorkOf(tx, run, member, spec);
}

/** A node goes on with a task that its barrier has let go. */
export function resumeTask(tx: Transaction, run: Run, member: Member, block: string, number: number): void {
  const workflow = run.workflows?.get(block);
  const { steps } = planOf(run.spec);
  const at = workflow && attemptOf(workflow, number, member.hostname)?.at;
  const next = steps.get(at ?? '')?.next;
  if (next !== undefined) beginStep(tx, run, member, number, next);
}

/** A node is inside a semaphore with the task that it works on; with nothing to do there it leaves again. */
export function passSemaphore(
  tx: Transaction,
  run: Run,
  planned: PlannedBarrier,
  participant: string,
  block: string,
): void {
  if (run.state !== 'running' || run.restarting !== undefined) return;
  const entry = run.barriers.get(planned.spec.name)?.entries.get(participant);
  const member = run.members.get(entry?.hostname ?? '');
  const workflow = run.workflows?.get(block);
  const open = workflow?.open.get(member?.work?.get(block)?.number ?? 0);
  const attempt = workflow && member && attemptOf(workflow, open?.number, member.hostname);
  if (entry?.state !== 'inside' || open === undefined || attempt === undefined) return;
  if (!isAt(run, attempt, planned)) return;
  const { steps } = planOf(run.spec);
  const next = steps.get(steps.get(attempt.at ?? '')?.next ?? '');
  if (next?.spec.kind !== 'process') leaveAt(tx, run, planned, participant, 'unused');
  goOn(tx, run, block, open, attempt);
}

/** All tasks of a workflow that a node has: the one that it works on, and those that it has parked. */
export function tasksOn(run: Run, { hostname, work }: Member, block: string): number[] {
  const workflow = run.workflows?.get(block);
  const number = work?.get(block)?.number;
  if (workflow === undefined) return [];
  const parked = parkedOn(workflow, hostname);
  return number === undefined || parked.includes(number) ? parked : [number, ...parked];
}

/** Before a node leaves its run: its tasks wait at no barrier any more. */
export function leaveWithTask(tx: Transaction, run: Run, { hostname }: Member, participant: string): void {
  for (const { name, entries, waiting } of run.barriers.values()) {
    if (waiting.has(participant) && entries.get(participant)?.hostname === hostname)
      tx.emit('barrier_left', { run_id: run.run_id, barrier: name, participant, cause: 'lost' });
  }
}
