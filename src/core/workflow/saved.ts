/** A workflow as rows of a snapshot: what it knows as a whole, and its tasks in parts, so that no row grows with them. */
import { parkAgain } from './parking.ts';
import type { OpenTask, Result, Workflow } from './workflow.ts';

/** Tasks or nodes in one row. */
const PART = 500;

export type SavedWorkflow = Omit<
  Workflow,
  'open' | 'returned' | 'again' | 'results' | 'idle' | 'parked' | 'waiting'
>;

/** Each member that is present is added to the workflow before it. */
export interface WorkflowPart {
  readonly open?: readonly OpenTask[];
  readonly returned?: readonly number[];
  readonly again?: readonly number[];
  readonly results?: readonly (readonly [number, Result])[];
  readonly idle?: readonly string[];
}

export function encodeWorkflow(workflow: Workflow): SavedWorkflow {
  const {
    open: _open,
    returned: _returned,
    again: _again,
    results: _results,
    idle: _idle,
    parked: _parked,
    waiting: _waiting,
    ...rest
  } = workflow;
  return rest;
}

/** The rows that follow it. */
export function* partsOf({ open, returned, again, results, idle }: Workflow): Generator<WorkflowPart> {
  for (const part of cut(open.values())) yield { open: part };
  for (const part of cut(returned)) yield { returned: part };
  for (const part of cut(again)) yield { again: part };
  for (const part of cut(results)) yield { results: part };
  for (const part of cut(idle)) yield { idle: part };
}

function* cut<T>(values: Iterable<T>): Generator<T[]> {
  let part: T[] = [];
  for (const value of values) {
    part.push(value);
    if (part.length < PART) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

export function decodeWorkflow(saved: SavedWorkflow): Workflow {
  return {
    ...saved,
    // Rows of a version that knew no barriers inside workflows lack it.
    entered: saved.entered ?? 0,
    parked: new Map(),
    waiting: 0,
    open: new Map(),
    returned: new Set(),
    again: new Set(),
    results: new Map(),
    idle: new Set(),
  };
}

export function addPart(workflow: Workflow, { open, returned, again, results, idle }: WorkflowPart): void {
  for (const task of open ?? []) {
    workflow.open.set(task.number, task);
    for (const attempt of task.attempts) parkAgain(workflow, task.number, attempt);
  }
  for (const number of returned ?? []) workflow.returned.add(number);
  for (const number of again ?? []) workflow.again.add(number);
  for (const [number, result] of results ?? []) workflow.results.set(number, result);
  for (const hostname of idle ?? []) workflow.idle.add(hostname);
}
