/** The maintenance command: what a node is to run before its agent is started (section 3.7 of plush-m.2008). */
import type { NodeSpec } from '../../../api/spec.ts';
import { AccessError, type ExecResult, type NodeSession } from '../access.ts';
import { BootstrapError } from './bootstrap-error.ts';
import { quote } from './bootstrap-script.ts';

const MAINTENANCE_MS = 120_000;

/** @param command of a POSIX shell, run in the account's home folder without input @throws BootstrapError maintenance_failed, AccessError */
export async function maintain(session: NodeSession, node: NodeSpec, command: string): Promise<void> {
  const result = await run(session, node, command);
  if (result.code === 0) return;
  const how = result.code === undefined ? `signal ${result.signal}` : `exit code ${result.code}`;
  throw new BootstrapError('maintenance_failed', `The maintenance command failed on the node with ${how}`, {
    command,
    ...(result.code !== undefined && { exit_code: result.code }),
    stderr_tail: `${result.stdout}\n${result.stderr}`
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-20),
  });
}

async function run(session: NodeSession, { hostname }: NodeSpec, command: string): Promise<ExecResult> {
  // As standard input, since not every login shell knows quotes.
  const stdin = `cd && PLUSH_NODE=${quote(hostname)} /bin/sh -c ${quote(command)} </dev/null\n`;
  try {
    return await session.exec('/bin/sh -s', { stdin, timeoutMs: MAINTENANCE_MS });
  } catch (error) {
    if (!(error instanceof AccessError && error.code === 'timeout')) throw error;
    const text = `The maintenance command took more than ${MAINTENANCE_MS / 1000} s on the node`;
    throw new BootstrapError('maintenance_failed', text, { command }, { cause: error });
  }
}
