/** Decisions about nodes: the pool's membership, connections, the failed flag. */
import type { NodeSpec } from '../../../api/spec.ts';
import { durationText } from '../duration.ts';
import type { Actor, InputOf } from '../input.ts';
import {
  CONNECT_ATTEMPTS,
  CONNECT_DELAYS_MS,
  FINAL_CAUSES,
  MAX_OWN_BYTES,
  OWED_ATTEMPTS,
  OWED_FIRST_MS,
  OWED_MAX_MS,
} from '../limits.ts';
import { isNeeded } from '../needed.ts';
import { refuseWhenQuitting } from '../quitting.ts';
import { Rejection } from '../rejection.ts';
import { advanceRun, missTasks, reconcileTask } from '../run/advance.ts';
import { queueForInstall } from '../run/barriers.ts';
import {
  failMember,
  failNode,
  fillComponents,
  finishMember,
  hasDoneItsPart,
  loseNode,
} from '../run/recover.ts';
import { keepsFiles } from '../run/restart.ts';
import { isOfAnotherTime } from '../run/service.ts';
import { takeWork } from '../run/workflows.ts';
import type { Member, PoolNode, Run, State } from '../state.ts';
import type { HostSample } from '../task.ts';
import type { Transaction } from '../transaction.ts';
import { checkHostname, isIpAddress } from './hostname.ts';
import { checkLease } from './lease.ts';
import { meets } from './match.ts';
import { HELD_RETRY_MS, holds } from './outage.ts';
import { nodeBytes } from './owned.ts';
import { judge, unmetSentence } from './requirements.ts';
import { dropsNow } from './rules.ts';

function nodeOf(state: State, hostname: string): PoolNode {
  const node = state.nodes.get(hostname);
  if (node === undefined) throw notFound(hostname);
  return node;
}

function notFound(hostname: string): Rejection {
  return new Rejection('NODE_NOT_FOUND', `No node "${hostname}" is in the pool`, { hostname });
}

interface Origin {
  readonly source: 'api' | 'directory' | 'planetlab';
  readonly owner?: string | undefined;
}

/**
 * Has the pool know a node by this description from now on.
 * @param mend clear the failed flag even when the description is the same
 */
export function put(tx: Transaction, node: NodeSpec, { source, owner }: Origin, mend: boolean): void {
  const known = tx.state.nodes.get(node.hostname);
  const origin = { source, ...(owner === undefined ? {} : { owner }) };
  if (known === undefined) {
    tx.emit('node_added', { node, ...origin });
  } else if (
    (mend && (known.failed !== undefined || known.lease_over !== undefined)) ||
    known.source !== source ||
    known.owner !== owner ||
    JSON.stringify(known.spec) !== JSON.stringify(node)
  ) {
    tx.emit('node_updated', { node, ...origin });
  } else {
    return;
  }
  fillComponents(tx, node.hostname);
}

/** Whether a node is none of that caller's business. */
function isForeign(node: PoolNode, by: Actor | undefined): boolean {
  return by?.ownNodesOnly === true && node.owner !== by.name;
}

export function addNode(tx: Transaction, { node, by }: InputOf<'add_node'>): void {
  refuseWhenQuitting(tx.state);
  checkNode(node);
  checkLease(node, tx.nowMs);
  const known = tx.state.nodes.get(node.hostname);
  if (known !== undefined && isForeign(known, by)) {
    throw new Rejection('NODE_TAKEN', `Node "${node.hostname}" was added by somebody else`, {
      hostname: node.hostname,
    });
  }
  if (by?.ownNodesOnly) checkRoom(tx.state, node, known, by);
  // Who describes another's node anew does not take it over: its owner goes on answering for it.
  put(tx, node, { source: 'api', owner: known?.owner ?? by?.name }, true);
}

function checkRoom(state: State, node: NodeSpec, known: PoolNode | undefined, by: Actor): void {
  const before = known === undefined ? 0 : nodeBytes(known.spec);
  if ((state.owned.get(by.name) ?? 0) - before + nodeBytes(node) <= MAX_OWN_BYTES) return;
  const sentence = `The nodes that token "${by.name}" has added take ${MAX_OWN_BYTES >> 20} MiB already`;
  throw new Rejection('TOO_MANY_NODES', sentence);
}

function checkNode(node: NodeSpec): void {
  const wrong = checkHostname(node.hostname);
  if (wrong !== undefined) {
    throw new Rejection('INVALID_NODE', `The hostname ${JSON.stringify(node.hostname)} ${wrong}`, {
      hostname: node.hostname,
    });
  }
  if (node.vip !== undefined && !isIpAddress(node.vip)) {
    throw new Rejection('INVALID_NODE', `vip ${JSON.stringify(node.vip)} is not an IP address`, {
      vip: node.vip,
    });
  }
}

