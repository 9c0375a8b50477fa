/**
 * Carries out the effects that concern nodes and reports what came of them as inputs. One attempt for each `connect`: whether
 * and when to try again is policy, and decided in the core.
 */
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Failure } from '../../../api/schemas.ts';
import type { NodeSpec } from '../../../api/spec.ts';
import type { Progress } from '../../core/barrier/flow.ts';
import type { Effect, EffectOf } from '../../core/effect.ts';
import type { Input } from '../../core/input.ts';
import type { HostSample, ReportFrame } from '../../wire/agent.ts';
import type { NodeAccess } from '../access.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import type { Log } from '../log.ts';
import type { OutputStore } from '../outputs.ts';
import type { AgentKit } from './agent-kit.ts';
import { type AgentLink, LinkError } from './agent-link.ts';
import { Arrivals } from './arrivals.ts';
import { BootstrapError } from './bootstrap-error.ts';
import { connectFailure } from './connect-failure.ts';
import { Connection } from './connection.ts';
import { HostSamples } from './host-samples.ts';
import { installFailure } from './install-failure.ts';
import { CLEAN_MS, NodeTasks, OutputError } from './node-tasks.ts';
import type { PackageStore } from './packages.ts';
import { Retries } from './retries.ts';

/** Bootstraps under way at once: a bound, so a slow node delays nobody (engine.md). */
export const MAX_BOOTSTRAPS = 50;
/** Time between the stop signal and SIGKILL when a node is cleaned. */
const GRACE_MS = 3_000;

/** Attempts to reach the agent of a removed node: more than two days of them. */
const MAX_DISMISSALS = 300;
/** Rounds of one such attempt, and the time between them. */
const DISMISS_ROUNDS = 3;
const DISMISS_PAUSE_MS = 500;

export type NodeEffect = EffectOf<
  | 'connect'
  | 'disconnect'
  | 'dismiss'
  | 'install'
  | 'start_task'
  | 'stop_task'
  | 'collect_task'
  | 'stream_output'
  | 'collect'
  | 'clean'
  | 'tell_barrier'
>;

export interface NodeDriverOptions {
  readonly ssh: NodeAccess;
  readonly local: NodeAccess;
  readonly kit: AgentKit;
  readonly packages: PackageStore;
  readonly outputs: OutputStore;
  readonly controller: string;
  readonly epoch: () => number;
  readonly report: (input: Input) => void;
  /** How far a node's packages have come. @default nobody wants to know */
  readonly onTransfer?: (hostname: string, run_id: string, progress: Progress) => void;
  readonly log: Log;
}

export class NodeDriver {
  readonly #options: NodeDriverOptions;
  readonly #connections = new Map<string, Connection>();
  readonly #attempts = new Map<string, Promise<void>>();
  readonly #hosts: HostSamples;
  readonly #arrivals = new Arrivals();
  readonly #bootstraps = new PQueue({ concurrency: MAX_BOOTSTRAPS });
  /** Attempts to bring output back or to reach an agent that is to leave. */
  readonly #retries: Retries;
  /** Removed nodes whose agents have not left yet. */
  readonly #dismissals = new Map<string, NodeSpec>();
  /** Attempts to have an agent leave. */
  readonly #leavings = new Map<string, Promise<void>>();
  readonly #tasks: NodeTasks;
  #stopped = false;

  constructor(options: NodeDriverOptions) {
    this.#options = options;
    const { outputs, report, log } = options;
    this.#retries = new Retries(log);
    this.#hosts = new HostSamples(log);
    const link = (hostname: string) => this.link(hostname);
    this.#tasks = new NodeTasks({ link, outputs, packages: options.packages, report, log });
  }

  /** The newest sample of a node's host monitor. */
  host(hostname: string): HostSample | undefined {
    return this.#hosts.get(hostname);
  }

  /** The same, unless it is too old to tell how the node is now. */
  recentHost(hostname: string): HostSample | undefined {
    return this.#hosts.recent(hostname);
  }

  /** The link to a node's agent, while there is one. */
  link(hostname: string): AgentLink | undefined {
    return this.#connections.get(hostname)?.link;
  }

