/** The agent: its parts put together, and how its life ends. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, messageOf } from '../drivers/agent-error.ts';
import { monotonicMs } from '../drivers/clock.ts';
import { removeTree } from '../drivers/files/remove-tree.ts';
import { RunFolders } from '../drivers/files/run-folders.ts';
import { Installer } from '../drivers/install/installer.ts';
import { PackageCache } from '../drivers/install/package-cache.ts';
import type { ProcessIdentity } from '../drivers/tasks/processes.ts';
import type { ShellCommands } from '../drivers/tasks/shell-commands.ts';
import { Supervisor } from '../drivers/tasks/supervisor.ts';
import type { TaskReport } from '../wire/agent.ts';
import { Barriers, barrierSocketPath, writeBarrierCommand } from './barriers.ts';
import { CleanedRuns } from './cleaned-runs.ts';
import { HostMonitor } from './host-monitor.ts';
import { Links } from './links.ts';
import { Memory } from './memory.ts';
import { serve } from './operations.ts';
import type { Settings } from './settings.ts';
import { StartLine } from './start-line.ts';

/** How often it is looked whether anybody still needs the agent, at most. */
const IDLE_CHECK_MS = 5_000;
/** Time to obey a stop signal where no controller says how long. */
const GRACE_MS = 5_000;
/** A reply that the peer does not take must not keep an ending agent. */
const LAST_REPLY_MS = 2_000;

/** In the agent's folder: who it is, or was. */
export const RECORD = 'agent.json';

export class Agent {
  readonly folders: RunFolders;
  readonly cleaned: CleanedRuns;
  readonly links: Links;
  readonly supervisor: Supervisor;
  readonly starts = new StartLine<TaskReport>();
  readonly cache: PackageCache;
  readonly installer: Installer;
  readonly monitor: HostMonitor;
  readonly barriers: Barriers;
  readonly memory = new Memory();
  /** Nothing is served any more. */
  ending = false;
  #shells: Promise<ShellCommands> | undefined;
  readonly #cleaning = new Map<string, Promise<number>>();
  readonly #rejoining = new Map<string, Promise<void>>();
  #neededAt = monotonicMs();

  constructor(
    readonly settings: Settings,
    /** Tells this process from every other one, for ever. */
    readonly me: ProcessIdentity,
    /** What to run to run this program again. */
    private readonly program: readonly string[],
    private readonly log: (message: string) => void,
  ) {
    const { dir, stallMs } = settings;
    const env = {
      ...settings.env,
      PATH: `${join(dir, 'bin')}:${settings.env.PATH ?? '/usr/bin:/bin'}`,
      PLUSH_BARRIER_SOCKET: barrierSocketPath(settings.socket),
    };
    this.folders = new RunFolders(dir);
    this.cleaned = new CleanedRuns(dir);
    this.links = new Links(dir, { serve: (link, request) => serve(this, link, request), log });
    this.supervisor = new Supervisor({
      folders: this.folders,
      bootId: me.boot_id,
      env,
      log,
      onReport: (task) => this.links.report({ report: 'task', task }),
    });
    this.barriers = new Barriers({
      knows: (taskId) => this.supervisor.knows(taskId),
      report: (frame) => this.links.report(frame),
      log,
    });
    this.cache = new PackageCache(join(settings.cache, 'packages'));
    this.installer = new Installer({
      folders: this.folders,
      env,
      stallMs,
      cache: this.cache,
      refuse: this.cleaned.refuse,
    });
    this.monitor = new HostMonitor({
      dir,
      wanted: () => this.links.anyGreeted,
      onSample: (host) => this.links.report({ report: 'host', host }),
      log,
    });
  }

