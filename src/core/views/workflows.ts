/** Answers about workflows: how far they are, the results of their tasks, and what each node does. */
import type { ResultOf } from '../../../api/methods.ts';
import type { BlockSpec, WorkflowBlockSpec } from '../../../api/spec.ts';
import { durationText } from '../duration.ts';
import { MAX_UNCOLLECTED } from '../limits.ts';
import { taskId } from '../run/evolve.ts';
import { planOf, stepsInOrder } from '../run/plan.ts';
import { isBeaten } from '../run/workflow-state.ts';
import type { Member, Run, Task } from '../state.ts';
import { kneedOf, type Result } from '../workflow/workflow.ts';
import { taskWait } from './task-barriers.ts';

type BlockDetail = ResultOf<'plushGetBlock'>;

/** Results told at a time. */
const MAX_RESULTS = 1000;

/** How far the workflow of a block is; nothing for a block of another kind. */
export function workflowInfo(run: Run, spec: BlockSpec): Pick<BlockDetail, 'workflow'> {
  if (spec.kind !== 'workflow') return {};
  const { results, open, returned, reallocated, ignored, idle } = run.workflows?.get(spec.name) ?? {};
  const total = spec.num_tasks;
  const done = results?.size ?? 0;
  const parked = [...(run.workflows?.get(spec.name)?.parked.values() ?? [])];
  const ready = parked.reduce((sum, place) => sum + place.ready.size, 0);
  const { waiting = 0 } = run.workflows?.get(spec.name) ?? {};
  const running = (open?.size ?? 0) - (returned?.size ?? 0) - waiting - ready;
  return {
    workflow: {
      total,
      done,
      running,
      queued: total - done - running - waiting,
      ...(hasBarriers(spec) ? { waiting } : {}),
      reallocated: reallocated ?? 0,
      ignored: ignored ?? 0,
      idle: idle?.size ?? 0,
    },
  };
}

/** When unfinished tasks are started again on other nodes, for a person. */
export function reallocationRule({ reallocation: rule }: WorkflowBlockSpec): string {
  if (rule === undefined) return 'slow tasks are not started again elsewhere';
  const { knee, min_percent, min_wait_ms, max_attempts } = rule;
  const wait = min_wait_ms === undefined ? '' : ` and ${durationText(min_wait_ms)} have passed`;
  return `unfinished tasks are started again on idle nodes at the knee (${knee}) of the finished ones, not before ${min_percent} % are done${wait}; at most ${max_attempts} attempts at a task at a time, the first that finishes counts`;
}

function hasBarriers({ blocks }: WorkflowBlockSpec): boolean {
  return blocks.some(({ kind }) => kind === 'barrier');
}

/** Results of a workflow's tasks, from a number on; nothing for a block of another kind. */
export function resultsOf(run: Run, spec: BlockSpec, from: number): Pick<BlockDetail, 'results'> {
  if (spec.kind !== 'workflow') return {};
  const known = run.workflows?.get(spec.name)?.results;
  const results: NonNullable<BlockDetail['results']> = [];
  for (let number = from; number <= spec.num_tasks && results.length < MAX_RESULTS; number += 1) {
    const result = known?.get(number);
    if (result === undefined) continue;
    const file = spec.files?.[number - 1];
    results.push({
      number,
      ...(file === undefined ? {} : { file }),
      hostname: result.hostname,
      ...(result.ignored ? { ignored: true } : {}),
      tasks: identitiesOf(run, spec, number, result),
    });
  }
  return { results };
}

function identitiesOf(
  run: Run,
  spec: Extract<BlockSpec, { kind: 'workflow' }>,
  number: number,
  { hostname, attempts }: Result,
): string[] {
  const processes = stepsInOrder(spec).filter(({ kind }) => kind === 'process');
  return processes.flatMap(({ name }, i) => {
    const attempt = attempts[i];
    return attempt === undefined ? [] : [taskId(run.run_id, name, hostname, attempt, number)];
  });
}

