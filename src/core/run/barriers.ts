/**
 * The barriers of a run: who enters, what follows a release, and what the loss of a node or the end of a task changes
 * (section 5 of plush-toit.2011). The rules themselves are in barrier/rules.ts.
 */
import type { LeaveCause } from '../../../api/events.ts';
import type { Failure } from '../../../api/schemas.ts';
import { lateness, nextStep, type Step } from '../barrier/rules.ts';
import type { Member, Run, RunBarrier } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { completed, startBlocks } from './advance.ts';
import { expectedAt, hasTransfers, participantOf } from './barrier-state.ts';
import { splitTaskId } from './evolve.ts';
import { INSTALL_BARRIER, type PlannedBarrier, type PlannedBlock, planOf } from './plan.ts';
import { failMember, removeMember } from './recover.ts';
import { freeLosers, losersAt, passSemaphore, passTasks } from './workflow-barriers.ts';
import { participantTask } from './workflow-state.ts';

/** Who enters a barrier for the node or for itself. */
export interface Entering {
  readonly block?: string;
  readonly task_id?: string;
  readonly label?: string;
  /** The block of the task that enters for itself. */
  readonly own?: string;
  /** Who enters, where that is neither the node nor a task at its place. */
  readonly participant?: string;
  /** Of a block inside a workflow: the task that has come to it. */
  readonly number?: number;
}

/** Enters a node, or its task, where it has not entered yet; whatever that leads to is decided too. */
export function enterAt(
  tx: Transaction,
  run: Run,
  member: Member,
  planned: PlannedBarrier,
  how: Entering,
): void {
  const { spec } = planned;
  const { block, task_id, label, own, number } = how;
  const participant = how.participant ?? participantOf(member, own);
  const isNode = participant === participantOf(member);
  const barrier = run.barriers.get(spec.name);
  const known = barrier?.entries.get(participant);
  const isEntered = known !== undefined && known.state !== 'left';
  if (isEntered && block === undefined) return;
  const late = barrier === undefined || isEntered ? undefined : latenessOf(planned, barrier, participant);
  const losers = isEntered ? [] : losersAt(run, participant, member.hostname);
  const { run_id } = run;
  const { hostname } = member;
  const isNew = known === undefined ? 1 : 0;
  // The newcomer was counted out where its part was over.
  const back = isNode && member.absent?.has(spec.name) ? 1 : 0;
  tx.emit('barrier_entered', {
    run_id,
    barrier: spec.name,
    participant,
    hostname,
    ...(block === undefined ? {} : { block }),
    ...(number === undefined ? {} : { number }),
    ...(losers.length === 0 ? {} : { losers }),
    ...(task_id === undefined ? {} : { task_id }),
    ...(label === undefined ? {} : { label }),
    ...(late === undefined ? {} : { late }),
    entered: (barrier?.entries.size ?? 0) + isNew,
    expected: own !== undefined && spec.max !== undefined ? spec.max : expectedAt(run, planned) + back,
  });
  if (block !== undefined && run.blocks.get(block)?.state === 'waiting')
    tx.emit('block_changed', { run_id, block, component: member.component, state: 'running' });
  freeLosers(tx, run, participant, losers);
  // A program that came late has been told so; what it missed is skipped now that its node comes to the barrier itself.
  if (isEntered && known.late === 'catchup') catchUp(tx, run, member, planned);
  else if (isEntered && known.state !== 'waiting') {
    passBlocks(tx, run, planned, participant);
    if (planned.workflows.size > 0) tx.later(() => passTasks(tx, run, planned, [participant]));
  } else if (late === undefined || late === 'pass') settle(tx, run, planned);
  else comeLate(tx, run, member, planned, late);
}

/** What becomes of one that enters a barrier with entries already. A task of a workflow is no node that could be taken out. */
function latenessOf(
  { spec, workflows }: PlannedBarrier,
  barrier: RunBarrier,
  participant: string,
): ReturnType<typeof lateness> {
  const isTask = workflows.has(participantTask(participant)?.workflow ?? '');
  return lateness(isTask ? { ...spec, late: 'pass' } : spec, barrier);
}

