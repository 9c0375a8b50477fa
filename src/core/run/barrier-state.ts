/** A run's barriers as questions of the state, and how facts change them. */
import { type Entry, enter, leave, newBarrier, release } from '../barrier/barrier.ts';
import { paceTo } from '../barrier/pace.ts';
import type { Evolver } from '../evolve.ts';
import type { Member, Run, RunBarrier, State } from '../state.ts';
import type { Standing } from '../task.ts';
import { INSTALL_BARRIER, type PlannedBarrier, planOf } from './plan.ts';
import { participantTask, stoodInLine, taskEntered, tasksReleased } from './workflow-state.ts';

/**
 * The participant that a node is, or a task of it that enters for itself: the place in the run and not the node, so that
 * who takes over the place takes over its position at every barrier.
 */
export function participantOf(
  { component, index }: Pick<Member, 'component' | 'index'>,
  block?: string,
): string {
  return block === undefined ? `${component}/${index}` : `${component}/${index}/${block}`;
}

/** How many participants a barrier has. */
export function expectedAt(run: Run, { spec, components, workflows }: PlannedBarrier): number {
  const barrier = run.barriers.get(spec.name);
  if (barrier?.byTask && spec.max !== undefined) return spec.max;
  let living = -(barrier?.absent ?? 0);
  for (const name of components) living += run.components.get(name)?.members.size ?? 0;
  for (const { num_tasks } of workflows.values()) living += num_tasks;
  return Math.min(spec.max ?? Number.POSITIVE_INFINITY, Math.max(0, living));
}

/** Whether installing on the node brings packages over the network. */
export function hasTransfers(run: Run, { component }: Pick<Member, 'component'>): boolean {
  const wanted = new Set(run.spec.components.find((one) => one.name === component)?.software);
  return run.spec.software.some((one) => wanted.has(one.name) && one.package !== undefined);
}

/** Whether a lease of a semaphore is not the one that the participant has, or had last. */
export function isOldLease(
  run: Run,
  { spec }: PlannedBarrier,
  participant: string,
  fence: number | undefined,
): boolean {
  const entry = run.barriers.get(spec.name)?.entries.get(participant);
  return fence !== undefined && entry !== undefined && entry.fence !== fence;
}

/**
 * How a participant stands at a barrier.
 * @param fence the lease that is meant; one that was over before the participant took another has expired for whoever asks for it
 */
export function standingAt(run: Run, planned: PlannedBarrier, participant: string, fence?: number): Standing {
  const { name: barrier, catchup } = planned.spec;
  const known = run.barriers.get(barrier);
  const entry = known?.entries.get(participant);
  const base = {
    run_id: run.run_id,
    barrier,
    participant,
    entered: known?.entries.size ?? 0,
    expected: expectedAt(run, planned),
  };
  if (entry === undefined) return { ...base, state: 'outside' };
  if (fence !== undefined && isOldLease(run, planned, participant, fence))
    return { ...base, state: 'left', fence, cause: 'expired' };
  const { label, fence: own, left_by } = entry;
  return {
    ...base,
    state: stateOf(entry),
    ...(label === undefined ? {} : { label }),
    ...(own === undefined ? {} : { fence: own }),
    ...(left_by === undefined ? {} : { cause: left_by }),
    ...(entry.late === 'catchup' && catchup !== undefined ? { go_on_at: catchup } : {}),
  };
}

function stateOf({ state, late }: Entry): Standing['state'] {
  if (late === 'catchup') return 'catchup';
  return late === 'remove' || late === 'replace' ? 'removed' : state;
}

/** Marks that a member's part is over, or that it skips a barrier's block: what it has not entered does not wait for it. */
export function beAbsent(run: Run, member: Member, name?: string): void {
  for (const barrier of run.barriers.values()) {
    if (name === undefined || barrier.name === name) markAbsent(run, barrier, member);
  }
}

function markAbsent(run: Run, barrier: RunBarrier, member: Member): void {
  const takesPart = planOf(run.spec).barriers.get(barrier.name)?.components.has(member.component);
  if (!takesPart || barrier.entries.has(participantOf(member)) || member.absent?.has(barrier.name)) return;
  member.absent ??= new Set();
  member.absent.add(barrier.name);
  barrier.absent += 1;
}

