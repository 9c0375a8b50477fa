/** Carries out the effects that concern one task: its start, its stop, and bringing its output back. */
import type { EffectOf } from '../../core/effect.ts';
import type { Input } from '../../core/input.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import type { Log } from '../log.ts';
import type { OutputStore } from '../outputs.ts';
import { type AgentLink, LinkError } from './agent-link.ts';
import { collectOutput } from './connection.ts';

/** How long an agent may take to end processes, beyond the grace it gives them. */
export const CLEAN_MS = 45_000;

/** Output of a task cannot be kept at the controller. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

export interface NodeTasksOptions {
  readonly link: (hostname: string) => AgentLink | undefined;
  readonly outputs: OutputStore;
  readonly report: (input: Input) => void;
  readonly log: Log;
}

export class NodeTasks {
  constructor(private readonly options: NodeTasksOptions) {}

  async start({ hostname, order }: EffectOf<'start_task'>): Promise<void> {
    const link = this.options.link(hostname);
    if (link === undefined) return;
    const { task_id, run_id } = order;
    try {
      const { ok } = await link.request('start', { task: order });
      this.options.report({ type: 'task_report', hostname, task: ok.task });
    } catch (error) {
      if (!(error instanceof AgentError)) return;
      const { code, message } = error.failure;
      this.options.log.warn({ hostname, task_id, err: message }, 'The agent refused to start a task');
      const cause = code === 'disk_full' ? code : 'start_failed';
      const task = { task_id, run_id, state: 'exited', cause, message } as const;
      this.options.report({ type: 'task_report', hostname, task });
    }
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
   * Stops a task that may still run, and brings its output back. One that the agent does not know has none.
   * @throws OutputError when the output cannot be kept here; LinkError, AgentError
   */
  async stopAndCollect(link: AgentLink, task_id: string, graceMs: number): Promise<void> {
    try {
      await link.request('stop', { task_id }, { timeoutMs: CLEAN_MS + graceMs });
      await collectOutput(link, this.options.outputs, task_id);
    } catch (error) {
      if (error instanceof LinkError) throw error;
      if (!(error instanceof AgentError)) throw new OutputError(messageOf(error), { cause: error });
      if (error.failure.code !== 'UNKNOWN_TASK') throw error;
    }
  }
}
