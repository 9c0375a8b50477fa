/** Nodes on which the cleanup command of the application did not succeed: told once for each, and nothing waits for it. */
import type { Evolver } from '../evolve.ts';
import type { InputOf } from '../input.ts';
import type { Transaction } from '../transaction.ts';
import { memberOf } from './missed.ts';

/** The command failed, or did not end in time. */
export function cleanupFailed(
  tx: Transaction,
  { run_id, hostname, trouble }: InputOf<'cleanup_failed'>,
): void {
  const member = memberOf(tx.state.runs.get(run_id), hostname);
  if (member === undefined || member.untidy !== undefined) return;
  const message = `The cleanup command of the application did not succeed: ${trouble}`;
  tx.emit('cleanup_failed', { run_id, hostname, message });
}

export const untidyEvolvers: { readonly [T in 'cleanup_failed']: Evolver<T> } = {
  cleanup_failed: (state, { run_id, hostname, message }) => {
    const member = memberOf(state.runs.get(run_id), hostname);
    if (member !== undefined) member.untidy = message;
  },
};
