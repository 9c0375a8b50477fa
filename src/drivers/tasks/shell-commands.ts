/**
 * Command lines that somebody waits for: run with /bin/sh, their output kept up to a bound, and all their processes ended
 * with them. Unlike a task, a command line is nothing without the one who asked: it ends when that one is gone.
 *
 *     running ──shell ends──┐
 *        ├─────timeout──────┼──▶ ending (every process) ──▶ answered
 *        └─────nobody waits─┘
 */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { uptime } from 'node:os';
import type { Readable } from 'node:stream';
import { AgentError, messageOf } from '../agent-error.ts';
import { startDeadline } from '../deadline.ts';
import { type Ended, endProcesses } from './end-processes.ts';
import { findProcesses, type LedSession } from './find-processes.ts';
import { identify, TICKS_PER_SECOND } from './processes.ts';
import { operationMark, SHELL_MARK } from './shell-mark.ts';
import { agentMark } from './task.ts';

/** Command lines at a time. */
const MAX_COMMANDS = 32;
/** Time to obey SIGTERM. */
const GRACE_MS = 2_000;
/** How long the system may take to tell of an exit, and pipes to give out what is in them, once all processes are gone. */
const SETTLE_MS = 2_000;

export interface ShellOrder {
  /** Identity of the command line among those that run. */
  readonly id: string;
  readonly command: string;
  readonly timeoutMs: number;
  /** Kept of stdout and of stderr. */
  readonly maxOutputBytes: number;
}

/** The beginning of a stream. */
export interface Head {
  readonly bytes: Buffer;
  /** There was more. */
  readonly isCut: boolean;
}

export interface ShellResult {
  readonly exit_code?: number;
  readonly signal?: string;
  readonly timed_out: boolean;
  readonly stdout: Head;
  readonly stderr: Head;
  /** Processes that could not be ended. */
  readonly left: readonly number[];
}

export interface ShellOptions {
  /** The agent's folder, which marks its processes. */
  readonly dir: string;
  readonly bootId: string;
  readonly env: NodeJS.ProcessEnv;
}

interface Exit {
  readonly exit_code?: number;
  readonly signal?: string;
}

export class ShellCommands {
  readonly #options: ShellOptions;
  /** Ids of those that run → what ends them early. */
  readonly #running = new Map<string, { readonly stop: AbortController; readonly done: Promise<unknown> }>();
  #forgotten: Promise<unknown> = Promise.resolve();

  constructor(options: ShellOptions) {
    this.#options = options;
  }

  /**
   * Runs one.
   * @param gone aborted when nobody waits any more
   * @throws AgentError start_failed; BAD_REQUEST for an id that runs already
   */
  run(order: ShellOrder, gone: AbortSignal): Promise<ShellResult> {
    const { id } = order;
    if (this.#running.has(id)) throw new AgentError('BAD_REQUEST', `The command ${id} runs already`);
    if (this.#running.size >= MAX_COMMANDS)
      throw new AgentError('start_failed', `${MAX_COMMANDS} commands run on the node already`);
    const stop = new AbortController();
    const onGone = () => stop.abort();
    gone.addEventListener('abort', onGone);
    if (gone.aborted) onGone();
    const done = this.#run(order, stop.signal).finally(() => {
      gone.removeEventListener('abort', onGone);
      this.#running.delete(id);
    });
    this.#running.set(id, { stop, done });
    return done;
  }

  /** Ends all that run. */
  async endAll(): Promise<void> {
    const all = [...this.#running.values()];
    for (const { stop } of all) stop.abort();
    await Promise.allSettled(all.map(({ done }) => done));
  }

  /** Ends what an earlier agent had running. Must be called before the first `run`, which waits for it. */
  async endForgotten(): Promise<void> {
    this.#forgotten = this.#end([SHELL_MARK], () => []);
    await this.#forgotten;
  }

  async #run(order: ShellOrder, gone: AbortSignal): Promise<ShellResult> {
    await this.#forgotten;
    const child = this.#spawn(order);
    // Where the system has no more files to open there is neither stream, only the error that says so.
    if (!child.stdout || !child.stderr) throw startFailure(await exitOf(child));
    const stdout = new HeadReader(child.stdout, order.maxOutputBytes);
    const stderr = new HeadReader(child.stderr, order.maxOutputBytes);
    const leader = child.pid === undefined ? undefined : identify(child.pid, this.#options.bootId);
    let endedTicks: number | undefined;
    const exited = exitOf(child).finally(() => {
      endedTicks = Math.ceil(uptime() * TICKS_PER_SECOND);
    });
    const timed_out = (await firstOf(exited, order.timeoutMs, gone)) === 'timeout';
    const { left } = await this.#end([SHELL_MARK, operationMark(order.id)], () =>
      leader === undefined ? [] : [{ leader, ...(endedTicks === undefined ? {} : { endedTicks }) }],
    );
    const exit = (await within(exited, SETTLE_MS)) ?? {};
    await within(Promise.all([stdout.ended, stderr.ended]), SETTLE_MS);
    return { ...exit, timed_out, stdout: stdout.take(), stderr: stderr.take(), left };
  }

