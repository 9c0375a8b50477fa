/**
 * Repair (section 3.4.1 of plush-toit.2011; engine.md): a lost node is replaced by a spare; with fewer than the minimum left,
 * or a static host lost, the run ends.
 */
import type { Failure, MemberRef, RunOutcome, Shortfall } from '../../../api/schemas.ts';
import type { ComponentSpec } from '../../../api/spec.ts';
import { isCandidate, match, mayJoin, meets, refersTo } from '../pool/match.ts';
import { flagMs } from '../pool/rules.ts';
import { shortfallSentence } from '../pool/shortfall.ts';
import { isOver, type Member, type PoolNode, type Run } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { advanceRun, closeBegun, closeBlocks } from './advance.ts';
import { loseAtBarriers, queueForInstall } from './barriers.ts';
import { generationOf, isService } from './service.ts';
import { returnWork } from './workflows.ts';

/** Decides the outcome; the nodes are cleaned, and the run ends when they are. */
export function endRun(
  tx: Transaction,
  run: Run,
  outcome: RunOutcome,
  cause: string,
  message: string,
  shortfalls: readonly Shortfall[] = [],
): void {
  if (run.ending !== undefined) return;
  tx.emit('run_ending', {
    run_id: run.run_id,
    outcome,
    cause,
    message,
    ...(shortfalls.length === 0 ? {} : { shortfalls: [...shortfalls] }),
  });
  for (const member of [...run.members.values()]) {
    const node = tx.state.nodes.get(member.hostname);
    if (node === undefined || !mayAnswer(node)) finishMember(tx, run, member.hostname, true);
  }
  finishRun(tx, run);
}

/**
 * Whether a run that ends waits for the node: it answers, or it did and no attempt to reach it has failed since. Its output
 * is brought back then, also when the daemon was restarted a moment ago.
 */
function mayAnswer(node: PoolNode): boolean {
  if (node.link === 'connected') return true;
  return node.agent !== undefined && !node.held && node.attempts === 0 && node.link !== 'idle';
}

/**
 * Ends the run once every node of it is cleaned or owed.
 * @param overdue do not wait for lost nodes any longer
 */
export function finishRun(tx: Transaction, run: Run, overdue = false): void {
  if (run.state !== 'ending' || run.uncleaned > 0 || run.ending === undefined) return;
  if (run.cleaning.size > 0 && !overdue) return;
  tx.emit('run_ended', { run_id: run.run_id, outcome: run.ending.outcome });
  if (tx.state.active.size === 0) return;
  for (const hostname of run.members.keys()) fillComponents(tx, hostname);
}

/** A member's part is over. `owed`: it could not be cleaned. */
export function finishMember(tx: Transaction, run: Run, hostname: string, owed: boolean): void {
  const member = run.members.get(hostname);
  if (member === undefined || member.phase === 'done') return;
  // Where no agent ever answered there is nothing to clean, and a removed node's agent cleans up before it leaves.
  const isOwed = owed && tx.state.nodes.get(hostname)?.agent !== undefined;
  tx.emit('member_cleaned', { run_id: run.run_id, hostname, owed: isOwed });
  advanceRun(tx, run);
}

/** Whether nothing is left to do on the node but cleaning, so that nobody need take its place. */
export function hasDoneItsPart(run: Run, member: Member): boolean {
  return member.phase === 'finishing' || member.phase === 'done' || run.ending !== undefined;
}

/** Sets a node's failed flag and has its run recover. */
export function failNode(tx: Transaction, node: PoolNode, failure: Failure): void {
  const { hostname } = node.spec;
  tx.emit('node_failed', { hostname, failure, flag_ms: flagMs(tx.rules, failure.cause) });
  loseNode(tx, node, failure);
}

/**
 * Takes a node out of the run that uses it.
 * @param before what must have become true before a replacement is chosen
 */
export function loseNode(tx: Transaction, node: PoolNode, failure: Failure, before?: () => void): void {
  const { hostname } = node.spec;
  const run = node.run_id === undefined ? undefined : tx.state.runs.get(node.run_id);
  const member = run?.members.get(hostname);
  if (run === undefined || member === undefined) {
    before?.();
  } else if (hasDoneItsPart(run, member)) {
    before?.();
    finishMember(tx, run, hostname, true);
  } else {
    failMember(tx, run, hostname, failure, before);
  }
}

function componentOf(run: Run, name: string): ComponentSpec {
  return run.spec.components.find((component) => component.name === name) as ComponentSpec;
}

