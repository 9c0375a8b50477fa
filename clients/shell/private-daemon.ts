/** Starts a plushd of one's own on a state folder, for a person who has none running. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { readJsonFile } from '../typescript/endpoint.ts';
import { sentenceOf } from '../typescript/fault.ts';
import { isAlive } from './daemon.ts';
import { CommandError, EXIT } from './failure.ts';
import { type DaemonOptions, environmentName, PASSED_OPTIONS } from './options.ts';
import { plain } from './wording.ts';

const LOG_FILE = 'plushd.log';
/** A larger log is moved aside before the next start, to plushd.log.1. */
const MAX_LOG_BYTES = 16 << 20;
/** What is read of the log when the start failed. */
const LOG_TAIL_BYTES = 8192;
const LOG_TAIL_LINES = 3;

/** A journal of millions of facts takes a while to be read. */
const START_LIMIT_MS = 60_000;
/** Another plushd that holds the folder, but does not serve yet, is waited for so long. */
const RIVAL_LIMIT_MS = 10_000;
const POLL_MS = 100;
/** A daemon that was asked to stop has nothing to wait for. */
const STOP_LIMIT_MS = 10_000;

/** Largest body of a request that it takes: the largest specification as JSON, many times over. */
const MAX_BODY_BYTES = 64 << 20;

/** Beside the folder's lock: who holds it. */
const HOLDER_FILE = 'lock.pid';
/** With which options plush started the daemon. */
const STARTED_FILE = 'plush-started.json';

/** A daemon that this process started. */
export interface PrivateDaemon {
  readonly pid: number;
  /** Stops it cleanly; runs go on without it. Returns when it is gone, or too slow to be waited for. */
  stop(): Promise<void>;
}

/** How the daemon of a folder was started by plush. */
export interface StartRecord {
  readonly pid: number;
  readonly passed: Readonly<Record<string, string>>;
  /** Time of change of the directory file that the daemon has read. */
  readonly directory_mtime_ms?: number;
}

/**
 * Starts `program` (bin/plushd) on the state folder and returns when it serves. It has its own session, so that it
 * outlives this process and hears no Ctrl-C.
 *
 * @param appsDir its --apps, unless the options have one
 * @param env its environment, in which paths are meant from our own folder
 * @returns undefined when another plushd holds the folder by now and serves
 * @throws CommandError with the end of its log when it does not come up
 */
export async function startPrivateDaemon(
  program: string,
  options: DaemonOptions,
  appsDir: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<PrivateDaemon | undefined> {
  const { stateDir } = options;
  if (!existsSync(program)) {
    throw new CommandError(`${program} is missing: run \`npm run build\` in the checkout of Plush`);
  }
  const log = openLog(stateDir);
  try {
    const before = fstatSync(log).size;
    const child = launch(program, options, appsDir, env, log);
    const end = await untilServing(child);
    if (end === undefined) {
      recordStart(options, child.pid ?? 0);
      return { pid: child.pid ?? 0, stop: () => stop(child) };
    }
    if (await rivalServes(stateDir, child.pid)) return undefined;
    const told = logTail(stateDir, before);
    const sentence = told === '' ? `plushd could not be started: ${end}` : told;
    const code = child.exitCode === EXIT.usage ? EXIT.usage : EXIT.failed;
    throw new CommandError(`${sentence} (its log: ${join(stateDir, LOG_FILE)})`, code);
  } finally {
    closeSync(log);
  }
}

/** Folder by folder: Node's recursive mkdir never returns where no folder can be made below one that is there, as in /proc. */
function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  }
}

function openLog(stateDir: string): number {
  const path = join(stateDir, LOG_FILE);
  try {
    makeFolder(stateDir);
    if (existsSync(path) && statSync(path).size > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    const sentence = `The state folder ${stateDir} cannot be written (${sentenceOf(error)}). Give another one with --state`;
    throw new CommandError(sentence, EXIT.failed, { cause: error });
  }
}

function launch(
  program: string,
  options: DaemonOptions,
  appsDir: string,
  env: NodeJS.ProcessEnv,
  log: number,
): ChildProcess {
  const passed = {
    '--listen': '127.0.0.1:0',
    '--state': options.stateDir,
    ...(env[environmentName('--apps')] === undefined ? { '--apps': appsDir } : {}),
    ...(isSet(options, env, '--max-body') ? {} : { '--max-body': String(MAX_BODY_BYTES) }),
    ...(options.tokenFile === undefined ? {} : { '--token-file': options.tokenFile }),
    ...options.passed,
  };
  return spawn(process.execPath, [program, ...Object.entries(passed).flat()], {
    // Not the folder of the caller, which may be gone long before the daemon is.
    cwd: options.stateDir,
    env: { ...env, ...absolutePaths(env) },
    detached: true,
    stdio: ['ignore', 'pipe', log],
  });
}

/** Whether somebody else may have set an option: a file of options may have any. */
function isSet({ passed }: DaemonOptions, env: NodeJS.ProcessEnv, flag: string): boolean {
  const has = (name: string) => passed[name] !== undefined || env[environmentName(name)] !== undefined;
  return has(flag) || has('--config');
}

/** Paths in the environment are meant from the caller's folder. */
function absolutePaths(env: NodeJS.ProcessEnv): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { flag, isPath } of PASSED_OPTIONS) {
    const path = env[environmentName(flag)];
    if (isPath && path !== undefined && path !== '') found[environmentName(flag)] = resolve(path);
  }
  return found;
}

