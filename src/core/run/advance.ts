/**
 * How a run goes on after something changed: what a node may start next, and when the run as a whole is released or over.
 * Everything here looks at one node, or at counters; nothing walks over all nodes for one change.
 */
import type { Failure } from '../../../api/schemas.ts';
import type { Policy } from '../../../api/spec.ts';
import { LOST_RESTARTS } from '../limits.ts';
import { isOver, type Member, type Run, type Task } from '../state.ts';
import type { TaskReport } from '../task.ts';
import type { Transaction } from '../transaction.ts';
import { endAtBarriers, enterBlock, leaveAfter, partDone, settleAll } from './barriers.ts';
import { clusterOf } from './clusters.ts';
import { splitTaskId, taskId } from './evolve.ts';
import { type PlannedBlock, planOf } from './plan.ts';
import { isSuccess, policyFor } from './policy.ts';
import { endRun, failNode, finishRun } from './recover.ts';
import { applyPolicy, keepsFiles, stoppedIfNothingRuns } from './restart.ts';
import { isService, ofService } from './service.ts';
import { isBeaten } from './workflow-state.ts';
import { beatenEnded, endIfStranded, joinWorkflow, orderStep, stepDone } from './workflows.ts';

/** Releases the run when every node is prepared, ends it when every node is finished. */
export function advanceRun(tx: Transaction, run: Run): void {
  if (isOver(run)) return;
  if (run.state === 'ending') {
    finishRun(tx, run);
    return;
  }
  settleAll(tx, run);
  if (run.restarting !== undefined) {
    stoppedIfNothingRuns(tx, run);
    return;
  }
  const components = [...run.components.values()];
  if (run.state === 'deploying') {
    if (!isReleasable(run)) return;
    tx.emit('run_released', { run_id: run.run_id });
    for (const member of [...run.members.values()]) startBlocks(tx, run, member);
  }
  if (components.some((c) => c.finished < c.members.size || c.members.size < c.min)) return;
  if (run.uncleaned === 0 || keepsFiles(run)) endRun(tx, run, 'succeeded', 'done', successOf(run));
}

/** A service begins with its first node; any other run when all are prepared. */
function isReleasable(run: Run): boolean {
  const components = [...run.components.values()];
  if (isService(run)) return components.some((c) => c.prepared > 0);
  return components.every((c) => c.prepared === c.members.size && c.members.size >= c.min);
}

function successOf(run: Run): string {
  let ignored = 0;
  for (const { policy, hosts } of run.handled?.values() ?? []) if (policy === 'ignore') ignored += hosts.size;
  return ignored === 0 ? 'Every task completed' : 'Every task completed, but for those whose end was ignored';
}

/** Starts what a newly prepared member may start. */
export function startBlocks(tx: Transaction, run: Run, member: Member): void {
  for (const block of planOf(run.spec).ofComponent.get(member.component) ?? [])
    startIfDue(tx, run, member, block);
}

function startIfDue(tx: Transaction, run: Run, member: Member, block: PlannedBlock): void {
  if (run.state !== 'running' || run.restarting !== undefined) return;
  if (run.members.get(member.hostname) !== member) return;
  if (member.phase === 'preparing' || member.tasks.has(block.spec.name)) return;
  if (member.skipped?.has(block.spec.name) || member.completed.has(block.spec.name)) return;
  // Most often the number says it already: whoever waits for thousands of blocks is looked at as each of them ends.
  if (member.completed.size + (member.skipped?.size ?? 0) < block.before.length) return;
  if (block.before.some((name) => !isBehind(member, block, name))) return;
  if (!isOpen(run, block)) return;
  if (block.spec.kind === 'barrier') tx.later(() => enterBlock(tx, run, member, block));
  else if (block.spec.kind === 'workflow') joinWorkflow(tx, run, member, block);
  else order(tx, run, member, block.spec.name);
}

