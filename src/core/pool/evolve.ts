/** How facts about nodes change the pool. */
import type { NodeSpec } from '../../../api/spec.ts';
import type { Evolver } from '../evolve.ts';
import type { LinkState, PoolNode, State } from '../state.ts';
import { hush, noteDown, noteUp, unheard } from './contact.ts';
import { refreshFree } from './free.ts';
import { noteLease } from './leases.ts';
import { specOf } from './login.ts';
import { countOwned } from './owned.ts';
import { addDrop } from './rules.ts';

function newNode(spec: NodeSpec, source: string, owner: string | undefined, time: string): PoolNode {
  return {
    spec,
    source,
    ...(owner === undefined ? {} : { owner }),
    link: 'idle',
    since: time,
    attempts: 0,
    drops: [],
    credit: 0,
    owed: new Set(),
    held: false,
  };
}

/** Has `since` tell when the link's state last changed. */
export function setLink(node: PoolNode, link: LinkState, time: string): void {
  if (node.link === link) return;
  node.link = link;
  node.since = time;
  if (link === 'connected' || link === 'idle') delete node.away;
  else node.away ??= time;
}

/** Runs that end need not wait for a node that no longer answers. */
function stopCleaning(state: State, node: PoolNode): void {
  for (const run_id of node.owed) state.runs.get(run_id)?.cleaning.delete(node.spec.hostname);
}

/** Marks that a run's leftovers may be on the node. A node whose agent never answered has none. */
export function oweCleaning(state: State, hostname: string, run_id: string): void {
  const node = state.nodes.get(hostname);
  if (node?.agent !== undefined) node.owed.add(run_id);
}

type PoolEvents =
  | 'node_added'
  | 'node_updated'
  | 'node_removed'
  | 'node_left'
  | 'node_connecting'
  | 'node_connected'
  | 'node_disconnected'
  | 'node_failed'
  | 'node_restored'
  | 'node_lease_expired'
  | 'node_cleaned'
  | 'planetlab_slices_changed'
  | 'slice_nodes_changed';

export const poolEvolvers: { readonly [T in PoolEvents]: Evolver<T> } = {
  node_added: (state, { node, source, owner }, time) => {
    state.membership += 1;
    const known = newNode(node, source, owner, time);
    state.nodes.set(node.hostname, known);
    noteLease(state, known);
    countOwned(state, owner, node, 1);
    refreshFree(state, node.hostname);
  },
  node_updated: (state, { node, source, owner }, time) => {
    const known = state.nodes.get(node.hostname);
    if (known === undefined) return;
    countOwned(state, known.owner, known.spec, -1);
    countOwned(state, owner, node, 1);
    known.spec = node;
    known.source = source;
    if (owner === undefined) delete known.owner;
    else known.owner = owner;
    known.attempts = 0;
    known.drops = [];
    delete known.lease_over;
    noteLease(state, known);
    if (known.failed !== undefined) {
      delete known.failed;
      known.since = time;
    }
    refreshFree(state, node.hostname);
  },
  node_removed: (state, { hostname }) => {
    const node = state.nodes.get(hostname);
    if (node === undefined) return;
    // Where no agent ever answered no task was ever started; an agent without one leaves by itself.
    if (node.agent !== undefined) state.leaving.set(hostname, specOf(node));
    stopCleaning(state, node);
    unheard(state, hostname);
    countOwned(state, node.owner, node.spec, -1);
    state.nodes.delete(hostname);
    state.membership += 1;
    refreshFree(state, hostname);
  },
  node_left: (state, { hostname }, time) => {
    state.leaving.delete(hostname);
    const node = state.nodes.get(hostname);
    if (node !== undefined) {
      delete node.agent;
      delete node.login;
      // An attempt that was asked for meanwhile brings its own answer.
      if (node.link !== 'connecting') setLink(node, 'idle', time);
    }
    refreshFree(state, hostname);
  },
  node_connecting: (state, { hostname }, time) => {
    const node = state.nodes.get(hostname);
    if (node === undefined) return;
    node.held = false;
    setLink(node, 'connecting', time);
  },
  node_connected: (state, { hostname, agent }, time) => {
    const node = state.nodes.get(hostname);
    if (node === undefined) return;
    setLink(node, 'connected', time);
    noteUp(state, node);
    node.attempts = 0;
    node.agent = agent;
    delete node.trouble;
  },
  node_disconnected: (state, { hostname, cause, message, attempt, retry_ms, drops }, time) => {
    const node = state.nodes.get(hostname);
    if (node === undefined) return;
    noteDown(state, node, cause, retry_ms !== undefined, time);
    // In an outage it is not the node's fault.
    if (node.link === 'connected' && cause !== 'requested' && state.outage === undefined)
      node.drops = addDrop(node.drops, Date.parse(time), drops);
    node.held = cause === 'requested';
    node.attempts = attempt;
    node.trouble = { cause, message };
    stopCleaning(state, node);
    setLink(node, 'lost', time);
  },
  node_failed: (state, { hostname, failure, flag_ms }, time) => {
    const node = state.nodes.get(hostname);
    if (node === undefined) return;
    const until = flag_ms === undefined ? {} : { until: new Date(Date.parse(time) + flag_ms).toISOString() };
    node.failed = { at: time, failure, ...until };
    node.since = time;
    node.attempts = 0;
    node.credit -= 1;
    hush(state, hostname);
    refreshFree(state, hostname);
  },
  node_restored: (state, { hostname }, time) => {
    const node = state.nodes.get(hostname);
    if (node?.failed === undefined) return;
    delete node.failed;
    node.drops = [];
    node.since = time;
    refreshFree(state, hostname);
  },
  node_lease_expired: (state, { hostname }, time) => {
    const node = state.nodes.get(hostname);
    if (node !== undefined) node.lease_over = time;
    refreshFree(state, hostname);
  },
  node_cleaned: (state, { hostname, run_id }) => {
    state.nodes.get(hostname)?.owed.delete(run_id);
    state.runs.get(run_id)?.cleaning.delete(hostname);
  },
  planetlab_slices_changed: (state, { slices }) => {
    state.slices = new Map(slices.map(({ slice, port }) => [slice, port]));
  },
  // The nodes have facts of their own.
  slice_nodes_changed: () => {},
};
