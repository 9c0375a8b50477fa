/**
 * Attempts at barriers inside a workflow. The task waits there and not its node, which goes on with other tasks: so a barrier
 * can wait for more tasks than there are nodes. What an attempt has made so far lies on its node, so it goes on there, once
 * the barrier has let it go and the node has nothing else to do.
 *
 *     under way ──enters──▶ waiting ──released──▶ ready ──its node is idle──▶ under way
 */
import type { Attempt, Workflow } from './workflow.ts';

/** Attempts that a node has and does not work on, by the numbers of their tasks. */
interface Parked {
  readonly waiting: Set<number>;
  /** In the order of their release. */
  readonly ready: Set<number>;
}

export interface Parking {
  /** By the node's name; no node without any. */
  readonly parked: Map<string, Parked>;
  /** Tasks that wait at barriers. */
  waiting: number;
  /** Times that a task began to wait at a barrier. */
  entered: number;
}

/** Whether an attempt waits for others, at a barrier or in the line of a semaphore, and cannot be made faster elsewhere. */
export function isHeldUp({ at, ready, asks }: Attempt): boolean {
  return asks === true || (at !== undefined && ready === undefined);
}

/** An attempt begins to wait at a barrier; its node is free for another. */
export function park(workflow: Workflow, number: number, attempt: Attempt, ms: number): void {
  attempt.parked_ms ??= ms;
  delete attempt.ready;
  placeOf(workflow, attempt.hostname).waiting.add(number);
  workflow.waiting += 1;
  workflow.entered += 1;
  workflow.again.delete(number);
}

/** The barrier lets a task go on. @param queues its node is to go on with it; else it is decided at once what becomes of it */
export function letGo(workflow: Workflow, number: number, attempt: Attempt, queues: boolean): void {
  if (workflow.parked.get(attempt.hostname)?.waiting.has(number) !== true) return;
  unpark(workflow, number, attempt.hostname);
  attempt.ready = true;
  if (queues) placeOf(workflow, attempt.hostname).ready.add(number);
}

/** An attempt is neither waiting nor in the queue of its node any more. */
export function unpark(workflow: Workflow, number: number, hostname: string): void {
  const place = workflow.parked.get(hostname);
  if (place === undefined) return;
  if (place.waiting.delete(number)) workflow.waiting -= 1;
  place.ready.delete(number);
  if (place.waiting.size + place.ready.size === 0) workflow.parked.delete(hostname);
}

/** The node works on the attempt again. */
export function takeUp(workflow: Workflow, number: number, attempt: Attempt, ms: number): void {
  unpark(workflow, number, attempt.hostname);
  if (attempt.parked_ms !== undefined) attempt.started_ms += Math.max(0, ms - attempt.parked_ms);
  delete attempt.at;
  delete attempt.ready;
  delete attempt.parked_ms;
}

/** Notes where an attempt stands that was read from a snapshot. */
export function parkAgain(workflow: Workflow, number: number, attempt: Attempt): void {
  if (attempt.parked_ms === undefined) return;
  const { waiting, ready } = placeOf(workflow, attempt.hostname);
  if (attempt.ready) ready.add(number);
  else {
    waiting.add(number);
    workflow.waiting += 1;
  }
}

/** The first task that a node is to go on with. */
export function firstReady({ parked }: Workflow, hostname: string): number | undefined {
  for (const number of parked.get(hostname)?.ready ?? []) return number;
  return undefined;
}

/** All tasks that a node has parked. */
export function parkedOn({ parked }: Workflow, hostname: string): number[] {
  const place = parked.get(hostname);
  return place === undefined ? [] : [...place.waiting, ...place.ready];
}

function placeOf({ parked }: Workflow, hostname: string): Parked {
  const known = parked.get(hostname);
  if (known !== undefined) return known;
  const place = { waiting: new Set<number>(), ready: new Set<number>() };
  parked.set(hostname, place);
  return place;
}