/** A barrier block is due on a node. */
export function enterBlock(tx: Transaction, run: Run, member: Member, { spec }: PlannedBlock): void {
  if (run.state !== 'running' || run.restarting !== undefined) return;
  if (run.members.get(member.hostname) !== member) return;
  if (spec.kind !== 'barrier' || member.completed.has(spec.name) || member.at?.has(spec.name)) return;
  const planned = planOf(run.spec).barriers.get(spec.barrier);
  if (planned !== undefined) enterAt(tx, run, member, planned, { block: spec.name });
}

function comeLate(
  tx: Transaction,
  run: Run,
  member: Member,
  planned: PlannedBarrier,
  late: 'catchup' | 'remove' | 'replace',
): void {
  if (late === 'catchup') {
    catchUp(tx, run, member, planned);
    return;
  }
  const message = `The node entered barrier "${planned.spec.name}" after its release`;
  const failure: Failure = { phase: 'watch', cause: 'late_at_barrier', message, attempt: 1 };
  tx.later(() => {
    if (run.members.get(member.hostname) !== member || run.ending !== undefined) return;
    if (late === 'replace') failMember(tx, run, member.hostname, failure);
    else removeMember(tx, run, member.hostname, failure);
  });
}

/** Skips the blocks between the barrier that was missed and the one where the node is to go on. */
function catchUp(tx: Transaction, run: Run, member: Member, planned: PlannedBarrier): void {
  const { ofComponent, barriers } = planOf(run.spec);
  const missed = [...(member.at?.keys() ?? [])].filter((block) => isBlockOf(planned, block));
  complete(tx, run, member, planned.spec.name, missed, false);
  const target = barriers
    .get(planned.spec.catchup ?? '')
    ?.blocks.find((b) => b.component === member.component);
  if (target === undefined || missed.length === 0) return;
  const own = ofComponent.get(member.component) ?? [];
  const byName = new Map(own.map((block) => [block.spec.name, block]));
  const skipped = new Set<string>();
  const behind = [...target.before];
  for (let name = behind.pop(); name !== undefined; name = behind.pop()) {
    // What has begun on the node goes on to its end.
    if (member.completed.has(name) || member.tasks.has(name) || member.work?.has(name)) continue;
    if (member.skipped?.has(name) || skipped.has(name)) continue;
    skipped.add(name);
    behind.push(...(byName.get(name)?.before ?? []));
  }
  complete(tx, run, member, planned.spec.name, [...skipped], true);
}

/** Carries out all that is due at a barrier now. */
export function settle(tx: Transaction, run: Run, planned: PlannedBarrier): void {
  const { spec } = planned;
  for (;;) {
    const barrier = run.barriers.get(spec.name);
    if (barrier === undefined || !isHeld(run, planned)) return;
    const step = nextStep(spec, barrier, expectedAt(run, planned), tx.nowMs);
    if (step === undefined) return;
    carryOut(tx, run, planned, barrier, step);
  }
}

/** Barriers are held while the run goes on; that of the transfers from the beginning, and while the application is begun again. */
function isHeld(run: Run, { spec }: PlannedBarrier): boolean {
  if (spec === INSTALL_BARRIER) return run.state === 'deploying' || run.state === 'running';
  return run.state === 'running' && run.restarting === undefined;
}

function carryOut(tx: Transaction, run: Run, planned: PlannedBarrier, barrier: RunBarrier, step: Step): void {
  const { run_id } = run;
  const { name } = planned.spec;
  switch (step.kind) {
    case 'knee':
      tx.emit('barrier_knee', { run_id, barrier: name, entered: barrier.entries.size });
      return;
    case 'expire':
      for (const participant of step.participants)
        tx.emit('barrier_left', { run_id, barrier: name, participant, cause: 'expired' });
      return;
    case 'release':
      releaseAt(tx, run, planned, step.participants, step.cause, step.opens);
  }
}

