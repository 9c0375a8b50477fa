/** What is asked of barriers from outside: by the API, by tasks through their agents, and by timers. */
import { wakeAt } from '../barrier/rules.ts';
import type { InputOf, Timer } from '../input.ts';
import { Rejection } from '../rejection.ts';
import { isOver, type Member, type Run } from '../state.ts';
import { didYouMean } from '../suggest.ts';
import type { BarrierNews } from '../task.ts';
import type { Transaction } from '../transaction.ts';
import { isOldLease, participantOf, standingAt } from './barrier-state.ts';
import { enterAt, leaveAt, releaseAt, settle } from './barriers.ts';
import { splitTaskId, subjectOf } from './evolve.ts';
import { INSTALL_BARRIER, type PlannedBarrier, planOf } from './plan.ts';
import { askingTask, participantAsking, tasksWaitingAt } from './workflow-asks.ts';

/** Longest label, in UTF-16 units. */
const MAX_LABEL_CHARACTERS = 256;

/** @throws Rejection RUN_NOT_FOUND */
function runOf(tx: Transaction, run_id: string): Run {
  const run = tx.state.runs.get(run_id);
  if (run === undefined) throw new Rejection('RUN_NOT_FOUND', `There is no run "${run_id}"`, { run: run_id });
  return run;
}

/** The barrier of that name, which a person may have misspelled. @throws Rejection BARRIER_NOT_FOUND */
export function barrierNamed(run: Run, name: string): PlannedBarrier {
  const { barriers } = planOf(run.spec);
  const planned = barriers.get(name);
  if (planned !== undefined) return planned;
  const known = [...barriers.keys()].filter((one) => one !== INSTALL_BARRIER.name);
  const message = `Application "${run.app}" has no barrier "${name}"${didYouMean(name, known)}`;
  throw new Rejection('BARRIER_NOT_FOUND', message, { run: run.run_id, barrier: name });
}

/** @throws Rejection RUN_ENDED, RUN_NOT_RELEASED */
function checkGoing(run: Run): void {
  const { run_id, state } = run;
  if (isOver(run) || state === 'ending')
    throw new Rejection('RUN_ENDED', `Run "${run_id}" is over, and its barriers with it`, {
      run: run_id,
      state,
    });
  if (state === 'deploying')
    throw new Rejection('RUN_NOT_RELEASED', `Run "${run_id}" has not begun yet`, { run: run_id });
  // Its barriers begin anew with it: what is done to them now would be forgotten.
  if (run.restarting !== undefined) {
    const message = `The application of run "${run_id}" is being begun again, and its barriers with it`;
    throw new Rejection('RUN_NOT_RELEASED', message, { run: run_id });
  }
}

interface Question {
  readonly run_id: string;
  readonly barrier: string;
  readonly hostname: string;
  /** Of the task that asks. */
  readonly block?: string;
  /** The task enters for itself. */
  readonly own: boolean;
}

/** Who asks where, once it is sure that it may. @throws Rejection */
function participantAt(
  tx: Transaction,
  { run_id, barrier, hostname, block, own }: Question,
): { run: Run; planned: PlannedBarrier; member: Member } {
  const run = runOf(tx, run_id);
  const planned = barrierNamed(run, barrier);
  if (planned.spec === INSTALL_BARRIER)
    throw new Rejection('NOT_A_PARTICIPANT', 'The semaphore of transfers admits nodes by itself', {
      barrier,
    });
  checkGoing(run);
  const member = run.members.get(hostname);
  if (member === undefined)
    throw new Rejection('NOT_A_PARTICIPANT', `Node "${hostname}" has no part in run "${run_id}"`, {
      hostname,
    });
  const isOfTask = askingTask(planned, run, block) !== undefined;
  if (!planned.components.has(member.component) && !isOfTask) {
    const tasks = planned.workflows.size > 0 ? ': tasks of workflows take part in it' : '';
    const message = `Node "${hostname}" is of component "${member.component}", which has no block of barrier "${barrier}"${tasks}`;
    throw new Rejection('NOT_A_PARTICIPANT', message, { hostname, barrier });
  }
  if (block !== undefined && own) checkOwn(run, planned, member, block);
  return { run, planned, member };
}

/** A task that enters for itself. @throws Rejection BLOCK_NOT_FOUND, NOT_A_PARTICIPANT */
function checkOwn(run: Run, { spec, workflows }: PlannedBarrier, member: Member, block: string): void {
  const { blocks, steps } = planOf(run.spec);
  const step = steps.get(block);
  const planned = step ?? blocks.get(block);
  if (planned?.component !== member.component || planned.spec.kind === 'barrier') {
    const message = `Component "${member.component}" of run "${run.run_id}" has no process block "${block}"`;
    throw new Rejection('BLOCK_NOT_FOUND', message, { run: run.run_id, block });
  }
  if (spec.max !== undefined || spec.type === 'semaphore') return;
  if (workflows.has(step?.workflow.name ?? '')) return;
  const message = `Barrier "${spec.name}" waits for nodes; give it a max, so that tasks can enter it for themselves`;
  throw new Rejection('NOT_A_PARTICIPANT', message, { barrier: spec.name });
}

