/** Reads the members of requests. What a stranger may have written is checked here, once. */
import { constants } from 'node:os';
import type { PackageSpec, SoftwareSpec } from '../../api/spec.ts';
import { AgentError } from '../drivers/agent-error.ts';
import type { ShellOrder } from '../drivers/tasks/shell-commands.ts';
import { type BarrierNews, MAX_SHELL_OUTPUT_BYTES } from '../wire/agent.ts';

const SOFTWARE_TYPES = ['tar', 'tgz', 'tbz2', 'zip', 'gz', 'rpm', 'apt', 'yum', 'none'] as const;
const PACKAGE_TYPES = ['web', 'scp', 'rsync', 'ftp', 'file', 'inline'] as const;

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

/** SHA-256 in lower-case hexadecimal digits. @throws AgentError BAD_REQUEST */
export function digest(ask: Ask, name: string): string {
  const value = text(ask, name);
  if (!/^[0-9a-f]{64}$/.test(value)) throw bad(name, '64 hexadecimal digits');
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
export function barrierNews(ask: Ask): BarrierNews {
  const news = members(ask.news, 'news');
  if (news.id !== undefined) count(news, 'id');
  if (news.error !== undefined) text(members(news.error, 'error'), 'message');
  if (news.standing !== undefined) {
    const standing = members(news.standing, 'standing');
    for (const name of ['run_id', 'barrier', 'participant', 'state']) text(standing, name);
  }
  return news as BarrierNews;
}

/** @throws AgentError BAD_REQUEST */
export function softwareList(ask: Ask): SoftwareSpec[] {
  if (!Array.isArray(ask.software)) throw bad('software', 'a list');
  return ask.software.map((value: unknown) => {
    const one = members(value, 'software');
    const { type, install, uninstall, version_check } = one;
    if (!isOneOf(SOFTWARE_TYPES, type)) throw bad('type', `one of ${SOFTWARE_TYPES.join(', ')}`);
    return {
      name: text(one, 'name'),
      type,
      ...(one.package === undefined ? {} : { package: packageSpec(members(one.package, 'package')) }),
      ...(install === undefined ? {} : { install: text(one, 'install') }),
      ...(uninstall === undefined ? {} : { uninstall: text(one, 'uninstall') }),
      ...(version_check === undefined
        ? {}
        : { version_check: versionCheck(members(version_check, 'version_check')) }),
    };
  });
}

function versionCheck(spec: Ask): NonNullable<SoftwareSpec['version_check']> {
  return {
    command: text(spec, 'command'),
    ...(spec.expect === undefined ? {} : { expect: text(spec, 'expect') }),
  };
}

function packageSpec(spec: Ask): PackageSpec {
  const { type, sha256, size, content } = spec;
  if (!isOneOf(PACKAGE_TYPES, type)) throw bad('type', `one of ${PACKAGE_TYPES.join(', ')}`);
  return {
    name: text(spec, 'name'),
    type,
    path: text(spec, 'path'),
    dest_path: text(spec, 'dest_path'),
    ...(content === undefined ? {} : { content: text(spec, 'content') }),
    ...(sha256 === undefined ? {} : { sha256: digest(spec, 'sha256') }),
    ...(size === undefined ? {} : { size: count(spec, 'size') }),
  };
}

export function members(value: unknown, name: string): Ask {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(name, 'an object');
  return value as Ask;
}

function isOneOf<T extends string>(values: readonly T[], value: unknown): value is T {
  return (values as readonly unknown[]).includes(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function bad(name: string, wanted: string): AgentError {
  return new AgentError('BAD_REQUEST', `The member ${name} must be ${wanted}`);
}
