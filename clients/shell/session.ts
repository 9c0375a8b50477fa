/** How a command comes by its daemon: finds the one that runs, or starts one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Daemon } from './daemon.ts';
import { CommandError, EXIT } from './failure.ts';
import type { DaemonOptions } from './options.ts';
import { type PrivateDaemon, readStart, rereadDirectory, startPrivateDaemon } from './private-daemon.ts';
import type { Terminal } from './terminal.ts';

/** How long a daemon may take to act on a directory that has changed. */
const REREAD_LIMIT_MS = 3_000;
const POLL_MS = 50;

/**
 * What a command does when no daemon runs: `keep` starts one that stays, `borrow` starts one and stops it afterwards,
 * `none` fails.
 */
export type Need = 'keep' | 'borrow' | 'none';

/** Everything a command is given. */
export interface Context {
  readonly terminal: Terminal;
  readonly options: DaemonOptions;
  /** Absolute path of bin/plushd. */
  readonly daemonProgram: string;
}

/**
 * Runs `work` with a daemon.
 *
 * @param appsDir --apps of a daemon that has to be started
 * @throws CommandError when there is no daemon, and PlushFault, RefusedError or UnreachableError out of `work`
 */
export async function withDaemon<T>(
  context: Context,
  need: Need,
  work: (daemon: Daemon) => Promise<T>,
  appsDir: string = process.cwd(),
): Promise<T> {
  const { options, terminal } = context;
  refuseUseless(options);
  const found = await Daemon.find(options);
  if (found !== undefined) {
    await checkPassed(context, found);
    return work(found);
  }
  if (need === 'none') {
    throw new CommandError(
      `No plushd runs on the state folder ${options.stateDir}. \`plush run\` starts one`,
    );
  }
  const started = await startPrivateDaemon(context.daemonProgram, options, appsDir);
  const daemon = await Daemon.find(options);
  if (daemon === undefined) {
    throw new CommandError(`plushd was started on ${options.stateDir} and is gone again. See its plushd.log`);
  }
  if (need === 'keep' && started !== undefined) {
    const where = `on ${options.stateDir}`;
    terminal.remark(
      `Started plushd (pid ${started.pid}) ${where}; it keeps running. Stop it with: plush call plushQuit`,
    );
  }
  try {
    return await work(daemon);
  } finally {
    if (need === 'borrow' && started !== undefined) await giveBack(daemon, started);
  }
}

/** Runs `work` with a daemon that knows nothing, on a state folder that is gone afterwards. @throws as `withDaemon` */
export async function withOwnDaemon<T>(context: Context, work: (daemon: Daemon) => Promise<T>): Promise<T> {
  const stateDir = mkdtempSync(join(tmpdir(), 'plush-'));
  const options = { stateDir, passed: {} };
  try {
    const started = await startPrivateDaemon(context.daemonProgram, options, stateDir, environmentOfOthers());
    try {
      const daemon = await Daemon.find(options);
      if (daemon === undefined) throw new CommandError('plushd was started and is gone again');
      return await work(daemon);
    } finally {
      await started?.stop();
    }
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** The environment without what is said there about another plushd. */
function environmentOfOthers(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PLUSH_')));
}

/** Runs that somebody started meanwhile, or that were under way, keep their daemon. */
async function giveBack(daemon: Daemon, started: PrivateDaemon): Promise<void> {
  let active = false;
  try {
    const { runs } = await daemon.call('plushInfoControl');
    active = ['deploying', 'running', 'ending'].some((state) => (runs[state] ?? 0) > 0);
  } catch {
    // It does not answer, so it is no use to anybody.
  }
  if (!active) await started.stop();
}

function refuseUseless({ url, passed }: DaemonOptions): void {
  const flags = Object.keys(passed);
  if (url === undefined || flags.length === 0) return;
  throw new CommandError(
    `${flags.join(' and ')} is for a plushd that plush starts, and --url names one that runs. Leave one of them out`,
    EXIT.usage,
  );
}

/** An option for a daemon is no use when one runs already, unless that one has it. */
async function checkPassed({ options, terminal }: Context, daemon: Daemon): Promise<void> {
  const { pid } = daemon;
  if (pid === undefined) return;
  const record = readStart(options.stateDir, pid);
  const given = Object.entries(options.passed);
  const other = given.filter(([flag, value]) => record?.passed[flag] !== value).map(([flag]) => flag);
  const sentence = `plushd (pid ${pid}) runs already on ${options.stateDir}`;
  if (other.length > 0 && record !== undefined) {
    throw new CommandError(
      `${sentence}, started with another ${other.join(' and ')}. Stop it with \`plush call plushQuit\`, or use another --state`,
      EXIT.usage,
    );
  }
  if (other.length > 0) terminal.remark(`${sentence}, so ${other.join(' and ')} is not used`);
  if (record === undefined) return;
  const { last } = await daemon.call('plushGetEvents', { after: -1 });
  if (rereadDirectory(options, record)) await untilNodesChange(daemon, last);
}

/** A directory that differs in nothing but its date changes no node, hence the limit. */
async function untilNodesChange(daemon: Daemon, after: number): Promise<void> {
  const deadline = performance.now() + REREAD_LIMIT_MS;
  while (performance.now() < deadline) {
    const { events } = await daemon.call('plushGetEvents', { after, topics: ['node'] });
    if (events.length > 0) return;
    await sleep(POLL_MS);
  }
}
