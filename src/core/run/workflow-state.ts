/** A run's workflows as questions of the state, and how facts change them. */
import type { WorkflowBlockSpec } from '../../../api/spec.ts';
import type { Evolver } from '../evolve.ts';
import type { Member, Run, State, Task, Work } from '../state.ts';
import { letGo, park, takeUp } from '../workflow/parking.ts';
import {
  type Attempt,
  arrivalsOf,
  arrived,
  attemptOf,
  beginAgain,
  drop,
  finish,
  give,
  newWorkflow,
  step,
  takeBack,
  type Workflow,
} from '../workflow/workflow.ts';
import { planOf } from './plan.ts';

/** The workflow of that block, and its specification; undefined where no node takes part yet. */
export function workflowOf(
  run: Run | undefined,
  block: string,
): { workflow: Workflow; spec: WorkflowBlockSpec } | undefined {
  const workflow = run?.workflows?.get(block);
  const spec = run && planOf(run.spec).blocks.get(block)?.spec;
  return workflow === undefined || spec?.kind !== 'workflow' ? undefined : { workflow, spec };
}

/** The workflow that a block is a step of. */
function workflowOfStep(run: Run, block: string): Workflow | undefined {
  const step = planOf(run.spec).steps.get(block);
  return step && run.workflows?.get(step.workflow.name);
}

export function isLive({ state }: Pick<Task, 'state'>): boolean {
  return state === 'ordered' || state === 'running';
}

/** Whether a task is of a workflow and another attempt was first: it is to be stopped, and its end says nothing. */
export function isBeaten(
  run: Run,
  { block, number, hostname }: Pick<Task, 'block' | 'number' | 'hostname'>,
): boolean {
  const workflow = number === undefined ? undefined : workflowOfStep(run, block);
  if (workflow === undefined || number === undefined) return false;
  if (workflow.results.has(number)) return true;
  const work = run.members.get(hostname)?.work?.get(workflow.block);
  return work?.late === true && work.number === number;
}

/** The process that a node has under way in a workflow. */
function liveStep(run: Run, member: Member, block: string): Task | undefined {
  const { steps } = planOf(run.spec);
  for (const task of member.tasks.values()) {
    if (task.number !== undefined && isLive(task) && steps.get(task.block)?.workflow.name === block)
      return task;
  }
  return undefined;
}

/** The node has nothing to do in a workflow from now on. */
function beIdle(workflow: Workflow, { hostname }: Member, work: Work, time: string): void {
  delete work.number;
  delete work.late;
  work.since = time;
  workflow.idle.add(hostname);
}

type WorkflowEvents =
  | 'workflow_joined'
  | 'workflow_task_started'
  | 'workflow_task_returned'
  | 'workflow_task_finished'
  | 'workflow_knee'
  | 'task_collected';

