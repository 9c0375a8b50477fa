/**
 * Control groups (cgroups(7), version 2), where the agent may make them, as root mostly. A task's group holds every process that comes of it, also one
 * that left its session, cleared its environment and lost its parent; and asking it costs one read, not a look at the whole machine.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../agent-error.ts';
import { type ProcessInfo, readProcess } from './processes.ts';

const PROCS = 'cgroup.procs';
const PREFIX = 'plush-';
/** An empty group this old is nobody's. */
const FORGOTTEN_MS = 10 * 60_000;
const HASH_CHARS = 16;
/** How often a group that is not empty is looked at again. */
const MAX_LOOKS = 50;
const REMOVE_TRIES = 20;
const REMOVE_PAUSE_MS = 20;

export class Cgroups {
  readonly #prefix: string;
  /** Where groups are made; undefined until asked, null where none can be. */
  #base: string | null | undefined;

  /** @param dir the agent's folder, by which its groups are told from those of others */
  constructor(dir: string) {
    this.#prefix = `${PREFIX}${hash(dir)}-`;
  }

  /** Makes a task's group; undefined where that cannot be. Nobody is in it yet. */
  async make(taskId: string): Promise<string | undefined> {
    this.#base ??= findBase();
    if (this.#base === null) return undefined;
    const path = join(this.#base, this.#prefix + hash(taskId));
    try {
      // The kernel changes one group at a time: this may have to wait for others.
      await fs.promises.mkdir(path);
      return path;
    } catch {
      // Not ours to make here, or no more may be made: tasks are found without.
      return undefined;
    }
  }

  /**
   * Removes empty groups: those of an agent before this one, and old ones of agents whose machine or folder went without them. One
   * that loses its group before anybody is in it finds its processes without.
   */
  sweep(): void {
    this.#base ??= findBase();
    if (this.#base === null) return;
    for (const name of fs.readdirSync(this.#base)) {
      const group = join(this.#base, name);
      if (name.startsWith(this.#prefix) || (name.startsWith(PREFIX) && isOld(group))) removeGroup(group);
    }
  }
}

function isOld(group: string): boolean {
  const stat = fs.statSync(group, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > FORGOTTEN_MS;
}

/** Live processes of a group; none where there is no such group. */
export function processesIn(group: string): ProcessInfo[] {
  for (let looks = 0; ; looks += 1) {
    const found = pidsIn(group).flatMap((pid) => readProcess(pid) ?? []);
    // Where one starts the next and ends, it may be gone before it is looked at.
    if (found.length > 0 || looks >= MAX_LOOKS || !isPopulated(group)) return found;
  }
}

/** Whether anybody lives in a group, or in one below it. */
export function isPopulated(group: string): boolean {
  return /^populated 1$/m.test(readIn(group, 'cgroup.events'));
}

/** Process ids of a group. */
export function pidsIn(group: string): number[] {
  const lines = readIn(group, PROCS).split('\n');
  return lines.filter((line) => line !== '').map(Number);
}

function readIn(group: string, name: string): string {
  try {
    return fs.readFileSync(join(group, name), 'latin1');
  } catch {
    return ''; // It is gone, and so is everybody in it.
  }
}

/** Removes a group if nobody is in it any more. @returns whether it is gone */
export function removeGroup(group: string): boolean {
  try {
    fs.rmdirSync(group);
    return true;
  } catch (error) {
    return errorCode(error) === 'ENOENT';
  }
}

/** Removes groups whose processes have ended; the kernel may hold on to them for a moment longer. */
export async function removeGroups(groups: readonly string[]): Promise<void> {
  let left = await triedToRemove(groups);
  for (let tries = 0; left.length > 0 && tries < REMOVE_TRIES; tries += 1) {
    await pause(REMOVE_PAUSE_MS);
    left = await triedToRemove(left);
  }
}

/** One after another, which is how the kernel does it. @returns those that are still there */
async function triedToRemove(groups: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const group of groups) {
    try {
      await fs.promises.rmdir(group);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') left.push(group);
    }
  }
  return left;
}

/** The agent's own group, if groups can be made in it. */
function findBase(): string | null {
  try {
    const own = /^0::(\/.*)$/m.exec(fs.readFileSync('/proc/self/cgroup', 'latin1'))?.[1];
    const mounts = fs.readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
    const mount = mounts.map((line) => /^\S+ \S+ \S+ (\S+) (\S+) .* - cgroup2 /.exec(line)).find(Boolean);
    // A mount of a part of the tree, or a group outside of what this process sees, is left alone.
    if (own === undefined || !mount || mount[1] !== '/' || own.includes('..')) return null;
    const base = join(mount[2] as string, own);
    fs.accessSync(base, fs.constants.W_OK);
    return fs.existsSync(join(base, PROCS)) ? base : null;
  } catch {
    return null; // Not Linux, no version 2, or not ours.
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARS);
}
