/** Reads the members of requests. What a stranger may have written is checked here, once. */
import { constants } from 'node:os';
import type { PackageSpec, SoftwareSpec } from '../../api/spec.ts';
import { AgentError } from '../drivers/agent-error.ts';
import type { ShellOrder } from '../drivers/tasks/shell-commands.ts';
import { MAX_SHELL_OUTPUT_BYTES } from '../wire/agent.ts';

export type Ask = Readonly<Record<string, unknown>>;

/** Longest identity of a run or task, in characters. */
const MAX_ID_CHARS = 1024;
/** Longest grace before SIGKILL. */
const MAX_GRACE_MS = 3_600_000;

/** @throws AgentError BAD_REQUEST */
export function text(ask: Ask, name: string): string {
  const value = ask[name];
  if (typeof value !== 'string') throw bad(name, 'a string');
  return value;
}

/** @throws AgentError BAD_REQUEST */
export function identity(ask: Ask, name: string): string {
  const value = text(ask, name);
  if (value === '' || value.length > MAX_ID_CHARS || value.includes('\0')) {
    throw bad(name, `1 to ${MAX_ID_CHARS} characters without NUL`);
  }
  return value;
}

/** @throws AgentError BAD_REQUEST */
export function count(ask: Ask, name: string): number {
  const value = ask[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw bad(name, 'an integer from 0 on');
  return value;
}

/** @throws AgentError BAD_REQUEST */
export function graceMs(ask: Ask): number {
  return Math.min(count(ask, 'grace_ms'), MAX_GRACE_MS);
}

/** @throws AgentError BAD_REQUEST */
export function signalName(ask: Ask): NodeJS.Signals {
  const value = text(ask, 'signal');
  if (!Object.hasOwn(constants.signals, value)) throw bad('signal', 'the name of a signal such as SIGTERM');
  return value as NodeJS.Signals;
}

/** @throws AgentError BAD_REQUEST */
export function streamName(ask: Ask): 'stdout' | 'stderr' {
  const value = text(ask, 'stream');
  if (value !== 'stdout' && value !== 'stderr') throw bad('stream', 'stdout or stderr');
  return value;
}

/** @throws AgentError BAD_REQUEST */
export function shellOrder(ask: Ask): ShellOrder {
  return {
    id: identity(ask, 'operation_id'),
    command: text(ask, 'command'),
    timeoutMs: count(ask, 'timeout_ms'),
    maxOutputBytes: Math.min(count(ask, 'max_output_bytes'), MAX_SHELL_OUTPUT_BYTES),
  };
}

/** @throws AgentError BAD_REQUEST */
export function softwareList(ask: Ask): SoftwareSpec[] {
  if (!Array.isArray(ask.software)) throw bad('software', 'a list');
  return ask.software.map((value: unknown) => {
    const one = members(value, 'software');
    const { type, install } = one;
    if (type !== 'tar' && type !== 'tgz' && type !== 'none') throw bad('type', 'tar, tgz or none');
    return {
      name: text(one, 'name'),
      type,
      ...(one.package === undefined ? {} : { package: packageSpec(members(one.package, 'package')) }),
      ...(install === undefined ? {} : { install: text(one, 'install') }),
    };
  });
}

function packageSpec(spec: Ask): PackageSpec {
  const { type, sha256, size } = spec;
  if (type !== 'web' && type !== 'scp') throw bad('type', 'web or scp');
  return {
    name: text(spec, 'name'),
    type,
    path: text(spec, 'path'),
    dest_path: text(spec, 'dest_path'),
    ...(sha256 === undefined ? {} : { sha256: text(spec, 'sha256') }),
    ...(size === undefined ? {} : { size: count(spec, 'size') }),
  };
}

export function members(value: unknown, name: string): Ask {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(name, 'an object');
  return value as Ask;
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function bad(name: string, wanted: string): AgentError {
  return new AgentError('BAD_REQUEST', `The member ${name} must be ${wanted}`);
}