export const workflowEvolvers: { readonly [T in WorkflowEvents]: Evolver<T> } = {
  workflow_joined: (state, { run_id, block, hostname }, time) => {
    const run = state.runs.get(run_id);
    const member = run?.members.get(hostname);
    const counted = run?.blocks.get(block);
    if (run === undefined || member === undefined || counted === undefined) return;
    run.workflows ??= new Map();
    const workflow = run.workflows.get(block) ?? newWorkflow(block);
    run.workflows.set(block, workflow);
    workflow.idle.add(hostname);
    member.work ??= new Map();
    member.work.set(block, { since: time, tasks: 0, ms: 0 });
    member.at ??= new Map();
    if (!member.at.has(block)) counted.begun += 1;
    member.at.set(block, time);
  },
  workflow_task_started: (state, { run_id, block, number, attempt, hostname }, time) => {
    const { run, workflow } = find(state, run_id, block) ?? {};
    const work = run?.members.get(hostname)?.work?.get(block);
    if (workflow === undefined || work === undefined || workflow.results.has(number)) return;
    give(workflow, number, attempt, hostname, Date.parse(time));
    work.number = number;
    work.since = time;
  },
  workflow_task_returned: (state, { run_id, block, number, hostname }) => {
    const workflow = find(state, run_id, block)?.workflow;
    if (workflow !== undefined) takeBack(workflow, number, hostname);
  },
  workflow_task_finished: (state, body, time) => {
    const { run_id, block, number, hostname, losers, ignored } = body;
    const { run, workflow, spec } = find(state, run_id, block) ?? {};
    if (run === undefined || workflow === undefined || spec === undefined || workflow.results.has(number))
      return;
    const winner = run.members.get(hostname);
    const work = winner?.work?.get(block);
    const started = attemptOf(workflow, number, hostname)?.started_ms;
    finish(workflow, spec, number, body, Date.parse(time));
    if (winner !== undefined && work?.number === number) {
      work.tasks += 1;
      work.ms += Math.max(0, Date.parse(time) - (started ?? Date.parse(time)));
      beIdle(workflow, winner, work, time);
    }
    for (const loser of losers) beatAt(run, workflow, loser, number, time);
    if (ignored === true) missBarriers(run, spec, number);
  },
  workflow_knee: (state, { run_id, block, again }) => {
    const { workflow, spec } = find(state, run_id, block) ?? {};
    if (workflow === undefined || spec === undefined) return;
    if (again > 0) beginAgain(workflow, spec);
    else workflow.knee.ignored = arrivalsOf(workflow);
  },
  task_collected: (state, { run_id, task_id }) => {
    const [, , hostname = ''] = task_id.split('/');
    const run = state.runs.get(run_id);
    const member = run?.members.get(hostname) ?? run?.past.findLast((past) => past.hostname === hostname);
    member?.uncollected?.delete(task_id);
  },
};

/** A node whose attempt came too late: what it is waiting to start again it does not; what it runs is being stopped first. */
function beatAt(run: Run, workflow: Workflow, hostname: string, number: number, time: string): void {
  const member = run.members.get(hostname);
  const work = member?.work?.get(workflow.block);
  if (member === undefined || work?.number !== number) return;
  for (const task of member.tasks.values()) if (isBeaten(run, task)) delete task.restart_at;
  if (liveStep(run, member, workflow.block) === undefined) beIdle(workflow, member, work, time);
}

/** A task went without a result: it comes to none of the barriers any more that it had not entered. */
function missBarriers(run: Run, spec: WorkflowBlockSpec, number: number): void {
  const participant = taskParticipant(spec.name, number);
  const missed = new Set(spec.blocks.flatMap((step) => (step.kind === 'barrier' ? step.barrier : [])));
  for (const name of missed) {
    const barrier = run.barriers.get(name);
    if (barrier !== undefined && !barrier.entries.has(participant)) barrier.absent += 1;
  }
}

/** The participant that a task of a workflow is: the same on whatever node it is done. No block's name has a "#" in it. */
export function taskParticipant(workflow: string, number: number): string {
  return `${workflow}#${number}`;
}

/** The task that a participant is; undefined for a node, and for a task that is not of a workflow. */
export function participantTask(
  participant: string,
): { readonly workflow: string; readonly number: number } | undefined {
  const at = participant.lastIndexOf('#');
  if (at <= 0 || participant.includes('/')) return undefined;
  return { workflow: participant.slice(0, at), number: Number(participant.slice(at + 1)) };
}

/** A task came to a barrier: those of its attempts that are still on their way are too late. */
export function taskEntered(
  run: Run,
  { workflow: name, number }: { readonly workflow: string; readonly number: number },
  entered: { hostname: string; block?: string | undefined; losers: readonly string[]; isWaiting: boolean },
  time: string,
): void {
  const { workflow, spec } = workflowOf(run, name) ?? {};
  const { hostname, block, losers, isWaiting } = entered;
  const open = workflow?.open.get(number);
  if (workflow === undefined || spec === undefined || open === undefined) return;
  for (const loser of losers) {
    drop(workflow, open, loser);
    const late = run.members.get(loser)?.work?.get(name);
    if (late?.number === number) late.late = true;
    beatAt(run, workflow, loser, number, time);
  }
  const attempt = attemptOf(workflow, number, hostname);
  if (attempt === undefined) return;
  if (block === undefined) {
    if (!isWaiting) return;
    attempt.asks = true;
    // A second attempt would wait under the entry of the first, which goes with the first one's node.
    workflow.again.delete(number);
    return;
  }
  attempt.at = block;
  const member = run.members.get(hostname);
  const work = member?.work?.get(name);
  if (!isWaiting) return;
  park(workflow, number, attempt, Date.parse(time));
  arrived(workflow, spec, Date.parse(time));
  if (member !== undefined && work?.number === number) beIdle(workflow, member, work, time);
}