export function removeNode(tx: Transaction, { hostname, by }: InputOf<'remove_node'>): void {
  const node = nodeOf(tx.state, hostname);
  // In the same words as for a node that is not there: whoever may not touch it need not learn of it.
  if (isForeign(node, by)) throw notFound(hostname);
  drop(tx, node);
}

/** Takes a node out of the pool; a run that uses it recovers. */
export function drop(tx: Transaction, node: PoolNode): void {
  const { hostname } = node.spec;
  const owed = [...node.owed];
  const message = 'The node was removed from the pool';
  loseNode(tx, node, { phase: 'watch', cause: 'removed', message, attempt: 1 }, () =>
    tx.emit('node_removed', { hostname }),
  );
  endWaiting(tx, owed);
}

/** Runs that are over but for the cleaning of a node that answers no longer. */
function endWaiting(tx: Transaction, owed: readonly string[]): void {
  for (const run_id of owed) {
    const run = tx.state.runs.get(run_id);
    if (run?.state === 'ending') advanceRun(tx, run);
  }
}

export function failHost(tx: Transaction, { hostname }: InputOf<'fail_host'>): void {
  failNode(tx, nodeOf(tx.state, hostname), {
    phase: 'watch',
    cause: 'failed_by_operator',
    message: 'plushFailHost was called for the node',
    attempt: 1,
  });
}

export function connect(tx: Transaction, { hostname }: InputOf<'connect'>): void {
  refuseWhenQuitting(tx.state);
  const node = nodeOf(tx.state, hostname);
  // Who asks for the connection believes in the node; should it fail again, the flag is set again.
  if (node.failed !== undefined) tx.emit('node_restored', { hostname, cause: 'connect_requested' });
  if (node.link !== 'connected' && node.link !== 'connecting') tx.emit('node_connecting', { hostname });
}

export function disconnect(tx: Transaction, { hostname }: InputOf<'disconnect'>): void {
  const nodes = hostname === '' ? [...tx.state.nodes.values()] : [nodeOf(tx.state, hostname)];
  for (const node of nodes) {
    const isRetried = node.link === 'lost' && isNeeded(tx.state, node);
    if (node.link !== 'connected' && node.link !== 'connecting' && !isRetried) continue;
    tx.emit('node_disconnected', {
      hostname: node.spec.hostname,
      cause: 'requested',
      message: 'plushDisconnectApp was called',
      attempt: 0,
    });
    const part = partOf(tx.state, node);
    if (part?.run.ending !== undefined) finishMember(tx, part.run, node.spec.hostname, true);
    endWaiting(tx, [...node.owed]);
  }
}

/** The node's unfinished part in its run. A node with the failed flag has none. */
function partOf(state: State, node: PoolNode): { run: Run; member: Member } | undefined {
  const run = node.run_id === undefined ? undefined : state.runs.get(node.run_id);
  const member = run?.members.get(node.spec.hostname);
  if (run === undefined || member === undefined || member.phase === 'done') return undefined;
  return node.failed === undefined ? { run, member } : undefined;
}

export function nodeUp(tx: Transaction, { hostname, agent }: InputOf<'node_up'>): void {
  const node = tx.state.nodes.get(hostname);
  if (node === undefined || node.held) return;
  const { instance, bundle, boot_id, node_version, platform, tasks, installed } = agent;
  const runs = [...new Set([...installed, ...tasks.map((task) => task.run_id)])];
  const isRefused = refuseUnmet(tx, node, agent.host);
  tx.emit('node_connected', { hostname, agent: { instance, bundle, boot_id, node_version, platform }, runs });
  for (const task of tasks) reconcileTask(tx, hostname, task);
  if (isRefused) fillComponents(tx, hostname);
  const part = partOf(tx.state, node);
  if (part === undefined) return;
  // It was done, and has nothing left with which it could begin again.
  if (part.member.phase === 'finishing' && keepsFiles(part.run) && !runs.includes(part.run.run_id))
    finishMember(tx, part.run, hostname, false);
  if (hasDoneItsPart(part.run, part.member)) return;
  queueForInstall(tx, part.run, part.member);
  if (part.member.phase !== 'preparing' && !runs.includes(part.run.run_id)) {
    const message = "The node came back without the run's files";
    failMember(tx, part.run, hostname, { phase: 'watch', cause: 'files_lost', message, attempt: 1 });
    fillComponents(tx, hostname);
    return;
  }
  missTasks(tx, part.run, part.member, new Set(tasks.map((task) => task.task_id)));
  takeWork(tx, part.run, part.member);
}

