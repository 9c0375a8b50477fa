/** How facts about policies and restarts change the state. */
import type { Evolver } from '../evolve.ts';
import { MAX_HANDLED, MAX_HANDLED_HOSTS } from '../limits.ts';
import type { Member, Run, Task } from '../state.ts';
import { failureOf } from './advance.ts';
import { beAbsent } from './barrier-state.ts';
import { skipOthersParts } from './clusters.ts';
import { finishIfThrough, setPhase, taskOf } from './evolve.ts';
import { INSTALL_BARRIER, planOf } from './plan.ts';
import { isSuccess } from './policy.ts';
import { beginWorkflowsAgain } from './workflow-state.ts';

type PolicyEvents = 'policy_applied' | 'task_unhealthy' | 'run_restarting' | 'run_stopped' | 'run_restarted';

export const policyEvolvers: { readonly [T in PolicyEvents]: Evolver<T> } = {
  policy_applied: (state, { run_id, task_id, policy, restart, retry_ms }, time) => {
    const found = taskOf(state, run_id, task_id);
    if (found === undefined) return;
    const { run, member, task } = found;
    task.policy = policy;
    note(run, member, task);
    if (restart !== undefined) {
      task.restarts = restart;
      task.restart_at = new Date(Date.parse(time) + (retry_ms ?? 0)).toISOString();
    }
    if (policy !== 'ignore' || task.number !== undefined || run.members.get(member.hostname) !== member)
      return;
    skip(run, member, task.block);
    finishIfThrough(run, member, time);
  },
  task_unhealthy: (state, { run_id, task_id, message }) => {
    const found = taskOf(state, run_id, task_id);
    if (found !== undefined) found.task.unhealthy = message;
  },
  run_restarting: (state, { run_id, restart, retry_ms }) => {
    const run = state.runs.get(run_id);
    if (run === undefined) return;
    const stopping = new Set<string>();
    for (const member of run.members.values()) {
      for (const task of member.tasks.values()) {
        delete task.restart_at;
        if (task.state === 'ordered' || task.state === 'running') stopping.add(task.task_id);
      }
    }
    run.restarts = restart;
    run.restarting = { stopping, retry_ms };
  },
  run_stopped: (state, { run_id, retry_ms }, time) => {
    const restarting = state.runs.get(run_id)?.restarting;
    if (restarting !== undefined) restarting.at = new Date(Date.parse(time) + retry_ms).toISOString();
  },
  run_restarted: (state, { run_id }, time) => {
    const run = state.runs.get(run_id);
    if (run === undefined) return;
    delete run.restarting;
    for (const component of run.components.values()) component.finished = 0;
    for (const block of run.blocks.values()) {
      Object.assign(block, { begun: 0, completed: 0, failed: 0, state: 'waiting' });
      delete block.skipped;
    }
    for (const barrier of run.barriers.values()) {
      if (barrier.name === INSTALL_BARRIER.name) barrier.absent = 0;
      else run.barriers.delete(barrier.name);
    }
    beginWorkflowsAgain(run);
    for (const member of run.members.values()) beginAgain(run, member, time);
  },
};

/** The member as it was when it had been prepared, but for the numbers of its attempts. */
function beginAgain(run: Run, member: Member, time: string): void {
  member.attempts ??= new Map();
  for (const { block, attempt } of member.tasks.values()) member.attempts.set(block, attempt);
  member.tasks.clear();
  member.completed.clear();
  delete member.skipped;
  skipOthersParts(run, member);
  delete member.at;
  delete member.work;
  delete member.absent;
  delete member.missed;
  delete member.untidy;
  const component = run.components.get(member.component);
  if (member.phase === 'done' && component !== undefined) component.finished += 1;
  if (member.phase === 'working' || member.phase === 'finishing') setPhase(member, 'ready', time);
}

/** The node goes on without a block, and without what waits for it there. */
function skip(run: Run, member: Member, name: string): void {
  member.skipped ??= new Set();
  if (member.skipped.has(name) || member.completed.has(name)) return;
  member.skipped.add(name);
  const block = run.blocks.get(name);
  if (block !== undefined) block.skipped = (block.skipped ?? 0) + 1;
  const { spec } = planOf(run.spec).blocks.get(name) ?? {};
  if (spec?.kind === 'barrier') beAbsent(run, member, spec.barrier);
  for (const next of planOf(run.spec).after.get(name) ?? [])
    if (next.cleanup === undefined) skip(run, member, next.spec.name);
}

/** Counts what a policy dealt with; bounded, however many kinds of exits a program has. */
function note(run: Run, { hostname }: Member, task: Task): void {
  const { policy } = task;
  if (policy === undefined || (policy === 'end_application' && isSuccess(task))) return;
  run.handled ??= new Map();
  const failure = failureOf(task as never, task);
  const { block, phase, cause, exit_code, signal } = failure;
  const key = JSON.stringify([block, policy, phase, cause, exit_code, signal]);
  let handled = run.handled.get(key);
  if (handled === undefined) {
    if (run.handled.size >= MAX_HANDLED) return;
    handled = { failure, policy, times: 0, hosts: new Set() };
    run.handled.set(key, handled);
  }
  handled.times += 1;
  if (handled.hosts.size < MAX_HANDLED_HOSTS) handled.hosts.add(hostname);
}
