/**
 * decide(state, input) → facts and effects. All policy is reached from here; each kind of input has its one handler.
 * A handler that throws a Rejection does so before it emits anything.
 */
import type { Fact } from '../../api/events.ts';
import * as control from './control.ts';
import type { Effect } from './effect.ts';
import type { Input, InputOf, Moment } from './input.ts';
import * as operation from './operation/decide.ts';
import * as pool from './pool/decide.ts';
import { expireLeases } from './pool/lease.ts';
import { settleOutage } from './pool/outage.ts';
import * as sources from './pool/sources.ts';
import * as barriers from './run/barrier-calls.ts';
import * as run from './run/decide.ts';
import { outputsCollected } from './run/missed.ts';
import * as refresh from './run/refresh.ts';
import * as restart from './run/restart.ts';
import { transfersMeasured } from './run/transfers.ts';
import { cleanupFailed } from './run/untidy.ts';
import * as workflows from './run/workflows.ts';
import type { State } from './state.ts';
import * as subscription from './subscription/decide.ts';
import { Transaction } from './transaction.ts';

/** What a command answers: an id where it made something, else nothing. */
export type Answer = string | undefined;

export interface Decision {
  readonly facts: readonly Fact[];
  readonly effects: readonly Effect[];
  readonly answer: Answer;
}

type Handler<T extends Input['type']> = (tx: Transaction, input: InputOf<T>) => unknown;

const handlers: { readonly [T in Input['type']]: Handler<T> } = {
  start_controller: control.startController,
  load_app: control.loadApp,
  create_resources: operation.createResources,
  quit: control.quit,
  register_client: subscription.registerClient,
  subscribe: subscription.subscribe,
  unsubscribe: subscription.unsubscribe,
  suspend: subscription.suspend,
  resources_answered: operation.resourcesAnswered,
  start_shell: operation.startShell,
  end_shell: operation.endShell,
  load_directory: sources.loadDirectory,
  planetlab_answered: sources.planetLabAnswered,
  add_node: pool.addNode,
  remove_node: pool.removeNode,
  fail_host: pool.failHost,
  connect: pool.connect,
  disconnect: pool.disconnect,
  node_up: pool.nodeUp,
  node_down: pool.nodeDown,
  cleaned: pool.cleaned,
  left: pool.left,
  start_run: run.startRun,
  abort_run: run.abortRun,
  installed: run.installed,
  install_failed: run.installFailed,
  task_report: run.taskReport,
  task_collected: workflows.taskCollected,
  outputs_collected: outputsCollected,
  cleanup_failed: cleanupFailed,
  enter_barrier: barriers.enterBarrier,
  leave_barrier: barriers.leaveBarrier,
  release_barrier: barriers.releaseBarrier,
  barrier_ask: barriers.barrierAsk,
  transfers_measured: transfersMeasured,
  timer: (tx, { timer }) => {
    if (timer.kind === 'reconnect') pool.reconnect(tx, timer.hostname);
    else if (timer.kind === 'restore') pool.restore(tx, timer.hostname);
    else if (timer.kind === 'workflow') workflows.workflowDue(tx, timer);
    else if (timer.kind === 'barrier') barriers.barrierDue(tx, timer);
    else if (timer.kind === 'restart_task') restart.restartTask(tx, timer.task_id);
    else if (timer.kind === 'outage') settleOutage(tx);
    else if (timer.kind === 'lease') expireLeases(tx);
    else if (timer.kind === 'refresh') refresh.refresh(tx, timer.run_id);
    else if (timer.kind === 'begin_again') restart.beginAgain(tx, timer.run_id);
    else run.endOverdue(tx, timer.run_id);
  },
};

/**
 * A decision ended with an error after some of its facts had changed the state. They will never be durable, so the state
 * is ahead of the journal and nothing may be decided on it any more. `cause` is the error.
 */
export class BrokenDecision extends Error {
  constructor(input: Input['type'], cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`The decision about ${input} broke off halfway: ${reason}`, { cause });
    this.name = 'BrokenDecision';
  }
}

/** Runs what decides. @throws BrokenDecision when it throws after it emitted a fact; before that, what it throws */
export function whole<T>(tx: Transaction, input: Input['type'], work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw tx.facts.length > 0 ? new BrokenDecision(input, error) : error;
  }
}

/**
 * Works out one input. The state has changed by the facts when this returns.
 * @throws Rejection for a command that cannot be
 * @throws BrokenDecision when the state can no longer be trusted
 */
export function decide(state: State, input: Input, moment: Moment): Decision {
  const tx = new Transaction(state, moment);
  const handler = handlers[input.type] as Handler<Input['type']>;
  const answer = whole(tx, input.type, () => {
    const answered = handler(tx, input as never);
    tx.finish();
    // Whatever it was: nodes may answer again, or no run may want those that are silent any more.
    if (tx.facts.length > 0) settleOutage(tx);
    return answered;
  });
  return { facts: tx.facts, effects: tx.effects, answer: typeof answer === 'string' ? answer : undefined };
}
