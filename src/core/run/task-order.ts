/** The order for a task as an agent gets it. */
import { MAX_OUTPUT_BYTES } from '../limits.ts';
import type { Run, Task } from '../state.ts';
import type { TaskOrder } from '../task.ts';
import { argumentsOf } from './arguments.ts';
import { participantOf } from './barrier-state.ts';
import { clusterOf } from './clusters.ts';
import { taskId } from './evolve.ts';
import { logOrder } from './logs.ts';
import { planOf } from './plan.ts';
import { monitorsOf, processOf } from './policy.ts';
import { workflowTask } from './workflow-effects.ts';
import { taskParticipant } from './workflow-state.ts';

function labelAt(run: Run, { hostname, block, number }: Task, barrier: string): string {
  const member = run.members.get(hostname);
  const entries = run.barriers.get(barrier)?.entries;
  const { steps, barriers } = planOf(run.spec);
  const workflow = steps.get(block)?.workflow.name;
  if (number !== undefined && workflow !== undefined && barriers.get(barrier)?.workflows.has(workflow))
    return entries?.get(taskParticipant(workflow, number))?.label ?? '';
  return (member && entries?.get(participantOf(member))?.label) ?? '';
}

/** The order for a task, with the environment that engine.md promises every task. */
export function taskOrder(run: Run, task: Task): TaskOrder {
  const { blocks, steps } = planOf(run.spec);
  const planned = steps.get(task.block) ?? blocks.get(task.block);
  const process = processOf(run.spec, task.block);
  const ofWorkflow = workflowTask(run, task);
  return {
    task_id: task.task_id,
    run_id: run.run_id,
    block: task.block,
    attempt: task.attempt,
    path: process?.path ?? '',
    ...(process?.cwd === undefined ? {} : { cwd: process.cwd }),
    args:
      process === undefined
        ? []
        : argumentsOf(process, {
            ...task,
            node: task.hostname,
            labelAt: (name) => labelAt(run, task, name),
            workflowTask: ofWorkflow?.name ?? '',
          }),
    env: {
      ...process?.env,
      PLUSH_RUN: run.run_id,
      PLUSH_APP: run.app,
      PLUSH_COMPONENT: clusterOf(run.spec, task.block).name ?? planned?.component ?? '',
      PLUSH_NODE: task.hostname,
      PLUSH_INDEX: String(task.index),
      PLUSH_COUNT: String(task.count),
      PLUSH_TASK: task.task_id,
      ...ofWorkflow?.env,
    },
    max_output_bytes: MAX_OUTPUT_BYTES,
    ...processOrder(run, task),
  };
}

/** What the specification says of a process and the order passes on as it is. */
function processOrder(run: Run, task: Task): Partial<TaskOrder> {
  const { block, attempt, hostname, number, replaces } = task;
  const before =
    number !== undefined || attempt === 1 ? replaces : taskId(run.run_id, block, hostname, attempt - 1);
  const log = logOrder(run, task);
  const process = processOf(run.spec, block);
  if (process === undefined) return {};
  const { stdin, user, timeout_ms, stop_signal, stop_grace_ms } = process;
  const liveness = monitorsOf(run.spec, block).map(({ type, target, interval_ms, timeout_ms, failures }) => ({
    type,
    ...(target === undefined ? {} : { target }),
    interval_ms,
    timeout_ms,
    failures,
  }));
  return {
    ...(stdin === undefined ? {} : { stdin }),
    ...(user === undefined ? {} : { user }),
    ...(timeout_ms === undefined ? {} : { timeout_ms }),
    ...(stop_signal === undefined ? {} : { stop_signal }),
    ...(stop_grace_ms === undefined ? {} : { stop_grace_ms }),
    ...(log === undefined ? {} : { log }),
    ...(liveness.length === 0 ? {} : { liveness }),
    ...(before === undefined ? {} : { replaces: before }),
  };
}
