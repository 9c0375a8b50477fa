/** What becomes of a process's output, and which files come back from a node (figure 14 of plush-toit.2011). */
import type { FdSpec } from '../../../api/spec.ts';
import { MAX_OUTPUT_BYTES } from '../limits.ts';
import type { Member, Run, Task } from '../state.ts';
import type { FdOrder, LogCopy, LogOrder, StreamName } from '../task.ts';
import { type PlannedBlock, planOf } from './plan.ts';
import { processOf } from './policy.ts';

const NAMES: { readonly [F in FdSpec['fd']]: StreamName } = { 1: 'stdout', 2: 'stderr' };

/** A file to bring back; `again`: also when it was brought back before, since it may have changed. */
export interface FileCopy {
  readonly path: string;
  readonly again: boolean;
}

/** What is asked of a task here. */
type Subject = Pick<Task, 'task_id' | 'block' | 'hostname' | 'number'>;

/** What the agent does with a task's output; undefined where nothing is said. */
export function logOrder(run: Run, { block, hostname, number }: Subject): LogOrder | undefined {
  const fds = processOf(run.spec, block)?.log?.fds ?? [];
  if (fds.length === 0) return undefined;
  return Object.fromEntries(
    fds.map((fd) => [NAMES[fd.fd], fdOrder(fd, number === undefined ? hostname : `${hostname}-${number}`)]),
  );
}

function fdOrder({ type, path_prefix, path_postfix, max_bytes }: FdSpec, name: string): FdOrder {
  const isNamed = type === 'file' && (path_prefix !== undefined || path_postfix !== undefined);
  return {
    type,
    ...(isNamed ? { path: `${path_prefix ?? ''}${name}${path_postfix ?? ''}` } : {}),
    ...(max_bytes === undefined ? {} : { max_bytes }),
  };
}

/** The streams of a task that are copied to the controller as they are written, or get a name there. */
export function logCopies(run: Run, task: Subject): LogCopy[] {
  return Object.entries(logOrder(run, task) ?? {}).flatMap(([stream, order]) => {
    const { type, path, max_bytes = MAX_OUTPUT_BYTES } = order as FdOrder;
    if (type === 'discard' || (type === 'file' && path === undefined)) return [];
    const copy = { task_id: task.task_id, stream: stream as StreamName, max_bytes };
    return [path === undefined ? copy : { ...copy, path }];
  });
}

/** Whether the output of a block's process may be read through the API. */
export function isReadable(run: Run, block: string): boolean {
  return processOf(run.spec, block)?.log?.use_api !== false;
}

/** Files that come back because a block has ended on a node: those of its process, and of its component block once that is through. */
export function filesOfEnd(run: Run, member: Member, block: string): string[] {
  const plan = planOf(run.spec);
  const own = processOf(run.spec, block)?.outputs ?? [];
  const parentName = plan.blocks.get(block)?.component_block;
  const parent = run.spec.component_blocks.find(({ name }) => name === parentName);
  const isThrough = ({ name }: { readonly name: string }) =>
    member.completed.has(name) || member.skipped?.has(name) === true;
  // Where something is cleaned up, that brings them back first.
  const whole =
    parent?.cleanup === undefined && parent?.blocks.every(isThrough) ? (parent.outputs ?? []) : [];
  return [...new Set([...own, ...whole])];
}

/** Files that come back before a cleanup block begins: those of its component block, when it is the first behind it. */
export function filesBeforeCleanup(run: Run, member: Member, block: PlannedBlock): FileCopy[] {
  const parent = run.spec.component_blocks.find(({ name }) => name === block.component_block);
  const isFirst = block.cleanup === 'command' || parent?.cleanup?.command === undefined;
  if (parent === undefined || !isFirst) return [];
  const files = new Map<string, boolean>();
  const names = parent.blocks.flatMap((one) =>
    one.kind === 'workflow' ? one.blocks.map((step) => step.name) : [one.name],
  );
  for (const name of names) {
    if (!member.tasks.has(name)) continue;
    for (const path of processOf(run.spec, name)?.outputs ?? []) files.set(path, false);
  }
  for (const path of parent.outputs ?? []) files.set(path, true);
  return [...files].map(([path, again]) => ({ path, again }));
}

/** All files that come back before a node is cleaned. */
export function filesOf(run: Run, member: Member): FileCopy[] {
  const files = new Map<string, boolean>();
  for (const { block } of member.tasks.values()) {
    for (const path of processOf(run.spec, block)?.outputs ?? []) files.set(path, false);
  }
  const own = run.spec.component_blocks.filter(({ component }) => component === member.component);
  // The working folder exists once the node is prepared.
  if (member.phase === 'preparing') return [];
  for (const { outputs = [], cleanup } of own)
    for (const path of outputs) files.set(path, cleanup === undefined);
  for (const path of run.spec.outputs ?? []) files.set(path, true);
  return [...files].map(([path, again]) => ({ path, again }));
}
