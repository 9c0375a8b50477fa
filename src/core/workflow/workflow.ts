/**
 * One workflow: which tasks wait, who works on which, what is finished (section 6.3 of plush-toit.2011). Plain data, changed by
 * the functions here alone, which are what facts do to it; who gets what is decided in run/workflows.ts.
 *
 *     (not handed out) ──given──▶ under way ──first attempt ends──▶ finished
 *                          ▲          │ last attempt's node is lost
 *                          └ returned ┘
 *
 * An attempt that comes to a barrier is parked there, and its node does something else until the barrier lets it go on
 * (parking.ts).
 *
 * It is its own hidden barrier: each finished task is an arrival, labelled with the task's number, and the knees of these
 * arrivals are those of barriers.
 */
import type { WorkflowBlockSpec } from '../../../api/spec.ts';
import { arrive, type Knee } from '../barrier/knee.ts';
import { addPoint } from '../barrier/kneedle.ts';
import { isHeldUp, type Parking, unpark } from './parking.ts';

/** One node's try at a task. */
export interface Attempt {
  readonly hostname: string;
  /** Grows when a process is started again on the node. */
  attempt: number;
  /** Put off by the time that it was parked. */
  started_ms: number;
  /** The attempts with which the processes so far were completed, in their order. */
  readonly steps: number[];
  /** The barrier block that it has come to, until what follows is ordered. */
  at?: string;
  /** Since when its node may do something else. */
  parked_ms?: number;
  /** Parked no longer by its barrier: it goes on when its node has nothing else to do. */
  ready?: true;
  /** Its program has entered a barrier for it and may be waiting there. */
  asks?: true;
}

/** A task that was handed out and has no result yet. */
export interface OpenTask {
  readonly number: number;
  /** Highest attempt so far: no identity is used twice. */
  last: number;
  /** Those that go on. */
  attempts: Attempt[];
}

/** A finished task. */
export interface Result {
  readonly hostname: string;
  /** The attempts with which its processes were completed, in their order. */
  readonly attempts: readonly number[];
  /** It has no result: its process failed, and that is ignored. */
  readonly ignored?: true;
}

export interface Workflow extends Parking {
  /** Name of its block. */
  readonly block: string;
  /** Lowest number that was never handed out. */
  next: number;
  readonly open: Map<number, OpenTask>;
  /** Open tasks that nobody works on any more, in the order in which they came back. */
  readonly returned: Set<number>;
  /** Open tasks that may be started once more elsewhere, since the last knee. */
  readonly again: Set<number>;
  readonly results: Map<number, Result>;
  /** Nodes that take part and have nothing to do. */
  readonly idle: Set<string>;
  knee: Knee;
  /** Arrivals before the newest phase began, which a barrier's opening does. */
  begun?: number;
  first_ms?: number;
  /** Arrivals at the newest knee that had tasks started again. */
  kneed?: number;
  /** Tasks that were started again because of a knee. */
  reallocated: number;
  /** Tasks whose only result was ignored. */
  ignored: number;
  /** Highest attempt at any task, and what it was when the application was begun again. */
  highest: number;
  from: number;
}

export function newWorkflow(block: string, from = 0): Workflow {
  return {
    block,
    next: 1,
    open: new Map(),
    returned: new Set(),
    again: new Set(),
    results: new Map(),
    idle: new Set(),
    parked: new Map(),
    waiting: 0,
    entered: 0,
    knee: {},
    reallocated: 0,
    ignored: 0,
    highest: from,
    from,
  };
}

/** The task for the next idle node: one that came back, else a new one, else one that takes too long elsewhere. */
export function nextNumber(
  { returned, next, again }: Workflow,
  { num_tasks }: WorkflowBlockSpec,
): number | undefined {
  for (const number of returned) return number;
  if (next <= num_tasks) return next;
  for (const number of again) return number;
  return undefined;
}

/** Number of the next attempt at a task. */
export function nextAttempt({ open, from }: Workflow, number: number): number {
  return 1 + (open.get(number)?.last ?? from);
}

/** A node begins an attempt. */
export function give(workflow: Workflow, number: number, attempt: number, hostname: string, ms: number) {
  const open = workflow.open.get(number) ?? { number, last: 0, attempts: [] };
  workflow.open.set(number, open);
  open.attempts.push({ hostname, attempt, started_ms: ms, steps: [] });
  count(workflow, open, attempt);
  workflow.next = Math.max(workflow.next, number + 1);
  workflow.returned.delete(number);
  if (workflow.again.delete(number)) workflow.reallocated += 1;
  workflow.idle.delete(hostname);
}

