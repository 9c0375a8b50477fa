/**
 * What is different in a service (section 6.2 of plush-toit.2011): it begins with its first node, no failure of a node or of a
 * process ends it, nodes that were lost may come back, and its matching is refreshed up to its maximum.
 */
import type { Failure, MemberRef } from '../../../api/schemas.ts';
import type { Effect } from '../effect.ts';
import { RECONNECT_INTERVAL_MS, STABLE_MS } from '../limits.ts';
import type { Member, Run } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { type Chosen, type Exit, isSuccess, REPAIRED } from './policy.ts';
import { failNode } from './recover.ts';
import type { Ended } from './restart.ts';

export function isService(run: Run): boolean {
  return run.service !== undefined;
}

/** Time between two looks for more nodes, in ms. */
export function intervalMs(run: Run): number {
  return run.spec.reconnect_interval_ms ?? RECONNECT_INTERVAL_MS;
}

/** What is done about an exit of a service's process for which there is no policy. */
export function ofService(run: Run, exit: Exit): Chosen | undefined {
  if (!isService(run) || isSuccess(exit) || REPAIRED.has(exit.cause)) return undefined;
  return { policy: 'restart_process' };
}

/** Restarts that count against the bound. Over months every program fails now and then: in a service that is forgiven. */
export function restartsBefore(tx: Transaction, { run, member, block }: Ended): number {
  const task = member.tasks.get(block);
  const before = task?.restarts ?? 0;
  if (!isService(run) || task?.started === undefined) return before;
  return tx.nowMs - Date.parse(task.started) >= STABLE_MS ? 0 : before;
}

/** A process of a service that cannot be kept running: its node is replaced. */
export function giveNodeUp(tx: Transaction, hostname: string, failure: Failure): void {
  const node = tx.state.nodes.get(hostname);
  if (node !== undefined) failNode(tx, node, failure);
}

/** The members with a generation where they have been in the run before, or may have been. */
export function generationOf({ service, lost }: Run, members: readonly MemberRef[]): MemberRef[] {
  if (service === undefined) return [...members];
  let { generation } = service;
  return members.map((member) => {
    if (!lost.has(member.hostname) && service.forgot_names !== true) return member;
    generation += 1;
    return { ...member, generation };
  });
}

/** Whether a report is of a time before the node joined the run again. */
export function isOfAnotherTime(run: Run, member: Member, generation: number | undefined): boolean {
  return isService(run) && generation !== undefined && generation !== (member.generation ?? 1);
}

/** The timer of a service's next look for nodes. @param nowMs of a restart; absent: it has looked just now */
export function refreshLater(run: Run | undefined, nowMs?: number): Effect[] {
  if (run?.service === undefined) return [];
  const sinceMs = nowMs === undefined ? 0 : nowMs - Date.parse(run.service.refreshed);
  const delayMs = Math.max(0, intervalMs(run) - sinceMs);
  return [{ type: 'timer', timer: { kind: 'refresh', run_id: run.run_id }, delayMs }];
}
