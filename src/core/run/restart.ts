/**
 * What exit policies do, and the two kinds of restarts.
 *
 *     process:      policy_applied ──retry_ms──▶ task_ordered (the next attempt)
 *     application:  run_restarting ──last task exits──▶ run_stopped ──retry_ms──▶ run_restarted
 */
import type { Failure } from '../../../api/schemas.ts';
import { durationText } from '../duration.ts';
import type { Member, Run } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import {
  advanceRun,
  blockWords,
  cleanUpAfter,
  closeBlock,
  completed,
  failRun,
  order,
  startBlocks,
} from './advance.ts';
import { splitTaskId } from './evolve.ts';
import { planOf } from './plan.ts';
import { backoffMs, type Chosen } from './policy.ts';
import { endRun, failMember } from './recover.ts';
import { giveNodeUp, isService, restartsBefore } from './service.ts';
import { finishTask } from './workflows.ts';

/** A task that is over. */
export interface Ended {
  readonly run: Run;
  readonly member: Member;
  readonly block: string;
  readonly task_id: string;
  readonly failure: Failure;
}

/** Carries a policy out. */
export function applyPolicy(tx: Transaction, ended: Ended, chosen: Chosen): void {
  const { run, member, block } = ended;
  const where = `${blockWords(run, block, ended.failure)} on ${member.hostname}`;
  switch (chosen.policy) {
    case 'continue':
      apply(tx, ended, 'continue', 'The block counts as complete on the node');
      completed(tx, run, member, block);
      return;
    case 'ignore': {
      const step = planOf(run.spec).steps.get(block);
      if (step !== undefined) {
        apply(tx, ended, 'ignore', 'The workflow goes on without a result of this task');
        finishTask(tx, run, member, step.workflow, true);
        return;
      }
      apply(
        tx,
        ended,
        'ignore',
        'The node goes on without the block, and without those that wait for it there',
      );
      for (const skipped of [...(member.skipped ?? [])]) closeBlock(tx, run, skipped);
      cleanUpAfter(tx, run, member, block);
      advanceRun(tx, run);
      return;
    }
    case 'end_application':
      apply(tx, ended, 'end_application', 'The run ends as succeeded');
      endRun(
        tx,
        run,
        'succeeded',
        'end_application',
        `${where} ended the application: ${ended.failure.message}`,
      );
      return;
    case 'fail_application':
      apply(tx, ended, 'fail_application', 'The run fails');
      failRun(tx, run, member, block, ended.failure);
      return;
    case 'restart_process':
      restartProcess(tx, ended, chosen);
      return;
    case 'restart_application':
      restartApplication(tx, ended, chosen);
  }
}

function apply(
  tx: Transaction,
  { run, task_id, failure }: Ended,
  policy: Chosen['policy'],
  message: string,
  more: { restart?: number; retry_ms?: number } = {},
): void {
  const { number } = failure;
  const which = number === undefined ? {} : { number };
  tx.emit('policy_applied', { run_id: run.run_id, task_id, policy, ...which, message, ...more });
}

function restartProcess(tx: Transaction, ended: Ended, chosen: Chosen): void {
  const before = restartsBefore(tx, ended);
  const retry_ms = backoffMs(chosen, before);
  if (retry_ms === undefined) {
    giveUp(tx, ended, `restarted ${times(before)}`);
    return;
  }
  const message = `It is started again on its node in ${durationText(retry_ms)}`;
  apply(tx, ended, 'restart_process', message, { restart: before + 1, retry_ms });
}

function restartApplication(tx: Transaction, ended: Ended, chosen: Chosen): void {
  const { run, member, block, failure } = ended;
  const before = run.restarts ?? 0;
  if (backoffMs(chosen, before) === undefined) {
    giveUp(tx, ended, `the application was begun again ${times(before)}`);
    return;
  }
  apply(tx, ended, 'restart_application', 'The application is begun again');
  const message = `${blockWords(run, block, failure)} on ${member.hostname}: ${failure.message}`;
  const { run_id } = run;
  const retry_ms = backoffMs(chosen, before) ?? 0;
  tx.emit('run_restarting', { run_id, restart: before + 1, cause: failure.cause, message, retry_ms });
  stoppedIfNothingRuns(tx, run);
}

/** The bound is reached. */
function giveUp(tx: Transaction, ended: Ended, done: string): void {
  const { run, member, block, failure } = ended;
  if (isService(run)) {
    giveNodeUp(tx, member.hostname, { ...failure, message: `${failure.message} (${done})` });
    return;
  }
  apply(tx, ended, 'fail_application', `The run fails: ${done} already`);
  failRun(tx, run, member, block, { ...failure, message: `${failure.message} (${done})` });
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** The wait before a restart of a process is over. */
export function restartTask(tx: Transaction, task_id: string): void {
  const [run_id, block, hostname] = splitTaskId(task_id);
  const run = tx.state.runs.get(run_id);
  const member = run?.members.get(hostname);
  const task = member?.tasks.get(block);
  if (run?.state !== 'running' || member === undefined) return;
  if (task?.task_id !== task_id || task.restart_at === undefined) return;
  order(tx, run, member, block);
}

/** Once no task of a run that begins again runs any more, the wait begins. */
export function stoppedIfNothingRuns(tx: Transaction, run: Run): void {
  const { restarting } = run;
  if (restarting === undefined || restarting.at !== undefined || restarting.stopping.size > 0) return;
  tx.emit('run_stopped', { run_id: run.run_id, retry_ms: restarting.retry_ms });
}

/** The wait before a restart of the application is over. */
export function beginAgain(tx: Transaction, run_id: string): void {
  const run = tx.state.runs.get(run_id);
  if (run?.state !== 'running' || run.restarting?.at === undefined) return;
  tx.emit('run_restarted', { run_id });
  // Their files are gone, so that they cannot do their part once more.
  const gone = [...run.members.values()].filter((member) => member.phase === 'done');
  for (const { hostname } of gone) failMember(tx, run, hostname, GONE);
  for (const member of [...run.members.values()]) startBlocks(tx, run, member);
  advanceRun(tx, run);
}

const GONE: Failure = {
  phase: 'start',
  cause: 'lost',
  message: 'The node was lost after its part of the run, which begins again',
  attempt: 1,
};

/** Whether finished nodes keep their files, because the application may be begun again on them. */
export function keepsFiles(run: Run): boolean {
  return run.ending === undefined && planOf(run.spec).mayRestart;
}