  /** Takes over from an earlier agent, and begins to listen. @throws the system's error */
  async begin(): Promise<void> {
    this.supervisor.adopt();
    for (const runId of this.folders.list()) {
      if (this.cleaned.has(runId)) this.#finishCleaning(runId);
    }
    if (fs.existsSync(join(this.settings.dir, RECORD))) this.#endForgottenCommands();
    writeBarrierCommand(this.settings.dir, this.program);
    await this.barriers.listen(barrierSocketPath(this.settings.socket));
    await this.links.listen(this.settings.socket);
    setInterval(() => this.#checkNeeded(), Math.min(IDLE_CHECK_MS, Math.ceil(this.settings.idleMs / 4)));
  }

  /**
   * Ends the run's processes and removes its folder.
   * @param upTo leaves alone what is of a later generation
   * @returns how many programs there were. @throws AgentError
   */
  async clean(runId: string, graceMs: number, upTo: { readonly generation?: number } = {}): Promise<number> {
    if (upTo.generation !== undefined && upTo.generation < this.cleaned.generation(runId)) return 0;
    const joined = this.#cleaning.get(runId);
    if (joined !== undefined) return joined;
    const cleaning = this.#clean(runId, graceMs).finally(() => this.#cleaning.delete(runId));
    this.#cleaning.set(runId, cleaning);
    return cleaning;
  }

  /** Cleans what is left of earlier generations of the run, and takes its orders again. @throws AgentError, the system's error */
  async rejoin(runId: string, generation: number): Promise<number> {
    await this.#rejoining.get(runId);
    if (generation <= this.cleaned.generation(runId)) return 0;
    const rejoining = this.clean(runId, GRACE_MS).then((killed) => {
      this.cleaned.begin(runId, generation);
      return killed;
    });
    const settled = rejoining.then(
      () => undefined,
      () => undefined,
    );
    this.#rejoining.set(runId, settled);
    try {
      return await rejoining;
    } finally {
      if (this.#rejoining.get(runId) === settled) this.#rejoining.delete(runId);
    }
  }

  /** Command lines that somebody waits for. Loaded when they are needed: an agent that waits must be small. */
  shells(): Promise<ShellCommands> {
    this.#shells ??= import('../drivers/tasks/shell-commands.ts').then(
      ({ ShellCommands }) =>
        new ShellCommands({ dir: this.settings.dir, bootId: this.me.boot_id, env: this.settings.env }),
    );
    return this.#shells;
  }

  /** Leaves tasks and folder to a successor; the process is to exit next. */
  async retire(): Promise<void> {
    this.ending = true;
    this.links.close();
    this.barriers.close();
    this.starts.drop('The agent is ending');
    await this.installer.abortAll();
    await (await this.#shells)?.endAll();
    setTimeout(this.exit, LAST_REPLY_MS);
  }

  /** Ends all and removes the folder; the process is to exit next. @throws AgentError, the agent then goes on */
  async leave(graceMs: number): Promise<number> {
    this.ending = true;
    this.starts.drop('The agent is ending');
    try {
      await this.installer.abortAll();
      await (await this.#shells)?.endAll();
      const killed = await this.supervisor.endAll(graceMs);
      await removeTree(this.settings.dir);
      this.links.close();
      this.barriers.close();
      for (const path of [this.settings.socket, barrierSocketPath(this.settings.socket)])
        fs.rmSync(path, { force: true });
      this.#removeIfEmpty(dirname(this.settings.dir));
      setTimeout(this.exit, LAST_REPLY_MS);
      return killed;
    } catch (error) {
      this.ending = false;
      throw error;
    }
  }

  /** Ends the process. */
  readonly exit = (): void => {
    process.exit(0);
  };

  async #clean(runId: string, graceMs: number): Promise<number> {
    const hadFolder = this.folders.has(runId);
    this.barriers.forget(runId);
    this.starts.drop(`The run ${runId} is cleaned here`, runId);
    // A full disk is no reason not to clean but the best one to do it: what cannot be written before is written after.
    const saved = !hadFolder || this.#remember(runId);
    await this.installer.abort(runId);
    const killed = await this.supervisor.endRun(runId, graceMs);
    for (const problem of await this.installer.uninstall(runId)) this.log(problem);
    if (hadFolder) await removeTree(this.folders.runPath(runId));
    if (!saved) this.cleaned.save();
    this.memory.rest();
    return killed;
  }

  #remember(runId: string): boolean {
    this.cleaned.add(runId);
    try {
      this.cleaned.save();
      return true;
    } catch (error) {
      this.log(`Cannot write down yet that ${runId} is cleaned: ${messageOf(error)}`);
      return false;
    }
  }

  /** The earlier agent died while it cleaned this run. */
  #finishCleaning(runId: string): void {
    this.clean(runId, GRACE_MS).catch((error: unknown) => this.log(`Cleaning ${runId}: ${messageOf(error)}`));
  }

  /** What an earlier agent had started for somebody who does not wait any more. */
  #endForgottenCommands(): void {
    this.shells()
      .then((shells) => shells.endForgotten())
      .catch((error: unknown) => this.log(`Commands of an earlier agent: ${messageOf(error)}`));
  }

  /** The controller's folder on this machine goes with the last of its nodes; where it may not, that is no failure. */
  #removeIfEmpty(dir: string): void {
    try {
      fs.rmdirSync(dir);
    } catch (error) {
      if (errorCode(error) !== 'ENOTEMPTY') this.log(`${dir} stays: ${messageOf(error)}`);
    }
  }

  #checkNeeded(): void {
    const now = monotonicMs();
    const needed = this.ending || this.links.anyGreeted || this.supervisor.anyRunning || this.installer.busy;
    if (needed) this.#neededAt = now;
    if (now - this.#neededAt < this.settings.idleMs) return;
    this.#neededAt = now;
    this.leave(GRACE_MS).then(this.exit, (error: unknown) => this.log(`Leaving: ${messageOf(error)}`));
  }
}
