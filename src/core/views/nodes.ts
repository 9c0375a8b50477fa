/** Answers about the pool. */
import type { ParamsOf, ResultOf } from '../../../api/methods.ts';
import type { Failure } from '../../../api/schemas.ts';
import type { PoolNode, State } from '../state.ts';
import { DEFAULT_PAGE_ITEMS, indexAfter, makeCursor, readCursor } from './page.ts';
import { waitsFor } from './waiting.ts';

type NodeInfo = ResultOf<'plushGetNode'>;
type NodePage = ResultOf<'plushListNodes'>;
type NodeFilter = NonNullable<ParamsOf<'plushListNodes'>[0]>;

/** idle, connecting, connected, lost, or failed: the flag hides the link's state. */
export function nodeState(node: PoolNode): string {
  return node.failed === undefined ? node.link : 'failed';
}

/** Why the node is failed or lost; undefined when it is neither, or by the operator's wish. */
export function nodeFailure(node: PoolNode): Failure | undefined {
  if (node.failed !== undefined) return node.failed.failure;
  if (node.link === 'connected' || node.trouble === undefined || node.trouble.cause === 'requested')
    return undefined;
  const { cause, message } = node.trouble;
  const phase = node.agent === undefined ? 'bootstrap' : 'watch';
  return { phase, cause, message, attempt: Math.max(1, node.attempts) };
}

/** One node; the host monitor's sample is not part of the state and is added by the caller. */
export function nodeInfo(state: State, node: PoolNode): NodeInfo {
  const { lease, properties, ...spec } = node.spec;
  const waits_for = waitsFor(state, node);
  const failure = nodeFailure(node);
  return {
    ...spec,
    ...(lease === undefined ? {} : { lease: { ...lease } }),
    ...(properties === undefined ? {} : { properties: { ...properties } }),
    state: nodeState(node),
    since: node.since,
    preference: (spec.preference ?? 0) + node.credit,
    ...(node.run_id === undefined ? {} : { run_id: node.run_id }),
    ...(waits_for === undefined ? {} : { waits_for }),
    ...(failure === undefined ? {} : { failure }),
    ...(node.agent === undefined ? {} : { agent: { ...node.agent } }),
  };
}

/**
 * A page of the pool in the order of the names (by UTF-16 units).
 * @throws Rejection BAD_CURSOR
 */
export function listNodes(state: State, filter: NodeFilter): NodePage {
  const { limit = DEFAULT_PAGE_ITEMS, group, state: wanted, run } = filter;
  const after = readCursor('nodes', filter.cursor);
  const names = run === undefined ? namesOf(state) : [...(state.runs.get(run)?.members.keys() ?? [])].sort();
  const isWanted = (node: PoolNode) =>
    (group === undefined || node.spec.group === group) &&
    (wanted === undefined || nodeState(node) === wanted) &&
    (run === undefined || node.run_id === run);
  const nodes: NodeInfo[] = [];
  let last: string | undefined;
  for (let i = indexAfter(names, after); i < names.length; i += 1) {
    const node = state.nodes.get(names[i] as string);
    if (node === undefined || !isWanted(node)) continue;
    if (nodes.length === limit) {
      last = nodes.at(-1)?.hostname;
      break;
    }
    nodes.push(nodeInfo(state, node));
  }
  const isWhole = group === undefined && wanted === undefined && run === undefined;
  const total = isWhole ? state.nodes.size : count(state, names, isWanted);
  return { nodes, total, ...(last === undefined ? {} : { cursor: makeCursor('nodes', last) }) };
}

function count(state: State, names: readonly string[], isWanted: (node: PoolNode) => boolean): number {
  let total = 0;
  for (const name of names) {
    const node = state.nodes.get(name);
    if (node !== undefined && isWanted(node)) total += 1;
  }
  return total;
}

/** The sorted names of a pool, made once for each membership: sorting 100,000 names for each page would dwarf the page. */
const sorted = new WeakMap<State, { membership: number; names: readonly string[] }>();

function namesOf(state: State): readonly string[] {
  const known = sorted.get(state);
  if (known?.membership === state.membership) return known.names;
  const names = [...state.nodes.keys()].sort();
  sorted.set(state, { membership: state.membership, names });
  return names;
}
