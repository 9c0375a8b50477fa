/** Who the process of a workflow's task is at a barrier, when it asks for itself or its task. */
import { Rejection } from '../rejection.ts';
import type { Member, Run } from '../state.ts';
import { attemptOf } from '../workflow/workflow.ts';
import { participantOf } from './barrier-state.ts';
import { type PlannedBarrier, type PlannedStep, planOf } from './plan.ts';
import { tasksOn } from './workflow-barriers.ts';
import { taskParticipant } from './workflow-state.ts';

/** Who asks: the block of the process, whether it means itself, and the number of its task where that is known. */
export interface Asker {
  readonly block?: string | undefined;
  readonly own: boolean;
  readonly number?: number | undefined;
}

/** The step whose process asks, where the barrier has a block in its workflow: it is the task that takes part then. */
export function askingTask(
  { workflows }: PlannedBarrier,
  run: Run,
  block: string | undefined,
): PlannedStep | undefined {
  const step = planOf(run.spec).steps.get(block ?? '');
  return step !== undefined && workflows.has(step.workflow.name) ? step : undefined;
}

/**
 * The participant that a process means. That of a workflow's task goes with the task from node to node; at a semaphore it is
 * the process on its node that takes the place.
 * @throws Rejection NOT_A_PARTICIPANT
 */
export function participantAsking(
  run: Run,
  planned: PlannedBarrier,
  member: Member,
  { block, own, number }: Asker,
): string {
  const step = planOf(run.spec).steps.get(block ?? '');
  const isMeant = askingTask(planned, run, block) !== undefined;
  if (step === undefined || (!own && !isMeant)) return participantOf(member, own ? block : undefined);
  const { name } = step.workflow;
  if (planned.spec.type === 'semaphore') return participantOf(member, own ? block : name);
  const task = number ?? member.work?.get(name)?.number;
  const workflow = run.workflows?.get(name);
  const isIts = workflow !== undefined && attemptOf(workflow, task, member.hostname) !== undefined;
  if (task === undefined || !isIts) {
    const what = task === undefined ? 'a task' : `task ${task}`;
    const message = `Node "${member.hostname}" does not do ${what} of workflow "${name}" now: only who does enters for it`;
    throw new Rejection('NOT_A_PARTICIPANT', message, { hostname: member.hostname, block: name });
  }
  return taskParticipant(name, task);
}

/** The tasks of workflows that a node has and that may wait at a barrier. */
export function tasksWaitingAt(run: Run, { workflows }: PlannedBarrier, member: Member): string[] {
  return [...workflows.keys()].flatMap((name) =>
    tasksOn(run, member, name).map((number) => taskParticipant(name, number)),
  );
}
