/** Which nodes somebody waits for. */
import type { PoolNode, State } from './state.ts';

/** A node that a run or a cleaning waits for. */
export function isNeeded(state: State, node: PoolNode): boolean {
  if (node.held) return false;
  if (node.owed.size > 0) return true;
  const run = node.run_id === undefined ? undefined : state.runs.get(node.run_id);
  const member = run?.members.get(node.spec.hostname);
  return member !== undefined && member.phase !== 'done';
}
