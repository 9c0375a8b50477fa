import type { AgentFailure } from '../wire/agent.ts';

type Details = Omit<AgentFailure, 'code' | 'message'>;

/** A failure that crosses the link as it is: see AgentFailure. */
export class AgentError extends Error {
  readonly failure: AgentFailure;

  constructor(
    code: AgentFailure['code'],
    message: string,
    details: Details = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'AgentError';
    this.failure = { code, message, ...details };
  }
}

/** Codes of the system's errors that mean that there is no room: disk, quota, and the process's own limit on file sizes. */
const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The system's code of an error (ENOENT, …); undefined when it has none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether an error says that there is no room to write. */
export function isNoRoom(error: unknown): boolean {
  return NO_ROOM.has(errorCode(error) ?? '');
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
