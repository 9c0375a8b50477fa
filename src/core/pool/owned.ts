/** How much of the pool belongs to whom, so that no token that may only add nodes can fill the controller's memory. */
import type { NodeSpec } from '../../../api/spec.ts';
import type { State } from '../state.ts';

/** What a node takes beside its description, about. */
const NODE_BYTES = 512;

/** What a node takes in memory, about. */
export function nodeBytes(spec: NodeSpec): number {
  return NODE_BYTES + JSON.stringify(spec).length;
}

/** Keeps `owned` in step with the nodes. @param sign 1 for a node that comes, -1 for one that goes */
export function countOwned(state: State, owner: string | undefined, spec: NodeSpec, sign: 1 | -1): void {
  if (owner === undefined) return;
  const bytes = (state.owned.get(owner) ?? 0) + sign * nodeBytes(spec);
  if (bytes > 0) state.owned.set(owner, bytes);
  else state.owned.delete(owner);
}