/** Undefined once it serves; else what became of it. */
async function untilServing(child: ChildProcess): Promise<string | undefined> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const { stdout } = child;
  if (stdout === null) return 'it has no stdout';
  const lines = createInterface({ input: stdout });
  try {
    return await Promise.race([
      once(lines, 'line', { signal }).then(([line]) =>
        isReadyLine(String(line)) ? undefined : `it said ${JSON.stringify(line)}`,
      ),
      once(child, 'exit', { signal }).then(([code, by]) => `it ended with ${code ?? by}`),
      sleep(START_LIMIT_MS, undefined, { signal }).then(() => {
        child.kill('SIGTERM');
        return `it did not serve within ${START_LIMIT_MS / 1000} s`;
      }),
    ]);
  } catch (error) {
    return sentenceOf(error); // it could not be spawned
  } finally {
    waiting.abort();
    lines.close();
    stdout.destroy();
    child.unref();
  }
}

function isReadyLine(line: string): boolean {
  try {
    return (JSON.parse(line) as { ready?: unknown } | null)?.ready === true;
  } catch {
    return false; // some other line
  }
}

/** Whether another process holds the folder and comes to serve: two commands at once both try to start one. */
async function rivalServes(stateDir: string, ownPid: number | undefined): Promise<boolean> {
  const deadline = performance.now() + RIVAL_LIMIT_MS;
  while (performance.now() < deadline) {
    const holder = readJsonFile(join(stateDir, HOLDER_FILE));
    if (typeof holder !== 'number' || holder === ownPid || !isAlive(holder)) return false;
    if (existsSync(join(stateDir, 'plushd.json'))) return true;
    await sleep(POLL_MS);
  }
  return false;
}

/** The last lines that the daemon logged since `from`, as sentences. */
function logTail(stateDir: string, from: number): string {
  const file = openSync(join(stateDir, LOG_FILE), 'r');
  try {
    const start = Math.max(from, fstatSync(file).size - LOG_TAIL_BYTES);
    const bytes = Buffer.alloc(LOG_TAIL_BYTES);
    const text = bytes.subarray(0, readSync(file, bytes, 0, LOG_TAIL_BYTES, start)).toString();
    return sentencesInLog(text);
  } finally {
    closeSync(file);
  }
}

/** The last sentences of a log. Of a stack trace, what stands above it. */
export function sentencesInLog(text: string): string {
  const lines = text.split('\n');
  const isFrame = (line: string) => /^\s+at |^Node\.js v/.test(line);
  const error = lines.some(isFrame)
    ? lines.find((line) => /^(Uncaught )?\w*Error\b.*: /.test(line))
    : undefined;
  if (error !== undefined) return plain(error);
  return lines
    .map(sentenceInLog)
    .filter((line) => line !== '')
    .slice(-LOG_TAIL_LINES)
    .join(' ');
}

/** A log line is JSON with `msg`, or a plain sentence. */
function sentenceInLog(line: string): string {
  try {
    const value = JSON.parse(line) as { msg?: unknown; err?: { message?: unknown } } | null;
    const parts = [value?.msg, value?.err?.message].filter((part) => typeof part === 'string');
    if (parts.length > 0) return plain([...new Set(parts)].join(': '));
  } catch {
    // Not JSON: the line itself says it.
  }
  return plain(line)
    .trim()
    .replace(/^plushd: /, '');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const gone = once(child, 'exit', { signal: AbortSignal.timeout(STOP_LIMIT_MS) });
  child.kill('SIGTERM');
  try {
    await gone;
  } catch {
    child.unref(); // it takes its time; the next command finds it, or its end
  }
}

function recordStart(options: DaemonOptions, pid: number): void {
  const directory = options.passed['--directory'];
  const mtime = directory === undefined ? undefined : mtimeOf(directory);
  const record: StartRecord = {
    pid,
    passed: options.passed,
    ...(mtime === undefined ? {} : { directory_mtime_ms: mtime }),
  };
  writeFileSync(join(options.stateDir, STARTED_FILE), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** How plush started the daemon `pid`; undefined when somebody else did. */
export function readStart(stateDir: string, pid: number): StartRecord | undefined {
  const record = readJsonFile(join(stateDir, STARTED_FILE)) as Partial<StartRecord> | undefined;
  return record?.pid === pid && record.passed !== undefined ? (record as StartRecord) : undefined;
}

/**
 * Has a daemon that plush started read its directory file again if that has changed since.
 * @returns whether it was asked to
 */
export function rereadDirectory(options: DaemonOptions, record: StartRecord): boolean {
  const directory = record.passed['--directory'];
  if (directory === undefined || mtimeOf(directory) === record.directory_mtime_ms) return false;
  process.kill(record.pid, 'SIGHUP');
  recordStart({ ...options, passed: record.passed }, record.pid);
  return true;
}

function mtimeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
