/** Decisions about nodes: the pool's membership, connections, the failed flag. */
import type { Failure } from '../../../api/schemas.ts';
import type { NodeSpec } from '../../../api/spec.ts';
import { refuseWhenQuitting } from '../control.ts';
import { hasAttempts, isNeeded } from '../effects.ts';
import type { InputOf } from '../input.ts';
import {
  CONNECT_DELAYS_MS,
  FINAL_CAUSES,
  FLAP_COUNT,
  FLAP_WINDOW_MS,
  OWED_ATTEMPTS,
  OWED_FIRST_MS,
  OWED_MAX_MS,
} from '../limits.ts';
import { Rejection } from '../rejection.ts';
import { advanceRun, reconcileTask } from '../run/advance.ts';
import { failMember, fillComponents, finishMember } from '../run/recover.ts';
import type { PoolNode, State } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { checkHostname } from './hostname.ts';

function nodeOf(state: State, hostname: string): PoolNode {
  const node = state.nodes.get(hostname);
  if (node === undefined)
    throw new Rejection('NODE_NOT_FOUND', `No node "${hostname}" is in the pool`, { hostname });
  return node;
}

function put(tx: Transaction, node: NodeSpec, source: string): void {
  const known = tx.state.nodes.get(node.hostname);
  if (known === undefined) {
    tx.emit('node_added', { node, source });
  } else if (
    known.failed !== undefined ||
    known.source !== source ||
    JSON.stringify(known.spec) !== JSON.stringify(node)
  ) {
    tx.emit('node_updated', { node, source });
  } else {
    return;
  }
  fillComponents(tx, node.hostname);
}

export function addNode(tx: Transaction, { node }: InputOf<'add_node'>): void {
  refuseWhenQuitting(tx.state);
  const wrong = checkHostname(node.hostname);
  if (wrong !== undefined) throw new Rejection('INVALID_NODE', wrong, { hostname: node.hostname });
  put(tx, node, 'api');
}

/** The directory's nodes as the file has them now: new ones come, changed ones change, those no longer listed go. */
export function loadDirectory(tx: Transaction, { nodes }: InputOf<'load_directory'>): void {
  const listed = new Set(nodes.map((node) => node.hostname));
  const gone = [...tx.state.nodes.values()].filter(
    (n) => n.source === 'directory' && !listed.has(n.spec.hostname),
  );
  for (const node of gone) drop(tx, node);
  for (const node of nodes) put(tx, node, 'directory');
}

export function removeNode(tx: Transaction, { hostname }: InputOf<'remove_node'>): void {
  drop(tx, nodeOf(tx.state, hostname));
}

function drop(tx: Transaction, node: PoolNode): void {
  const { hostname } = node.spec;
  const run = node.run_id === undefined ? undefined : tx.state.runs.get(node.run_id);
  if (run === undefined) {
    tx.emit('node_removed', { hostname });
    return;
  }
  const failure: Failure = {
    phase: 'watch',
    cause: 'removed',
    message: 'The node was removed from the pool',
    attempt: 1,
  };
  failMember(tx, run, hostname, failure, () => tx.emit('node_removed', { hostname }));
}

export function failHost(tx: Transaction, { hostname }: InputOf<'fail_host'>): void {
  const node = nodeOf(tx.state, hostname);
  fail(tx, node, {
    phase: 'watch',
    cause: 'failed_by_operator',
    message: 'plushFailHost was called for the node',
    attempt: 1,
  });
}

/** Sets the failed flag and has the node's run recover. */
export function fail(tx: Transaction, node: PoolNode, failure: Failure): void {
  const { hostname } = node.spec;
  tx.emit('node_failed', { hostname, failure });
  const run = node.run_id === undefined ? undefined : tx.state.runs.get(node.run_id);
  if (run === undefined) return;
  const member = run.members.get(hostname);
  if (member?.phase === 'finishing' || member?.phase === 'done' || run.state === 'ending') {
    finishMember(tx, run, hostname, true);
    return;
  }
  failMember(tx, run, hostname, failure);
}

export function connect(tx: Transaction, { hostname }: InputOf<'connect'>): void {
  refuseWhenQuitting(tx.state);
  const node = nodeOf(tx.state, hostname);
  if (node.link !== 'connected' && node.link !== 'connecting') tx.emit('node_connecting', { hostname });
}

