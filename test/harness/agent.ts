/** The node agent as a real process from its real bundle, and a small controller that speaks frames. */
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { findProcesses } from '../../src/drivers/tasks/find-processes.ts';
import { readBootId, sendSignal } from '../../src/drivers/tasks/processes.ts';
import {
  AGENT_PROTOCOL,
  type AgentFailure,
  type AgentOp,
  type AgentRequests,
  type AgentState,
  type ReportFrame,
  type TaskOrder,
  type TaskReport,
} from '../../src/wire/agent.ts';
import { encodeFrame, FrameReader } from '../../src/wire/frames.ts';
import { sweepAgent } from './control-groups.ts';
import { makeScratch } from './scratch.ts';
import { waitFor } from './wait.ts';

const ROOT = resolve(__dirname, '../..');

/** Makes the agent's bundle as the build does. The caller removes the folder that it is in. */
export function buildAgentBundle(folder: string): string {
  const outfile = join(folder, 'agent.cjs');
  const options = [
    '--bundle',
    '--platform=node',
    '--format=cjs',
    '--target=node18',
    '--minify',
    '--log-level=error',
  ];
  execFileSync(
    join(ROOT, 'node_modules/.bin/esbuild'),
    ['src/agent/main.ts', ...options, `--outfile=${outfile}`],
    {
      cwd: ROOT,
    },
  );
  return outfile;
}

/** What the agent prints when it has started, or not. */
export interface Ready {
  readonly ready?: boolean;
  readonly already?: boolean;
  readonly pid?: number;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Largest file it may write, in bytes; stands for a full disk where there is no small one. */
  readonly maxFileBytes?: number;
}

/** A node's folder in which agents are started; `remove` ends all of them and all they started. */
export class TestNode {
  readonly scratch = makeScratch();
  readonly dir = join(fs.realpathSync(this.scratch.dir), 'nodes', 'n1');
  readonly socket = join(this.scratch.dir, 's');
  readonly #clients: AgentClient[] = [];
  readonly #pids: number[] = [];

  constructor(readonly bundle: string) {
    fs.mkdirSync(this.dir, { mode: 0o700, recursive: true });
  }

  /** Starts an agent and waits until it has let go of its stdout. */
  async start({ env, maxFileBytes }: StartOptions = {}): Promise<Ready> {
    const args = [this.bundle, '--dir', this.dir, '--socket', this.socket, '--bundle', 'test'];
    // ulimit counts in blocks of 512 bytes.
    const limit = maxFileBytes === undefined ? '' : `ulimit -f ${Math.floor(maxFileBytes / 512)}; `;
    const child = spawn('/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', process.execPath, ...args], {
      env: { ...process.env, PLUSH_NODE: 'n1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#pids.push(child.pid as number);
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk));
    await Promise.all([ended(child.stdout), ended(child.stderr)]);
    child.unref();
    if (!out.endsWith('\n')) throw new Error(`The agent did not start: ${errors}${out}`);
    return JSON.parse(out) as Ready;
  }

  /** Connects without a greeting. */
  async connect(): Promise<AgentClient> {
    const client = await AgentClient.dial(this.socket);
    this.#clients.push(client);
    return client;
  }

  /** Connects and greets. */
  async dial(epoch = 1): Promise<AgentClient & { state: AgentState }> {
    const client = await this.connect();
    const state = await client.hello(epoch);
    return Object.assign(client, { state });
  }

  /** Live processes that this node's agent is responsible for. */
  processes(): number[] {
    const scope = { marks: [`PLUSH_AGENT=${this.dir}`], sessions: [] };
    return findProcesses(scope, readBootId()).map((info) => info.pid);
  }

  /** Kills all processes that the agent is responsible for, and none of the agents. */
  async killProcesses(): Promise<void> {
    await waitFor('all processes of the node to end', () => {
      const left = this.processes();
      for (const pid of left) sendSignal(pid, 'SIGKILL');
      return left.length === 0;
    });
  }

  async remove(): Promise<void> {
    for (const client of this.#clients) client.end();
    for (const pid of this.#pids) sendSignal(pid, 'SIGKILL');
    await this.killProcesses();
    sweepAgent(this.dir);
    execFileSync('chmod', ['-R', 'u+rwx', this.scratch.dir]);
    await this.scratch.remove();
  }
}

function ended(stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', resolve);
  });
}