/** Whether all that a block waits for as a whole is complete. */
function isOpen(run: Run, { gates }: PlannedBlock): boolean {
  return gates.every((name) => run.blocks.get(name)?.state === 'completed');
}

/** Whether a block need not wait for another of its component block on the node any more. */
function isBehind(member: Member, { cleanup }: PlannedBlock, name: string): boolean {
  return member.completed.has(name) || (cleanup !== undefined && member.skipped?.has(name) === true);
}

/** A node goes on without a block: what cleans up behind its component block may begin. */
export function cleanUpAfter(tx: Transaction, run: Run, member: Member, block: string): void {
  const { blocks, ofComponent } = planOf(run.spec);
  const parent = blocks.get(block)?.component_block;
  for (const one of ofComponent.get(member.component) ?? [])
    if (one.cleanup !== undefined && one.component_block === parent) startIfDue(tx, run, member, one);
}

/** Orders the next attempt at a block on a node. */
export function order(tx: Transaction, run: Run, member: Member, block: string): void {
  if (planOf(run.spec).steps.has(block)) {
    orderStep(tx, run, member, block);
    return;
  }
  const attempt = 1 + (member.tasks.get(block)?.attempt ?? member.attempts?.get(block) ?? 0);
  const { hostname, index, component } = member;
  const state = run.components.get(component);
  const all = Math.max(state?.count ?? 0, state?.members.size ?? 0);
  const count = Math.min(all, clusterOf(run.spec, block).hosts);
  const task_id = taskId(run.run_id, block, hostname, attempt);
  tx.emit('task_ordered', { run_id: run.run_id, task_id, block, hostname, attempt, index, count });
  if (run.blocks.get(block)?.state === 'waiting') {
    tx.emit('block_changed', { run_id: run.run_id, block, component, state: 'running' });
  }
}

/** What an agent says of a task, whether it is news or told again. */
export function reconcileTask(tx: Transaction, hostname: string, report: TaskReport): void {
  const run = tx.state.runs.get(report.run_id);
  const member = run?.members.get(hostname);
  const [, block] = splitTaskId(report.task_id);
  const task = member?.tasks.get(block);
  if (run === undefined || member === undefined || task?.task_id !== report.task_id) return;
  if (task.state === 'ordered' && report.pid !== undefined) {
    tx.emit('task_started', { run_id: run.run_id, task_id: task.task_id, pid: report.pid });
  }
  if (report.unhealthy !== undefined && task.state === 'running' && task.unhealthy === undefined) {
    tx.emit('task_unhealthy', { run_id: run.run_id, task_id: task.task_id, ...report.unhealthy });
  }
  if (report.state === 'exited' && (task.state === 'ordered' || task.state === 'running'))
    exited(tx, run, member, block, report);
}

/** Tasks that ran on a node whose agent no longer knows of them are as good as lost; to order them again could run them twice. */
export function missTasks(tx: Transaction, run: Run, member: Member, reported: ReadonlySet<string>): void {
  for (const task of [...member.tasks.values()]) {
    if (task.state !== 'running' || reported.has(task.task_id)) continue;
    exited(tx, run, member, task.block, {
      task_id: task.task_id,
      run_id: run.run_id,
      state: 'exited',
      cause: 'lost',
      message: 'The agent no longer knows of the task',
    });
  }
}