export function disconnect(tx: Transaction, { hostname }: InputOf<'disconnect'>): void {
  const nodes = hostname === '' ? [...tx.state.nodes.values()] : [nodeOf(tx.state, hostname)];
  for (const node of nodes) {
    if (node.link !== 'connected' && node.link !== 'connecting') continue;
    tx.emit('node_disconnected', {
      hostname: node.spec.hostname,
      cause: 'requested',
      message: 'plushDisconnectApp was called',
      attempt: 0,
    });
  }
}

export function nodeUp(tx: Transaction, { hostname, agent }: InputOf<'node_up'>): void {
  const node = tx.state.nodes.get(hostname);
  if (node === undefined || node.held) return;
  const { instance, bundle, boot_id, node_version, platform, tasks, installed } = agent;
  const runs = [...new Set([...installed, ...tasks.map((task) => task.run_id)])];
  tx.emit('node_connected', { hostname, agent: { instance, bundle, boot_id, node_version, platform }, runs });
  for (const task of tasks) reconcileTask(tx, hostname, task);
}

export function nodeDown(tx: Transaction, { hostname, failure }: InputOf<'node_down'>): void {
  const node = tx.state.nodes.get(hostname);
  if (node === undefined || node.held) return;
  const wasUp = node.link === 'connected';
  const { cause, message } = failure;
  const attempt = wasUp ? 0 : node.attempts + 1;
  const isMember = node.run_id !== undefined && node.failed === undefined;
  const retry_ms = retryDelay(tx.state, node, wasUp, failure, isMember);
  tx.emit('node_disconnected', {
    hostname,
    cause,
    message,
    attempt,
    ...(retry_ms === undefined ? {} : { retry_ms }),
  });
  if (!isMember) return;
  const recent = node.drops.filter((at) => at > tx.nowMs - FLAP_WINDOW_MS).length;
  if (wasUp && recent >= FLAP_COUNT) {
    const minutes = FLAP_WINDOW_MS / 60_000;
    const text = `The node lost its connection ${recent} times in ${minutes} minutes, last: ${message}`;
    fail(tx, node, { ...failure, cause: 'flapping', message: text });
  } else if (retry_ms === undefined) {
    fail(tx, node, { ...failure, attempt: Math.max(1, attempt) });
  }
}

/** When to try again; undefined for not at all. */
function retryDelay(
  state: State,
  node: PoolNode,
  wasUp: boolean,
  failure: Failure,
  isMember: boolean,
): number | undefined {
  if (!isNeeded(state, node) || FINAL_CAUSES.has(failure.cause)) return undefined;
  if (isMember) {
    if (wasUp) return CONNECT_DELAYS_MS[0];
    return hasAttempts(node) ? (CONNECT_DELAYS_MS[node.attempts] ?? CONNECT_DELAYS_MS[0]) : undefined;
  }
  if (node.attempts >= OWED_ATTEMPTS) return undefined;
  return Math.min(OWED_MAX_MS, OWED_FIRST_MS * 2 ** Math.min(node.attempts, 16));
}

/** A retry is due. */
export function reconnect(tx: Transaction, hostname: string): void {
  const node = tx.state.nodes.get(hostname);
  if (node === undefined || node.link !== 'lost' || !isNeeded(tx.state, node)) return;
  tx.emit('node_connecting', { hostname });
}

/** The failed flag has stood long enough (section 4.2, note 4). */
export function restore(tx: Transaction, hostname: string): void {
  const node = tx.state.nodes.get(hostname);
  if (node?.failed === undefined) return;
  tx.emit('node_restored', { hostname, cause: 'expired' });
  fillComponents(tx, hostname);
}

export function cleaned(tx: Transaction, { hostname, run_id }: InputOf<'cleaned'>): void {
  const run = tx.state.runs.get(run_id);
  if (run?.members.has(hostname)) finishMember(tx, run, hostname, false);
  if (tx.state.nodes.has(hostname)) tx.emit('node_cleaned', { hostname, run_id });
  if (run !== undefined) advanceRun(tx, run);
}

export function left(tx: Transaction, { hostname }: InputOf<'left'>): void {
  if (tx.state.leaving.has(hostname) || tx.state.nodes.has(hostname)) tx.emit('node_left', { hostname });
}
