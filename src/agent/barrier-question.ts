/** A line of a task, as the question that it is. */
import type { BarrierAsk } from '../wire/agent.ts';

const MAX_NAME_CHARACTERS = 1024;

export type ReadQuestion =
  | (Omit<BarrierAsk, 'id'> & { readonly waits: boolean; readonly tag: unknown })
  /** What is wrong with it, in a sentence. */
  | { readonly problem: string; readonly tag: unknown };

export function readQuestion(line: string): ReadQuestion {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: 'Each line is one JSON object', tag: undefined };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'Each line is one JSON object', tag: undefined };
  const { op, task, barrier, label, own, wait, fence, id } = value as Record<string, unknown>;
  const tag = typeof id === 'string' || typeof id === 'number' ? id : undefined;
  const bad = (problem: string): ReadQuestion => ({ problem, tag });
  if (op !== 'enter' && op !== 'leave' && op !== 'status')
    return bad('The member op must be enter, leave or status');
  if (!isName(task)) return bad('The member task must be the name of the task, as PLUSH_TASK has it');
  if (!isName(barrier)) return bad('The member barrier must be the name of a barrier');
  if (label !== undefined && (typeof label !== 'string' || label.length > MAX_NAME_CHARACTERS))
    return bad(`The member label must be a string of at most ${MAX_NAME_CHARACTERS} characters`);
  for (const [name, flag] of Object.entries({ own, wait })) {
    if (flag !== undefined && typeof flag !== 'boolean')
      return bad(`The member ${name} must be true or false`);
  }
  if (fence !== undefined && (op === 'enter' || !Number.isSafeInteger(fence) || Number(fence) < 1))
    return bad('The member fence is the number of a lease, and for leave and status alone');
  return {
    op,
    task_id: task,
    barrier,
    ...(label === undefined ? {} : { label }),
    ...(own === true ? { own } : {}),
    ...(fence === undefined ? {} : { fence: Number(fence) }),
    waits: op === 'enter' && wait === true,
    tag,
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARACTERS;
}
