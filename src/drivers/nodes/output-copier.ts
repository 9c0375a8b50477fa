/**
 * Copies output from nodes: whole when a task is over, or as it is written. The agent is asked for the next piece when the last one
 * is on the disk here, so that neither side holds more than one piece of a stream.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { LogCopy } from '../../core/task.ts';
import { MAX_CHUNK_BYTES } from '../../wire/agent.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import type { Log } from '../log.ts';
import type { OutputStore } from '../outputs.ts';
import { type AgentLink, LinkError } from './agent-link.ts';
import { collectOutput } from './connection.ts';

/** How long an agent holds a question back for which it has nothing yet. */
const WAIT_MS = 30_000;
/** How long it may take to answer beyond that. */
const READ_MS = 30_000;
/** Between questions to an agent that has no room to hold them back. */
const BUSY_MS = 200;

export interface CopierOptions {
  readonly outputs: OutputStore;
  readonly log: Log;
}

export class OutputCopier {
  readonly #options: CopierOptions;
  /** Streams that are being copied. */
  readonly #underway = new Map<string, { readonly link: AgentLink; readonly done: Promise<void> }>();

  constructor(options: CopierOptions) {
    this.#options = options;
  }

  /** Copies streams as they are written, until they end or the link does. */
  follow(link: AgentLink, logs: readonly LogCopy[]): void {
    for (const log of logs) {
      const key = `${log.task_id} ${log.stream}`;
      const before = this.#underway.get(key);
      if (before?.link === link) continue;
      // The one over an earlier link is at its end; two must never write at once.
      const done = (before?.done ?? Promise.resolve())
        .then(() => this.#copy(link, log, WAIT_MS))
        .catch((error: unknown) => this.#tell(log, error))
        .finally(() => {
          if (this.#underway.get(key)?.done === done) this.#underway.delete(key);
        });
      this.#underway.set(key, { link, done });
    }
  }

  /**
   * Copies what is not here yet of all output of a task that is over.
   * @throws what the store throws; LinkError, AgentError
   */
  async complete(link: AgentLink, task_id: string, logs: readonly LogCopy[]): Promise<void> {
    const own = logs.filter((log) => log.task_id === task_id);
    const streamed = own.filter(({ path }) => path === undefined);
    for (const log of streamed) {
      // The task is over: a copy under way comes to its end, or fails as this one would.
      await this.#underway.get(`${task_id} ${log.stream}`)?.done;
      await this.#copy(link, log, 0);
    }
    const { outputs } = this.#options;
    await collectOutput(link, outputs, task_id, new Set(streamed.map(({ stream }) => stream)));
    for (const { stream, path } of own) {
      if (path !== undefined) await outputs.name(task_id, stream, path);
    }
  }

  async #copy(link: AgentLink, { task_id, stream, max_bytes }: LogCopy, wait_ms: number): Promise<void> {
    const { outputs } = this.#options;
    const growing = outputs.growing(task_id, stream);
    const kept = await growing.kept();
    for (let { end, isWhole } = kept; !isWhole; ) {
      const ask = { task_id, stream, offset: end, limit: MAX_CHUNK_BYTES, wait_ms };
      const { ok, binary } = await link.request('read', ask, { timeoutMs: wait_ms + READ_MS });
      if (binary.length > 0) await growing.append(ok.offset, binary, max_bytes);
      end = ok.offset + binary.length;
      isWhole = ok.eof;
      if (isWhole) await growing.finish(end, ok.lost);
      else if (binary.length === 0 && wait_ms === 0) return;
      else if (binary.length === 0) await pause(BUSY_MS);
    }
  }

  #tell({ task_id, stream }: LogCopy, error: unknown): void {
    // The next link, or the end of the task, goes on where this one stopped.
    if (error instanceof LinkError) return;
    if (error instanceof AgentError && error.failure.code === 'UNKNOWN_TASK') return;
    this.#options.log.warn({ task_id, stream, err: messageOf(error) }, 'A stream of output stands still');
  }
}
