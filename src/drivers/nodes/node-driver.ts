/**
 * Carries out the effects that concern nodes and reports what came of them as inputs. One attempt for each `connect`: whether
 * and when to try again is policy, and decided in the core.
 */
import PQueue from 'p-queue';
import type { Failure } from '../../../api/schemas.ts';
import type { NodeSpec } from '../../../api/spec.ts';
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
import { connectFailure } from './connect-failure.ts';
import { Connection, collectOutput } from './connection.ts';
import { PackageError, type PackageStore } from './packages.ts';

/** Bootstraps under way at once: a bound, so a slow node delays nobody (engine.md). */
export const MAX_BOOTSTRAPS = 50;
/** Time between the stop signal and SIGKILL when a node is cleaned. */
const GRACE_MS = 3_000;
const CLEAN_MS = 45_000;
const INSTALL_MS = 60 * 60_000;

export type NodeEffect = EffectOf<'connect' | 'disconnect' | 'dismiss' | 'install' | 'start_task' | 'clean'>;

export interface NodeDriverOptions {
  readonly ssh: NodeAccess;
  readonly local: NodeAccess;
  readonly kit: AgentKit;
  readonly packages: PackageStore;
  readonly outputs: OutputStore;
  readonly controller: string;
  readonly epoch: () => number;
  readonly report: (input: Input) => void;
  readonly log: Log;
}

export class NodeDriver {
  readonly #options: NodeDriverOptions;
  readonly #connections = new Map<string, Connection>();
  readonly #attempts = new Map<string, Promise<void>>();
  readonly #hosts = new Map<string, HostSample>();
  readonly #arrivals = new Arrivals();
  readonly #bootstraps = new PQueue({ concurrency: MAX_BOOTSTRAPS });
  #stopped = false;

  constructor(options: NodeDriverOptions) {
    this.#options = options;
  }

  /** The newest sample of a node's host monitor. */
  host(hostname: string): HostSample | undefined {
    return this.#hosts.get(hostname);
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
      start_task: (start) => this.#startTask(start),
      clean: (clean) => this.#clean(clean),
    };
    const carry = carriers[effect.type] as (effect: Effect) => void | Promise<void>;
    Promise.resolve(carry(effect)).catch((error: unknown) => {
      this.#options.log.error(
        { effect: effect.type, err: messageOf(error) },
        'An effect on a node went wrong',
      );
    });
  }

  /** Has every connected agent clean up and leave; resolves when they have, or at the deadline. */
  async dismissAll(deadlineMs: number): Promise<void> {
    const leaving = [...this.#connections.values()].map((connection) => this.#leave(connection));
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([Promise.allSettled(leaving), deadline]);
    clearTimeout(timer);
  }

  /** Closes every connection; agents and tasks go on. */
  close(): void {
    this.#stopped = true;
    this.#bootstraps.clear();
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
    else this.#options.report({ type: 'task_report', hostname, task: report.task });
  }

  async #install({ hostname, run_id, software }: EffectOf<'install'>): Promise<void> {
    const connection = this.#connections.get(hostname);
    const link = connection?.link;
    if (connection === undefined || link === undefined) return;
    await connection.settled();
    try {
      for (const { package: spec } of software) {
        if (spec?.type === 'scp') await this.#options.packages.deliver(link, run_id, spec);
      }
      const { ok } = await link.request('install', { run_id, software }, { timeoutMs: INSTALL_MS });
      this.#options.report({ type: 'installed', hostname, run_id, bytes: ok.bytes });
    } catch (error) {
      // A broken link is reported by its own end, and the install is asked for again on the next one.
      if (error instanceof LinkError && this.link(hostname) !== link) return;
      this.#options.report({ type: 'install_failed', hostname, run_id, failure: installFailure(error) });
    }
  }

  async #startTask({ hostname, order }: EffectOf<'start_task'>): Promise<void> {
    const link = this.link(hostname);
    if (link === undefined) return;
    const { task_id, run_id } = order;
    try {
      const { ok } = await link.request('start', { task: order });
      this.#options.report({ type: 'task_report', hostname, task: ok.task });
    } catch (error) {
      if (!(error instanceof AgentError)) return;
      const { code, message } = error.failure;
      this.#options.log.warn({ hostname, task_id, err: message }, 'The agent refused to start a task');
      const cause = code === 'disk_full' ? code : 'start_failed';
      const task = { task_id, run_id, state: 'exited', cause, message } as const;
      this.#options.report({ type: 'task_report', hostname, task });
    }
  }

  async #clean({ hostname, run_id, task_ids }: EffectOf<'clean'>): Promise<void> {
    const connection = this.#connections.get(hostname);
    const link = connection?.link;
    if (connection === undefined || link === undefined) return;
    await connection.inOrder(async () => {
      try {
        await Promise.all(task_ids.map((task_id) => this.#stopAndCollect(link, task_id)));
        await link.request('clean', { run_id, grace_ms: GRACE_MS }, { timeoutMs: CLEAN_MS });
        this.#options.report({ type: 'cleaned', hostname, run_id });
      } catch (error) {
        this.#options.log.warn(
          { hostname, run_id, err: messageOf(error) },
          'Cleaning a node did not work; it is owed',
        );
        // The end of the link brings the retry; an agent that lives but cannot clean is started anew.
        link.close(`Cleaning did not work: ${messageOf(error)}`);
      }
    });
  }

  async #stopAndCollect(link: AgentLink, task_id: string): Promise<void> {
    const { log, outputs } = this.#options;
    try {
      await link.request('stop', { task_id, signal: 'SIGTERM', grace_ms: GRACE_MS }, { timeoutMs: CLEAN_MS });
      await collectOutput(link, outputs, task_id);
    } catch (error) {
      if (error instanceof LinkError) throw error;
      if (error instanceof AgentError && error.failure.code === 'UNKNOWN_TASK') return;
      log.warn({ task_id, err: messageOf(error) }, 'The output of a task could not be brought back');
    }
  }

  async #dismiss(node: NodeSpec): Promise<void> {
    const { hostname } = node;
    const connection = this.#connections.get(hostname) ?? this.#newConnection(node);
    try {
      await this.#attempts.get(hostname);
      if (connection.link === undefined) await this.#bootstraps.add(() => connection.open());
      await this.#leave(connection);
    } catch (error) {
      this.#options.log.warn(
        { hostname, err: messageOf(error) },
        'A node that was removed could not be cleaned',
      );
    }
    if (this.#connections.get(hostname) === connection) this.#drop(hostname, 'The agent left');
    this.#options.report({ type: 'left', hostname });
  }

  async #leave(connection: Connection): Promise<void> {
    const { link } = connection;
    if (link === undefined) return;
    await connection.settled();
    try {
      await link.request('leave', { grace_ms: GRACE_MS }, { timeoutMs: CLEAN_MS });
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
  }
}

function installFailure(error: unknown): Failure {
  if (error instanceof AgentError) {
    const { code, message, command, exit_code, signal, stderr_tail } = error.failure;
    return {
      phase: 'install',
      cause: code,
      message,
      attempt: 1,
      ...(command === undefined ? {} : { command }),
      ...(exit_code === undefined ? {} : { exit_code }),
      ...(signal === undefined ? {} : { signal }),
      ...(stderr_tail === undefined ? {} : { stderr_tail: [...stderr_tail] }),
    };
  }
  const cause = error instanceof PackageError ? 'package_unreadable' : 'failed';
  return { phase: 'install', cause, message: messageOf(error), attempt: 1 };
}
