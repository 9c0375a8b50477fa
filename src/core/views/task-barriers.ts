/** What is told of barriers that tasks of workflows go through. */
import type { ResultOf } from '../../../api/methods.ts';
import { type PlannedBarrier, planOf } from '../run/plan.ts';
import { taskParticipant } from '../run/workflow-state.ts';
import type { Member, Run } from '../state.ts';
import { attemptOf } from '../workflow/workflow.ts';
import { barrierWait } from './barriers.ts';

type MissingTask = NonNullable<ResultOf<'plushGetBarrier'>['missing_tasks']>[number];

/** Tasks of workflows that have not entered a barrier and still may: some of them, and how many. */
export function missingTasks(
  run: Run,
  { spec, workflows }: PlannedBarrier,
  most: number,
): { readonly some: MissingTask[]; readonly count: number } {
  const some: MissingTask[] = [];
  let count = 0;
  if (spec.type === 'semaphore') return { some, count };
  const entries = run.barriers.get(spec.name)?.entries;
  for (const { name, num_tasks } of workflows.values()) {
    const workflow = run.workflows?.get(name);
    for (let number = 1; number <= num_tasks; number += 1) {
      if (entries?.has(taskParticipant(name, number)) || workflow?.results.get(number)?.ignored) continue;
      count += 1;
      if (some.length >= most) continue;
      const attempts = workflow?.open.get(number)?.attempts ?? [];
      some.push({ block: name, number, nodes: attempts.map(({ hostname }) => hostname) });
    }
  }
  return { some, count };
}

/** "task 7 (n4)" */
export function taskName({ number, nodes }: MissingTask): string {
  return `task ${number} (${nodes.length === 0 ? 'nobody has it yet' : nodes.join(', ')})`;
}

/** The barrier at which a node stands in line with the task that it works on, or else has left tasks of a workflow. */
export function barrierOfTasks(run: Run, member: Member, block: string): string | undefined {
  const workflow = run.workflows?.get(block);
  if (workflow === undefined) return undefined;
  const [waiting] = workflow.parked.get(member.hostname)?.waiting ?? [];
  const number = member.work?.get(block)?.number ?? waiting;
  const { at } = attemptOf(workflow, number, member.hostname) ?? {};
  const spec = planOf(run.spec).steps.get(at ?? '')?.spec;
  return spec?.kind === 'barrier' ? spec.barrier : undefined;
}

/** What a node waits for at a barrier inside a workflow; undefined when it is at none. @param isExact say for how many tasks */
export function taskWait(run: Run, member: Member, block: string, isExact: boolean): string | undefined {
  const barrier = barrierOfTasks(run, member, block);
  if (barrier === undefined) return undefined;
  const count = run.workflows?.get(block)?.parked.get(member.hostname)?.waiting.size ?? 0;
  const isInLine = member.work?.get(block)?.number !== undefined;
  const whose = count === 1 ? 'a task' : `${count} tasks`;
  const where = isExact && !isInLine ? `${whose} of workflow "${block}" at ` : '';
  return `${where}${barrierWait(run, barrier)}`;
}
