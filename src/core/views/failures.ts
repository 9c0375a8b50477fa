/** The failures of a run: what failed where, folded by equal causes, and what was done about it. */
import type { ResultOf } from '../../../api/methods.ts';
import type { Failure } from '../../../api/schemas.ts';
import { failureOf } from '../run/advance.ts';
import type { Member, Run } from '../state.ts';
import { hintFor } from './hints.ts';

export type Cause = ResultOf<'plushExplain'>['causes'][number];

const MAX_EXAMPLES = 20;

/** One node's failure. `member` is lost, or still in the run with a task that failed. */
interface NodeFailure {
  readonly hostname: string;
  readonly failure: Failure;
  readonly isLost: boolean;
}

/** All failures of a run, equal ones (same phase, cause, exit code and signal) folded into one, most nodes first. */
export function causesOf(run: Run): Cause[] {
  const groups = new Map<string, NodeFailure[]>();
  for (const one of failuresOf(run)) {
    const { phase, cause, exit_code, signal } = one.failure;
    const key = JSON.stringify([phase, cause, exit_code, signal]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  const replacements = replacementsOf(run);
  const causes = [...groups.values()].map((group) => causeOf(run, group, replacements));
  causes.sort((a, b) => b.nodes - a.nodes);
  return [...causes, ...ownCause(run, causes)];
}

function failuresOf(run: Run): NodeFailure[] {
  const failures: NodeFailure[] = [];
  for (const { hostname, failure } of run.past) {
    if (failure !== undefined) failures.push({ hostname, failure, isLost: true });
  }
  for (const member of run.members.values()) {
    const failure = taskFailure(member);
    if (failure !== undefined) failures.push({ hostname: member.hostname, failure, isLost: false });
  }
  return failures;
}

/** Why a member's task failed, if one did. */
export function taskFailure(member: Member): Failure | undefined {
  for (const task of member.tasks.values()) {
    if (task.state === 'failed') return failureOf(task as never, task.block, task.attempt);
  }
  return undefined;
}

/** Lost node → the node that took its place. */
function replacementsOf(run: Run): Map<string, string> {
  const replacements = new Map<string, string>();
  for (const { hostname, replaces } of [...run.past, ...run.members.values()]) {
    if (replaces !== undefined) replacements.set(replaces, hostname);
  }
  return replacements;
}

function causeOf(run: Run, group: readonly NodeFailure[], replacements: ReadonlyMap<string, string>): Cause {
  const { failure } = group[0] as NodeFailure;
  return {
    cause: failure.cause,
    phase: failure.phase,
    message: failure.message,
    nodes: group.length,
    examples: group.slice(0, MAX_EXAMPLES).map((one) => one.hostname),
    action: actionOn(run, group, replacements),
    hint: hintFor(failure.cause),
    failure: { ...failure },
  };
}

/** What Plush did about a group of equal failures. */
function actionOn(
  run: Run,
  group: readonly NodeFailure[],
  replacements: ReadonlyMap<string, string>,
): string {
  const [{ hostname }] = group as [NodeFailure];
  const ended = group.filter((one) => endedTheRun(run, one)).length;
  const replaced = group.filter((one) => replacements.has(one.hostname));
  const left = group.filter((one) => one.isLost).length - replaced.length - ended;
  const parts: string[] = [];
  if (replaced.length === 1) {
    const name = replaced[0]?.hostname ?? '';
    parts.push(`node ${name} was replaced by ${replacements.get(name)}`);
  } else if (replaced.length > 1) {
    parts.push(`${replaced.length} nodes were replaced`);
  }
  if (left > 0) {
    const what = group.length === 1 ? `node ${hostname}` : left === 1 ? '1 node' : `${left} nodes`;
    parts.push(`the run went on without ${what}`);
  }
  if (ended > 0) parts.push('the run was ended');
  const text = parts.join('; ') || 'the run was ended';
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Whether it was this failure, or one like it a moment later, after which the run could not go on. */
function endedTheRun(run: Run, { hostname, failure, isLost }: NodeFailure): boolean {
  const { ending } = run;
  if (ending?.outcome !== 'failed') return false;
  if (!isLost || ending.cause === failure.cause) return true;
  const forWantOfNodes = ending.cause === 'not_enough_nodes' || ending.cause === 'static_host_lost';
  return forWantOfNodes && run.past.at(-1)?.hostname === hostname;
}

/** Why the run failed, where that is not the failure of one of its nodes: it lacks nodes. */
function ownCause(run: Run, causes: readonly Cause[]): Cause[] {
  const { ending } = run;
  if (ending?.outcome !== 'failed' || causes.some((one) => one.cause === ending.cause)) return [];
  const { cause, message } = ending;
  const phase = 'match';
  return [
    {
      cause,
      phase,
      message,
      nodes: 0,
      examples: [],
      action: 'The run was ended',
      hint: hintFor(cause),
      failure: { phase, cause, message, attempt: 1 },
    },
  ];
}
