/** Answers about files that did not come back from the nodes of a run. */

import type { ResultOf } from '../../../api/methods.ts';
import type { MissedCause } from '../../../api/output-events.ts';
import { missedSentence } from '../run/missed.ts';
import type { Member, Run } from '../state.ts';
import type { Cause } from './failures.ts';
import { hintFor } from './hints.ts';

type Missing = NonNullable<ResultOf<'plushGetRun'>['missing_outputs']>;

/** Different files told of one run. */
const MAX_FILES = 100;
const MAX_EXAMPLES = 5;

/** Equal ones folded into one, most nodes first; nothing where all came back. */
export function missingOutputs(run: Run): Pick<ResultOf<'plushGetRun'>, 'missing_outputs'> {
  const groups = new Map<string, Missing[number]>();
  for (const members of [run.members.values(), run.past]) {
    for (const { hostname, missed } of members)
      for (const [path, cause] of missed ?? []) add(groups, hostname, path, cause);
  }
  const missing_outputs = [...groups.values()].sort((a, b) => b.nodes - a.nodes).slice(0, MAX_FILES);
  return missing_outputs.length === 0 ? {} : { missing_outputs };
}

function add(groups: Map<string, Missing[number]>, hostname: string, path: string, cause: MissedCause): void {
  const key = `${cause} ${path}`;
  const group = groups.get(key);
  if (group === undefined) {
    const message = missedSentence(path, cause);
    groups.set(key, { path, cause, message, nodes: 1, examples: [hostname] });
    return;
  }
  group.nodes += 1;
  if (group.examples.length < MAX_EXAMPLES) group.examples.push(hostname);
}

/** The same as causes of an explanation. */
export function missedCausesOf(run: Run): Cause[] {
  return (missingOutputs(run).missing_outputs ?? []).map(({ cause, message, nodes, examples }) =>
    causeOf(cause, message, nodes, examples),
  );
}

/** Of one node. */
export function missedCausesIn(member: Member | undefined): Cause[] {
  return [...(member?.missed ?? [])].map(([path, cause]) =>
    causeOf(cause, missedSentence(path, cause), 1, [member?.hostname ?? '']),
  );
}

function causeOf(cause: MissedCause, message: string, nodes: number, examples: string[]): Cause {
  const phase = 'clean';
  return {
    cause,
    phase,
    message,
    nodes,
    examples,
    action: 'The run went on without the file',
    hint: hintFor(cause),
    failure: { phase, cause, message, attempt: 1 },
  };
}

/** '2 output files did not come back, such as "a" from 3 nodes' */
export function missedPhrase(run: Run): string | undefined {
  const missing = missingOutputs(run).missing_outputs ?? [];
  const [first] = missing;
  if (first === undefined) return undefined;
  const what = `${JSON.stringify(first.path)} from`;
  const who = first.nodes === 1 ? first.examples[0] : `${first.nodes} nodes`;
  if (missing.length === 1)
    return `the output file ${JSON.stringify(first.path)} did not come back from ${who}`;
  return `${missing.length} output files did not come back, such as ${what} ${who}`;
}
