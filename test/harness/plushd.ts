/** plushd as a real process from its real build, driven over JSON-RPC, and all that it starts. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { MethodName, ParamsOf, ResultOf } from '../../api/methods.ts';
import { sweepBase } from './control-groups.ts';
import { commandLine, killProcess, processesOf } from './processes.ts';
import type { Scratch } from './scratch.ts';
import type { Sshd } from './sshd.ts';
import { waitFor } from './wait.ts';

/** Bundled into a benchmark it has no folder of its own; those run in the project's. */
const ROOT = typeof __dirname === 'undefined' ? process.cwd() : join(__dirname, '..', '..');
const BUILD_TIMEOUT_MS = 120_000;
const READY_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 20_000;
const RUN_TIMEOUT_MS = 60_000;
const FINAL = ['succeeded', 'failed', 'aborted'] as const;

export interface PlushdOptions {
  /** Holds the state folder `state`, the applications `apps`, and the log. */
  readonly scratch: Scratch;
  /** Server whose key is used for nodes of type ssh. Start it with `NODE_BASE`. */
  readonly sshd?: Pick<Sshd, 'identityFile'>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A fault of the API, with its number and its symbol. */
export class CallFault extends Error {
  constructor(
    readonly code: number,
    readonly symbol: string,
    message: string,
  ) {
    super(message);
  }
}

/** The line of sshd's configuration that keeps what Plush puts on nodes inside the scratch folder. */
export function nodeBase(scratch: Scratch): string {
  return `SetEnv PLUSH_BASE=${scratch.dir}/n`;
}

let built: Promise<unknown> | undefined;

/** Makes dist/ where it is older than the sources; once in a test file. */
export function buildPlush(): Promise<unknown> {
  const code = `import('./scripts/setup.mjs').then(({ setUp }) => setUp({ build: true }))`;
  built ??= promisify(execFile)(process.execPath, ['-e', code], { cwd: ROOT, timeout: BUILD_TIMEOUT_MS });
  return built;
}

/** Ran until its end: for options that it refuses. */
export async function runPlushd(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<End & { stdout: string; stderr: string }> {
  await buildPlush();
  const child = spawnPlushd(args, env);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS);
  const end = await new Promise<End>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  clearTimeout(timer);
  return { ...end, stdout, stderr };
}

function spawnPlushd(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const { SSH_AUTH_SOCK: _agent, ...inherited } = process.env;
  return spawn(process.execPath, [join(ROOT, 'bin/plushd'), ...args], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Starts plushd over the state folder in `scratch` and waits until it serves. */
export async function startPlushd(options: PlushdOptions): Promise<Plushd> {
  await buildPlush();
  const plushd = new Plushd(options);
  await plushd.restart();
  return plushd;
}

export class Plushd {
  url = '';
  token = '';
  /** Resolves when the newest process has ended. */
  exited: Promise<End> = Promise.resolve({ code: null, signal: null });
  /** The line printed on standard output. */
  ready: { readonly ready: boolean; readonly url: string; readonly token_file: string; readonly pid: number };
  readonly #options: PlushdOptions;
  readonly #log: string;
  #process: ChildProcess | undefined;
  #lastId = 0;

  constructor(options: PlushdOptions) {
    this.#options = options;
    this.#log = options.scratch.path('plushd.log');
    this.ready = { ready: false, url: '', token_file: '', pid: 0 };
    mkdirSync(options.scratch.path('apps'), { recursive: true });
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it (again) over the same state folder. @throws Error with the end of its log when it ends instead */
  async restart(): Promise<void> {
    const { scratch, sshd, args = [], env = {} } = this.#options;
    const own = [
      ...[
        '--listen',
        '127.0.0.1:0',
        '--state',
        join(scratch.dir, 'state'),
        '--apps',
        join(scratch.dir, 'apps'),
      ],
      ...(sshd === undefined ? [] : ['--ssh-identity', sshd.identityFile, '--ssh-host-keys', 'accept-new']),
    ];
    const child = spawnPlushd([...own, ...args], env);
    this.#process = child;
    child.stderr?.on('data', (bytes: Buffer) => appendFileSync(this.#log, bytes));
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.ready = JSON.parse(await firstLine(child, this)) as Plushd['ready'];
    this.url = this.ready.url.replace(/\/$/, '');
    this.token = readFileSync(this.ready.token_file, 'utf8').trim();
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<End> {
    this.#process?.kill(signal);
    return this.exited;
  }

  /** Calls a method over JSON-RPC. @throws CallFault; Error when the daemon cannot be reached */
  async call<M extends MethodName>(method: M, ...params: ParamsOf<M>): Promise<ResultOf<M>> {
    this.#lastId += 1;
    const response = await fetch(`${this.url}/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.token}` },
      body: JSON.stringify({ jsonrpc: '2.0', id: this.#lastId, method, params }),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    if (response.status !== 200) throw new Error(`${method} was answered with HTTP ${response.status}`);
    const { result, error } = (await response.json()) as {
      result?: ResultOf<M>;
      error?: { code: number; message: string; data?: { code?: string } };
    };
    if (error !== undefined) throw new CallFault(error.code, error.data?.code ?? '', error.message);
    return result as ResultOf<M>;
  }

  /** All that the daemon wrote to standard error so far, over all its starts. */
  logText(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : '';
  }

  /** Adds nodes of type local, `count` of them named PREFIX-1 and up; returns their names. */
  async addLocalNodes(count: number, group = 'lab', prefix = 'node'): Promise<string[]> {
    const names = Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`);
    for (const hostname of names) await this.call('plushAddNode', { hostname, type: 'local', group });
    return names;
  }

  /** Adds the nodes at a server's addresses; returns their names. */
  async addSshNodes(sshd: Sshd, group = 'lab'): Promise<string[]> {
    for (const hostname of sshd.addresses) {
      await this.call('plushAddNode', { hostname, ssh_port: sshd.port, user: sshd.user, group });
    }
    return [...sshd.addresses];
  }

  /** Loads a specification and starts a run of it; returns the run's id. */
  async run(xml: string): Promise<string> {
    const app = await this.call('plushLoadAppXml', xml);
    return this.call('plushStartRun', { app });
  }

  /** Waits until the run is in one of the states; a run that has ended otherwise is an error with its explanation. */
  async waitRun(
    run: string,
    states: readonly string[] = ['succeeded'],
    timeoutMs = RUN_TIMEOUT_MS,
  ): Promise<ResultOf<'plushGetRun'>> {
    let last: ResultOf<'plushGetRun'> | undefined;
    try {
      await waitFor(
        `run ${run} to be ${states.join(' or ')}`,
        async () => {
          last = await this.call('plushGetRun', run);
          return states.includes(last.state) || (FINAL as readonly string[]).includes(last.state);
        },
        timeoutMs,
      );
    } catch (error) {
      throw new Error(`${String(error)}: ${JSON.stringify(last)}\n${this.logText().slice(-2_000)}`, {
        cause: error,
      });
    }
    if (last !== undefined && states.includes(last.state)) return last;
    throw new Error(`Run ${run} ended otherwise: ${JSON.stringify(await this.call('plushExplain', run))}`);
  }

  /** All events so far after a sequence number. */
  async events(after = 0): Promise<{ seq: number; type: string; [member: string]: unknown }[]> {
    const events: { seq: number; type: string; [member: string]: unknown }[] = [];
    for (let last = after; ; ) {
      const page = await this.call('plushGetEvents', { after: last, limit: 1000 });
      events.push(...(page.events as typeof events));
      last = page.last;
      if (!page.more) return events;
    }
  }

  /** All that is kept of a task's output, once it is complete. */
  async output(
    run: string,
    node: string,
    page: { stream?: 'stdout' | 'stderr'; task?: string; limit?: number } = {},
  ): Promise<string> {
    let text = '';
    let offset = 0;
    await waitFor(`the output of ${node} to end`, async () => {
      const piece = await this.call('plushGetOutput', run, node, { ...page, offset });
      text += piece.data;
      offset = piece.end;
      return piece.eof;
    });
    return text;
  }

  /**
   * Live processes of this test whose environment has all of the given variables, such as PLUSH_RUN or PLUSH_NODE; tests that
   * run beside it have nodes of the same names.
   */
  processes(variables: Readonly<Record<string, string>>): number[] {
    return processesOf(this.#options.scratch.dir, variables);
  }

  /** Pid of the agent of a node; undefined when none lives. */
  agentPid(node: string): number | undefined {
    return this.processes({ PLUSH_NODE: node }).find((pid) =>
      commandLine(pid)?.some((word) => /\/agent-[0-9a-f]+\.cjs$/.test(word)),
    );
  }

  /** Kills the daemon, all agents and all they started. */
  async close(): Promise<void> {
    await this.kill('SIGKILL');
    await waitFor('all processes of the test to end', () => {
      const left = processesOf(this.#options.scratch.dir);
      for (const pid of left) killProcess(pid);
      return left.length === 0;
    });
    sweepBase(this.#options.scratch.path('n'));
  }
}

async function firstLine(child: ChildProcess, plushd: Plushd): Promise<string> {
  if (child.stdout === null) throw new Error('plushd has its output piped');
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`plushd ${why}: ${plushd.logText().slice(-2_000)}`));
    const timer = setTimeout(() => fail('did not get ready'), READY_TIMEOUT_MS);
    lines.once('line', (line) => {
      clearTimeout(timer);
      resolve(line);
    });
    child.once('close', () => {
      clearTimeout(timer);
      fail('ended before it was ready');
    });
  });
}
