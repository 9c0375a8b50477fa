/** fact + state after it → what the world must now do. */
import type { EventType, Fact, FactOf } from '../../api/events.ts';
import type { Effect } from './effect.ts';
import { END_DEADLINE_MS, STOP_GRACE_MS } from './limits.ts';
import { isNeeded } from './needed.ts';
import { leaseTimer } from './pool/leases.ts';
import { specOf } from './pool/login.ts';
import { outageTimer } from './pool/outage.ts';
import { flagEndMs } from './pool/rules.ts';
import { barrierTimer, resumeBarriers, tellReleased } from './run/barrier-effects.ts';
import { hasTransfers, participantOf } from './run/barrier-state.ts';
import { softwareAt } from './run/clusters.ts';
import { splitTaskId, subjectOf } from './run/evolve.ts';
import { filesBeforeCleanup, filesOf, filesOfEnd, logCopies } from './run/logs.ts';
import { INSTALL_BARRIER, planOf } from './run/plan.ts';
import { graceOf } from './run/policy.ts';
import { keepsFiles } from './run/restart.ts';
import { refreshLater } from './run/service.ts';
import { softwareOf } from './run/software.ts';
import { taskOrder } from './run/task-order.ts';
import {
  collectAll,
  collectOne,
  kneeTimer,
  resumeWorkflows,
  stopBeaten,
  stopLosers,
  wantedTasks,
} from './run/workflow-effects.ts';
import { isBeaten, participantTask } from './run/workflow-state.ts';
import { isOver, type Member, type PoolNode, type Run, type State, type Task } from './state.ts';

type EffectsOf<T extends EventType> = (body: FactOf<T>['body'], state: State, nowMs: number) => Effect[];

