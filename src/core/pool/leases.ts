/**
 * When leases end: a heap with the next end first, so that one timer is enough for all nodes. It is made from the nodes when it is
 * first asked for, and kept beside the state: what does not hold any more (the node is gone, or has another lease) is
 * dropped when it comes to the top, or when there is too much of it.
 */
import type { Effect } from '../effect.ts';
import type { PoolNode, State } from '../state.ts';

interface LeaseEnd {
  readonly atMs: number;
  readonly hostname: string;
}

/** Ends that no longer hold are kept up to as many as there are nodes, and these more. */
const SPARE = 64;

const heaps = new WeakMap<State, LeaseEnd[]>();

/** Notes that a node has come or was described anew. */
export function noteLease(state: State, node: PoolNode): void {
  const heap = heaps.get(state);
  const end = endOf(node);
  if (heap === undefined || end === undefined) return;
  push(heap, end);
  // The same lease given again and again would fill it.
  if (heap.length > 2 * state.nodes.size + SPARE) heaps.delete(state);
}

/** The next lease that ends. */
export function nextLease(state: State): LeaseEnd | undefined {
  const heap = heaps.get(state) ?? newHeap(state);
  heaps.set(state, heap);
  while (heap[0] !== undefined && !isHolding(state, heap[0])) pop(heap);
  return heap[0];
}

/** The timer of the next end. @param hostname only where that is this node's */
export function leaseTimer(state: State, nowMs: number, hostname?: string): Effect[] {
  if (hostname !== undefined && state.nodes.get(hostname)?.spec.lease?.expires === undefined) return [];
  const next = nextLease(state);
  if (next === undefined || (hostname !== undefined && next.hostname !== hostname)) return [];
  return [{ type: 'timer', timer: { kind: 'lease' }, delayMs: Math.max(0, next.atMs - nowMs) }];
}

function newHeap({ nodes }: State): LeaseEnd[] {
  const heap: LeaseEnd[] = [];
  for (const node of nodes.values()) {
    const end = endOf(node);
    if (end !== undefined) push(heap, end);
  }
  return heap;
}

function endOf({ spec: { hostname, lease }, lease_over }: PoolNode): LeaseEnd | undefined {
  if (lease?.expires === undefined || lease_over !== undefined) return undefined;
  const atMs = Date.parse(lease.expires);
  return Number.isNaN(atMs) ? undefined : { atMs, hostname };
}

function isHolding({ nodes }: State, { atMs, hostname }: LeaseEnd): boolean {
  const node = nodes.get(hostname);
  return node !== undefined && endOf(node)?.atMs === atMs;
}

function push(heap: LeaseEnd[], end: LeaseEnd): void {
  let at = heap.length;
  heap.push(end);
  while (at > 0) {
    const parent = (at - 1) >>> 1;
    const above = heap[parent] as LeaseEnd;
    if (above.atMs <= end.atMs) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = end;
}

function pop(heap: LeaseEnd[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const right = left + 1;
    const child = right < heap.length && endAt(heap, right) < endAt(heap, left) ? right : left;
    if (child >= heap.length || endAt(heap, child) >= last.atMs) break;
    heap[at] = heap[child] as LeaseEnd;
    at = child;
  }
  heap[at] = last;
}

function endAt(heap: readonly LeaseEnd[], place: number): number {
  return (heap[place] as LeaseEnd).atMs;
}
