/**
 * Starts a task's program under its wrapper: a shell that leads a session of its own, outlives the agent, and writes down
 * how the program ended. The program's output goes to files directly.
 */
import { type StdioOptions, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { LogOrder, StreamName } from '../../wire/agent.ts';
import { AgentError, isNoRoom, messageOf } from '../agent-error.ts';
import { monotonicMs } from '../clock.ts';
import { linkInto } from '../files/work-file.ts';
import type { TaskFolder } from './task-folder.ts';

/**
 * Arguments: the task's folder, its control group or nothing, the program, its arguments. Nothing of these is ever parsed by a
 * shell. The wrapper enters the group before all else, and notes it when it is in.
 * The outer shell catches the signals that a program may send to its group; a trap with a command, unlike an ignored
 * signal, is not inherited, so the program gets defaults. Its own stderr goes nowhere: what it says about a killed child
 * is not the program's output. The inner shell becomes the program, which makes the pid in `pid` the program's.
 */
const WRAPPER = `d=$1; g=$2; shift 2
test -z "$g" || { echo $$ >"$g/cgroup.procs" && printf %s "$g" >"$d/cgroup"; } 2>/dev/null
trap : HUP INT QUIT ALRM TERM USR1 USR2 PIPE
echo $$ >"$d/wrapper"
exec 3>&2 2>/dev/null
/bin/sh -c 'echo $$ >"$1/pid"; shift; exec "$@" 2>&3 3>&-' plush-task "$d" "$@"
s=$?
echo $s >"$d/exit"
exit $s`;

/** How long the program may take to appear; a machine that swaps is slow. */
const APPEAR_MS = 10_000;
const APPEAR_PAUSE_MIN_MS = 1;
const APPEAR_PAUSE_MAX_MS = 50;

export interface Launch {
  readonly folder: TaskFolder;
  /** Control group to run in. */
  readonly group: string | undefined;
  readonly program: string;
  readonly args: readonly string[];
  /** Text of the standard input. */
  readonly stdin?: string | undefined;
  readonly log: LogOrder;
  /** The run's working folder, in which outputs may have names of their own. */
  readonly work: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Called once when the wrapper has ended: with its status, which is the program's, or with the signal that killed it. */
  readonly onExit: (status: number | undefined, signal: NodeJS.Signals | undefined) => void;
}

/** @returns the wrapper's pid, as soon as it runs. @throws AgentError disk_full, start_failed */
export async function launch(options: Launch): Promise<number> {
  const files: number[] = [];
  try {
    const outputs = (['stdout', 'stderr'] as const).map((name) => openOutput(options, name, files));
    return await spawnWrapper(options, [openInput(options, files), ...outputs]);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const code = isNoRoom(error) ? 'disk_full' : 'start_failed';
    throw new AgentError(code, `The program could not be started: ${messageOf(error)}`, {}, { cause: error });
  } finally {
    for (const fd of files) fs.closeSync(fd);
  }
}

/** A file that belongs to the task; a name that the specification gives it is a second one for the same file. */
function openOutput({ folder, log, work }: Launch, name: StreamName, files: number[]): number | 'ignore' {
  const { type, path } = log[name] ?? { type: 'file' };
  if (type === 'discard') return 'ignore';
  const own = join(folder.path, name);
  const file = fs.openSync(own, 'a', 0o600);
  files.push(file);
  if (path !== undefined) linkInto(work, path, own);
  return file;
}

/** A file, so that the program may read it as slowly as it likes, and without us. */
function openInput({ folder, stdin }: Launch, files: number[]): number | 'ignore' {
  if (stdin === undefined) return 'ignore';
  const path = join(folder.path, 'stdin');
  fs.writeFileSync(path, stdin, { mode: 0o600 });
  const file = fs.openSync(path, 'r');
  files.push(file);
  return file;
}

function spawnWrapper(options: Launch, stdio: StdioOptions): Promise<number> {
  const { folder, group = '', program, args, cwd, env, onExit } = options;
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', WRAPPER, 'plush-task', folder.path, group, program, ...args], {
      cwd,
      env,
      stdio,
      detached: true,
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => onExit(code ?? undefined, signal ?? undefined));
    child.once('spawn', () => {
      child.unref();
      resolve(child.pid as number);
    });
  });
}

/** The program's pid once it has appeared; undefined when the wrapper ended before, or it takes too long. */
export async function awaitProgram(folder: TaskFolder, ended: () => boolean): Promise<number | undefined> {
  const deadline = monotonicMs() + APPEAR_MS;
  for (let ms = APPEAR_PAUSE_MIN_MS; ; ms = Math.min(APPEAR_PAUSE_MAX_MS, ms * 2)) {
    const done = ended() || monotonicMs() > deadline;
    const pid = folder.readProgramPid();
    if (pid !== undefined || done) return pid;
    await pause(ms);
  }
}
