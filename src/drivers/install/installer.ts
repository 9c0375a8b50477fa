/** Installs software in a run's working folder: fetch or take the package, check it, unpack it, run its command. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { PackageSpec, SoftwareSpec } from '../../../api/spec.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import { readJson, writeAtomic } from '../files/atomic.ts';
import type { RunFolders } from '../files/run-folders.ts';
import { checkPackage, sha256OfFile } from './check.ts';
import type { CommandOptions } from './command.ts';
import { explainNoRoom } from './room.ts';
import { workFile } from './work-file.ts';

export interface InstallerOptions {
  readonly folders: RunFolders;
  /** Environment of install commands. */
  readonly env: NodeJS.ProcessEnv;
  /** Longest time without a byte of a download. */
  readonly stallMs: number;
  /** Throws for a run that must not be installed any more. */
  readonly refuse: (runId: string) => void;
}

/** What `installed.json` says: a run is installed when it names the same software. */
interface Installed {
  readonly software: readonly SoftwareSpec[];
  readonly bytes: number;
}

interface UnderWay {
  readonly wanted: string;
  readonly done: Promise<number>;
  readonly abort: AbortController;
}

export class Installer {
  readonly #underWay = new Map<string, UnderWay>();

  constructor(private readonly options: InstallerOptions) {}

  /** Whether any installation is under way. */
  get busy(): boolean {
    return this.#underWay.size > 0;
  }

  /** Runs whose installation is complete. */
  installed(): string[] {
    return this.options.folders.list().filter((runId) => this.#read(runId) !== undefined);
  }

  /**
   * Installs, or joins the same installation under way, or answers at once after success. Another list of software for the
   * same run waits for its turn.
   *
   * @returns bytes of all packages. @throws AgentError with the cause
   */
  async install(runId: string, software: readonly SoftwareSpec[]): Promise<number> {
    const wanted = JSON.stringify(software);
    for (let other = this.#underWay.get(runId); other !== undefined; other = this.#underWay.get(runId)) {
      if (other.wanted === wanted) return other.done;
      await Promise.allSettled([other.done]);
    }
    this.options.refuse(runId);
    const before = this.#read(runId);
    if (before !== undefined && JSON.stringify(before.software) === wanted) return before.bytes;
    const abort = new AbortController();
    const done = this.#install(runId, software, abort.signal).finally(() => this.#underWay.delete(runId));
    this.#underWay.set(runId, { wanted, done, abort });
    return done;
  }

  /** Breaks off a run's installation and settles when it is over. */
  async abort(runId: string): Promise<void> {
    const underWay = this.#underWay.get(runId);
    if (underWay === undefined) return;
    underWay.abort.abort();
    await Promise.allSettled([underWay.done]);
  }

  /** Breaks off all. */
  async abortAll(): Promise<void> {
    await Promise.all([...this.#underWay.keys()].map((runId) => this.abort(runId)));
  }

  #read(runId: string): Installed | undefined {
    return readJson(this.#marker(runId)) as Installed | undefined;
  }

  #marker(runId: string): string {
    return join(this.options.folders.runPath(runId), 'installed.json');
  }

  async #install(runId: string, software: readonly SoftwareSpec[], signal: AbortSignal): Promise<number> {
    const { folders } = this.options;
    let bytes = 0;
    try {
      folders.ensure(runId);
      fs.rmSync(this.#marker(runId), { force: true });
      for (const one of software) bytes += await this.#installOne(runId, one, signal);
      writeAtomic(this.#marker(runId), JSON.stringify({ software, bytes } satisfies Installed));
      return bytes;
    } catch (error) {
      if (signal.aborted)
        throw new AgentError('failed', 'The installation was broken off', {}, { cause: error });
      const explained = explainNoRoom(error, folders.dir);
      if (explained instanceof AgentError) throw explained;
      throw new AgentError('failed', `The installation failed: ${messageOf(error)}`, {}, { cause: error });
    }
  }

  async #installOne(runId: string, software: SoftwareSpec, signal: AbortSignal): Promise<number> {
    const { folders, env, stallMs } = this.options;
    const cwd = folders.workPath(runId);
    const options: CommandOptions = {
      cwd,
      env: { ...env, PLUSH_RUN: runId, PLUSH_AGENT: folders.dir },
      signal,
    };
    let bytes = 0;
    if (software.package !== undefined) {
      const file = workFile(cwd, software.package.dest_path);
      bytes =
        (await presentBytes(software.package, file)) ??
        (await fetchPackage(software.package, file, { stallMs, signal }));
      if (software.type !== 'none') await (await import('./archive.ts')).unpack(file, options);
    }
    signal.throwIfAborted();
    if (software.install !== undefined && software.install !== '')
      await runInstall(software.install, options);
    return bytes;
  }
}

/** Size of a package that is there already with the right bytes; undefined when it must be fetched. */
async function presentBytes(spec: PackageSpec, file: string): Promise<number | undefined> {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return undefined;
  if (spec.type === 'web' && spec.sha256 === undefined) return undefined;
  const found = spec.sha256 === undefined ? {} : { sha256: await sha256OfFile(file) };
  try {
    checkPackage(spec, { size: stat.size, ...found });
    return stat.size;
  } catch (error) {
    // A wrong file of type web is fetched again; of type scp nobody but the controller can bring a right one.
    if (spec.type === 'web') return undefined;
    throw error;
  }
}

async function fetchPackage(
  spec: PackageSpec,
  file: string,
  options: { stallMs: number; signal: AbortSignal },
): Promise<number> {
  if (spec.type === 'web') return (await import('./download.ts')).download(spec, file, options);
  throw new AgentError('failed', `The package ${spec.name} was not handed over before its installation`);
}

async function runInstall(command: string, options: CommandOptions): Promise<void> {
  const { runCommand } = await import('./command.ts');
  const { tail, ...status } = await runCommand('/bin/sh', ['-c', command], options);
  if (status.exit_code === 0) return;
  const how = status.signal === undefined ? `exit code ${status.exit_code}` : `signal ${status.signal}`;
  throw new AgentError('install_failed', `The install command ended with ${how}`, {
    command,
    ...status,
    stderr_tail: tail,
  });
}
