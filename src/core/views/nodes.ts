/** What the API shows of nodes. */
import type { Static } from '@sinclair/typebox';
import type { NodeInfo, NodePage } from '../../../api/answers.ts';
import type { PoolNode, State } from '../state.ts';
import { type PageRequest, pageOfNames } from './page.ts';
import { waitsFor } from './waits.ts';

/** A node's state in a word: idle, connecting, connected, lost or failed. */
export function nodeState(node: PoolNode): string {
  return node.failed === undefined ? node.link : 'failed';
}

export function nodeInfo(state: State, node: PoolNode): Static<typeof NodeInfo> {
  const waits_for = waitsFor(state, node);
  return {
    ...node.spec,
    state: nodeState(node),
    since: node.since,
    preference: (node.spec.preference ?? 0) + node.credit,
    ...(node.run_id === undefined ? {} : { run_id: node.run_id }),
    ...(waits_for === undefined ? {} : { waits_for }),
    ...(node.failed === undefined ? {} : { failure: node.failed.failure }),
    ...(node.agent === undefined ? {} : { agent: node.agent }),
  } as Static<typeof NodeInfo>;
}

interface NodeFilter extends PageRequest {
  readonly group?: string;
  readonly state?: string;
  readonly run?: string;
}

/** The pool by page, in the order of the names. */
export function listNodes(state: State, filter: NodeFilter): Static<typeof NodePage> {
  const isWanted = (node: PoolNode) =>
    (filter.group === undefined || node.spec.group === filter.group) &&
    (filter.state === undefined || nodeState(node) === filter.state) &&
    (filter.run === undefined || node.run_id === filter.run);
  const all = sortedNames(state);
  const isFiltered = filter.group !== undefined || filter.state !== undefined || filter.run !== undefined;
  const wanted = isFiltered ? all.filter((name) => isWanted(state.nodes.get(name) as PoolNode)) : all;
  const { names, cursor } = pageOfNames(wanted, filter);
  const nodes = names.map((name) => nodeInfo(state, state.nodes.get(name) as PoolNode));
  return { nodes, total: wanted.length, ...(cursor === undefined ? {} : { cursor }) };
}

const sorted = new WeakMap<State, { version: number; names: readonly string[] }>();

/** The names in order, sorted anew only when a node came or went. */
function sortedNames(state: State): readonly string[] {
  const known = sorted.get(state);
  if (known?.version === state.pool_version) return known.names;
  const names = [...state.nodes.keys()].sort();
  sorted.set(state, { version: state.pool_version, names });
  return names;
}
