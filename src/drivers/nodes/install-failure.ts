/** Why software could not be installed on a node. */
import type { Failure } from '../../../api/schemas.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import { PackageError } from './packages.ts';

/** From what the agent answered, or what went wrong before it was asked. */
export function installFailure(error: unknown): Failure {
  if (error instanceof AgentError) {
    const { code, message, command, exit_code, signal, stderr_tail } = error.failure;
    return {
      phase: 'install',
      cause: code,
      message,
      attempt: 1,
      ...(command === undefined ? {} : { command }),
      ...(exit_code === undefined ? {} : { exit_code }),
      ...(signal === undefined ? {} : { signal }),
      ...(stderr_tail === undefined ? {} : { stderr_tail: [...stderr_tail] }),
    };
  }
  const cause = error instanceof PackageError ? 'package_unreadable' : 'failed';
  return { phase: 'install', cause, message: messageOf(error), attempt: 1 };
}