/**
 * Takes a member out of its run and puts another node in its place.
 * @param before what must have become true before a replacement is chosen
 */
export function failMember(
  tx: Transaction,
  run: Run,
  hostname: string,
  failure: Failure,
  before?: () => void,
): void {
  const member = run.members.get(hostname);
  const node = tx.state.nodes.get(hostname);
  if (member === undefined || isOver(run)) {
    before?.();
    return;
  }
  const { component, index } = member;
  if (run.ending === undefined) returnWork(tx, run, member);
  tx.emit('member_failed', { run_id: run.run_id, hostname, component, failure });
  if (run.ending === undefined) loseAtBarriers(tx, run, member);
  const spec = componentOf(run, component);
  const isStatic = node !== undefined && spec.static_hosts.some((host) => refersTo(host, node));
  before?.();
  if (run.ending !== undefined) {
    finishRun(tx, run);
  } else if (isStatic && !isService(run)) {
    endRun(tx, run, 'failed', 'static_host_lost', `Static host ${hostname} was lost: ${failure.message}`);
  } else {
    replace(tx, run, spec, index, hostname, failure);
  }
}

/** Takes a member out of its run for good: nobody takes its place, and the run ends when too few are left. */
export function removeMember(tx: Transaction, run: Run, hostname: string, failure: Failure): void {
  const member = run.members.get(hostname);
  if (member === undefined || run.ending !== undefined) return;
  const { component } = member;
  returnWork(tx, run, member);
  tx.emit('member_failed', { run_id: run.run_id, hostname, component, failure });
  loseAtBarriers(tx, run, member);
  const spec = componentOf(run, component);
  const left = run.components.get(component)?.members.size ?? 0;
  if (left < spec.min && !isService(run)) {
    const nodes = left === 1 ? '1 node' : `${left} nodes`;
    const message = `Component "${component}" has ${nodes} left and cannot do with fewer than ${spec.min}: ${failure.message}`;
    endRun(tx, run, 'failed', 'not_enough_nodes', message);
    return;
  }
  closeBlocks(tx, run, component);
  advanceRun(tx, run);
}

function replace(
  tx: Transaction,
  run: Run,
  spec: ComponentSpec,
  index: number,
  hostname: string,
  failure: Failure,
): void {
  const have = run.components.get(spec.name)?.members.size ?? 0;
  const places = [{ index, replaces: hostname }];
  const { members, shortfall } = match(tx.state, run, spec, places, tx.random, { have, hosts: tx.hosts });
  if (members.length > 0) {
    join(tx, run, members);
  } else if (shortfall !== undefined && !isService(run)) {
    const text = `Node ${hostname} was lost (${failure.message}) and there is no spare. ${shortfallSentence(shortfall)}`;
    endRun(tx, run, 'failed', 'not_enough_nodes', text, [shortfall]);
    return;
  } else {
    closeBlocks(tx, run, spec.name);
  }
  advanceRun(tx, run);
}

/** Puts nodes into the run and has those connected to that are not. */
export function join(tx: Transaction, run: Run, members: readonly MemberRef[]): void {
  tx.emit('run_matched', { run_id: run.run_id, members: generationOf(run, members) });
  for (const { hostname } of members) {
    const link = tx.state.nodes.get(hostname)?.link;
    if (link === 'idle' || link === 'lost') tx.emit('node_connecting', { hostname });
    else if (link === 'connected') queueForInstall(tx, run, run.members.get(hostname));
  }
  // Who skips what is for other places may be the last that a block waited for.
  const sharing = members.filter(({ hostname }) => run.members.get(hostname)?.skipped !== undefined);
  for (const component of new Set(sharing.map((member) => member.component))) closeBegun(tx, run, component);
}

/** A node became available: a run that could use more nodes, up to its maximum, takes it. */
export function fillComponents(tx: Transaction, hostname: string): void {
  for (const id of tx.state.active) {
    const run = tx.state.runs.get(id);
    const node = tx.state.nodes.get(hostname);
    if (node === undefined || !tx.state.free.has(hostname)) return;
    if (run === undefined || !mayJoin(run, node)) continue;
    if (run.state !== 'deploying' && run.state !== 'running') continue;
    for (const component of run.components.values()) {
      if (component.members.size >= component.max) continue;
      if (component.finished > 0 && !isService(run)) continue;
      const spec = componentOf(run, component.name);
      if (!isCandidate(spec, node) || !meets(spec, node, tx.hosts)) continue;
      join(tx, run, [{ hostname, component: component.name, index: component.vacant[0] ?? component.next }]);
      break;
    }
  }
}
