/** How facts about runs and tasks change the state. */
import type { AppSpec } from '../../../api/spec.ts';
import type { Evolver } from '../evolve.ts';
import { hush } from '../pool/contact.ts';
import { oweCleaning } from '../pool/evolve.ts';
import { refreshFree } from '../pool/free.ts';
import { useLogin } from '../pool/login.ts';
import {
  type BlockState,
  type ComponentState,
  MAX_ENDED_MEMBERS,
  MAX_ENDED_RUNS,
  type Member,
  type Run,
  type State,
  type Task,
} from '../state.ts';
import { barrierEvolvers, beAbsent, unmarkAbsent } from './barrier-state.ts';
import { skipOthersParts } from './clusters.ts';
import { planOf } from './plan.ts';
import { comesBack, newService, rememberLost } from './service-evolve.ts';
import { exitedInWorkflow, loseWork, orderedInWorkflow } from './workflow-state.ts';

/** A run as it is when it has been ordered, with no nodes yet. */
export function newRun(run_id: string, app: string, spec: AppSpec, time: string): Run {
  const components = new Map<string, ComponentState>();
  const used = planOf(spec).ofComponent;
  for (const { name, min, max } of spec.components) {
    if (!used.has(name)) continue;
    components.set(name, {
      name,
      min,
      max,
      members: new Set(),
      prepared: 0,
      finished: 0,
      count: 0,
      next: 0,
      vacant: [],
    });
  }
  const blocks = new Map<string, BlockState>();
  for (const name of planOf(spec).blocks.keys()) {
    blocks.set(name, { name, begun: 0, completed: 0, failed: 0, state: 'waiting' });
  }
  return {
    run_id,
    app,
    spec,
    state: 'deploying',
    started: time,
    since: time,
    components,
    blocks,
    barriers: new Map(),
    members: new Map(),
    past: [],
    lost: new Set(),
    uncleaned: 0,
    cleaning: new Set(),
    ...newService(spec, time),
  };
}

/** Members of a run, past ones too. Once it has ended the sum stays: a member that is lost then only becomes a past one. */
function membersOf(run: Run): number {
  return run.members.size + run.past.length;
}

function forgetOldRuns(state: State): void {
  while (
    state.ended.length > MAX_ENDED_RUNS ||
    (state.ended_members > MAX_ENDED_MEMBERS && state.ended.length > 1)
  ) {
    const oldest = state.ended.shift() as string;
    const run = state.runs.get(oldest);
    if (run === undefined) continue;
    state.ended_members -= membersOf(run);
    if (run.request_id !== undefined) state.requests.delete(run.request_id);
    state.runs.delete(oldest);
  }
}

export function setPhase(member: Member, phase: Member['phase'], time: string): void {
  member.phase = phase;
  member.since = time;
}

function occupy(component: ComponentState | undefined, hostname: string, index: number): void {
  if (component === undefined) return;
  component.members.add(hostname);
  component.next = Math.max(component.next, index + 1);
  component.vacant = component.vacant.filter((vacant) => vacant !== index);
  if (component.members.size >= component.min) delete component.below;
}

/** A member with nothing more to do in any block only has to be cleaned. */
export function finishIfThrough(run: Run, member: Member, time: string): void {
  const component = run.components.get(member.component);
  const all = planOf(run.spec).ofComponent.get(member.component)?.length ?? 0;
  const done = member.completed.size + (member.skipped?.size ?? 0);
  if (component === undefined || done !== all || member.phase !== 'working') return;
  setPhase(member, 'finishing', time);
  component.finished += 1;
  beAbsent(run, member);
}

/** Takes a member out of the counters of its component and blocks. */
function discount(run: Run, member: Member): void {
  const component = run.components.get(member.component);
  if (component === undefined) return;
  component.members.delete(member.hostname);
  if (member.phase !== 'preparing') component.prepared -= 1;
  if (member.phase === 'finishing' || member.phase === 'done') component.finished -= 1;
  unmarkAbsent(run, member);
  for (const { task_id } of member.tasks.values()) run.restarting?.stopping.delete(task_id);
  loseWork(run, member);
  for (const name of new Set([...member.tasks.keys(), ...(member.at?.keys() ?? []), ...member.completed])) {
    const block = run.blocks.get(name);
    if (block === undefined) continue;
    block.begun -= 1;
    if (member.completed.has(name)) block.completed -= 1;
    const task = member.tasks.get(name);
    if (task?.state === 'failed') block.failed -= 1;
  }
  for (const name of member.skipped ?? []) {
    const block = run.blocks.get(name);
    if (block?.skipped !== undefined) block.skipped -= 1;
  }
}

