/** Files that an application names with `output` and that did not come back: told once for each node, and taken back when they do. */
import type { MissedCause } from '../../../api/output-events.ts';
import type { Evolver } from '../evolve.ts';
import type { InputOf } from '../input.ts';
import { MAX_MISSED } from '../limits.ts';
import type { Member, Run, State } from '../state.ts';
import type { Transaction } from '../transaction.ts';

const SENTENCES: { readonly [C in MissedCause]: (path: string) => string } = {
  output_missing: (path) => `The output file ${JSON.stringify(path)} was not there when it was to come back`,
  output_unsafe: (path) =>
    `The output file ${JSON.stringify(path)} leads out of the run's folder, so it was not read`,
  output_not_a_file: (path) => `The output ${JSON.stringify(path)} is a folder or another thing than a file`,
  output_unreadable: (path) =>
    `The output file ${JSON.stringify(path)} may not be read by the agent's account`,
};

/** For a person. */
export function missedSentence(path: string, cause: MissedCause): string {
  return SENTENCES[cause](path);
}

/** What a node that was asked for its files had, and what not. Each file is told once. */
export function outputsCollected(
  tx: Transaction,
  { run_id, hostname, missed, returned }: InputOf<'outputs_collected'>,
): void {
  const run = tx.state.runs.get(run_id);
  const member = memberOf(run, hostname);
  if (run === undefined || member === undefined) return;
  const back = returned.filter((path) => member.missed?.has(path));
  if (back.length > 0) tx.emit('outputs_returned', { run_id, hostname, paths: back });
  const room = MAX_MISSED - (member.missed?.size ?? 0);
  const news = missed.filter(({ path, cause }) => !member.missed?.has(path) && isTold(run, cause));
  if (room <= 0 || news.length === 0) return;
  const files = news.slice(0, room).map(({ path, cause }) => {
    return { path, cause, message: missedSentence(path, cause) };
  });
  tx.emit('outputs_missed', { run_id, hostname, files });
}

/** What a run did not come to, because it failed or was aborted, is no news. */
function isTold({ ending }: Run, cause: MissedCause): boolean {
  return cause !== 'output_missing' || ending === undefined || ending.outcome === 'succeeded';
}

/** Of a run, or what is remembered of one that it lost. */
export function memberOf(run: Run | undefined, hostname: string): Member | undefined {
  return run?.members.get(hostname) ?? run?.past.findLast((past) => past.hostname === hostname);
}

function isKnown(cause: string): cause is MissedCause {
  return Object.hasOwn(SENTENCES, cause);
}

export const missedEvolvers: { readonly [T in 'outputs_missed' | 'outputs_returned']: Evolver<T> } = {
  outputs_missed: (state: State, { run_id, hostname, files }) => {
    const member = memberOf(state.runs.get(run_id), hostname);
    if (member === undefined) return;
    member.missed ??= new Map();
    for (const { path, cause } of files) if (isKnown(cause)) member.missed.set(path, cause);
  },
  outputs_returned: (state: State, { run_id, hostname, paths }) => {
    const member = memberOf(state.runs.get(run_id), hostname);
    for (const path of paths) member?.missed?.delete(path);
    if (member?.missed?.size === 0) delete member.missed;
  },
};
