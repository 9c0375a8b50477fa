/** Answers about nodes on which the application's cleanup command did not succeed. */
import type { Member, Run } from '../state.ts';
import type { Cause } from './failures.ts';
import { hintFor } from './hints.ts';

const MAX_EXAMPLES = 5;
/** Different sentences told of one run. */
const MAX_CAUSES = 20;

/** Causes of an explanation: equal ones folded into one, most nodes first. */
export function untidyCausesOf(run: Run): Cause[] {
  return untidyCausesIn([...run.members.values(), ...run.past]);
}

/** Of these nodes. */
export function untidyCausesIn(members: readonly Member[]): Cause[] {
  const groups = new Map<string, string[]>();
  for (const { hostname, untidy } of members) {
    if (untidy === undefined) continue;
    const group = groups.get(untidy);
    if (group === undefined) groups.set(untidy, [hostname]);
    else group.push(hostname);
  }
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, MAX_CAUSES)
    .map(([message, hostnames]) => causeOf(message, hostnames));
}

function causeOf(message: string, hostnames: readonly string[]): Cause {
  const cause = 'cleanup_failed';
  const phase = 'clean';
  return {
    cause,
    phase,
    message,
    nodes: hostnames.length,
    examples: hostnames.slice(0, MAX_EXAMPLES),
    action: 'The node is cleaned all the same',
    hint: hintFor(cause),
    failure: { phase, cause, message, attempt: 1 },
  };
}

/** "the cleanup command did not succeed on 3 nodes" */
export function untidyPhrase(run: Run): string | undefined {
  const count = untidyCausesOf(run).reduce((sum, { nodes }) => sum + nodes, 0);
  if (count === 0) return undefined;
  return `the cleanup command did not succeed on ${count === 1 ? 'one node' : `${count} nodes`}`;
}