  /** @throws AgentError start_failed */
  #spawn({ id, command }: ShellOrder): ChildProcess {
    const { dir, env } = this.#options;
    const marks = [agentMark(dir), SHELL_MARK, operationMark(id)].map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    });
    try {
      return spawn('/bin/sh', ['-c', command], {
        cwd: homeOf(env),
        env: { ...env, ...Object.fromEntries(marks) },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
    } catch (error) {
      throw startFailure(error);
    }
  }

  #end(marks: readonly string[], sessions: () => LedSession[]): Promise<Ended> {
    const { dir, bootId } = this.#options;
    return endProcesses({
      find: () => {
        const led = sessions();
        const sinceTicks = Number(led[0]?.leader.start);
        return findProcesses(
          {
            marks: [agentMark(dir), ...marks],
            sessions: led,
            ...(Number.isFinite(sinceTicks) ? { sinceTicks } : {}),
          },
          bootId,
        );
      },
      isWrapper: () => false,
      signal: 'SIGTERM',
      graceMs: GRACE_MS,
    });
  }
}

function startFailure(error: unknown): AgentError {
  return new AgentError(
    'start_failed',
    `The command could not be started: ${messageOf(error)}`,
    {},
    { cause: error },
  );
}

/** The account's home folder where there is one. */
function homeOf({ HOME }: NodeJS.ProcessEnv): string {
  return HOME !== undefined && fs.statSync(HOME, { throwIfNoEntry: false })?.isDirectory() ? HOME : '/';
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(startFailure(error)));
    child.once('exit', (code, signal) =>
      resolve({ ...(code === null ? {} : { exit_code: code }), ...(signal === null ? {} : { signal }) }),
    );
  });
}

/** Waits for the exit, at most so long, and not when nobody waits for it. @throws AgentError start_failed */
async function firstOf(
  exited: Promise<Exit>,
  timeoutMs: number,
  gone: AbortSignal,
): Promise<'exit' | 'timeout' | 'gone'> {
  let timer: NodeJS.Timeout | undefined;
  let onGone = () => {};
  const early = new Promise<'timeout' | 'gone'>((resolve) => {
    timer = startDeadline(timeoutMs, () => resolve('timeout'));
    onGone = () => resolve('gone');
    gone.addEventListener('abort', onGone);
    if (gone.aborted) onGone();
  });
  try {
    return await Promise.race([exited.then(() => 'exit' as const), early]);
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', onGone);
  }
}

/** What a promise brings, or undefined when it takes longer. */
async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Keeps the beginning of a stream and reads the rest away, so that its writer never waits. */
class HeadReader {
  /** Settles when all has been read. */
  readonly ended: Promise<void>;
  readonly #stream: Readable;
  readonly #chunks: Buffer[] = [];
  #room: number;
  #isCut = false;

  constructor(stream: Readable, maxBytes: number) {
    this.#stream = stream;
    this.#room = maxBytes;
    stream.on('data', (chunk: Buffer) => this.#keep(chunk));
    // A pipe that breaks has nothing more to give; the command's status tells how it went.
    stream.on('error', () => stream.destroy());
    this.ended = new Promise((resolve) => {
      stream.once('close', resolve);
    });
  }

  /** What was kept. Reads no further. */
  take(): Head {
    this.#stream.destroy();
    return { bytes: Buffer.concat(this.#chunks), isCut: this.#isCut };
  }

  #keep(chunk: Buffer): void {
    const kept = chunk.length > this.#room ? chunk.subarray(0, this.#room) : chunk;
    // A copy: the rest of a large chunk must not stay in memory for a few bytes of it.
    if (kept.length > 0) this.#chunks.push(Buffer.from(kept));
    this.#room -= kept.length;
    if (kept.length < chunk.length) this.#isCut = true;
  }
}
