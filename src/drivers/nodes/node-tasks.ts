/** Carries out the effects that concern one task: its start, its stop, and bringing its output back. */
import type { MissedCause } from '../../../api/output-events.ts';
import type { EffectOf } from '../../core/effect.ts';
import type { Input } from '../../core/input.ts';
import type { LogCopy } from '../../core/task.ts';
import { MAX_CHUNK_BYTES } from '../../wire/agent.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import type { Log } from '../log.ts';
import type { OutputStore } from '../outputs.ts';
import { type AgentLink, LinkError } from './agent-link.ts';
import { OutputCopier } from './output-copier.ts';
import type { PackageStore } from './packages.ts';

/** How long an agent may take to end processes, beyond the grace it gives them. */
export const CLEAN_MS = 45_000;

/** Output of a task cannot be kept at the controller. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

/** How long a cleanup command may take; a run that ends does not wait longer for its nodes. */
const TIDY_MS = 30_000;
/** How long an agent may take to read a piece of a file. */
const FETCH_MS = 30_000;
/** More is not brought back of one file. */
const MAX_FILE_BYTES = 4 * 2 ** 30;

/** What an agent says of a file that it does not give out. */
const MISSED: { readonly [code: string]: MissedCause } = {
  NO_FILE: 'output_missing',
  FILE_OUTSIDE: 'output_unsafe',
  BAD_REQUEST: 'output_unsafe',
  NOT_A_FILE: 'output_not_a_file',
  FILE_UNREADABLE: 'output_unreadable',
};

export interface NodeTasksOptions {
  readonly link: (hostname: string) => AgentLink | undefined;
  readonly outputs: OutputStore;
  readonly packages: PackageStore;
  readonly report: (input: Input) => void;
  readonly log: Log;
}

export class NodeTasks {
  readonly #copier: OutputCopier;

  constructor(private readonly options: NodeTasksOptions) {
    this.#copier = new OutputCopier(options);
  }

  /**
   * Runs the application's cleanup command, once its tasks are stopped. What it cannot do is reported: a node is cleaned all the
   * same. @throws LinkError, AgentError
   */
  async tidy(link: AgentLink, { hostname, run_id, command }: EffectOf<'clean'>): Promise<void> {
    if (command === undefined) return;
    const ask = { run_id, command, timeout_ms: TIDY_MS };
    const { ok } = await link.request('tidy', ask, { timeoutMs: TIDY_MS + FETCH_MS });
    if (ok.trouble === undefined) return;
    this.options.report({ type: 'cleanup_failed', hostname, run_id, trouble: ok.trouble });
  }

  stream({ hostname, logs }: EffectOf<'stream_output'>): void {
    const link = this.options.link(hostname);
    if (link !== undefined) this.#copier.follow(link, logs);
  }

  /** What goes wrong here is done again when the node is cleaned. */
  async collect(effect: EffectOf<'collect'>): Promise<void> {
    const link = this.options.link(effect.hostname);
    if (link === undefined) return;
    try {
      await this.collectFiles(link, effect);
    } catch (error) {
      const { hostname, run_id } = effect;
      this.options.log.warn(
        { hostname, run_id, err: messageOf(error) },
        'Files could not be brought back yet',
      );
    }
  }

  /**
   * Brings files of the working folder back, and reports which came. One that did not is no failure.
   * @throws OutputError when they cannot be kept here; LinkError, AgentError
   */
  async collectFiles(
    link: AgentLink,
    { hostname, run_id, files = [] }: Pick<EffectOf<'clean'>, 'hostname' | 'run_id' | 'files'>,
  ): Promise<void> {
    const { outputs, log, report } = this.options;
    const missed: { path: string; cause: MissedCause }[] = [];
    const returned: string[] = [];
    for (const { path, again } of files) {
      try {
        if (again || !(await outputs.hasFile(run_id, hostname, path)))
          await outputs.saveFile(run_id, hostname, path, filePieces(link, run_id, path));
        returned.push(path);
      } catch (error) {
        if (error instanceof LinkError) throw error;
        if (!(error instanceof AgentError)) throw new OutputError(messageOf(error), { cause: error });
        const { code, message } = error.failure;
        const cause = MISSED[code];
        if (cause === undefined) throw error;
        // What came back earlier in the run is there all the same.
        if (cause === 'output_missing' && (await outputs.hasFile(run_id, hostname, path))) continue;
        missed.push({ path, cause });
        log.info({ hostname, run_id, path, err: message }, 'A file was not brought back');
      }
    }
    if (files.length > 0) report({ type: 'outputs_collected', hostname, run_id, missed, returned });
  }