/** The types of fact that make the world do something; all others are only remembered. */
const table: { readonly [T in EventType]?: EffectsOf<T> } = {
  node_removed: ({ hostname }, state) => {
    const spec = state.leaving.get(hostname);
    return spec === undefined ? [{ type: 'disconnect', hostname }] : [{ type: 'dismiss', node: spec }];
  },
  // A node that is told of again before its agent has left: now is the time to try once more.
  node_added: ({ node }, state, nowMs) => [
    ...(state.leaving.has(node.hostname) ? [{ type: 'dismiss', node } as const] : []),
    ...leaseTimer(state, nowMs, node.hostname),
  ],
  node_updated: ({ node }, state, nowMs) => leaseTimer(state, nowMs, node.hostname),
  node_connecting: ({ hostname }, state) => {
    const node = state.nodes.get(hostname);
    return node === undefined ? [] : [{ type: 'connect', node: specOf(node) }];
  },
  node_connected: ({ hostname, runs }, state) => workOn(state, hostname, runs),
  node_disconnected: ({ hostname, cause, retry_ms }) => {
    if (cause === 'requested') return [{ type: 'disconnect', hostname }];
    if (retry_ms === undefined) return [];
    return [{ type: 'timer', timer: { kind: 'reconnect', hostname }, delayMs: retry_ms }];
  },
  outage_suspected: (_body, state, nowMs) => outageTimer(state, nowMs),
  node_failed: ({ hostname }, state, nowMs) => restoreTimer(state.nodes.get(hostname), nowMs),
  run_matched: ({ run_id, members }, state) =>
    members.flatMap(({ hostname }) => {
      const node = state.nodes.get(hostname);
      const run = state.runs.get(run_id);
      if (node?.link !== 'connected' || run === undefined) return [];
      return memberWork(run, run.members.get(hostname));
    }),
  // The end of a run has all its nodes cleaned already.
  member_failed: ({ run_id, hostname }, state) =>
    state.runs.get(run_id)?.ending === undefined ? cleanIfConnected(state, hostname, run_id) : [],
  // A finished node that kept its files for a restart, and is taken out of the run while it still answers.
  member_cleaned: ({ run_id, hostname, owed }, state) => {
    const run = state.runs.get(run_id);
    return owed && run !== undefined && keepsFiles(run) ? cleanIfConnected(state, hostname, run_id) : [];
  },
  run_started: ({ run_id }, state) => refreshLater(state.runs.get(run_id)),
  run_refreshed: ({ run_id }, state) => refreshLater(state.runs.get(run_id)),
  run_ending: ({ run_id }, state) => {
    const run = state.runs.get(run_id);
    const effects: Effect[] = [
      { type: 'timer', timer: { kind: 'end', run_id }, delayMs: endDeadlineMs(run) },
    ];
    for (const member of run?.members.values() ?? []) {
      if (member.phase !== 'done') effects.push(...cleanIfConnected(state, member.hostname, run_id));
    }
    return effects;
  },
  run_ended: ({ run_id }, state) => [{ type: 'release', run_id }, ...quitWhenIdle(state)],
  quit_requested: (_body, state) => quitWhenIdle(state),
  task_exited: ({ run_id, task_id, discarded }, state) => {
    const [, block, hostname] = splitTaskId(task_id);
    const cleaning = cleanIfFinishing(state, run_id, hostname);
    if (cleaning.length > 0) return cleaning;
    const output = collectOne(state, run_id, task_id);
    return discarded ? output : [...output, ...collectAfter(state, run_id, hostname, block)];
  },
  task_started: ({ run_id, task_id }, state) => {
    const [, block, hostname] = splitTaskId(task_id);
    const run = state.runs.get(run_id);
    const task = run?.members.get(hostname)?.tasks.get(block);
    return run === undefined || task === undefined ? [] : streamTask(run, task);
  },
  workflow_task_started: ({ run_id, block }, state, nowMs) =>
    kneeTimer(state.runs.get(run_id), block, nowMs, nowMs),
  workflow_task_finished: ({ run_id, block, losers }, state, nowMs) => {
    const run = state.runs.get(run_id);
    if (run === undefined) return [];
    return [...stopLosers(state, run, losers), ...kneeTimer(run, block, nowMs, nowMs)];
  },
  workflow_knee: ({ run_id, block }, state, nowMs) => kneeTimer(state.runs.get(run_id), block, nowMs, nowMs),
  barrier_entered: ({ run_id, barrier, participant, losers }, state, nowMs) => [
    ...timerOf(state, run_id, barrier, nowMs),
    ...stopLosers(state, state.runs.get(run_id), losers),
    ...kneeTimer(state.runs.get(run_id), participantTask(participant)?.workflow ?? '', nowMs, nowMs),
  ],
  barrier_left: ({ run_id, barrier }, state, nowMs) => timerOf(state, run_id, barrier, nowMs),
  barrier_released: ({ run_id, barrier, participants }, state, nowMs) => {
    const run = state.runs.get(run_id);
    if (run === undefined) return [];
    const timer = barrierTimer(run, barrier, nowMs);
    if (barrier === INSTALL_BARRIER.name) return [...timer, ...installs(state, run, participants)];
    return [...timer, ...tellReleased(state, run, barrier, participants)];
  },
  blocks_completed: ({ run_id, hostname }, state) => {
    return cleanIfFinishing(state, run_id, hostname);
  },
  policy_applied: ({ run_id, task_id, policy, retry_ms }, state) => {
    if (retry_ms !== undefined)
      return [{ type: 'timer', timer: { kind: 'restart_task', task_id }, delayMs: retry_ms }];
    const [, , hostname] = splitTaskId(task_id);
    return policy === 'ignore' ? cleanIfFinishing(state, run_id, hostname) : [];
  },
  run_restarting: ({ run_id }, state) => {
    const run = state.runs.get(run_id);
    const members = [...(run?.members.values() ?? [])];
    return members
      .filter(({ hostname }) => state.nodes.get(hostname)?.link === 'connected')
      .flatMap((member) => stopTasks(run as Run, member));
  },
  run_stopped: ({ run_id, retry_ms }) => [
    { type: 'timer', timer: { kind: 'begin_again', run_id }, delayMs: retry_ms },
  ],
  task_ordered: ({ run_id, hostname, block }, state) => {
    const run = state.runs.get(run_id);
    const task = run?.members.get(hostname)?.tasks.get(block);
    if (run === undefined || task === undefined || state.nodes.get(hostname)?.link !== 'connected') return [];
    return [startTask(run, task)];
  },
  resources_requested: ({ operation_id, run_id, component, request: index = 0 }, state) => {
    const app = run_id === undefined ? state.apps.get(state.loaded ?? '') : state.runs.get(run_id);
    const request = app?.spec.components.find((c) => c.name === component)?.requests[index];
    return request === undefined
      ? []
      : [{ type: 'request_resources', operation_id, component, index, request }];
  },
};

function timerOf(state: State, run_id: string, barrier: string, nowMs: number): Effect[] {
  const run = state.runs.get(run_id);
  return run === undefined ? [] : barrierTimer(run, barrier, nowMs);
}

/** Nodes that have been let in begin to install. */
function installs(state: State, run: Run, participants: readonly string[]): Effect[] {
  const entries = run.barriers.get(INSTALL_BARRIER.name)?.entries;
  return participants.flatMap((participant) => {
    const member = run.members.get(entries?.get(participant)?.hostname ?? '');
    return member !== undefined && state.nodes.get(member.hostname)?.link === 'connected'
      ? memberWork(run, member)
      : [];
  });
}

