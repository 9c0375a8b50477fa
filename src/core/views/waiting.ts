/** What a node of a run waits for, in words: no host is ever silent (engine.md). */
import type { ResultOf } from '../../../api/methods.ts';
import { isHeld } from '../pool/outage.ts';
import { hostsOf } from '../run/clusters.ts';
import { planOf } from '../run/plan.ts';
import { keepsFiles } from '../run/restart.ts';
import { isLive } from '../run/workflow-state.ts';
import { isOver, type Member, type PoolNode, type Run, type State } from '../state.ts';
import { type Arrived, barrierWait, installWait, missingWords, taskAtBarrier } from './barriers.ts';
import { barrierOfTasks } from './task-barriers.ts';
import { idleWait, workflowWait } from './workflows.ts';

type Waiting = ResultOf<'plushGetRun'>['waiting'];

/** Different sentences told of one run; the rarest are left out beyond it. */
const MAX_SENTENCES = 100;
const MAX_EXAMPLES = 5;
/** Sentences about barriers that name who is missing: each costs a walk over the nodes of its barrier. */
const MAX_NAMING = 5;

/** What a node waits for; undefined when nothing is left for it to do. */
export function waitsFor(state: State, node: PoolNode, arrived?: Arrived): string | undefined {
  const run = node.run_id === undefined ? undefined : state.runs.get(node.run_id);
  const member = run?.members.get(node.spec.hostname);
  const part =
    run === undefined || member === undefined ? undefined : memberWaitsFor(state, run, member, true, arrived);
  if (part !== undefined) return part;
  const [owed] = node.owed;
  if (owed === undefined) return undefined;
  if (node.held) return HELD;
  const what = node.owed.size === 1 ? `run ${owed}` : `${node.owed.size} runs`;
  return node.link === 'connected'
    ? `what is left of ${what} to be cleaned away`
    : `${connection(state, node)}, to clean away what is left of ${what}`;
}

const HELD = 'plushConnect to be called: plushDisconnectApp has closed its connection';

/**
 * What a member waits for in its run; undefined when its part is over.
 * @param isExact say which task of a workflow it is, which differs from node to node
 */
function memberWaitsFor(
  state: State,
  run: Run,
  member: Member,
  isExact = false,
  arrived?: Arrived,
): string | undefined {
  if (member.phase === 'done' || isOver(run)) return undefined;
  const node = state.nodes.get(member.hostname);
  if (node?.held) return HELD;
  if (node !== undefined && node.link !== 'connected') return connection(state, node);
  if (run.ending !== undefined || (member.phase === 'finishing' && !keepsFiles(run)))
    return 'its output to be collected';
  if (member.phase === 'preparing') return installWait(run, member, arrived);
  if (run.restarting !== undefined) return restartWaitsFor(run);
  if (run.state === 'deploying') return `the other nodes to be prepared (${preparedOf(run)} are)`;
  return blockWaitsFor(run, member, isExact);
}

/** "3 of 5" */
export function preparedOf(run: Run): string {
  let prepared = 0;
  let members = 0;
  for (const component of run.components.values()) {
    prepared += component.prepared;
    members += component.members.size;
  }
  return `${prepared} of ${members}`;
}

/** The same, and who is missing where it is a barrier. */
export function waitsForWhom(state: State, node: PoolNode, arrived?: Arrived): string | undefined {
  const run = node.run_id === undefined ? undefined : state.runs.get(node.run_id);
  const member = run?.members.get(node.spec.hostname);
  const waits_for = waitsFor(state, node, arrived);
  const barrier = run && member && barrierIn(run, member, waits_for);
  return run === undefined || barrier === undefined ? waits_for : `${waits_for}${missingWords(run, barrier)}`;
}

/** The barrier that a sentence about a member is about; undefined where it is about something else. */
function barrierIn(run: Run, member: Member, waits_for: string | undefined): string | undefined {
  for (const { task_id, block } of member.tasks.values()) {
    const name = taskAtBarrier(run, member, task_id, block);
    if (name !== undefined && barrierWait(run, name) === waits_for) return name;
  }
  for (const block of member.at?.keys() ?? []) {
    const spec = planOf(run.spec).blocks.get(block)?.spec;
    if (spec?.kind === 'barrier' && barrierWait(run, spec.barrier) === waits_for) return spec.barrier;
  }
  for (const block of member.work?.keys() ?? []) {
    const name = barrierOfTasks(run, member, block);
    if (name !== undefined && waits_for?.endsWith(barrierWait(run, name))) return name;
  }
  return undefined;
}

function connection(state: State, node: PoolNode): string {
  const trouble = node.trouble?.cause === 'requested' ? undefined : node.trouble;
  const details = [
    ...(node.attempts > 0 ? [`attempt ${node.attempts + 1}`] : []),
    ...(trouble === undefined ? [] : [`last: ${trouble.message}`]),
    ...(isHeld(state, node) ? [`not replaced before ${state.outage?.until}`] : []),
  ];
  const what = node.spec.type === 'local' ? 'a connection to its agent' : 'a connection over SSH';
  return details.length === 0 ? what : `${what} (${details.join('; ')})`;
}

function restartWaitsFor({ restarts = 1, restarting }: Run): string {
  const left = restarting?.stopping.size ?? 0;
  return left > 0
    ? `the tasks of the application to stop, which is begun again (${left} left)`
    : `the application to begin again at ${restarting?.at} (restart ${restarts})`;
}

