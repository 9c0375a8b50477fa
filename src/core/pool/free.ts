/** Which nodes a run may take. */
import type { PoolNode, State } from '../state.ts';

/** Neither failed, nor in use, nor past its lease, nor still being left by an earlier agent. */
export function isFree(state: State, { failed, run_id, lease_over, spec }: PoolNode): boolean {
  const isUsable = failed === undefined && run_id === undefined && lease_over === undefined;
  return isUsable && (state.leaving.size === 0 || !state.leaving.has(spec.hostname));
}

/** Keeps `free` in step with what decides it; called after each change of that. */
export function refreshFree(state: State, hostname: string): void {
  const node = state.nodes.get(hostname);
  if (node !== undefined && isFree(state, node)) state.free.add(hostname);
  else state.free.delete(hostname);
}