/** Releases participants, and completes the blocks that waited for it. */
export function releaseAt(
  tx: Transaction,
  run: Run,
  planned: PlannedBarrier,
  participants: readonly string[],
  cause: Extract<Step, { kind: 'release' }>['cause'],
  opens: boolean,
): void {
  const { run_id } = run;
  tx.emit('barrier_released', {
    run_id,
    barrier: planned.spec.name,
    cause,
    participants: [...participants],
    opens,
  });
  for (const participant of participants) passBlocks(tx, run, planned, participant);
  if (planned.workflows.size > 0) tx.later(() => passTasks(tx, run, planned, participants));
}

/** Completes the barrier blocks of a participant's node, which has been released. */
function passBlocks(tx: Transaction, run: Run, planned: PlannedBarrier, participant: string): void {
  const entry = run.barriers.get(planned.spec.name)?.entries.get(participant);
  const [, , own] = participant.split('/');
  if (own !== undefined && planned.workflows.has(own)) {
    tx.later(() => passSemaphore(tx, run, planned, participant, own));
    return;
  }
  if (participantTask(participant) !== undefined) return;
  const member = run.members.get(memberOf(run, participant, entry?.hostname) ?? '');
  if (member === undefined || member.at === undefined) return;
  const blocks = [...member.at.keys()].filter((block) => isBlockOf(planned, block));
  complete(tx, run, member, planned.spec.name, blocks, false);
  if (planned.spec.type !== 'semaphore') return;
  const { after } = planOf(run.spec);
  // Nothing follows that would be done inside.
  if (blocks.length > 0 && blocks.every((block) => (after.get(block) ?? []).length === 0))
    tx.later(() => leaveAt(tx, run, planned, participant, 'unused'));
}

/** The node that has the participant's place now: the one that entered, or who took it over. */
function memberOf(run: Run, participant: string, hostname: string | undefined): string | undefined {
  const [component = '', index] = participant.split('/');
  const entered = run.members.get(hostname ?? '');
  // A node that came back to a service may have another place now.
  if (entered?.component === component && String(entered.index) === index) return hostname;
  for (const name of run.components.get(component)?.members ?? []) {
    if (String(run.members.get(name)?.index) === index) return name;
  }
  return undefined;
}

function isBlockOf(planned: PlannedBarrier, block: string): boolean {
  return planned.blocks.some((one) => one.spec.name === block);
}

function complete(
  tx: Transaction,
  run: Run,
  member: Member,
  barrier: string,
  blocks: readonly string[],
  skipped: boolean,
): void {
  if (blocks.length === 0) return;
  const { run_id } = run;
  const { hostname } = member;
  tx.emit('blocks_completed', { run_id, hostname, barrier, blocks: [...blocks], skipped });
  tx.later(() => {
    if (run.ending !== undefined || run.restarting !== undefined) return;
    for (const block of blocks) completed(tx, run, member, block);
    if (skipped) startBlocks(tx, run, member);
    partDone(tx, run, member);
  });
}

/** A member whose part may be over holds nothing any more, and nobody waits for it. */
export function partDone(tx: Transaction, run: Run, member: Member): void {
  if (member.phase !== 'finishing' || run.barriers.size === 0) return;
  leaveAll(tx, run, member, 'ended', (entry) => entry === 'inside');
  settleAll(tx, run);
}

/** Somebody leaves a semaphore, and the next ones come in. */
export function leaveAt(
  tx: Transaction,
  run: Run,
  planned: PlannedBarrier,
  participant: string,
  cause: LeaveCause,
): void {
  const { name } = planned.spec;
  const state = run.barriers.get(name)?.entries.get(participant)?.state;
  if (state !== 'inside' && state !== 'waiting') return;
  tx.emit('barrier_left', { run_id: run.run_id, barrier: name, participant, cause });
  settle(tx, run, planned);
}

