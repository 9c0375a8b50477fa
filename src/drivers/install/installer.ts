/** Installs software in a run's working folder: fetch or take the package, check it, unpack it, run its command. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { SoftwareSpec } from '../../../api/spec.ts';
import type { Progress } from '../../core/barrier/flow.ts';
import { AgentError, messageOf } from '../agent-error.ts';
import { readJson, writeAtomic } from '../files/atomic.ts';
import { removeTree } from '../files/remove-tree.ts';
import type { RunFolders } from '../files/run-folders.ts';
import type { Surroundings } from './install-one.ts';
import type { PackageCache } from './package-cache.ts';
import { TransferProgress } from './progress.ts';
import { explainNoRoom } from './room.ts';

export interface InstallerOptions {
  readonly folders: RunFolders;
  /** Environment of install commands. */
  readonly env: NodeJS.ProcessEnv;
  /** Longest time without a byte of a download. */
  readonly stallMs: number;
  /** Packages of earlier runs. */
  readonly cache: PackageCache;
  /** Throws for a run that must not be installed any more. */
  readonly refuse: (runId: string) => void;
}

/** What `begun.json` says: what must be uninstalled, whether its installation came to an end or not. */
interface Begun {
  readonly software: readonly SoftwareSpec[];
}

/** What `installed.json` says: a run is installed when it names the same software. */
interface Installed {
  readonly software: readonly SoftwareSpec[];
  readonly bytes: number;
}

/** Installed once, but what was there is there no more. */
const NOTHING: Installed = { software: [], bytes: 0 };

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
   * @param tell learns how far the packages have come
   * @returns bytes of all packages. @throws AgentError with the cause
   */
  async install(
    runId: string,
    software: readonly SoftwareSpec[],
    tell?: (progress: Progress) => void,
  ): Promise<number> {
    const wanted = JSON.stringify(software);
    for (let other = this.#underWay.get(runId); other !== undefined; other = this.#underWay.get(runId)) {
      if (other.wanted === wanted) return other.done;
      await Promise.allSettled([other.done]);
    }
    this.options.refuse(runId);
    const before = this.#read(runId);
    if (before !== undefined && JSON.stringify(before.software) === wanted) return before.bytes;
    const abort = new AbortController();
    const progress = tell === undefined ? undefined : new TransferProgress(tell);
    const done = this.#install(runId, software, abort.signal, progress).finally(() => {
      progress?.end();
      this.#underWay.delete(runId);
    });
    this.#underWay.set(runId, { wanted, done, abort });
    return done;
  }

  /** Empties the run's working folder. It counts as installed, with no software yet. @throws AgentError */
  async empty(runId: string): Promise<void> {
    const { folders, refuse } = this.options;
    await this.abort(runId);
    refuse(runId);
    try {
      folders.ensure(runId);
      writeAtomic(this.#marker(runId), JSON.stringify(NOTHING));
      await removeTree(folders.workPath(runId));
      folders.ensure(runId);
    } catch (error) {
      throw explainNoRoom(error, folders.dir);
    }
  }

  /** Breaks off a run's installation and settles when it is over. */
  async abort(runId: string): Promise<void> {
    const underWay = this.#underWay.get(runId);
    if (underWay === undefined) return;
    underWay.abort.abort();
    await Promise.allSettled([underWay.done]);
  }

  /**
   * Runs the uninstall commands of all that was begun, the last first. What fails is told and stops nothing: the folder goes anyway.
   * @returns what went wrong, a sentence each
   */
  async uninstall(runId: string): Promise<string[]> {
    const begun = readJson(this.#begun(runId)) as Begun | undefined;
    const wanted = begun?.software.filter(({ uninstall }) => uninstall !== undefined).reverse() ?? [];
    if (wanted.length === 0) return [];
    const { uninstallOne } = await import('./install-one.ts');
    const problems: string[] = [];
    for (const { name, uninstall = '' } of wanted) {
      try {
        await uninstallOne(uninstall, this.#surroundings(runId, new AbortController().signal));
      } catch (error) {
        problems.push(`Software ${name} of ${runId}: ${messageOf(error)}`);
      }
    }
    fs.rmSync(this.#begun(runId), { force: true });
    return problems;
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

  #begun(runId: string): string {
    return join(this.options.folders.runPath(runId), 'begun.json');
  }

  #surroundings(runId: string, signal: AbortSignal): Surroundings {
    const { folders, env, stallMs, cache } = this.options;
    return {
      cwd: folders.workPath(runId),
      env: { ...env, PLUSH_RUN: runId, PLUSH_AGENT: folders.dir },
      signal,
      stallMs,
      cache,
    };
  }

  async #install(
    runId: string,
    software: readonly SoftwareSpec[],
    signal: AbortSignal,
    progress: TransferProgress | undefined,
  ): Promise<number> {
    const { folders } = this.options;
    let bytes = 0;
    try {
      folders.ensure(runId);
      const there = new Set(this.#read(runId)?.software.map((one) => JSON.stringify(one)));
      if (this.#read(runId) !== undefined) writeAtomic(this.#marker(runId), JSON.stringify(NOTHING));
      // Loaded when it is needed: an agent that waits must be small.
      const { installOne } = await import('./install-one.ts');
      const known = this.#surroundings(runId, signal);
      const surroundings = progress === undefined ? known : { ...known, progress };
      for (const [i, one] of software.entries()) {
        if (one.uninstall !== undefined)
          writeAtomic(
            this.#begun(runId),
            JSON.stringify({ software: software.slice(0, i + 1) } satisfies Begun),
          );
        // What an earlier list of the run had is there, unless the folder was emptied since.
        if (!there.has(JSON.stringify(one))) bytes += await installOne(one, surroundings);
      }
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
}
