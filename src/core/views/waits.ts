/** What each node of a run waits for: no host is ever silent (engine.md, "Why, when something goes wrong"). */
import { isOver, type Member, type PoolNode, type Run, type State } from '../state.ts';

/** What a node waits for in its run, for a person; undefined when it waits for nothing. */
export function waitsFor(state: State, node: PoolNode): string | undefined {
  const run = node.run_id === undefined ? undefined : state.runs.get(node.run_id);
  const member = run?.members.get(node.spec.hostname);
  if (run === undefined || member === undefined) return undefined;
  return memberWaitsFor(run, member, node);
}

/** @param node the member's node; undefined when it has left the pool */
export function memberWaitsFor(run: Run, member: Member, node: PoolNode | undefined): string | undefined {
  if (isOver(run) || member.phase === 'done') return undefined;
  if (node?.held) return 'the operator: it was disconnected by plushDisconnectApp';
  if (node !== undefined && node.link !== 'connected') return connection(node);
  if (run.state === 'ending' || member.phase === 'finishing') return 'its output to be collected';
  if (member.phase === 'preparing') return 'its software to be installed';
  if (run.state === 'deploying') {
    const components = [...run.components.values()];
    const prepared = components.reduce((sum, c) => sum + c.prepared, 0);
    return `the other nodes to be prepared (${prepared} of ${run.members.size} are)`;
  }
  const running = [...member.tasks.values()].filter(
    (task) => task.state === 'ordered' || task.state === 'running',
  );
  if (running.length > 0)
    return `its task in ${running.map((task) => `block "${task.block}"`).join(' and ')} to end`;
  return 'blocks on other nodes to complete';
}

function connection(node: PoolNode): string {
  const how = node.spec.type === 'local' ? 'its agent' : 'a connection over SSH';
  if (node.trouble === undefined) return how;
  return `${how} (attempt ${node.attempts + 1}; last: ${node.trouble.message})`;
}
