/** What a service lacks, in words. */
import type { ResultOf } from '../../../api/methods.ts';
import { durationText } from '../duration.ts';
import { intervalMs } from '../run/service.ts';
import type { ComponentState, Run } from '../state.ts';

type Waiting = ResultOf<'plushGetRun'>['waiting'];

function belowIn(run: Run): ComponentState[] {
  if (run.service === undefined || run.ending !== undefined) return [];
  return [...run.components.values()].filter(({ members, min }) => members.size < min);
}

/** 'component "w" has 1 of at least 2 nodes; it looks for more every 30 s' for each component below its minimum */
export function degradations(run: Run): string[] {
  const every = durationText(intervalMs(run));
  return belowIn(run).map(
    ({ name, members, min }) =>
      `Component "${name}" has ${members.size} of at least ${min} nodes; it looks for more every ${every}`,
  );
}

/** Places that a service wants filled, as something that is waited for: there is no node yet to wait. */
export function placesIn(run: Run): Waiting {
  const every = durationText(intervalMs(run));
  return belowIn(run).map(({ name, members, min, below }) => ({
    waits_for: `more nodes for component "${name}" (${members.size} of at least ${min} nodes; looks for more every ${every})`,
    nodes: min - members.size,
    since: below ?? run.since,
    examples: [],
  }));
}
