/** The failures of a run: what failed where, folded by equal causes, and what was done about it. */
import type { ResultOf } from '../../../api/methods.ts';
import type { Failure } from '../../../api/schemas.ts';
import { failureOf } from '../run/advance.ts';
import type { Handled, Member, Run } from '../state.ts';
import { handledSentence } from './handled.ts';
import { hintFor, hintForShortfalls } from './hints.ts';

export type Cause = ResultOf<'plushExplain'>['causes'][number];

const MAX_EXAMPLES = 20;

/** One node's failure. `member` is lost, or still in the run with a task that failed. */
interface NodeFailure {
  readonly hostname: string;
  readonly failure: Failure;
  readonly isLost: boolean;
}

/** Equal failures: of nodes, and those that a policy dealt with. */
interface Group {
  readonly nodes: NodeFailure[];
  readonly handled: Handled[];
}

/** All failures of a run, equal ones (same phase, cause, exit code and signal) folded into one, most nodes first. */
export function causesOf(run: Run): Cause[] {
  const groups = new Map<string, Group>();
  const groupOf = ({ phase, cause, exit_code, signal }: Failure) => {
    const key = JSON.stringify([phase, cause, exit_code, signal]);
    const group = groups.get(key) ?? { nodes: [], handled: [] };
    groups.set(key, group);
    return group;
  };
  for (const one of failuresOf(run)) groupOf(one.failure).nodes.push(one);
  for (const one of run.handled?.values() ?? []) groupOf(one.failure).handled.push(one);
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
    const failure = taskFailure(member, true);
    if (failure !== undefined) failures.push({ hostname: member.hostname, failure, isLost: false });
  }
  return failures;
}

/**
 * Why a member's task failed, if one did for good.
 * @param unhandled leave out those that a policy dealt with
 */
export function taskFailure(member: Member, unhandled = false): Failure | undefined {
  for (const task of member.tasks.values()) {
    if (unhandled && task.policy !== undefined) continue;
    if (task.state === 'failed' && task.restart_at === undefined) return failureOf(task as never, task);
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

function causeOf(run: Run, group: Group, replacements: ReadonlyMap<string, string>): Cause {
  const { failure } = (group.nodes[0] ?? group.handled[0]) as { failure: Failure };
  const hosts = new Set(group.nodes.map((one) => one.hostname));
  for (const { hosts: more } of group.handled) for (const hostname of more) hosts.add(hostname);
  const actions = [
    ...(group.handled.length === 0 ? [] : [handledSentence(group.handled)]),
    ...(group.nodes.length === 0 ? [] : [actionOn(run, group.nodes, replacements)]),
  ];
  return {
    cause: failure.cause,
    phase: failure.phase,
    message: failure.message,
    nodes: hosts.size,
    examples: [...hosts].slice(0, MAX_EXAMPLES),
    action: actions.join('. '),
    hint: hintFor(failure.cause, failure.phase, failure.exit_code),
    ...numbersOf(group),
    failure: { ...failure },
  };
}

/** Of workflows: the tasks that failed so, as far as they are remembered. */
function numbersOf({ nodes, handled }: Group): Pick<Cause, 'numbers'> {
  const numbers = new Set<number>();
  for (const { failure } of [...nodes, ...handled])
    if (failure.number !== undefined && numbers.size < MAX_EXAMPLES) numbers.add(failure.number);
  return numbers.size === 0 ? {} : { numbers: [...numbers] };
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
  if (left > 0 && ended > 0) {
    parts.push(`the run went on without ${left === 1 ? 'one' : left} of them, then it was ended`);
  } else if (left > 0) {
    const what = group.length === 1 ? `node ${hostname}` : left === 1 ? '1 node' : `${left} nodes`;
    parts.push(`the run went on without ${what}`);
  }
  if (ended > 0 && left <= 0) parts.push('the run was ended');
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
      hint: cause === 'not_enough_nodes' ? hintForShortfalls(ending.shortfalls) : hintFor(cause),
      failure: { phase, cause, message, attempt: 1 },
    },
  ];
}
