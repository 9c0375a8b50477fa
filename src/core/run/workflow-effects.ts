/** What facts about workflows make the world do: output comes back, attempts that came too late are stopped, timers for knees. */
import type { Effect } from '../effect.ts';
import type { Member, Run, State, Task } from '../state.ts';
import { kneeWake } from '../workflow/straggling.ts';
import { splitTaskId, subjectOf } from './evolve.ts';
import { logCopies } from './logs.ts';
import { planOf } from './plan.ts';
import { graceOf } from './policy.ts';
import { isBeaten, isLive, workflowOf } from './workflow-state.ts';

/** The timer that a workflow needs now; none while tasks wait that nobody has begun. */
export function kneeTimer(run: Run | undefined, block: string, afterMs: number, nowMs: number): Effect[] {
  const { workflow, spec } = workflowOf(run, block) ?? {};
  if (run === undefined || workflow === undefined || spec === undefined) return [];
  const wake = kneeWake(workflow, spec, afterMs);
  if (wake === undefined) return [];
  const timer = { kind: 'workflow', run_id: run.run_id, block } as const;
  return [{ type: 'timer', timer, delayMs: Math.max(0, wake - nowMs) }];
}

/** Timers of all workflows of a run after a restart; what fell due meanwhile is due at once. */
export function resumeWorkflows(run: Run, nowMs: number): Effect[] {
  if (run.ending !== undefined) return [];
  return [...(run.workflows?.keys() ?? [])].flatMap((block) =>
    kneeTimer(run, block, Number.NEGATIVE_INFINITY, nowMs),
  );
}

/** Stops what a member does for tasks that others have finished. */
export function stopBeaten(run: Run, member: Member | undefined): Effect[] {
  if (member === undefined) return [];
  const { hostname } = member;
  return [...member.tasks.values()]
    .filter((task) => isLive(task) && isBeaten(run, task))
    .map(({ task_id, block }) => ({
      type: 'stop_task',
      hostname,
      run_id: run.run_id,
      task_id,
      grace_ms: graceOf(run.spec, block),
    }));
}

/** Stops what nodes do for a task of which another attempt was first, where they answer. */
export function stopLosers(state: State, run: Run | undefined, losers: readonly string[] = []): Effect[] {
  if (run === undefined) return [];
  return losers
    .filter((hostname) => state.nodes.get(hostname)?.link === 'connected')
    .flatMap((hostname) => stopBeaten(run, run.members.get(hostname)));
}

/** Brings the output of a task back, or throws it away. */
function collect(run: Run, hostname: string, task_id: string, isWanted: boolean): Effect {
  const logs = isWanted ? logCopies(run, subjectOf(task_id)) : [];
  const { run_id } = run;
  return {
    type: 'collect_task',
    hostname,
    run_id,
    task_id,
    discard: !isWanted,
    ...(logs.length > 0 ? { logs } : {}),
  };
}

/** All that a member still has of tasks that are over. */
export function collectAll(run: Run, { hostname, uncollected }: Member): Effect[] {
  return [...(uncollected ?? [])].map(([task_id, isWanted]) => collect(run, hostname, task_id, isWanted));
}

/** What a process of a workflow's task is told of it: what substitutions stand for, and its environment. */
export function workflowTask(
  run: Run,
  { block, number }: Task,
): { readonly name: string; readonly env: Readonly<Record<string, string>> } | undefined {
  const workflow = planOf(run.spec).steps.get(block)?.workflow;
  if (workflow === undefined || number === undefined) return undefined;
  const file = workflow.files?.[number - 1];
  return {
    name: file ?? String(number),
    env: {
      PLUSH_WORKFLOW: workflow.id,
      PLUSH_WORKFLOW_TASK: String(number),
      PLUSH_WORKFLOW_TASKS: String(workflow.num_tasks),
      ...(file === undefined ? {} : { PLUSH_WORKFLOW_FILE: file }),
    },
  };
}

/** Tasks whose output is still to be brought back: all but those of workflows that came too late, or were collected already. */
export function wantedTasks(run: Run, { tasks, uncollected }: Member): string[] {
  const wanted = new Set<string>();
  for (const task of tasks.values())
    if (task.number === undefined || (isLive(task) && !isBeaten(run, task))) wanted.add(task.task_id);
  for (const [task_id, isWanted] of uncollected ?? []) if (isWanted) wanted.add(task_id);
  return [...wanted];
}

/** The effect that brings the output of a task of a workflow back; at the end of a run its node is cleaned as a whole. */
export function collectOne(state: State, run_id: string, task_id: string): Effect[] {
  const [, , hostname] = splitTaskId(task_id);
  const run = state.runs.get(run_id);
  const isWanted = run?.members.get(hostname)?.uncollected?.get(task_id);
  if (run === undefined || isWanted === undefined || run.ending !== undefined) return [];
  return state.nodes.get(hostname)?.link === 'connected' ? [collect(run, hostname, task_id, isWanted)] : [];
}
