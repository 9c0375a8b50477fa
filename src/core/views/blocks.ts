/** Answers about the blocks of a run. */
import type { ResultOf } from '../../../api/methods.ts';
import { hostsOf } from '../run/clusters.ts';
import { type PlannedBlock, planOf } from '../run/plan.ts';
import { type BlockState, isOver, type Member, type Run, type Task } from '../state.ts';
import { workflowInfo } from './workflows.ts';

type BlockInfo = ResultOf<'plushGetRun'>['blocks'][number];
type TaskInfo = ResultOf<'plushGetBlock'>['tasks'][number];

/** How many blocks of a run are in which state. */
export function blockStates(run: Run): ResultOf<'plushGetRun'>['block_states'] {
  const counts = { waiting: 0, running: 0, completed: 0, failed: 0 };
  for (const name of planOf(run.spec).blocks.keys()) counts[stateOf(run, name)] += 1;
  return counts;
}

/** What had not completed when its run was over never will. */
function stateOf(run: Run, name: string): BlockState['state'] {
  const state = run.blocks.get(name)?.state ?? 'waiting';
  return isOver(run) && state === 'running' ? 'failed' : state;
}

export function blockInfo(run: Run, planned: PlannedBlock): BlockInfo {
  const { name } = planned.spec;
  const block = run.blocks.get(name);
  const { begun = 0, completed = 0, failed = 0 } = block ?? {};
  const { component, component_block: parent } = planned;
  const all = run.components.get(component)?.members.size ?? 0;
  const members = Math.min(all, hostsOf(run.spec, { component, name: parent }));
  const over = isOver(run);
  return {
    name,
    component: planned.component,
    component_block: planned.component_block,
    state: stateOf(run, name),
    waiting: Math.max(0, members - begun),
    running: over ? 0 : Math.max(0, begun - completed - failed),
    completed,
    failed,
    ...workflowInfo(run, planned.spec),
  };
}

/** Tasks told of one block. */
const MAX_TASKS = 1000;

/** The block's tasks on the nodes that the run has and those it lost, the newest attempts first. */
export function tasksOf(run: Run, block: string): TaskInfo[] {
  const tasks: TaskInfo[] = [];
  const { blocks, steps } = planOf(run.spec);
  const isWorkflow = blocks.get(block)?.spec.kind === 'workflow';
  const isMeant = (name: string) =>
    name === block || (isWorkflow && steps.get(name)?.workflow.name === block);
  for (const members of [run.members.values(), run.past]) {
    for (const member of members) {
      for (const task of member.tasks.values())
        if (isMeant(task.block)) tasks.push(taskInfo(run, member, task));
    }
  }
  return tasks.sort((a, b) => b.attempt - a.attempt).slice(0, MAX_TASKS);
}

function taskInfo(run: Run, member: Member, task: Task): TaskInfo {
  const { task_id, hostname, attempt, since, pid, exit_code, signal, number } = task;
  return {
    task_id,
    hostname,
    attempt,
    state: taskState(run, member, task),
    since,
    ...(pid === undefined ? {} : { pid }),
    ...(exit_code === undefined ? {} : { exit_code }),
    ...(signal === undefined ? {} : { signal }),
    ...(number === undefined ? {} : { number }),
  };
}

/** A task whose end was never told, on a node that is out of the run, was stopped there. */
function taskState(run: Run, member: Member, task: Task): Task['state'] {
  const isOut = isOver(run) || member.phase === 'done' || member.failure !== undefined;
  return isOut && (task.state === 'ordered' || task.state === 'running') ? 'stopped' : task.state;
}
