/**
 * When the unfinished tasks of a workflow are started again elsewhere: at a knee of the finished ones, once the minima hold
 * (section 6.3.1 of plush-toit.2011). A task that waits at a barrier of the workflow counts like a finished one: the others
 * hold it up in the same way. Time comes in; nothing here waits.
 */
import type { WorkflowBlockSpec } from '../../../api/spec.ts';
import { kneeAt, shareOf } from '../barrier/rules.ts';
import { arrivalsOf, settledOf, type Workflow } from './workflow.ts';

/** Tasks that nobody has begun go first, and without any unfinished there is nothing to do. */
function isDrained({ next, returned, open, waiting }: Workflow, { num_tasks }: WorkflowBlockSpec): boolean {
  return next > num_tasks && returned.size === 0 && open.size > waiting;
}

/** What a knee leads to now: unfinished tasks are started again, or it is too early for that. Undefined without a knee that is news. */
export function kneeNow(
  workflow: Workflow,
  spec: WorkflowBlockSpec,
  nowMs: number,
): 'again' | 'ignored' | undefined {
  const { reallocation: rule } = spec;
  if (rule === undefined || !isDrained(workflow, spec) || kneeAt(rule.knee, workflow.knee) > nowMs)
    return undefined;
  const arrivals = arrivalsOf(workflow);
  const isEarly =
    settledOf(workflow) < shareOf(rule.min_percent, spec.num_tasks) ||
    nowMs < (workflow.first_ms ?? nowMs) + (rule.min_wait_ms ?? 0);
  if (isEarly) return workflow.knee.ignored === arrivals ? undefined : 'ignored';
  return workflow.kneed === arrivals ? undefined : 'again';
}

/** When to look for a knee although nothing has changed (ms), not before `afterMs`; undefined for never. */
export function kneeWake(workflow: Workflow, spec: WorkflowBlockSpec, afterMs: number): number | undefined {
  const { reallocation: rule } = spec;
  const { first_ms, knee, kneed } = workflow;
  if (rule === undefined || first_ms === undefined || !isDrained(workflow, spec)) return undefined;
  if (kneed === arrivalsOf(workflow)) return undefined;
  const at = kneeAt(rule.knee, knee);
  if (!Number.isFinite(at)) return undefined;
  const times = [at, Math.max(at, first_ms + (rule.min_wait_ms ?? 0))];
  const coming = times.filter((time) => time > afterMs);
  return coming.length === 0 ? undefined : Math.min(...coming);
}