function blockWaitsFor(run: Run, member: Member, isExact: boolean): string | undefined {
  for (const task of member.tasks.values()) {
    if (task.state === 'running') {
      const barrier = taskAtBarrier(run, member, task.task_id, task.block);
      if (barrier !== undefined) return barrierWait(run, barrier);
    }
    if (isLive(task) || task.restart_at !== undefined) {
      const ofWorkflow = workflowWait(run, task, isExact);
      if (ofWorkflow !== undefined) return ofWorkflow;
    }
    if (task.state === 'running') {
      const words = taskWords(run, task.block);
      return task.unhealthy === undefined ? `${words} to end` : `${words} to stop: ${task.unhealthy}`;
    }
    if (task.state === 'ordered') return `${taskWords(run, task.block)} to start`;
    if (task.restart_at !== undefined)
      return `${taskWords(run, task.block)} to be started again at ${task.restart_at} (restart ${task.restarts})`;
  }
  for (const name of member.at?.keys() ?? []) {
    const spec = planOf(run.spec).blocks.get(name)?.spec;
    if (spec?.kind === 'barrier') return barrierWait(run, spec.barrier);
  }
  const idle = idleWait(run, member, isExact);
  if (idle !== undefined) return idle;
  for (const block of planOf(run.spec).ofComponent.get(member.component) ?? []) {
    if (member.completed.has(block.spec.name)) continue;
    const gate = block.gates.find((name) => run.blocks.get(name)?.state !== 'completed');
    if (gate !== undefined) return gateWords(run, gate);
  }
  return member.phase === 'finishing' ? 'the other nodes to be finished' : 'the next decision about its run';
}

function gateWords(run: Run, gate: string): string {
  const { completed = 0, skipped = 0 } = run.blocks.get(gate) ?? {};
  const { component = '', component_block: name = '' } = planOf(run.spec).blocks.get(gate) ?? {};
  const all = run.components.get(component)?.members.size ?? 0;
  const others = Math.max(0, all - hostsOf(run.spec, { component, name }));
  const through = completed + skipped - others;
  return `${blockWords(run, gate)} to complete on all nodes (${through} of ${all - others} are through)`;
}

function blockWords(run: Run, block: string): string {
  const { cleanup, component_block: parent } = planOf(run.spec).blocks.get(block) ?? {};
  if (cleanup === undefined) return `block "${block}"`;
  const what = cleanup === 'command' ? 'the cleanup' : 'the installation of the software once more';
  return `${what} behind component block "${parent}"`;
}

function taskWords(run: Run, block: string): string {
  const { cleanup, component_block: parent } = planOf(run.spec).blocks.get(block) ?? {};
  if (cleanup === undefined) return `its task in block "${block}"`;
  if (cleanup === 'install') return `the installation of more software for component block "${parent}"`;
  const what = cleanup === 'command' ? 'its cleanup' : 'the installation of its software once more';
  return `${what} behind component block "${parent}"`;
}

const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/;

/** What all nodes of a run wait for; equal sentences folded, most nodes first. */
export function waitingIn(state: State, run: Run): Waiting {
  const groups = new Map<string, Waiting[number]>();
  const firsts = new Map<Waiting[number], Member>();
  const add = (hostname: string, waits_for: string, since: string, member?: Member) => {
    // The same trouble on two nodes differs by their names and times alone.
    const key = waits_for.replaceAll(hostname, '').replace(TIME, '');
    const group = groups.get(key);
    if (group === undefined) {
      const first = { waits_for, nodes: 1, since, examples: [hostname] };
      groups.set(key, first);
      if (member !== undefined) firsts.set(first, member);
      return;
    }
    group.nodes += 1;
    if (since < group.since) group.since = since;
    if (group.examples.length < MAX_EXAMPLES) group.examples.push(hostname);
  };
  for (const member of run.members.values()) {
    const waits_for = memberWaitsFor(state, run, member);
    if (waits_for !== undefined) add(member.hostname, waits_for, sinceOf(state, member), member);
  }
  if (run.state === 'ending') {
    for (const hostname of run.cleaning)
      add(hostname, 'what is left of the run to be cleaned away', run.since);
  }
  const told = [...groups.values()].sort((a, b) => b.nodes - a.nodes).slice(0, MAX_SENTENCES);
  nameMissing(run, told, firsts);
  return told;
}

function nameMissing(run: Run, told: Waiting, firsts: ReadonlyMap<Waiting[number], Member>): void {
  let named = 0;
  for (const group of told) {
    const member = firsts.get(group);
    const barrier = member && barrierIn(run, member, group.waits_for);
    if (barrier === undefined) continue;
    group.waits_for += missingWords(run, barrier);
    named += 1;
    if (named === MAX_NAMING) return;
  }
}

/** Since when a member waits for what it waits for now. */
export function sinceOf(state: State, member: Member): string {
  const node = state.nodes.get(member.hostname);
  // Each attempt to reach it changes the link, and the wait goes on.
  if (node !== undefined && node.link !== 'connected') return later(node.away ?? node.since, member.since);
  let since = member.since;
  for (const task of member.tasks.values()) {
    if (isLive(task) || task.restart_at !== undefined) since = later(since, task.since);
  }
  for (const entered of member.at?.values() ?? []) since = later(since, entered);
  for (const work of member.work?.values() ?? []) since = later(since, work.since);
  return since;
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}
