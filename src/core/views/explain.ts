/** Why: one state for each node, equal failures folded. */
import type { Static } from '@sinclair/typebox';
import type { Explanation } from '../../../api/answers.ts';
import { Rejection } from '../rejection.ts';
import type { State } from '../state.ts';
import { waiting } from './runs.ts';

/** @throws Rejection SUBJECT_NOT_FOUND */
export function explain(state: State, subject: string): Static<typeof Explanation> {
  const run = state.runs.get(subject);
  if (run === undefined) throw new Rejection('SUBJECT_NOT_FOUND', `"${subject}" is neither a run nor a node`);
  return {
    subject,
    kind: 'run',
    state: run.state,
    summary: run.ending?.message ?? '',
    causes: [],
    shortfalls: [...(run.ending?.shortfalls ?? [])],
    waiting: waiting(run, state),
    nodes: [],
  };
}
