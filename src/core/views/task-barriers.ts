/** What is told of barriers that tasks of workflows go through. */
import type { ResultOf } from '../../../api/methods.ts';
import { type PlannedBarrier, planOf } from '../run/plan.ts';
import { taskParticipant } from '../run/workflow-state.ts';
import type { Member, Run } from '../state.ts';
import { attemptOf } from '../workflow/workflow.ts';
import { barrierWait } from './barriers.ts';

type MissingTask = NonNullable<ResultOf<'plushGetBarrier'>['missing_tasks']>[number];

/** Tasks of workflows that have not entered a barrier and still may. @param most how many are told */
export function missingTasks(run: Run, { spec, workflows }: PlannedBarrier, most: number): MissingTask[] {
  const missing: MissingTask[] = [];
  if (spec.type === 'semaphore') return missing;
  const entries = run.barriers.get(spec.name)?.entries;
  for (const { name, num_tasks } of workflows.values()) {
    const workflow = run.workflows?.get(name);
    for (let number = 1; number <= num_tasks && missing.length < most; number += 1) {
      if (entries?.has(taskParticipant(name, number)) || workflow?.results.get(number)?.ignored) continue;
      const attempts = workflow?.open.get(number)?.attempts ?? [];
      missing.push({ block: name, number, nodes: attempts.map(({ hostname }) => hostname) });
    }
  }
  return missing;
}

/** ", missing: task 3 (n7), task 9 (nobody has it) and 5 more"; nothing for a barrier without workflows. */
export function missingWords(run: Run, planned: PlannedBarrier, left: number): string {
  const shown = missingTasks(run, planned, 3);
  if (shown.length === 0) return '';
  const words = shown.map(({ number, nodes }) => {
    const [first = 'nobody has it yet'] = nodes;
    return `task ${number} (${first})`;
  });
  const more = left - shown.length;
  return `, missing: ${words.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The barrier at which a node stands in line with the task that it works on, or has left tasks; what it waits for there. */
export function taskWait(run: Run, member: Member, block: string, isExact: boolean): string | undefined {
  const workflow = run.workflows?.get(block);
  if (workflow === undefined) return undefined;
  const number = member.work?.get(block)?.number;
  const [waiting] = workflow.parked.get(member.hostname)?.waiting ?? [];
  const { at } = attemptOf(workflow, number ?? waiting, member.hostname) ?? {};
  const spec = planOf(run.spec).steps.get(at ?? '')?.spec;
  if (spec?.kind !== 'barrier') return undefined;
  if (number !== undefined) return barrierWait(run, spec.barrier);
  const count = workflow.parked.get(member.hostname)?.waiting.size ?? 0;
  const whose = isExact ? `${count === 1 ? 'a task' : `${count} tasks`} of workflow "${block}" at ` : '';
  return `${whose}${barrierWait(run, spec.barrier)}`;
}
