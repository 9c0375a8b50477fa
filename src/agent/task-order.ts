/** Reads the order of a task as a stranger may have written it. */
import { constants } from 'node:os';
import type { FdOrder, LogOrder, MonitorOrder, TaskOrder } from '../wire/agent.ts';
import { type Ask, bad, count, identity, isText, members, text } from './asks.ts';

/** Longest text of a standard input, in bytes: half a frame. */
const MAX_STDIN_BYTES = 512 << 10;
const MAX_MONITORS = 100;
/** Longest grace before SIGKILL. */
const MAX_GRACE_MS = 3_600_000;

/** @throws AgentError BAD_REQUEST */
export function taskOrder(ask: Ask): TaskOrder {
  const task = members(ask.task, 'task');
  const { args, env } = task;
  if (!Array.isArray(args) || !args.every(isText)) throw bad('args', 'strings');
  if (!Object.values(members(env, 'env')).every(isText)) throw bad('env', 'names with strings');
  return {
    task_id: identity(task, 'task_id'),
    run_id: identity(task, 'run_id'),
    block: text(task, 'block'),
    attempt: count(task, 'attempt'),
    path: text(task, 'path'),
    args,
    env: env as Readonly<Record<string, string>>,
    max_output_bytes: count(task, 'max_output_bytes'),
    ...optional('cwd', task, text),
    ...optional('stdin', task, stdinText),
    ...optional('user', task, identity),
    ...optional('timeout_ms', task, count),
    ...optional('stop_signal', task, signal),
    ...optional('stop_grace_ms', task, (from, name) => Math.min(count(from, name), MAX_GRACE_MS)),
    ...optional('liveness', task, monitors),
    ...optional('log', task, log),
    ...optional('replaces', task, identity),
  };
}

function optional<K extends keyof TaskOrder>(
  name: K,
  task: Ask,
  read: (task: Ask, name: string) => TaskOrder[K],
): Partial<Pick<TaskOrder, K>> {
  return task[name] === undefined ? {} : ({ [name]: read(task, name) } as Partial<Pick<TaskOrder, K>>);
}

function stdinText(task: Ask, name: string): string {
  const value = text(task, name);
  if (Buffer.byteLength(value) > MAX_STDIN_BYTES) throw bad(name, `at most ${MAX_STDIN_BYTES} bytes long`);
  return value;
}

function signal(task: Ask, name: string): string {
  const value = text(task, name);
  if (!Object.hasOwn(constants.signals, value)) throw bad(name, 'the name of a signal such as SIGTERM');
  return value;
}

function monitors(task: Ask, name: string): MonitorOrder[] {
  const list = task[name];
  if (!Array.isArray(list) || list.length > MAX_MONITORS)
    throw bad(name, `a list of at most ${MAX_MONITORS}`);
  return list.map((value: unknown) => monitor(members(value, name)));
}

function monitor(one: Ask): MonitorOrder {
  const { type, target } = one;
  if (type !== 'command' && type !== 'http' && type !== 'output')
    throw bad('type', 'command, http or output');
  if (type !== 'output' && target === undefined) throw bad('target', 'a command or a URL');
  return {
    type,
    ...(target === undefined ? {} : { target: text(one, 'target') }),
    interval_ms: count(one, 'interval_ms'),
    timeout_ms: count(one, 'timeout_ms'),
    failures: count(one, 'failures'),
  };
}

function log(task: Ask, name: string): LogOrder {
  const both = members(task[name], name);
  const streams = (['stdout', 'stderr'] as const).filter((stream) => both[stream] !== undefined);
  return Object.fromEntries(streams.map((stream) => [stream, descriptor(members(both[stream], stream))]));
}

function descriptor(one: Ask): FdOrder {
  const { type, path, max_bytes } = one;
  if (type !== 'file' && type !== 'stream' && type !== 'discard')
    throw bad('type', 'file, stream or discard');
  return {
    type,
    ...(path === undefined ? {} : { path: text(one, 'path') }),
    ...(max_bytes === undefined ? {} : { max_bytes: count(one, 'max_bytes') }),
  };
}