/** A block is complete on a node: semaphores that it was done inside are left when nothing else is to be done there. */
export function leaveAfter(tx: Transaction, run: Run, member: Member, block: PlannedBlock): void {
  const { blocks, barriers, after } = planOf(run.spec);
  for (const name of block.before) {
    const spec = blocks.get(name)?.spec;
    const planned = spec?.kind === 'barrier' ? barriers.get(spec.barrier) : undefined;
    if (planned?.spec.type !== 'semaphore') continue;
    if ((after.get(name) ?? []).every((one) => member.completed.has(one.spec.name)))
      leaveAt(tx, run, planned, participantOf(member), 'left');
  }
}

/** A task is over: it stands in no line of a semaphore and holds no place. */
export function endAtBarriers(tx: Transaction, run: Run, member: Member, task_id: string): void {
  const { barriers, steps } = planOf(run.spec);
  const [, block] = splitTaskId(task_id);
  const workflow = steps.get(block)?.workflow.name;
  const participants = [undefined, block, ...(workflow === undefined ? [] : [workflow])].map((own) =>
    participantOf(member, own),
  );
  for (const { name, entries } of [...run.barriers.values()]) {
    const planned = barriers.get(name);
    if (planned?.spec.type !== 'semaphore') continue;
    for (const participant of participants)
      if (entries.get(participant)?.task_id === task_id) leaveAt(tx, run, planned, participant, 'ended');
  }
}

/** A member is lost: what it held is free, and nobody counts on it. What follows is settled once its place is filled or given up. */
export function loseAtBarriers(tx: Transaction, run: Run, member: Member): void {
  leaveAll(tx, run, member, 'lost', (state) => state === 'inside' || state === 'waiting');
}

function leaveAll(
  tx: Transaction,
  run: Run,
  member: Member,
  cause: LeaveCause,
  isMeant: (state: string) => boolean,
): void {
  for (const [planned, participant] of entriesOf(run, member)) {
    const barrier = planned.spec.name;
    const state = run.barriers.get(barrier)?.entries.get(participant)?.state;
    if (state !== undefined && isMeant(state))
      tx.emit('barrier_left', { run_id: run.run_id, barrier, participant, cause });
  }
}

/** Everything that a member, or a task of it for itself, may have entered. */
function entriesOf(run: Run, member: Member): [PlannedBarrier, string][] {
  const { barriers } = planOf(run.spec);
  return [...run.barriers.values()].flatMap(({ name, byTask }) => {
    const planned = barriers.get(name);
    if (planned === undefined) return [];
    return [undefined, ...(byTask ? blocksOf(run, member) : [])].map((block): [PlannedBarrier, string] => [
      planned,
      participantOf(member, block),
    ]);
  });
}

/** All blocks that a member goes through, those inside workflows too. */
function blocksOf(run: Run, { component }: Member): string[] {
  const { ofComponent, steps } = planOf(run.spec);
  const blocks = (ofComponent.get(component) ?? []).map((block) => block.spec.name);
  for (const [name, step] of steps) if (step.component === component) blocks.push(name);
  return blocks;
}

/** The number of participants may have changed: all barriers are looked at again. */
export function settleAll(tx: Transaction, run: Run): void {
  const { barriers } = planOf(run.spec);
  for (const name of [...run.barriers.keys()]) {
    const planned = barriers.get(name);
    if (planned !== undefined) settle(tx, run, planned);
  }
}

/** A node is to install: where packages have to be brought, it stands in line. */
export function queueForInstall(tx: Transaction, run: Run, member: Member | undefined): void {
  if (member?.phase !== 'preparing' || run.ending !== undefined || !hasTransfers(run, member)) return;
  enterAt(tx, run, member, planOf(run.spec).barriers.get(INSTALL_BARRIER.name) as PlannedBarrier, {});
}

/** A node has installed, or failed to: the next may begin. */
export function leaveInstall(tx: Transaction, run: Run, member: Member, isMeant: boolean): void {
  const planned = planOf(run.spec).barriers.get(INSTALL_BARRIER.name) as PlannedBarrier;
  leaveAt(tx, run, planned, participantOf(member), isMeant ? 'left' : 'unused');
}