  /**
   * The link to a node's agent, as soon as there is one. Asks for no attempt itself: that is policy, and decided in the core.
   * @throws ConnectError when the attempt fails, or when none is under way and none follows soon
   */
  reach(hostname: string, timeoutMs: number): Promise<AgentLink> {
    const link = this.link(hostname);
    if (link !== undefined) return Promise.resolve(link);
    return this.#arrivals.wait(hostname, {
      timeoutMs,
      isUnderway: () => this.#attempts.has(hostname),
    });
  }

  carryOut(effect: NodeEffect): void {
    if (this.#stopped) return;
    const carriers: { readonly [T in NodeEffect['type']]: (effect: EffectOf<T>) => void | Promise<void> } = {
      connect: ({ node }) => this.#connect(node),
      disconnect: ({ hostname }) => this.#drop(hostname, 'The controller closed the connection'),
      dismiss: ({ node }) => this.#dismiss(node),
      install: (install) => this.#install(install),
      start_task: (start) => this.#tasks.start(start),
      stop_task: (stop) => this.#tasks.stop(stop),
      collect_task: (task) => this.#collect(task),
      stream_output: (stream) => this.#tasks.stream(stream),
      collect: (files) => this.#tasks.collect(files),
      clean: (clean) => this.#clean(clean),
      tell_barrier: (tell) => this.#tellBarrier(tell),
    };
    const carry = carriers[effect.type] as (effect: Effect) => void | Promise<void>;
    Promise.resolve(carry(effect)).catch((error: unknown) => {
      this.#options.log.error(
        { effect: effect.type, err: messageOf(error) },
        'An effect on a node went wrong',
      );
    });
  }

  /**
   * Has the agents of these nodes clean up and leave, those too that must be reached for it first; resolves when they have,
   * or at the deadline. Answers the names of the nodes whose agents have left.
   */
  async dismissAll(nodes: readonly NodeSpec[], deadlineMs: number): Promise<string[]> {
    const left: string[] = [];
    const leaving = nodes.map(async (node) => {
      try {
        await this.#leaving(node);
        left.push(node.hostname);
      } catch (error) {
        const facts = { hostname: node.hostname, err: messageOf(error) };
        this.#options.log.warn(
          facts,
          'An agent could not be told to leave; it leaves by itself when it has no task',
        );
      }
    });
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([Promise.all(leaving), deadline]);
    clearTimeout(timer);
    return left;
  }

  /** Closes every connection; agents and tasks go on. */
  close(): void {
    this.#stopped = true;
    this.#bootstraps.clear();
    this.#retries.clear();
    for (const hostname of [...this.#connections.keys()]) this.#drop(hostname, 'The controller stops');
  }

  #drop(hostname: string, why: string): void {
    const connection = this.#connections.get(hostname);
    this.#connections.delete(hostname);
    this.#attempts.delete(hostname);
    this.#hosts.delete(hostname);
    connection?.close(why);
    this.#arrivals.failed(hostname, { cause: 'closed', message: why });
  }

  /** One attempt at a time for a node; asked again meanwhile, the attempt under way answers for both. */
  #connect(node: NodeSpec): Promise<void> {
    const { hostname } = node;
    const underway = this.#attempts.get(hostname);
    if (underway !== undefined) return underway;
    const known = this.#connections.get(hostname);
    if (known !== undefined && JSON.stringify(known.node) !== JSON.stringify(node)) {
      this.#drop(hostname, 'The node is described anew');
    }
    const connection = this.#connections.get(hostname) ?? this.#newConnection(node);
    const attempt = this.#bootstraps
      .add(() => this.#attempt(connection))
      .then(() => {
        if (this.#attempts.get(hostname) === attempt) this.#attempts.delete(hostname);
      });
    this.#attempts.set(hostname, attempt);
    return attempt;
  }

  #newConnection(node: NodeSpec): Connection {
    const { ssh, local, kit, controller, epoch } = this.#options;
    const connection: Connection = new Connection(node, {
      access: node.type === 'local' ? local : ssh,
      kit,
      controller,
      epoch,
      onReport: (report) => this.#onReport(connection, report),
    });
    this.#connections.set(node.hostname, connection);
    return connection;
  }

  async #attempt(connection: Connection): Promise<void> {
    const { hostname } = connection.node;
    const isCurrent = () => !this.#stopped && this.#connections.get(hostname) === connection;
    if (!isCurrent()) return;
    try {
      const agent = await connection.open();
      if (!isCurrent()) return;
      const { link } = connection;
      if (link === undefined) throw new LinkError('The connection ended while it was being made');
      this.#watch(connection, link);
      this.#hosts.set(hostname, agent.host);
      this.#options.report({ type: 'node_up', hostname, agent });
      this.#arrivals.arrived(hostname, link);
    } catch (error) {
      if (!isCurrent()) return;
      connection.close('The attempt to connect failed');
      const failure = connectFailure(error, connection.node);
      this.#options.report({ type: 'node_down', hostname, failure });
      this.#arrivals.failed(hostname, failure);
    }
  }

  #watched = new WeakSet<AgentLink>();

  #watch(connection: Connection, link: AgentLink): void {
    if (this.#watched.has(link)) return;
    this.#watched.add(link);
    const { hostname } = connection.node;
    void link.closed.then((why) => {
      if (this.#stopped || this.#connections.get(hostname) !== connection) return;
      const failure: Failure = { phase: 'watch', cause: 'link_lost', message: why, attempt: 1 };
      this.#options.report({ type: 'node_down', hostname, failure });
    });
  }

  #onReport(connection: Connection, report: ReportFrame): void {
    const { hostname } = connection.node;
    if (this.#connections.get(hostname) !== connection) return;
    if (report.report === 'host') this.#hosts.set(hostname, report.host);
    else if (report.report === 'transfer') this.#options.onTransfer?.(hostname, report.run_id, report);
    else if (report.report === 'barrier')
      this.#options.report({ type: 'barrier_ask', hostname, ask: report.ask });
    else this.#options.report({ type: 'task_report', hostname, task: report.task });
  }

  async #install({ hostname, run_id, software, generation }: EffectOf<'install'>): Promise<void> {
    const again = generation === undefined ? {} : { generation };
    const connection = this.#connections.get(hostname);
    const link = connection?.link;
    if (connection === undefined || link === undefined) return;
    await connection.settled();
    try {
      if (generation !== undefined)
        await link.request('rejoin', { run_id, generation }, { timeoutMs: CLEAN_MS });
      const { packages, onTransfer } = this.#options;
      const tell = (progress: Progress) => onTransfer?.(hostname, run_id, progress);
      const bytes = await packages.install(link, run_id, software, tell);
      this.#options.report({ type: 'installed', hostname, run_id, bytes, ...again });
    } catch (error) {
      // A broken link is reported by its own end, and the install is asked for again on the next one.
      if (error instanceof LinkError && this.link(hostname) !== link) return;
      const failure = installFailure(error);
      this.#options.report({ type: 'install_failed', hostname, run_id, failure, ...again });
    }
  }

  /** An agent that is not there, or does not take it, asks again on its next link. */
  async #tellBarrier({ hostname, news }: EffectOf<'tell_barrier'>): Promise<void> {
    try {
      await this.link(hostname)?.request('barrier', { news });
    } catch (error) {
      if (!(error instanceof LinkError || error instanceof AgentError)) throw error;
      this.#options.log.debug({ hostname, err: messageOf(error) }, 'News of a barrier did not arrive');
    }
  }

  /** In the line of the cleanings, so that nothing is brought back twice at the same time. */
  async #collect(effect: EffectOf<'collect_task'>, attempt = 1): Promise<void> {
    const connection = this.#connections.get(effect.hostname);
    const link = connection?.link;
    if (connection === undefined || link === undefined) return;
    const isDone = await connection.inOrder(() => this.#tasks.collectTask(link, effect));
    if (!isDone && this.link(effect.hostname) === link)
      this.#retries.later(attempt, () => this.#collect(effect, attempt + 1));
  }

  async #clean(effect: EffectOf<'clean'>, attempt = 1): Promise<void> {
    const { hostname, run_id, task_ids, generation } = effect;
    const upTo = generation === undefined ? {} : { generation };
    const { log, report } = this.#options;
    const connection = this.#connections.get(hostname);
    const link = connection?.link;
    if (connection === undefined || link === undefined) return;
    await connection.inOrder(async () => {
      try {
        await Promise.all(task_ids.map((task_id) => this.#tasks.stopAndCollect(link, task_id, effect)));
        await this.#tasks.tidy(link, effect);
        await this.#tasks.collectFiles(link, effect);
        await link.request('clean', { run_id, grace_ms: GRACE_MS, ...upTo }, { timeoutMs: CLEAN_MS });
        report({ type: 'cleaned', hostname, run_id, ...upTo });
      } catch (error) {
        const facts = { hostname, run_id, attempt, err: messageOf(error) };
        if (error instanceof OutputError) {
          // What cannot be kept here stays on the node: a result is not thrown away for want of room.
          log.warn(facts, 'Output could not be brought back; it stays on its node and is asked for again');
          this.#retries.later(attempt, () => this.#clean(effect, attempt + 1));
          return;
        }
        log.warn(facts, 'Cleaning a node did not work; it is owed');
        // The end of the link brings the retry; an agent that lives but cannot clean is started anew.
        link.close(`Cleaning did not work: ${messageOf(error)}`);
      }
    });
  }

  /** Has an agent clean up and leave, however long its node cannot be reached: what was started is not forgotten. */
  async #dismiss(node: NodeSpec, attempt = 1): Promise<void> {
    const { hostname } = node;
    const { log, report } = this.#options;
    if (attempt === 1) this.#dismissals.set(hostname, node);
    if (this.#stopped || this.#dismissals.get(hostname) !== node) return;
    try {
      await this.#leaving(node);
    } catch (error) {
      log.warn(
        { hostname, attempt, err: messageOf(error) },
        'A node that was removed could not be cleaned yet',
      );
      if (this.#dismissals.get(hostname) === node && attempt < MAX_DISMISSALS) {
        this.#retries.later(attempt, () => this.#dismiss(node, attempt + 1));
        return;
      }
    }
    if (this.#dismissals.get(hostname) !== node) return;
    this.#dismissals.delete(hostname);
    this.#drop(hostname, 'The agent left');
    report({ type: 'left', hostname });
  }

  /** One attempt at a time for a node: a second one would find an agent that is about to go, and take that for a failure. */
  #leaving(node: NodeSpec): Promise<void> {
    const { hostname } = node;
    const underway = this.#leavings.get(hostname);
    if (underway !== undefined) return underway;
    const leaving = this.#dismissOnce(node).finally(() => this.#leavings.delete(hostname));
    this.#leavings.set(hostname, leaving);
    return leaving;
  }

  /**
   * Reaches an agent and has it leave. Where the link ends before the answer, it is asked for again: an agent that died first
   * has left everything, which its successor takes over and leaves with; one that was about to go is in the successor's way for a moment.
   * @throws what went wrong on the way
   */
  async #dismissOnce(node: NodeSpec): Promise<void> {
    const connection = this.#connections.get(node.hostname) ?? this.#newConnection(node);
    await this.#attempts.get(node.hostname);
    for (let round = 1; ; round += 1) {
      try {
        if (connection.link === undefined) await this.#bootstraps.add(() => connection.open());
        if (await this.#leave(connection)) return;
        throw new LinkError('The connection ended before the agent could be told to leave');
      } catch (error) {
        const isPassing = error instanceof LinkError || error instanceof BootstrapError;
        if (!isPassing || round >= DISMISS_ROUNDS) throw error;
        await setTimeoutPromise(DISMISS_PAUSE_MS);
      }
    }
  }

  /** Answers false where there is no link to ask over. @throws AgentError, LinkError */
  async #leave(connection: Connection): Promise<boolean> {
    const { link } = connection;
    if (link === undefined) return false;
    await connection.settled();
    await link.request('leave', { grace_ms: GRACE_MS }, { timeoutMs: CLEAN_MS });
    return true;
  }
}