/** An error that the agent answered. */
class Refusal extends Error {
  constructor(readonly failure: AgentFailure) {
    super(`${failure.code}: ${failure.message}`);
  }
}

interface Pending {
  resolve(answer: { ok: unknown; binary: Buffer }): void;
  reject(error: Error): void;
}

export class AgentClient {
  /** All news so far. */
  readonly reports: ReportFrame[] = [];
  readonly closed: Promise<void>;
  readonly #pending = new Map<number, Pending>();
  readonly #reader = new FrameReader();
  #lastId = 0;

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      for (const { message, binary } of this.#reader.push(bytes)) this.#receive(message, binary);
    });
    // The close that follows tells the requests under way.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const { reject } of this.#pending.values()) reject(new Error('The link ended'));
        resolve();
      });
    });
  }

  static dial(path: string): Promise<AgentClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => {
        socket.off('error', reject);
        resolve(new AgentClient(socket));
      });
      socket.once('error', reject);
    });
  }

  /** Sends a request; rejects with a Refusal for an error. */
  request<O extends AgentOp>(
    op: O,
    ask: AgentRequests[O]['ask'],
    bytes?: Buffer,
  ): Promise<{ ok: AgentRequests[O]['ok']; binary: Buffer }> {
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.socket.write(encodeFrame({ id, op, ...ask }, bytes));
    });
  }

  /** The code of the error that a request is answered with. */
  async refusal<O extends AgentOp>(
    op: O,
    ask: AgentRequests[O]['ask'],
    bytes?: Buffer,
  ): Promise<AgentFailure> {
    try {
      const { ok } = await this.request(op, ask, bytes);
      throw new Error(`${op} was not refused but answered ${JSON.stringify(ok)}`);
    } catch (error) {
      if (error instanceof Refusal) return error.failure;
      throw error;
    }
  }

  async hello(epoch: number): Promise<AgentState> {
    const ask = { protocol: AGENT_PROTOCOL, epoch, controller: 'c1', node: 'n1' };
    return (await this.request('hello', ask)).ok;
  }

  async start(task: TaskOrder): Promise<TaskReport> {
    return (await this.request('start', { task })).ok.task;
  }

  /** Waits for the news that a task has exited. */
  exited(taskId: string): Promise<TaskReport> {
    return waitFor(`the exit of ${taskId}`, () => {
      for (const frame of this.reports) {
        if (frame.report === 'task' && frame.task.task_id === taskId && frame.task.state === 'exited')
          return frame.task;
      }
      return undefined;
    });
  }

  /** Waits for the first byte of a task's output, with which a script says how far it has come. */
  async spoken(taskId: string): Promise<void> {
    await waitFor(`output of ${taskId}`, async () => {
      const { ok } = await this.request('read', { task_id: taskId, stream: 'stdout', offset: 0, limit: 1 });
      return ok.end > 0;
    });
  }

  /** All output from the beginning of what is kept, as soon as the task has exited. */
  async output(taskId: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
    const parts: Buffer[] = [];
    for (let offset = 0; ; ) {
      const { ok, binary } = await this.request('read', { task_id: taskId, stream, offset, limit: 1 << 18 });
      parts.push(binary);
      offset = ok.offset + binary.length;
      if (ok.eof) return Buffer.concat(parts).toString();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  end(): void {
    this.socket.destroy();
  }

  #receive(message: unknown, binary: Buffer): void {
    const frame = message as { re?: number; ok?: unknown; error?: AgentFailure } | ReportFrame;
    if ('report' in frame) {
      this.reports.push(frame);
      return;
    }
    const pending = this.#pending.get(frame.re ?? 0);
    this.#pending.delete(frame.re ?? 0);
    if (frame.error !== undefined) pending?.reject(new Refusal(frame.error));
    else pending?.resolve({ ok: frame.ok, binary });
  }
}

/** An order for a shell script, with what a test changes. */
export function order(name: string, script: string, changes: Partial<TaskOrder> = {}): TaskOrder {
  return {
    task_id: `run/${name}/n1/1`,
    run_id: 'run',
    block: name,
    attempt: 1,
    path: '/bin/sh',
    args: ['-c', script],
    env: {},
    max_output_bytes: 1 << 20,
    ...changes,
  };
}