function exited(tx: Transaction, run: Run, member: Member, block: string, report: TaskReport): void {
  const { run_id, task_id, state: _state, pid: _pid, unhealthy: _unhealthy, ...rest } = report;
  const task = member.tasks.get(block);
  const isBeatenTask = task !== undefined && isBeaten(run, task);
  const isStopping = run.ending !== undefined || run.restarting !== undefined || isBeatenTask;
  const chosen = isStopping ? undefined : (policyFor(run.spec, block, report) ?? ofService(run, report));
  const outcome = outcomeOf(report, isStopping, chosen?.policy);
  tx.emit('task_exited', {
    run_id,
    task_id,
    ...(task?.number === undefined ? {} : { number: task.number }),
    outcome,
    ...rest,
    ...(rest.stderr_tail ? { stderr_tail: [...rest.stderr_tail] } : {}),
    ...(isBeatenTask ? { discarded: true } : {}),
  } as never);
  if (run.ending !== undefined) return;
  endAtBarriers(tx, run, member, task_id);
  if (run.restarting !== undefined) stoppedIfNothingRuns(tx, run);
  else if (isBeatenTask) beatenEnded(tx, run, member, block);
  else if (chosen !== undefined) {
    const failure = failureOf(report, taskIn(member, block));
    applyPolicy(tx, { run, member, block, task_id, failure }, chosen);
  } else if (outcome === 'completed') completed(tx, run, member, block);
  else if (outcome === 'lost') lost(tx, run, member, block, report);
  else if (outcome === 'failed') failed(tx, run, member, block, report);
}

function outcomeOf(
  report: TaskReport,
  isStopping: boolean,
  policy: Policy | undefined,
): 'completed' | 'failed' | 'stopped' | 'lost' {
  if (report.cause === 'lost') return 'lost';
  // Stopped, and not by us since the run goes on: to the run that is a task that vanished.
  if (report.cause === 'stopped') return isStopping ? 'stopped' : 'lost';
  if (policy === 'continue') return 'completed';
  return isSuccess(report) && (policy === undefined || policy === 'end_application') ? 'completed' : 'failed';
}

/** What waits for a block on the node, or for the whole of it, may begin. */
export function completed(tx: Transaction, run: Run, member: Member, name: string): void {
  const plan = planOf(run.spec);
  if (plan.steps.has(name)) {
    stepDone(tx, run, member, name);
    return;
  }
  const block = plan.blocks.get(name);
  if (block !== undefined) leaveAfter(tx, run, member, block);
  for (const next of plan.after.get(name) ?? []) startIfDue(tx, run, member, next);
  closeBlock(tx, run, name);
  partDone(tx, run, member);
  if (keepsFiles(run)) advanceRun(tx, run);
}

/**
 * A block is complete when all nodes that its component has now have completed it or go on without it; blocks gated by it may
 * begin.
 */
export function closeBlock(tx: Transaction, run: Run, name: string): void {
  const plan = planOf(run.spec);
  const block = run.blocks.get(name);
  const component = run.components.get(plan.blocks.get(name)?.component ?? '');
  if (block === undefined || component === undefined || run.restarting !== undefined) return;
  const { state, completed: done, skipped = 0 } = block;
  // A block that every node goes on without, or has skipped to catch up, has never begun.
  if (state !== 'running' && (state !== 'waiting' || done + skipped === 0)) return;
  // A service may have too few nodes for a while; what it lacks has not completed anything.
  if (done + skipped < Math.max(component.members.size, component.min) || endIfStranded(tx, run, name))
    return;
  tx.emit('block_changed', {
    run_id: run.run_id,
    block: name,
    component: component.name,
    state: 'completed',
  });
  for (const gated of plan.gated.get(name) ?? []) {
    if (!isOpen(run, gated)) continue;
    for (const hostname of run.components.get(gated.component)?.members ?? []) {
      const waiting = run.members.get(hostname);
      if (waiting !== undefined) startIfDue(tx, run, waiting, gated);
    }
  }
}

/** A node left its component for good: blocks that only it had not completed are complete now. */
export function closeBlocks(tx: Transaction, run: Run, component: string): void {
  for (const block of planOf(run.spec).ofComponent.get(component) ?? []) closeBlock(tx, run, block.spec.name);
}

/** A node came that goes on without some blocks: those that others have completed may be complete now. */
export function closeBegun(tx: Transaction, run: Run, component: string): void {
  for (const { spec } of planOf(run.spec).ofComponent.get(component) ?? [])
    if ((run.blocks.get(spec.name)?.completed ?? 0) > 0) closeBlock(tx, run, spec.name);
}