/** A node came with its task to a semaphore, where it stands in line itself. */
export function stoodInLine(run: Run, member: Member, block: string, number: number, time: string): void {
  const workflow = workflowOfStep(run, block);
  const attempt = workflow && attemptOf(workflow, number, member.hostname);
  if (workflow === undefined || attempt === undefined) return;
  workOn(workflow, member, attempt, number, time);
  attempt.at = block;
}

/** A barrier lets tasks of workflows go on. @param opens a new phase begins, with knees of its own */
export function tasksReleased(
  run: Run,
  barrier: string,
  participants: readonly string[],
  opens: boolean,
): void {
  const { steps, barriers } = planOf(run.spec);
  for (const name of opens ? (barriers.get(barrier)?.workflows.keys() ?? []) : []) {
    const workflow = run.workflows?.get(name);
    if (workflow === undefined) continue;
    workflow.knee = {};
    workflow.begun = arrivalsOf(workflow);
    delete workflow.first_ms;
  }
  for (const participant of participants) {
    const task = participantTask(participant);
    const workflow = run.workflows?.get(task?.workflow ?? '');
    if (task === undefined || workflow === undefined) continue;
    for (const attempt of workflow.open.get(task.number)?.attempts ?? []) {
      delete attempt.asks;
      const step = steps.get(attempt.at ?? '');
      if (step?.spec.kind !== 'barrier' || step.spec.barrier !== barrier) continue;
      const next = steps.get(step.next ?? '');
      letGo(workflow, task.number, attempt, next?.onNode === true && attempt.steps.length > 0);
    }
  }
}

function find(
  state: State,
  run_id: string,
  block: string,
): { run: Run; workflow: Workflow; spec: WorkflowBlockSpec } | undefined {
  const run = state.runs.get(run_id);
  const found = workflowOf(run, block);
  return run === undefined || found === undefined ? undefined : { run, ...found };
}

/** A process of a workflow's task was ordered. */
export function orderedInWorkflow(
  run: Run,
  member: Member,
  { block, number, attempt }: { readonly block: string; readonly number: number; readonly attempt: number },
  time: string,
): void {
  const workflow = workflowOfStep(run, block);
  const own = workflow && attemptOf(workflow, number, member.hostname);
  if (workflow === undefined || own === undefined) return;
  step(workflow, number, member.hostname, attempt);
  workOn(workflow, member, own, number, time);
}

/** The node works on the task from now on, where it did not already. */
function workOn(workflow: Workflow, member: Member, attempt: Attempt, number: number, time: string): void {
  takeUp(workflow, number, attempt, Date.parse(time));
  const work = member.work?.get(workflow.block);
  if (work === undefined || work.number === number) return;
  work.number = number;
  work.since = time;
  workflow.idle.delete(member.hostname);
}

/** A process of a workflow's task is over: its output is to be collected, or its node is free again. */
export function exitedInWorkflow(run: Run, member: Member, task: Task, time: string): void {
  const workflow = workflowOfStep(run, task.block);
  if (workflow === undefined || task.number === undefined) return;
  member.uncollected ??= new Map();
  member.uncollected.set(task.task_id, task.discarded !== true);
  if (task.state === 'completed') attemptOf(workflow, task.number, member.hostname)?.steps.push(task.attempt);
  const work = member.work?.get(workflow.block);
  if (task.discarded && work?.number === task.number) beIdle(workflow, member, work, time);
}

/** A node leaves its run: it has no part in any workflow of it. What it had is taken back by facts of its own. */
export function loseWork(run: Run, { hostname, work }: Member): void {
  for (const block of work?.keys() ?? []) run.workflows?.get(block)?.idle.delete(hostname);
}

/** All workflows as they were before the first node took part, but for the numbers of attempts. */
export function beginWorkflowsAgain(run: Run): void {
  for (const [block, { highest }] of run.workflows ?? [])
    run.workflows?.set(block, newWorkflow(block, highest));
}