/** Takes a node out of its run that turns out not to measure what its component wants. Answers whether it did. */
function refuseUnmet(tx: Transaction, node: PoolNode, host: HostSample | undefined): boolean {
  const part = partOf(tx.state, node);
  const component = part?.run.spec.components.find(({ name }) => name === part.member.component);
  if (part?.member.phase !== 'preparing' || component === undefined || host === undefined) return false;
  if (part.run.ending !== undefined || meets(component, node, () => host)) return false;
  const verdict = judge(component, host);
  if (typeof verdict === 'string') return false;
  const message = unmetSentence(component.name, verdict, host);
  const failure = { phase: 'match', cause: 'requirement_unmet', message, attempt: 1 } as const;
  failMember(tx, part.run, node.spec.hostname, failure);
  return true;
}

export function nodeDown(tx: Transaction, { hostname, failure }: InputOf<'node_down'>): void {
  const node = tx.state.nodes.get(hostname);
  if (node === undefined || node.held) return;
  const wasUp = node.link === 'connected';
  const attempt = wasUp ? 0 : node.attempts + 1;
  const part = partOf(tx.state, node);
  const isEnding = part?.run.ending !== undefined;
  const { dropCount, dropWindowMs } = tx.rules;
  const drops = wasUp ? Math.min(dropCount, dropsNow(tx.rules, node.drops, tx.nowMs)) : 0;
  const isFlapping = drops >= dropCount;
  const isFinal = FINAL_CAUSES.has(failure.cause);
  const isOver = isFlapping || isFinal || (!wasUp && (isEnding || attempt >= CONNECT_ATTEMPTS));
  const isHeld = part !== undefined && !isEnding && holds(tx, node, failure.cause);
  const isLost = isOver && !isHeld;
  let retry_ms: number | undefined;
  if (isOver && isHeld) retry_ms = HELD_RETRY_MS;
  else if (part !== undefined && !isLost) retry_ms = CONNECT_DELAYS_MS[Math.max(0, attempt - 1)];
  else if (!isFinal && mayOwe(node, part !== undefined))
    retry_ms = owedDelay(part === undefined ? attempt : 0);
  tx.emit('node_disconnected', {
    hostname,
    cause: failure.cause,
    message: failure.message,
    attempt,
    ...(retry_ms === undefined ? {} : { retry_ms }),
    ...(wasUp && tx.state.outage === undefined ? { drops } : {}),
  });
  if (part !== undefined && isLost) {
    const times = `${drops} ${drops === 1 ? 'time' : 'times'} in ${durationText(dropWindowMs)}`;
    const message = `The node lost its connection ${times}, last: ${failure.message}`;
    const why = isFlapping ? { cause: 'flapping', message } : {};
    if (isEnding) finishMember(tx, part.run, hostname, true);
    else failNode(tx, node, { ...failure, ...why, attempt: Math.max(1, attempt) });
  }
  endWaiting(tx, [...node.owed]);
}

/** Whether something of a run is on the node, or will be said to be once the node is given up. */
function mayOwe(node: PoolNode, isMember: boolean): boolean {
  return node.owed.size > 0 || (isMember && node.agent !== undefined);
}

/** When a node that nobody waits for is asked again to be cleaned; undefined for not before it is used again. */
function owedDelay(attempt: number): number | undefined {
  if (attempt >= OWED_ATTEMPTS) return undefined;
  return Math.min(OWED_MAX_MS, OWED_FIRST_MS * 2 ** Math.min(attempt, 16));
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

export function cleaned(tx: Transaction, { hostname, run_id, generation }: InputOf<'cleaned'>): void {
  const run = tx.state.runs.get(run_id);
  const member = run?.members.get(hostname);
  // A member that still works was never asked to clean: the answer is of another time.
  if (run !== undefined && member !== undefined) {
    if (!hasDoneItsPart(run, member) || isOfAnotherTime(run, member, generation)) return;
    finishMember(tx, run, hostname, false);
  }
  if (tx.state.nodes.get(hostname)?.owed.has(run_id)) tx.emit('node_cleaned', { hostname, run_id });
  if (run !== undefined) advanceRun(tx, run);
  // A service may have it again now.
  if (run?.service !== undefined && member === undefined) fillComponents(tx, hostname);
}

export function left(tx: Transaction, { hostname }: InputOf<'left'>): void {
  if (!tx.state.leaving.has(hostname) && !tx.state.nodes.has(hostname)) return;
  tx.emit('node_left', { hostname });
  fillComponents(tx, hostname);
}
