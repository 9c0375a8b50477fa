/** Runs the node's own programs, and says which one is missing. */
import { AgentError, errorCode } from '../agent-error.ts';
import { type CommandOptions, type CommandResult, runCommand } from './command.ts';

export interface ToolOptions extends CommandOptions {
  /** Longest time it may take; it is killed then, and counts as stalled. */
  readonly timeoutMs?: number;
}

/** @throws AgentError tool_missing, install_stalled, or the system's error */
export async function runTool(
  file: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<CommandResult> {
  const { timeoutMs } = options;
  const deadline = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => deadline.abort(), timeoutMs);
  const stop = () => deadline.abort();
  options.signal.addEventListener('abort', stop);
  try {
    const { cwd, env } = options;
    const result = await runCommand(file, args, { cwd, env, signal: deadline.signal });
    options.signal.throwIfAborted();
    if (deadline.signal.aborted) {
      const message = `${file} did not end within ${(timeoutMs ?? 0) / 1000} s`;
      throw new AgentError('install_stalled', message, { command: file, stderr_tail: result.tail });
    }
    return result;
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw cause;
    throw toolMissing([file], cause);
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', stop);
  }
}

/** Has a program speak plainly, for what is read from its words. */
export function inPlainWords<O extends CommandOptions>(options: O): O {
  return { ...options, env: { ...options.env, LC_ALL: 'C' } };
}

/** @param files any of them would do */
export function toolMissing(files: readonly string[], cause?: unknown): AgentError {
  const named = files.join(' or ');
  return new AgentError('tool_missing', `There is no ${named} on this node; install it`, {}, { cause });
}

/** How a program ended, for a message. */
export function endOf({ exit_code, signal }: Pick<CommandResult, 'exit_code' | 'signal'>): string {
  return signal === undefined ? `exit code ${exit_code}` : `signal ${signal}`;
}