export function taskOf(
  state: State,
  run_id: string,
  task_id: string,
): { run: Run; member: Member; task: Task } | undefined {
  const run = state.runs.get(run_id);
  if (run === undefined) return undefined;
  const [, block, hostname] = splitTaskId(task_id);
  const member = run.members.get(hostname) ?? run.past.findLast((past) => past.hostname === hostname);
  const task = member?.tasks.get(block);
  return task?.task_id === task_id && member !== undefined ? { run, member, task } : undefined;
}

/** RUN/BLOCK/NODE/ATTEMPT, and /NUMBER for a task of a workflow; a block's name may hold no slash, a node's name neither. */
export function splitTaskId(task_id: string): [run: string, block: string, node: string, attempt: string] {
  const [run = '', block = '', node = '', attempt = ''] = task_id.split('/');
  return [run, block, node, attempt];
}

/** What an identity says of its task. */
export function subjectOf(task_id: string): Pick<Task, 'task_id' | 'block' | 'hostname' | 'number'> {
  const [, block, hostname] = splitTaskId(task_id);
  const number = task_id.split('/')[4];
  return { task_id, block, hostname, ...(number === undefined ? {} : { number: Number(number) }) };
}

/** A task's identity. @param number of a workflow: the number of its task */
export function taskId(
  run_id: string,
  block: string,
  hostname: string,
  attempt: number,
  number?: number,
): string {
  return `${run_id}/${block}/${hostname}/${attempt}${number === undefined ? '' : `/${number}`}`;
}

type RunEvents =
  | 'run_started'
  | 'run_matched'
  | 'run_released'
  | 'run_ending'
  | 'run_ended'
  | 'member_installed'
  | 'member_failed'
  | 'member_cleaned'
  | 'block_changed'
  | 'task_ordered'
  | 'task_started'
  | 'task_exited'
  | 'blocks_completed'
  | keyof typeof barrierEvolvers;