/** A member is part of no barrier any more: it is lost, or enters after all. */
export function unmarkAbsent(run: Run, member: Member, name?: string): void {
  for (const absent of name === undefined ? [...(member.absent ?? [])] : [name]) {
    const barrier = run.barriers.get(absent);
    if (member.absent?.delete(absent) && barrier !== undefined) barrier.absent -= 1;
  }
}

function barrierFor(run: Run, planned: PlannedBarrier): RunBarrier {
  const known = run.barriers.get(planned.spec.name);
  if (known !== undefined) return known;
  const barrier: RunBarrier = { ...newBarrier(planned.spec, planned.spec === INSTALL_BARRIER), absent: 0 };
  run.barriers.set(barrier.name, barrier);
  for (const component of planned.components) {
    for (const hostname of run.components.get(component)?.members ?? []) {
      const member = run.members.get(hostname);
      if (member !== undefined && skips(member, planned)) markAbsent(run, barrier, member);
    }
  }
  for (const name of planned.workflows.keys()) barrier.absent += run.workflows?.get(name)?.ignored ?? 0;
  return barrier;
}

function skips({ phase, skipped }: Member, { blocks }: PlannedBarrier): boolean {
  return phase === 'finishing' || phase === 'done' || blocks.some(({ spec }) => skipped?.has(spec.name));
}

type BarrierEvents =
  | 'barrier_entered'
  | 'barrier_released'
  | 'barrier_left'
  | 'barrier_knee'
  | 'barrier_paced';

export const barrierEvolvers: { readonly [T in BarrierEvents]: Evolver<T> } = {
  barrier_entered: (
    state,
    { run_id, barrier: name, participant, hostname, block, task_id, label, late, number, losers = [] },
    time,
  ) => {
    const found = find(state, run_id, name);
    if (found === undefined) return;
    const { run, planned } = found;
    const barrier = barrierFor(run, planned);
    const member = run.members.get(hostname);
    const task = participantTask(participant);
    if (member !== undefined && task === undefined) unmarkAbsent(run, member, name);
    const isNode = member === undefined || participant === participantOf(member);
    if (!isNode && !planned.workflows.has(task?.workflow ?? '')) barrier.byTask = true;
    const newcomer = {
      participant,
      hostname,
      ...(task_id === undefined ? {} : { task_id }),
      ...(label === undefined ? {} : { label }),
      ...(late === undefined ? {} : { late }),
    };
    enter(barrier, planned.spec, newcomer, Date.parse(time));
    if (task !== undefined) {
      const isWaiting = barrier.waiting.has(participant);
      taskEntered(run, task, { hostname, block, losers, isWaiting }, time);
    } else if (block !== undefined && number !== undefined && member !== undefined)
      stoodInLine(run, member, block, number, time);
    const counted = block === undefined ? undefined : run.blocks.get(block);
    if (block === undefined || counted === undefined || member === undefined || member.at?.has(block)) return;
    member.at ??= new Map();
    member.at.set(block, time);
    counted.begun += 1;
  },
  barrier_released: (state, { run_id, barrier: name, ...released }, time) => {
    const { run, planned, barrier: known } = find(state, run_id, name) ?? {};
    if (run === undefined || planned === undefined) return;
    // By hand it may be opened before anybody has come.
    const barrier = known ?? (released.opens ? barrierFor(run, planned) : undefined);
    if (barrier === undefined) return;
    release(barrier, planned.spec, released, Date.parse(time));
    tasksReleased(run, name, released.participants, released.opens);
  },
  barrier_left: (state, { run_id, barrier: name, participant, cause }, time) => {
    const barrier = find(state, run_id, name)?.barrier;
    if (barrier !== undefined) leave(barrier, participant, cause, Date.parse(time));
  },
  barrier_paced: (state, { run_id, barrier: name, concurrency }) => {
    const barrier = find(state, run_id, name)?.barrier;
    if (barrier !== undefined) paceTo(barrier.pace, concurrency);
  },
  barrier_knee: (state, { run_id, barrier: name, entered }) => {
    const barrier = find(state, run_id, name)?.barrier;
    if (barrier !== undefined) barrier.knee.ignored = entered;
  },
};

function find(
  state: State,
  run_id: string,
  name: string,
): { run: Run; planned: PlannedBarrier; barrier?: RunBarrier } | undefined {
  const run = state.runs.get(run_id);
  const planned = run && planOf(run.spec).barriers.get(name);
  if (run === undefined || planned === undefined) return undefined;
  const barrier = run.barriers.get(name);
  return { run, planned, ...(barrier === undefined ? {} : { barrier }) };
}