  async start(effect: EffectOf<'start_task'>): Promise<void> {
    const { hostname, order } = effect;
    const link = this.options.link(hostname);
    if (link === undefined) return;
    const { task_id, run_id } = order;
    try {
      await this.#makeReady(link, effect);
      const { ok } = await link.request('start', { task: order });
      this.options.report({ type: 'task_report', hostname, task: ok.task });
    } catch (error) {
      if (error instanceof LinkError) return;
      const { code, message } =
        error instanceof AgentError ? error.failure : { code: 'failed', message: messageOf(error) };
      this.options.log.warn({ hostname, task_id, err: message }, 'A task could not be started');
      const installs = effect.reinstall ?? effect.install;
      const other = installs === undefined ? 'start_failed' : 'reinstall_failed';
      const cause = code === 'disk_full' ? code : other;
      const task = { task_id, run_id, state: 'exited', cause, message } as const;
      this.options.report({ type: 'task_report', hostname, task });
    }
  }

  /** What comes before the first process of a cleanup. @throws LinkError, AgentError, PackageError, OutputError */
  async #makeReady(
    link: AgentLink,
    { hostname, order, files, reinstall, install }: EffectOf<'start_task'>,
  ): Promise<void> {
    const { run_id, task_id } = order;
    if (files !== undefined) await this.collectFiles(link, { hostname, run_id, files });
    if (install !== undefined) await this.options.packages.install(link, run_id, install);
    if (reinstall === undefined) return;
    const { ok } = await link.request('empty', { run_id, task_id }, { timeoutMs: CLEAN_MS });
    if (ok.emptied) await this.options.packages.install(link, run_id, reinstall);
  }

  /** Whatever the agent answers is told as a report: a task it never heard of does not run there. */
  async stop({ hostname, run_id, task_id, grace_ms }: EffectOf<'stop_task'>): Promise<void> {
    const link = this.options.link(hostname);
    if (link === undefined) return;
    try {
      const { ok } = await link.request('stop', { task_id }, { timeoutMs: CLEAN_MS + grace_ms });
      this.options.report({ type: 'task_report', hostname, task: ok.task });
    } catch (error) {
      if (error instanceof LinkError) return;
      if (error instanceof AgentError && error.failure.code === 'UNKNOWN_TASK') {
        const told = { cause: 'stopped', message: 'It was stopped before it started' } as const;
        const task = { task_id, run_id, state: 'exited', ...told } as const;
        this.options.report({ type: 'task_report', hostname, task });
        return;
      }
      this.options.log.warn({ hostname, task_id, err: messageOf(error) }, 'A task could not be stopped');
      link.close(`Stopping a task did not work: ${messageOf(error)}`);
    }
  }

  /**
   * Brings the output of a task that is over back, unless it is to be discarded, and removes it on the node. False when that
   * should be tried again on the same link: what cannot be kept here stays on the node.
   */
  async collectTask(
    link: AgentLink,
    { hostname, run_id, task_id, discard, logs = [] }: EffectOf<'collect_task'>,
  ): Promise<boolean> {
    try {
      if (!discard) await this.#bringBack(link, task_id, logs);
      await link.request('forget', { task_id }, { timeoutMs: CLEAN_MS });
    } catch (error) {
      // A broken link is reported by its own end, and on the next one this is asked for again.
      if (error instanceof LinkError) return true;
      const facts = { hostname, task_id, err: messageOf(error) };
      this.options.log.warn(facts, 'A task could not be collected yet');
      return false;
    }
    this.options.report({ type: 'task_collected', hostname, run_id, task_id });
    return true;
  }

  /** One that the agent does not know has no output. @throws OutputError, LinkError, AgentError */
  async #bringBack(link: AgentLink, task_id: string, logs: readonly LogCopy[]): Promise<void> {
    try {
      await this.#copier.complete(link, task_id, logs);
    } catch (error) {
      if (error instanceof LinkError) throw error;
      if (!(error instanceof AgentError)) throw new OutputError(messageOf(error), { cause: error });
      if (error.failure.code !== 'UNKNOWN_TASK') throw error;
    }
  }

  /**
   * Stops a task that may still run, and brings its output back. One that the agent does not know has none.
   * @throws OutputError when the output cannot be kept here; LinkError, AgentError
   */
  async stopAndCollect(
    link: AgentLink,
    task_id: string,
    { grace_ms = 0, logs = [] }: Pick<EffectOf<'clean'>, 'grace_ms' | 'logs'>,
  ): Promise<void> {
    try {
      await link.request('stop', { task_id }, { timeoutMs: CLEAN_MS + grace_ms });
    } catch (error) {
      if (error instanceof AgentError && error.failure.code === 'UNKNOWN_TASK') return;
      throw error;
    }
    await this.#bringBack(link, task_id, logs);
  }
}

/** A file as it is now: what is written to it meanwhile is left out. */
async function* filePieces(link: AgentLink, run_id: string, path: string): AsyncGenerator<Buffer> {
  let size = MAX_FILE_BYTES;
  for (let offset = 0; offset < size; ) {
    const ask = { run_id, path, offset, limit: Math.min(MAX_CHUNK_BYTES, size - offset) };
    const { ok, binary } = await link.request('fetch', ask, { timeoutMs: FETCH_MS });
    if (offset === 0) size = Math.min(size, ok.size);
    if (binary.length === 0) return;
    yield binary;
    offset += binary.length;
  }
}