/**
 * The task of a workflow that a caller means by its id or as BLOCK/NUMBER, where its node was the first to finish it: BLOCK
 * is that of the workflow, which stands for its last process, or that of the process.
 */
export function finishedTask(run: Run, node: string, wanted: string): Task | undefined {
  const { blocks, steps } = planOf(run.spec);
  const parts = wanted.split('/');
  const [block = '', number = ''] = parts.length === 5 ? [parts[1], parts[4]] : parts;
  const step = steps.get(block);
  const spec = step?.workflow ?? blocks.get(block)?.spec;
  if (spec?.kind !== 'workflow' || !/^[1-9]\d{0,6}$/.test(number)) return undefined;
  const result = run.workflows?.get(spec.name)?.results.get(Number(number));
  if (result?.hostname !== node) return undefined;
  const ids = identitiesOf(run, spec, Number(number), result);
  const task_id = ids.findLast((id) => step === undefined || id.split('/')[1] === block);
  if (task_id === undefined || (parts.length === 5 && task_id !== wanted)) return undefined;
  const [, name = '', hostname, attempt] = task_id.split('/') as [string, string, string, string];
  const since = run.since;
  return {
    task_id,
    block: name,
    hostname,
    attempt: Number(attempt),
    index: 0,
    count: 0,
    state: 'completed',
    since,
  };
}

/** "its task of workflow …", or with its number; what a node waits for that runs a process of a workflow. */
export function workflowWait(run: Run, task: Task, isExact: boolean): string | undefined {
  const workflow = planOf(run.spec).steps.get(task.block)?.workflow;
  if (workflow === undefined) return undefined;
  const which = isExact
    ? `task ${task.number} of workflow "${workflow.name}"`
    : `its task of workflow "${workflow.name}"`;
  if (isBeaten(run, task)) return `${which} to stop, ${beatenWords(run, task, workflow)}`;
  if (task.restart_at !== undefined) return `${which} to be started again`;
  const begun = isExact ? begunAgain(run, task, workflow) : '';
  return `${which} to ${task.state === 'ordered' ? 'start' : 'end'}${begun}`;
}

function beatenWords(run: Run, { number = 0 }: Task, { name }: WorkflowBlockSpec): string {
  return run.workflows?.get(name)?.results.has(number)
    ? 'which another node has finished'
    : 'with which another node came to a barrier first';
}

/** ", which it began again at the knee (3 of 5 were done), while n4 goes on with it" */
function begunAgain(
  run: Run,
  { number = 0, hostname }: Task,
  { name, num_tasks }: WorkflowBlockSpec,
): string {
  const workflow = run.workflows?.get(name);
  const { open } = workflow ?? {};
  const attempts = open?.get(number)?.attempts ?? [];
  const [first] = attempts;
  if (first === undefined || attempts.length < 2 || workflow?.kneed === undefined) return '';
  const knee = `at the knee (${kneedOf(workflow)} of ${num_tasks} were done)`;
  if (first.hostname !== hostname)
    return `, which it began again ${knee}, while ${first.hostname} goes on with it`;
  const others = attempts.slice(1).map((attempt) => attempt.hostname);
  return `, which ${others.join(', ')} began again ${knee}`;
}

/** What a node waits for that takes part in a workflow and has no task. */
export function idleWait(run: Run, member: Member, isExact: boolean): string | undefined {
  for (const [block, work] of member.work ?? []) {
    if (member.completed.has(block)) continue;
    const atBarrier = taskWait(run, member, block, isExact);
    if (atBarrier !== undefined) return atBarrier;
    if (work.number !== undefined) continue;
    if ((member.uncollected?.size ?? 0) >= MAX_UNCOLLECTED)
      return `the output of its tasks of workflow "${block}" to be brought back`;
    const spec = planOf(run.spec).blocks.get(block)?.spec;
    const done = run.workflows?.get(block)?.results.size ?? 0;
    const total = spec?.kind === 'workflow' ? spec.num_tasks : 0;
    return `workflow "${block}" to end: it is idle, no task is left (${done} of ${total} are done)`;
  }
  return undefined;
}
