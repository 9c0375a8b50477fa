/** Decisions about runs: commands, and what nodes report of their part. */
import type { Failure } from '../../../api/schemas.ts';
import type { InputOf } from '../input.ts';
import { COMMON_INSTALL_CAUSES, DOWNLOAD_CAUSES } from '../limits.ts';
import { expireLeases } from '../pool/lease.ts';
import { shortfallSentence } from '../pool/shortfall.ts';
import { refuseWhenQuitting } from '../quitting.ts';
import { randomName } from '../random.ts';
import { Rejection } from '../rejection.ts';
import { isOver, type Run, type State } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { advanceRun, reconcileTask, startBlocks } from './advance.ts';
import { leaveInstall } from './barriers.ts';
import { firstMatching } from './first-matching.ts';
import { endRun, failMember, failNode, finishMember, finishRun, join } from './recover.ts';
import { isService } from './service.ts';

/** Length of a run's id: the application's name as far as this, a hyphen, and random characters (31^8 of them). */
const RUN_ID_STEM_CHARACTERS = 40;
const RUN_ID_RANDOM_CHARACTERS = 8;

function runOf(state: State, run_id: string): Run {
  const run = state.runs.get(run_id);
  if (run === undefined) throw new Rejection('RUN_NOT_FOUND', `There is no run "${run_id}"`, { run: run_id });
  return run;
}

export function startRun(tx: Transaction, { app, request_id }: InputOf<'start_run'>): string {
  const { state } = tx;
  const name = app ?? state.loaded;
  if (name === undefined) throw new Rejection('NO_APP_LOADED', 'No application has been loaded yet');
  const earlier = request_id === undefined ? undefined : state.requests.get(request_id);
  if (earlier !== undefined) {
    const first = state.runs.get(earlier);
    if (first !== undefined && first.app !== name) {
      throw new Rejection(
        'REQUEST_ID_REUSED',
        `request_id "${request_id}" started application "${first.app}"`,
      );
    }
    return earlier;
  }
  refuseWhenQuitting(state);
  const loaded = state.apps.get(name);
  if (loaded === undefined)
    throw new Rejection('APP_NOT_FOUND', `No application "${name}" is loaded`, { app: name });
  if (loaded.spec.component_blocks.length === 0) {
    throw new Rejection('APP_NOT_RUNNABLE', `Application "${name}" has no blocks to run`, { app: name });
  }
  expireLeases(tx);
  const run_id = newRunId(tx, name);
  tx.emit('run_started', { run_id, app: name, ...(request_id === undefined ? {} : { request_id }) });
  matchAll(tx, runOf(state, run_id));
  return run_id;
}

/** The application's name as far as a folder's name can hold it, and something by chance. */
function newRunId(tx: Transaction, app: string): string {
  const stem = app.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, RUN_ID_STEM_CHARACTERS);
  let run_id: string;
  do run_id = `${stem}-${randomName(tx.random, RUN_ID_RANDOM_CHARACTERS)}`;
  while (tx.state.runs.has(run_id));
  return run_id;
}

/** Gives the run its nodes, or ends it when there are too few. */
function matchAll(tx: Transaction, run: Run): void {
  const { members, shortfalls } = firstMatching(tx.state, run, tx.random, tx.hosts);
  if (shortfalls.length === 0) join(tx, run, members);
  else endRun(tx, run, 'failed', 'not_enough_nodes', shortfalls.map(shortfallSentence).join(' '), shortfalls);
}

export function abortRun(tx: Transaction, { run_id }: InputOf<'abort_run'>): void {
  const run = runOf(tx.state, run_id);
  if (isOver(run))
    throw new Rejection('RUN_ENDED', `Run "${run_id}" has ${run.state} already`, {
      run: run_id,
      state: run.state,
    });
  endRun(tx, run, 'aborted', 'aborted_by_operator', 'plushAbortRun was called');
}

export function installed(
  tx: Transaction,
  { hostname, run_id, bytes, generation }: InputOf<'installed'>,
): void {
  const run = tx.state.runs.get(run_id);
  const member = run?.members.get(hostname);
  if (run === undefined || member?.phase !== 'preparing' || run.ending !== undefined) return;
  if (member.generation !== generation) return;
  tx.emit('member_installed', { run_id, hostname, bytes });
  leaveInstall(tx, run, member, bytes > 0);
  if (run.state === 'running') startBlocks(tx, run, member);
  advanceRun(tx, run);
}

export function installFailed(
  tx: Transaction,
  { hostname, run_id, failure, generation }: InputOf<'install_failed'>,
): void {
  const run = tx.state.runs.get(run_id);
  const node = tx.state.nodes.get(hostname);
  const member = run?.members.get(hostname);
  if (run === undefined || node === undefined || member?.phase !== 'preparing') return;
  if (member.generation !== generation) return;
  if (run.ending === undefined && isCommon(run, failure)) {
    endRun(tx, run, 'failed', failure.cause, `Installing on ${hostname} failed: ${failure.message}`);
  }
  if (run.ending === undefined) failNode(tx, node, failure);
  // The other nodes tell the same a moment later: it is kept, so that an explanation can count them.
  else if (run.ending.cause === failure.cause) failMember(tx, run, hostname, failure);
}

/** Whether a node is not to blame for the failure, since the others fail alike. */
function isCommon(run: Run, { cause }: Failure): boolean {
  // A service that has begun goes on where it can, whatever became of the package's server since.
  if (isService(run) && run.state !== 'deploying') return false;
  if (COMMON_INSTALL_CAUSES.has(cause)) return true;
  const hasWorked = [...run.components.values()].some((component) => component.prepared > 0);
  return DOWNLOAD_CAUSES.has(cause) && !hasWorked && run.past.some((lost) => lost.failure?.cause === cause);
}

export function taskReport(tx: Transaction, { hostname, task }: InputOf<'task_report'>): void {
  reconcileTask(tx, hostname, task);
}

/** Nodes that have not been cleaned by now are owed; the run does not wait for them. */
export function endOverdue(tx: Transaction, run_id: string): void {
  const run = tx.state.runs.get(run_id);
  if (run?.state !== 'ending') return;
  for (const member of [...run.members.values()]) {
    finishMember(tx, run, member.hostname, true);
  }
  finishRun(tx, run, true);
}
