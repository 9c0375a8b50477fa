/** Answers about the pool. */
import type { ParamsOf, ResultOf } from '../../../api/methods.ts';
import type { Failure, NodeState } from '../../../api/schemas.ts';
import { leaseFailure } from '../pool/lease.ts';
import { ownPreference } from '../pool/match.ts';
import { Rejection } from '../rejection.ts';
import type { PoolNode, State } from '../state.ts';
import type { Arrived } from './barriers.ts';
import { DEFAULT_PAGE_ITEMS, fitting, indexAfter, makeCursor, readCursor } from './page.ts';
import { waitsFor } from './waiting.ts';

type NodeInfo = ResultOf<'plushGetNode'>;
type NodePage = ResultOf<'plushListNodes'>;
type NodeFilter = NonNullable<ParamsOf<'plushListNodes'>[0]>;

/** idle, connecting, connected, lost, or failed: the flag, and a lease that is over, hide the link's state. */
export function nodeState({ failed, lease_over, link }: PoolNode): NodeState {
  return failed === undefined && lease_over === undefined ? link : 'failed';
}

/** Since when the node is in that state: nothing that its link does in the meantime changes it. */
export function nodeSince({ failed, lease_over, since }: PoolNode): string {
  return failed?.at ?? lease_over ?? since;
}

/** Why the node is failed or lost; undefined when it is neither, or by the operator's wish. */
export function nodeFailure(node: PoolNode): Failure | undefined {
  if (node.failed !== undefined) return node.failed.failure;
  if (node.lease_over !== undefined) return leaseFailure(node);
  if (node.link === 'connected' || node.trouble === undefined || node.trouble.cause === 'requested')
    return undefined;
  const { cause, message } = node.trouble;
  const phase = node.agent === undefined ? 'bootstrap' : 'watch';
  return { phase, cause, message, attempt: Math.max(1, node.attempts) };
}

/** One node; the host monitor's sample is not part of the state and is added by the caller. */
export function nodeInfo(state: State, node: PoolNode, arrived?: Arrived): NodeInfo {
  const { lease, properties, ...spec } = node.spec;
  const waits_for = waitsFor(state, node, arrived);
  const failure = nodeFailure(node);
  return {
    ...spec,
    ...(lease === undefined ? {} : { lease: { ...lease } }),
    ...(properties === undefined ? {} : { properties: { ...properties } }),
    state: nodeState(node),
    since: nodeSince(node),
    preference: ownPreference(node),
    ...(node.owner === undefined ? {} : { owner: node.owner }),
    ...(node.run_id === undefined ? {} : { run_id: node.run_id }),
    ...(waits_for === undefined ? {} : { waits_for }),
    ...(failure === undefined ? {} : { failure }),
    ...(node.agent === undefined ? {} : { agent: { ...node.agent } }),
  };
}

/** One node, as its owner may know it who may not know of runs: whether it can be reached, and not what is done on it. */
export function ownNodeInfo(state: State, node: PoolNode): NodeInfo {
  const { run_id: _run, waits_for: _wait, failure, ...info } = nodeInfo(state, node);
  return { ...info, ...(failure === undefined ? {} : { failure: withoutRun(failure) }) };
}

function withoutRun({ phase, cause, message, attempt, block, command }: Failure): Failure {
  const isOfLink = phase === 'bootstrap' || phase === 'watch';
  if (isOfLink && block === undefined && command === undefined) return { phase, cause, message, attempt };
  return { phase, cause: 'failed_in_run', message: 'The node failed in a run', attempt };
}

/**
 * A page of the pool in the order of the names (by UTF-16 units).
 * @param owner only nodes that this one added, without what runs do on them
 * @throws Rejection BAD_CURSOR, FORBIDDEN
 */
export function listNodes(state: State, filter: NodeFilter, owner?: string): NodePage {
  if (owner !== undefined && filter.run !== undefined)
    throw new Rejection('FORBIDDEN', 'A filter by run needs the scope read', { scope: 'read' });
  const { limit = DEFAULT_PAGE_ITEMS, group, state: wanted, run } = filter;
  const all = run === undefined ? sortedNodes(state) : nodesOfRun(state, run);
  const isWanted = (node: PoolNode) =>
    (owner === undefined || node.owner === owner) &&
    (group === undefined || node.spec.group === group) &&
    (wanted === undefined || nodeState(node) === wanted);
  const isFiltered = owner !== undefined || group !== undefined || wanted !== undefined;
  const nodes = isFiltered ? all.filter(isWanted) : all;
  const show = owner === undefined ? nodeInfo : ownNodeInfo;
  const from = indexAfter(nodes, readCursor('nodes', filter.cursor), nameOf);
  const shown = fitting(nodes.slice(from, from + limit).map((node) => show(state, node)));
  const last = from + shown.length < nodes.length ? shown.at(-1) : undefined;
  return {
    nodes: shown,
    total: nodes.length,
    ...(last === undefined ? {} : { cursor: makeCursor('nodes', last.hostname) }),
  };
}

const nameOf = (node: PoolNode) => node.spec.hostname;

function byName(a: PoolNode, b: PoolNode): number {
  return nameOf(a) < nameOf(b) ? -1 : 1;
}

function nodesOfRun(state: State, run_id: string): readonly PoolNode[] {
  const nodes: PoolNode[] = [];
  for (const hostname of state.runs.get(run_id)?.members.keys() ?? []) {
    const node = state.nodes.get(hostname);
    if (node?.run_id === run_id) nodes.push(node);
  }
  return nodes.sort(byName);
}

/** A pool in order, made once for each membership: sorting 100,000 names for each page would dwarf the page. */
const sorted = new WeakMap<State, { membership: number; nodes: readonly PoolNode[] }>();

function sortedNodes(state: State): readonly PoolNode[] {
  const known = sorted.get(state);
  if (known?.membership === state.membership) return known.nodes;
  const names = [...state.nodes.keys()].sort();
  const nodes = names.map((name) => state.nodes.get(name) as PoolNode);
  sorted.set(state, { membership: state.membership, nodes });
  return nodes;
}