/** The effects that end the part of a member with nothing left to do, unless it may have to do it again. */
function cleanIfFinishing(state: State, run_id: string, hostname: string): Effect[] {
  const run = state.runs.get(run_id);
  if (run?.members.get(hostname)?.phase !== 'finishing' || keepsFiles(run)) return [];
  return cleanIfConnected(state, hostname, run_id);
}

/** Nodes that do not answer hold up the end of a run this long; tasks that may take their time to stop get it. */
function endDeadlineMs(run: Run | undefined): number {
  return END_DEADLINE_MS + (run === undefined ? 0 : planOf(run.spec).graceMs - STOP_GRACE_MS);
}

/** The effects that stop what a member runs while its run begins again. */
function stopTasks(run: Run, member: Member): Effect[] {
  const { hostname } = member;
  const { run_id } = run;
  return [...member.tasks.values()]
    .filter(({ task_id }) => run.restarting?.stopping.has(task_id))
    .map(({ task_id, block }) => ({
      type: 'stop_task',
      hostname,
      run_id,
      task_id,
      grace_ms: graceOf(run.spec, block),
    }));
}

function quitWhenIdle(state: State): Effect[] {
  if (!state.quitting) return [];
  return state.active.size === 0 ? [{ type: 'quit' }] : [];
}

export function effectsOf(fact: Fact, state: State): Effect[] {
  const effects = table[fact.type] as
    | ((body: Fact['body'], state: State, nowMs: number) => Effect[])
    | undefined;
  return effects === undefined ? [] : effects(fact.body, state, Date.parse(fact.time));
}

/** Everything that a node whose agent has just answered must do: what is owed, what is foreign, and its part in its run. */
function workOn(state: State, hostname: string, reported: readonly string[]): Effect[] {
  const node = state.nodes.get(hostname);
  if (node === undefined) return [];
  const run = node.run_id === undefined ? undefined : state.runs.get(node.run_id);
  const stale = new Set([...node.owed, ...reported.filter((id) => id !== run?.run_id)]);
  const effects: Effect[] = [...stale].map((run_id) => clean(state, hostname, run_id));
  if (run === undefined) return effects;
  const member = run.members.get(hostname);
  // A node that came back empty is given up: nothing may start there any more. At the end of the run it was cleaned, and says so again.
  const isEmpty =
    member !== undefined && run.ending === undefined && hasFiles(member) && !reported.includes(run.run_id);
  if (!isEmpty) effects.push(...memberWork(run, member));
  return effects;
}

function hasFiles({ phase }: Member): boolean {
  return phase === 'ready' || phase === 'working';
}

/** What a member has still to do, from its phase; nothing is remembered about what was asked before. */
function memberWork(run: Run, member: Member | undefined): Effect[] {
  if (member === undefined || isOver(run)) return [];
  if (member.phase === 'done') return [];
  if (run.state === 'ending') return [cleanMember(run, member)];
  if (member.phase === 'finishing') return keepsFiles(run) ? [] : [cleanMember(run, member)];
  if (member.phase === 'preparing') return mayInstall(run, member) ? [install(run, member)] : [];
  const collects = collectAll(run, member);
  if (run.restarting !== undefined) return [...collects, ...stopTasks(run, member)];
  // A running task is not ordered again: an agent that has forgotten it would run it twice.
  const starts = [...member.tasks.values()].flatMap((task) => {
    if (isBeaten(run, task)) return [];
    if (task.state === 'running') return streamTask(run, task);
    return task.state === 'ordered' ? [startTask(run, task)] : [];
  });
  return [...collects, ...stopBeaten(run, member), ...starts];
}

/** Has the output of a running task copied as it is written, where its log manager says so. */
function streamTask(run: Run, task: Task): Effect[] {
  const logs = logCopies(run, task).filter(({ path }) => path === undefined);
  return logs.length === 0 ? [] : [{ type: 'stream_output', hostname: task.hostname, logs }];
}

/** Has files brought back that are complete now that a block is over on a node; cleaning brings back what this could not. */
function collectAfter(state: State, run_id: string, hostname: string, block: string): Effect[] {
  const run = state.runs.get(run_id);
  const member = run?.members.get(hostname);
  if (run === undefined || member === undefined || run.ending !== undefined) return [];
  if (state.nodes.get(hostname)?.link !== 'connected') return [];
  const files = filesOfEnd(run, member, block).map((path) => ({ path, again: true }));
  return files.length === 0 ? [] : [{ type: 'collect', hostname, run_id, files }];
}

/** Where packages have to be brought, a node stands in line. */
function mayInstall(run: Run, member: Member): boolean {
  if (!hasTransfers(run, member)) return true;
  const entry = run.barriers.get(INSTALL_BARRIER.name)?.entries.get(participantOf(member));
  // One that held its place for too long goes on with what it had begun.
  return entry?.state === 'inside' || entry?.state === 'left';
}