function checkLabel(label: string | undefined): void {
  if (label === undefined || label.length <= MAX_LABEL_CHARACTERS) return;
  throw new Rejection('INVALID_PARAMETERS', `A label has at most ${MAX_LABEL_CHARACTERS} characters`);
}

/** @throws Rejection */
export function enterBarrier(tx: Transaction, input: InputOf<'enter_barrier'>): void {
  const { label, block } = input;
  const own = block !== undefined;
  const { run, planned, member } = participantAt(tx, { ...input, own });
  checkLabel(label);
  const participant = participantAsking(run, planned, member, { block, own });
  enterAt(tx, run, member, planned, {
    participant,
    ...(label === undefined ? {} : { label }),
    ...(block === undefined ? {} : { own: block }),
  });
}

/** @throws Rejection */
export function leaveBarrier(tx: Transaction, input: InputOf<'leave_barrier'>): void {
  const { block, fence } = input;
  const own = block !== undefined;
  const { run, planned, member } = participantAt(tx, { ...input, own });
  const participant = participantAsking(run, planned, member, { block, own });
  leaveLease(tx, run, planned, participant, fence);
}

/** Leaves a semaphore, unless the lease that is meant is over and the participant has another one, or waits for it. */
function leaveLease(
  tx: Transaction,
  run: Run,
  planned: PlannedBarrier,
  participant: string,
  fence: number | undefined,
): void {
  if (planned.spec.type !== 'semaphore' || isOldLease(run, planned, participant, fence)) return;
  leaveAt(tx, run, planned, participant, 'left');
}

/** @throws Rejection */
export function releaseBarrier(
  tx: Transaction,
  { run_id, barrier: name, hostnames }: InputOf<'release_barrier'>,
): void {
  const run = runOf(tx, run_id);
  const planned = barrierNamed(run, name);
  checkGoing(run);
  if (planned.spec.type === 'semaphore')
    throw new Rejection('BARRIER_NOT_RELEASABLE', `Barrier "${name}" is a semaphore`, { barrier: name });
  const barrier = run.barriers.get(name);
  if (hostnames === undefined) {
    if (barrier?.opened !== undefined && barrier.waiting.size === 0) return;
    releaseAt(tx, run, planned, [...(barrier?.waiting ?? [])], 'manual', true);
    return;
  }
  const named = hostnames.flatMap((hostname) => {
    const member = run.members.get(hostname);
    const participants = [
      ...(member === undefined ? [] : [participantOf(member)]),
      ...(member === undefined ? [] : tasksWaitingAt(run, planned, member)),
    ].filter((participant) => barrier?.entries.has(participant));
    if (participants.length > 0) return participants;
    const message = `Node "${hostname}" has not entered barrier "${name}"`;
    throw new Rejection('NOT_A_PARTICIPANT', message, { hostname, barrier: name });
  });
  const waiting = [...new Set(named)].filter((participant) => barrier?.waiting.has(participant));
  if (waiting.length > 0) releaseAt(tx, run, planned, waiting, 'manual', false);
}

/** A task asks through its agent. The answer, or why there is none, goes back the same way. */
export function barrierAsk(tx: Transaction, { hostname, ask }: InputOf<'barrier_ask'>): void {
  const { id, op, task_id, barrier, label, own = false, fence } = ask;
  const [run_id, block, node] = splitTaskId(task_id);
  let news: BarrierNews;
  try {
    if (node !== hostname)
      throw new Rejection('NOT_A_PARTICIPANT', `Task "${task_id}" is of another node than "${hostname}"`);
    const { run, planned, member } = participantAt(tx, {
      run_id,
      barrier,
      hostname,
      block,
      own,
    });
    checkLabel(label);
    const { number } = subjectOf(task_id);
    const participant = participantAsking(run, planned, member, { block, own, number });
    if (op === 'enter')
      enterAt(tx, run, member, planned, {
        task_id,
        participant,
        ...(label === undefined ? {} : { label }),
        ...(own ? { own: block } : {}),
      });
    else if (op === 'leave') leaveLease(tx, run, planned, participant, fence);
    news = { id, standing: standingAt(run, planned, participant, op === 'enter' ? undefined : fence) };
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    news = { id, error: { code: error.symbol, message: error.message } };
  }
  tx.effects.push({ type: 'tell_barrier', hostname, news });
}

/** The time has come for which a barrier asked; a timer that rang early is set again. */
export function barrierDue(tx: Transaction, timer: Extract<Timer, { kind: 'barrier' }>): void {
  const run = tx.state.runs.get(timer.run_id);
  const planned = run && planOf(run.spec).barriers.get(timer.barrier);
  if (run === undefined || planned === undefined || run.ending !== undefined) return;
  settle(tx, run, planned);
  const barrier = run.barriers.get(timer.barrier);
  const wake = barrier && wakeAt(planned.spec, barrier, tx.nowMs);
  if (tx.facts.length === 0 && wake !== undefined)
    tx.effects.push({ type: 'timer', timer, delayMs: wake - tx.nowMs });
}