/** Nobody saw the task's end: start it again on its node, and give the node up when that happens too often. */
function lost(tx: Transaction, run: Run, member: Member, block: string, report: TaskReport): void {
  const { losses = 1 } = member.tasks.get(block) ?? {};
  if (losses <= LOST_RESTARTS) order(tx, run, member, block);
  else giveUp(tx, member, { ...failureOf(report, taskIn(member, block)), phase: 'watch', cause: 'lost' });
}

/** A program's own failure ends the run (POLICY_FAIL_APPLICATION is the default); a full disk is the node's. */
function failed(tx: Transaction, run: Run, member: Member, block: string, report: TaskReport): void {
  const failure = failureOf(report, taskIn(member, block));
  if (failure.cause === 'disk_full' || failure.cause === 'reinstall_failed') {
    giveUp(tx, member, failure);
    return;
  }
  failRun(tx, run, member, block, failure);
}

/** Ends the run for a process's failure. */
export function failRun(tx: Transaction, run: Run, member: Member, block: string, failure: Failure): void {
  const { run_id } = run;
  const whole = planOf(run.spec).steps.get(block)?.workflow.name ?? block;
  tx.emit('block_changed', { run_id, block: whole, component: member.component, state: 'failed' });
  const message = `${blockWords(run, block, failure)} failed on ${member.hostname}: ${failure.message}`;
  endRun(tx, run, 'failed', failure.cause, message);
}

/** 'Block "part"', and of a workflow which task it was at. */
export function blockWords(run: Run, block: string, { number }: Pick<Failure, 'number'>): string {
  const step = planOf(run.spec).steps.get(block);
  const isAlone = number === undefined || step === undefined;
  return isAlone
    ? `Block "${block}"`
    : `Block "${block}", at task ${number} of workflow "${step.workflow.name}",`;
}

function giveUp(tx: Transaction, member: Member, failure: Failure): void {
  const node = tx.state.nodes.get(member.hostname);
  if (node !== undefined) failNode(tx, node, failure);
}

/** What a failure tells of the task. */
function taskIn(member: Member, block: string): Pick<Task, 'block' | 'attempt' | 'number'> {
  return member.tasks.get(block) ?? { block, attempt: 1 };
}

/** The failure that a task's end is. */
export function failureOf(
  report: Omit<TaskReport, 'task_id' | 'run_id' | 'state'>,
  { block, attempt, number }: Pick<Task, 'block' | 'attempt' | 'number'>,
): Failure {
  const { cause, exit_code, signal, stderr_tail } = report;
  return {
    phase: isStartFailure(report) ? 'start' : 'watch',
    cause: cause ?? (signal === undefined ? 'exit_code' : 'signal'),
    message: failureSentence(report),
    block,
    ...(number === undefined ? {} : { number }),
    attempt,
    ...(exit_code === undefined ? {} : { exit_code }),
    ...(signal === undefined ? {} : { signal }),
    ...(stderr_tail === undefined ? {} : { stderr_tail: [...stderr_tail] }),
  };
}

/** A program that had a status, or vanished, did start. */
function isStartFailure({
  cause,
  exit_code,
  signal,
}: Pick<TaskReport, 'cause' | 'exit_code' | 'signal'>): boolean {
  const hasRun = cause === undefined || cause === 'lost' || cause === 'timeout' || cause === 'liveness';
  return !hasRun && exit_code === undefined && signal === undefined;
}

/** How a task ended, for a person. */
function failureSentence(report: Pick<TaskReport, 'cause' | 'message' | 'signal' | 'exit_code'>): string {
  if (report.message !== undefined) return report.message;
  if (report.signal !== undefined) return `The program was ended by ${report.signal}`;
  return `The program exited with code ${report.exit_code ?? 'unknown'}`;
}