function install(run: Run, member: Member): Effect {
  const software = softwareAt(run.spec, member.component, member.index);
  const { hostname, generation } = member;
  const again = generation === undefined ? {} : { generation };
  return { type: 'install', hostname, run_id: run.run_id, software, ...again };
}

function startTask(run: Run, task: Task): Effect {
  const { hostname } = task;
  const planned = planOf(run.spec).blocks.get(task.block);
  const member = run.members.get(hostname);
  const files =
    planned?.cleanup === undefined || planned.cleanup === 'install' || member === undefined
      ? []
      : filesBeforeCleanup(run, member, planned);
  return {
    type: 'start_task',
    hostname,
    order: taskOrder(run, task),
    ...(files.length === 0 ? {} : { files }),
    ...(planned?.cleanup === 'reinstall' ? { reinstall: softwareOf(run.spec, planned.component) } : {}),
    ...(planned?.cleanup === 'install' && member !== undefined
      ? { install: softwareAt(run.spec, member.component, member.index, planned.component_block) }
      : {}),
  };
}

/** The effect that ends a member's part on its node. */
function cleanMember(run: Run, member: Member): Effect {
  const { graceMs } = planOf(run.spec);
  const task_ids = wantedTasks(run, member);
  const logs = task_ids.flatMap((task_id) => logCopies(run, subjectOf(task_id)));
  const files = filesOf(run, member);
  const command = run.spec.cleanup?.command;
  return {
    type: 'clean',
    hostname: member.hostname,
    run_id: run.run_id,
    task_ids,
    ...(run.service === undefined ? {} : { generation: member.generation ?? 1 }),
    ...(graceMs > STOP_GRACE_MS ? { grace_ms: graceMs } : {}),
    ...(logs.length > 0 ? { logs } : {}),
    ...(command === undefined || member.phase === 'preparing' ? {} : { command }),
    ...(files.length > 0 ? { files } : {}),
  };
}

function clean(state: State, hostname: string, run_id: string): Effect {
  const run = state.runs.get(run_id);
  const member = run?.members.get(hostname) ?? run?.past.findLast((past) => past.hostname === hostname);
  if (run !== undefined && member !== undefined) return cleanMember(run, member);
  return { type: 'clean', hostname, run_id, task_ids: [] };
}

function cleanIfConnected(state: State, hostname: string, run_id: string): Effect[] {
  return state.nodes.get(hostname)?.link === 'connected' ? [clean(state, hostname, run_id)] : [];
}

/** What to do after a restart: everything that the facts say is under way. Whatever was done already is told again. */
export function resume(state: State, nowMs: number): Effect[] {
  const effects: Effect[] = [...leaseTimer(state, nowMs), ...outageTimer(state, nowMs)];
  for (const spec of state.leaving.values()) effects.push({ type: 'dismiss', node: spec });
  for (const node of state.nodes.values()) {
    if (isNeeded(state, node)) effects.push({ type: 'connect', node: specOf(node) });
    effects.push(...restoreTimer(node, nowMs));
  }
  for (const run_id of state.active) {
    const run = state.runs.get(run_id) as Run;
    effects.push(...resumeBarriers(run, nowMs), ...resumeWorkflows(run, nowMs));
  }
  for (const run of state.runs.values()) {
    const { run_id } = run;
    if (!isOver(run)) effects.push(...refreshLater(run, nowMs));
    if (run.state === 'running') effects.push(...resumeRestarts(run, nowMs));
    if (run.state !== 'ending') continue;
    effects.push({ type: 'timer', timer: { kind: 'end', run_id }, delayMs: endDeadlineMs(run) });
  }
  return effects;
}

/** When a failed flag is to be cleared. */
function restoreTimer(node: PoolNode | undefined, nowMs: number): Effect[] {
  if (node?.failed === undefined) return [];
  const delayMs = Math.max(0, flagEndMs(node.failed) - nowMs);
  return [{ type: 'timer', timer: { kind: 'restore', hostname: node.spec.hostname }, delayMs }];
}

/** The waits before restarts go on where they were. */
function resumeRestarts({ run_id, restarting, members }: Run, nowMs: number): Effect[] {
  const left = (at: string) => Math.max(0, Date.parse(at) - nowMs);
  if (restarting !== undefined) {
    const { at } = restarting;
    const timer = { kind: 'begin_again', run_id } as const;
    return at === undefined ? [] : [{ type: 'timer', timer, delayMs: left(at) }];
  }
  const effects: Effect[] = [];
  for (const member of members.values()) {
    for (const { task_id, restart_at: at } of member.tasks.values()) {
      if (at === undefined) continue;
      effects.push({ type: 'timer', timer: { kind: 'restart_task', task_id }, delayMs: left(at) });
    }
  }
  return effects;
}
