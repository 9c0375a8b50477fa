/**
 * Commands on nodes, from their order to their results, and those who wait for an operation. That an operation began and
 * ended is in the journal; what the nodes answered is only here, bounded, and lost with the daemon.
 */
import PQueue from 'p-queue';
import type { Answer } from '../core/decide.ts';
import type { Input } from '../core/input.ts';
import { type CommandResult, ResultFold } from '../core/operation/fold.ts';
import type { State } from '../core/state.ts';
import { messageOf } from '../drivers/agent-error.ts';
import type { Log } from '../drivers/log.ts';
import type { NodeDriver } from '../drivers/nodes/node-driver.ts';
import { BarrierWaiters } from './barrier-waiters.ts';
import { failureOf, nothing, runOnNode, type ShellOrder } from './shell-runner.ts';

/** Nodes on which one operation's command runs at a time. */
const MAX_AT_ONCE = 2_000;
/** How long a node may take to be connected, its turn to be so included. */
const REACH_MS = 5 * 60_000;
/** Output that is kept of one operation, and of all; in UTF-16 units. */
const MAX_SIZE = 16 << 20;
const MAX_TOTAL_SIZE = 64 << 20;
/** Calls that wait for an operation at a time; a further one is answered at once. */
const MAX_WAITING = 1_000;

export interface OperationsOptions {
  readonly state: State;
  readonly submit: (input: Input) => Promise<Answer>;
  readonly nodes: Pick<NodeDriver, 'reach'>;
  readonly log: Log;
}

interface Waiter {
  readonly operation_id: string;
  readonly done: () => void;
}

export class Operations {
  readonly #options: OperationsOptions;
  /** Oldest first. */
  readonly #results = new Map<string, ResultFold>();
  readonly #waiters = new Set<Waiter>();
  /** Those who wait at barriers. */
  readonly barriers: BarrierWaiters;
  #closed = false;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.barriers = new BarrierWaiters(options.state);
  }

  /** Runs a command whose operation has begun, and answers at once. */
  start(order: ShellOrder, hostnames: readonly string[]): void {
    const results = new ResultFold(MAX_SIZE);
    this.#results.set(order.operation_id, results);
    this.#forget();
    void this.#run(order, hostnames, results);
  }

  /** What the nodes have answered; undefined where it is not known, or not any more. */
  results(operation_id: string): ResultFold | undefined {
    return this.#results.get(operation_id);
  }

  /** Settles when the operation is over, after that time, or when nobody waits for the answer. */
  async wait(operation_id: string, timeoutMs: number, gone?: AbortSignal): Promise<void> {
    if (
      timeoutMs <= 0 ||
      gone?.aborted ||
      this.#closed ||
      this.#waiters.size >= MAX_WAITING ||
      !this.#isRunning(operation_id)
    )
      return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        gone?.removeEventListener('abort', done);
        this.#waiters.delete(waiter);
        resolve();
      };
      gone?.addEventListener('abort', done);
      const waiter = { operation_id, done };
      const timer = setTimeout(done, timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  /** New facts are durable: whoever waits for an operation that is over now goes on. */
  wake(): void {
    for (const { operation_id, done } of this.#waiters) if (!this.#isRunning(operation_id)) done();
    this.barriers.wake();
  }

  /** Nobody is kept waiting, and no end is told any more: the next daemon ends what is under way as interrupted. */
  close(): void {
    this.#closed = true;
    this.barriers.close();
    for (const { done } of this.#waiters) done();
  }

  #isRunning(operation_id: string): boolean {
    return this.#options.state.operations.get(operation_id)?.state === 'running';
  }

  async #run(order: ShellOrder, hostnames: readonly string[], results: ResultFold): Promise<void> {
    const turns = new PQueue({ concurrency: MAX_AT_ONCE });
    await Promise.all(
      hostnames.map(async (hostname) => results.add(hostname, await this.#onNode(hostname, order, turns))),
    );
    if (this.#closed) return;
    const { operation_id } = order;
    const { succeeded, failed } = results;
    try {
      await this.#options.submit({ type: 'end_shell', operation_id, succeeded, failed });
    } catch (error) {
      this.#options.log.error(
        { operation_id, err: messageOf(error) },
        'The end of an operation was not written',
      );
    }
    this.#forget();
  }

  /** Never rejects. */
  async #onNode(hostname: string, order: ShellOrder, turns: PQueue): Promise<CommandResult> {
    const { state, nodes } = this.#options;
    if (state.nodes.get(hostname)?.held) {
      const message = 'The node was disconnected by plushDisconnectApp; plushConnect connects it again';
      return nothing('disconnected', message);
    }
    try {
      const link = await nodes.reach(hostname, REACH_MS);
      return await turns.add(() => runOnNode(link, order));
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Drops results that nobody can ask for any more, and the oldest beyond the bound. */
  #forget(): void {
    const { operations } = this.#options.state;
    let total = 0;
    for (const [id, { size }] of this.#results) {
      if (operations.has(id)) total += size;
      else this.#results.delete(id);
    }
    for (const [id, { size }] of this.#results) {
      if (total <= MAX_TOTAL_SIZE) return;
      if (this.#isRunning(id)) continue;
      this.#results.delete(id);
      total -= size;
    }
  }
}
