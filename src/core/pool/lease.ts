/** Decisions about leases: the right to use a node until a time. */
import type { Failure } from '../../../api/schemas.ts';
import type { NodeSpec } from '../../../api/spec.ts';
import { Rejection } from '../rejection.ts';
import { loseNode } from '../run/recover.ts';
import type { PoolNode } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { leaseTimer, nextLease } from './leases.ts';

/** Leases that one decision ends; the rest follow at once. */
const MAX_AT_ONCE = 1_000;

/** @throws Rejection INVALID_NODE for a lease without a readable end, or one that is over */
export function checkLease({ lease }: NodeSpec, nowMs: number): void {
  if (lease?.expires === undefined) return;
  const { id, expires } = lease;
  const at = Date.parse(expires);
  const data = { lease: id, expires };
  // The 30th of February would be taken as a day of March.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 19) !== expires.slice(0, 19)) {
    const message = `The end of lease "${id}", ${JSON.stringify(expires)}, is not a time. Write it in UTC, such as 2026-05-04T10:11:12Z`;
    throw new Rejection('INVALID_NODE', message, data);
  }
  if (at > nowMs) return;
  throw new Rejection(
    'INVALID_NODE',
    `Lease "${id}" ended at ${expires}, and now it is ${new Date(nowMs).toISOString()}. Renew it, then add the node with its new end`,
    data,
  );
}

/** Ends the leases whose time has come: no run takes their nodes, and those that have them go on without. */
export function expireLeases(tx: Transaction): void {
  const { state } = tx;
  for (let count = 0; count < MAX_AT_ONCE; count += 1) {
    const next = nextLease(state);
    if (next === undefined || next.atMs > tx.nowMs) break;
    const node = state.nodes.get(next.hostname) as PoolNode;
    tx.emit('node_lease_expired', { hostname: next.hostname, lease: node.spec.lease?.id ?? '' });
    loseNode(tx, node, leaseFailure(node));
  }
  // Also when nothing was due: a clock may have been set back since the timer was.
  tx.effects.push(...leaseTimer(state, tx.nowMs));
}

/** Why a node is not to be used whose lease is over. */
export function leaseFailure({ spec: { lease } }: PoolNode): Failure {
  const message = `Lease "${lease?.id}" of the node ended at ${lease?.expires}`;
  return { phase: 'watch', cause: 'lease_expired', message, attempt: 1 };
}
