/** What the agent is told when it is started: `--dir DIR --socket PATH --bundle HASH` and its environment. */
import { dirname } from 'node:path';
import { SHELL_VARIABLES } from '../drivers/tasks/shell-mark.ts';

/** Without controller and running task for so long, the agent removes everything of it and ends. */
const IDLE_MS = 120_000;
/** Longest time without a byte of a download. */
const STALL_MS = 30_000;

/** Variables that are for the agent alone, or mark what another agent started; its own programs do not get them. */
const INTERNAL = ['PLUSH_IDLE_MS', 'PLUSH_STALL_MS', ...SHELL_VARIABLES];

export interface Settings {
  /** The node's own folder. */
  readonly dir: string;
  /** Unix socket to listen on. */
  readonly socket: string;
  /** Content hash of the bundle that runs. */
  readonly bundle: string;
  /** Folder of the bundle, which all agents of the machine and account share. */
  readonly cache: string;
  /** The node's name, where it is told. */
  readonly node?: string;
  readonly idleMs: number;
  readonly stallMs: number;
  /** Environment for programs. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * @param file the bundle that runs
 * @throws Error that says what is missing
 */
export function readSettings(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const option = (name: string): string => {
    const value = args[args.indexOf(name) + 1];
    if (!args.includes(name) || value === undefined || value === '')
      throw new Error(`The option ${name} is missing`);
    return value;
  };
  const node = env.PLUSH_NODE;
  const rest = { ...env };
  for (const name of INTERNAL) delete rest[name];
  return {
    dir: option('--dir'),
    socket: option('--socket'),
    bundle: option('--bundle'),
    cache: dirname(file),
    ...(node === undefined || node === '' ? {} : { node }),
    idleMs: milliseconds(env.PLUSH_IDLE_MS, IDLE_MS),
    stallMs: milliseconds(env.PLUSH_STALL_MS, STALL_MS),
    env: rest,
  };
}

function milliseconds(text: string | undefined, byDefault: number): number {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : byDefault;
}