/** A process of an attempt is started, for the first time or again. */
export function step(workflow: Workflow, number: number, hostname: string, attempt: number): void {
  const open = workflow.open.get(number);
  const known = attemptOf(workflow, number, hostname);
  if (open === undefined || known === undefined) return;
  known.attempt = attempt;
  count(workflow, open, attempt);
}

function count(workflow: Workflow, open: OpenTask, attempt: number): void {
  open.last = Math.max(open.last, attempt);
  workflow.highest = Math.max(workflow.highest, attempt);
}

export function attemptOf(
  { open }: Workflow,
  number: number | undefined,
  hostname: string,
): Attempt | undefined {
  if (number === undefined) return undefined;
  return open.get(number)?.attempts.find((attempt) => attempt.hostname === hostname);
}

/** A node gives up its attempt. */
export function takeBack(workflow: Workflow, number: number, hostname: string): void {
  const open = workflow.open.get(number);
  if (open === undefined) return;
  drop(workflow, open, hostname);
  if (open.attempts.length > 0) return;
  workflow.again.delete(number);
  workflow.returned.add(number);
}

/** An attempt is over without a result. */
export function drop(workflow: Workflow, open: OpenTask, hostname: string): void {
  unpark(workflow, open.number, hostname);
  open.attempts = open.attempts.filter((attempt) => attempt.hostname !== hostname);
}

/** A task has its result: it enters the hidden barrier. */
export function finish(
  workflow: Workflow,
  spec: WorkflowBlockSpec,
  number: number,
  { hostname, ignored }: { readonly hostname: string; readonly ignored?: boolean | undefined },
  ms: number,
): void {
  const attempts = attemptOf(workflow, number, hostname)?.steps ?? [];
  workflow.results.set(number, { hostname, attempts, ...(ignored ? { ignored: true } : {}) });
  if (ignored) workflow.ignored += 1;
  for (const attempt of workflow.open.get(number)?.attempts ?? []) unpark(workflow, number, attempt.hostname);
  workflow.open.delete(number);
  workflow.returned.delete(number);
  workflow.again.delete(number);
  arrived(workflow, spec, ms);
}

/** One task less is worked on: it is finished, or waits at a barrier for the others. Its knees are those of these arrivals. */
export function arrived(workflow: Workflow, { reallocation }: WorkflowBlockSpec, ms: number): void {
  workflow.first_ms ??= ms;
  if (reallocation === undefined) return;
  arrive(workflow.knee, ms);
  if (reallocation.knee === 'kneedle')
    addPoint(workflow.knee, ms, arrivalsOf(workflow) - (workflow.begun ?? 0));
}

/** How many tasks are finished or wait for the others. */
export function settledOf({ results, waiting }: Workflow): number {
  return results.size + waiting;
}

/** How many arrivals there were so far; never falls, but where the application is begun again. */
export function arrivalsOf({ results, entered }: Workflow): number {
  return results.size + entered;
}

/** How many tasks were finished at the newest knee, or had come to the barrier that all now wait for. */
export function kneedOf(workflow: Workflow): number {
  return Math.max(0, (workflow.kneed ?? arrivalsOf(workflow)) - (workflow.begun ?? 0));
}

/** How many open tasks could be started once more. */
export function countAgain({ open }: Workflow, { reallocation }: WorkflowBlockSpec): number {
  let again = 0;
  for (const { attempts } of open.values()) if (mayAgain(attempts, reallocation)) again += 1;
  return again;
}

/** A knee: every open task may be started once more, as far as it has not enough attempts already. */
export function beginAgain(workflow: Workflow, { reallocation }: WorkflowBlockSpec): void {
  workflow.kneed = arrivalsOf(workflow);
  for (const { number, attempts } of workflow.open.values())
    if (mayAgain(attempts, reallocation)) workflow.again.add(number);
}

function mayAgain(attempts: readonly Attempt[], reallocation: WorkflowBlockSpec['reallocation']): boolean {
  if (attempts.length === 0 || attempts.length >= (reallocation?.max_attempts ?? 1)) return false;
  // What waits for others is not slow.
  return !attempts.some(isHeldUp);
}