export const runEvolvers: { readonly [T in RunEvents]: Evolver<T> } = {
  ...barrierEvolvers,
  run_started: (state, { run_id, app, request_id }, time) => {
    const loaded = state.apps.get(app);
    if (loaded === undefined) return;
    const run = newRun(run_id, app, loaded.spec, time);
    if (request_id !== undefined) {
      run.request_id = request_id;
      state.requests.set(request_id, run_id);
    }
    state.runs.set(run_id, run);
    state.active.add(run_id);
  },
  run_matched: (state, { run_id, members }, time) => {
    const run = state.runs.get(run_id);
    if (run === undefined) return;
    for (const { hostname, component, index, replaces, generation } of members) {
      run.members.set(hostname, {
        hostname,
        component,
        index,
        phase: 'preparing',
        since: time,
        ...(replaces === undefined ? {} : { replaces }),
        tasks: new Map(),
        completed: new Set(),
        ...comesBack(run, generation),
      });
      skipOthersParts(run, run.members.get(hostname) as Member);
      run.uncleaned += 1;
      occupy(run.components.get(component), hostname, index);
      const node = state.nodes.get(hostname);
      if (node !== undefined) {
        node.run_id = run_id;
        useLogin(run.spec, component, node);
      }
      refreshFree(state, hostname);
    }
  },
  run_released: (state, { run_id }, time) => {
    const run = state.runs.get(run_id);
    if (run === undefined) return;
    run.state = 'running';
    run.since = time;
    for (const component of run.components.values()) component.count = component.members.size;
  },
  run_ending: (state, { run_id, outcome, cause, message, shortfalls }, time) => {
    const run = state.runs.get(run_id);
    if (run === undefined) return;
    run.state = 'ending';
    run.since = time;
    run.ending = { outcome, cause, message, shortfalls: shortfalls ?? [] };
  },
  run_ended: (state, { run_id, outcome }, time) => {
    const run = state.runs.get(run_id);
    if (run === undefined) return;
    run.state = outcome;
    run.ended = time;
    run.since = time;
    for (const member of run.members.values()) {
      const node = state.nodes.get(member.hostname);
      if (node?.run_id !== run_id) continue;
      delete node.run_id;
      hush(state, member.hostname);
      if (outcome === 'succeeded') node.credit += 1;
      refreshFree(state, member.hostname);
    }
    state.active.delete(run_id);
    state.ended.push(run_id);
    state.ended_members += membersOf(run);
    forgetOldRuns(state);
  },
  member_installed: (state, { run_id, hostname }, time) => {
    const run = state.runs.get(run_id);
    const member = run?.members.get(hostname);
    if (run === undefined || member?.phase !== 'preparing') return;
    setPhase(member, 'ready', time);
    const component = run.components.get(member.component);
    if (component !== undefined) component.prepared += 1;
  },
  member_failed: (state, { run_id, hostname, failure }, time) => {
    const run = state.runs.get(run_id);
    const member = run?.members.get(hostname);
    if (run === undefined || member === undefined) return;
    discount(run, member);
    if (member.phase !== 'done') run.uncleaned -= 1;
    member.failure = failure;
    member.since = time;
    run.members.delete(hostname);
    rememberLost(run, member, time);
    run.components.get(member.component)?.vacant.push(member.index);
    const node = state.nodes.get(hostname);
    if (node?.run_id === run_id) delete node.run_id;
    hush(state, hostname);
    refreshFree(state, hostname);
    oweCleaning(state, hostname, run_id);
    if (node?.link === 'connected') run.cleaning.add(hostname);
  },
  member_cleaned: (state, { run_id, hostname, owed }, time) => {
    const run = state.runs.get(run_id);
    const member = run?.members.get(hostname);
    if (owed) oweCleaning(state, hostname, run_id);
    if (run === undefined || member === undefined || member.phase === 'done') return;
    const component = run.components.get(member.component);
    if (component !== undefined && member.phase !== 'finishing') {
      component.finished += 1;
      if (member.phase === 'preparing') component.prepared += 1;
    }
    setPhase(member, 'done', time);
    hush(state, hostname);
    run.uncleaned -= 1;
  },
  block_changed: (state, { run_id, block, state: now }) => {
    const known = state.runs.get(run_id)?.blocks.get(block);
    if (known !== undefined) known.state = now;
  },
  task_ordered: (state, { run_id, task_id, block, hostname, attempt, index, count, number }, time) => {
    const run = state.runs.get(run_id);
    const member = run?.members.get(hostname);
    if (run === undefined || member === undefined) return;
    const newest = member.tasks.get(block);
    // Of a workflow: what the node did for another task says nothing of this one.
    const before = newest?.number === number ? newest : undefined;
    const known = run.blocks.get(block);
    if (known !== undefined && before === undefined) known.begun += 1;
    if (known !== undefined && before?.state === 'failed') known.failed -= 1;
    member.tasks.set(block, {
      task_id,
      block,
      hostname,
      attempt,
      index,
      count,
      state: 'ordered',
      since: time,
      ...(before?.restarts === undefined ? {} : { restarts: before.restarts }),
      ...(before?.state === 'lost' ? { losses: before.losses ?? 1 } : {}),
      ...(number === undefined ? {} : { number }),
      ...(number === undefined || before === undefined ? {} : { replaces: before.task_id }),
    });
    if (number !== undefined) orderedInWorkflow(run, member, { block, number, attempt }, time);
    if (member.phase === 'ready') setPhase(member, 'working', time);
  },
  task_started: (state, { run_id, task_id, pid }, time) => {
    const found = taskOf(state, run_id, task_id);
    if (found?.task.state !== 'ordered') return;
    found.task.state = 'running';
    found.task.since = time;
    found.task.started = time;
    if (pid !== undefined) found.task.pid = pid;
  },
  task_exited: (state, body, time) => {
    const found = taskOf(state, body.run_id, body.task_id);
    if (found === undefined) return;
    const { run, member, task } = found;
    const { run_id: _run, task_id: _task, outcome, ...rest } = body;
    Object.assign(task, rest);
    task.state = outcome;
    task.since = time;
    if (outcome === 'lost') task.losses = (task.losses ?? 0) + 1;
    run.restarting?.stopping.delete(task.task_id);
    if (run.members.get(member.hostname) !== member) return;
    if (task.number !== undefined) exitedInWorkflow(run, member, task, time);
    const block = run.blocks.get(task.block);
    if (outcome === 'failed' && block !== undefined) block.failed += 1;
    if (outcome !== 'completed' || block === undefined) return;
    block.completed += 1;
    member.completed.add(task.block);
    finishIfThrough(run, member, time);
  },
  blocks_completed: (state, { run_id, hostname, blocks }, time) => {
    const run = state.runs.get(run_id);
    const member = run?.members.get(hostname);
    if (run === undefined || member === undefined) return;
    for (const name of blocks) {
      const block = run.blocks.get(name);
      if (block === undefined || member.completed.has(name)) continue;
      if (!member.at?.delete(name)) block.begun += 1;
      block.completed += 1;
      member.completed.add(name);
    }
    if (member.phase === 'ready') setPhase(member, 'working', time);
    finishIfThrough(run, member, time);
  },
};
