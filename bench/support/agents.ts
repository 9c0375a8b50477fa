/** A hundred nodes as a controller has them: started over SSH by the product's own driver, and told to leave. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeSpec } from '../../api/spec.ts';
import type { Input } from '../../src/core/input.ts';
import { openAgentKit } from '../../src/drivers/nodes/agent-kit.ts';
import { NodeDriver } from '../../src/drivers/nodes/node-driver.ts';
import { PackageStore } from '../../src/drivers/nodes/packages.ts';
import { openOutputStore } from '../../src/drivers/outputs.ts';
import type { Scratch } from '../../test/harness/scratch.ts';
import { waitFor } from '../../test/harness/wait.ts';
import { accessToFarm, type Farm, MACHINES, startFarm } from './farm.ts';

const BUNDLE = 'dist/agent.cjs';
const CONTROLLER = 'be0c4000';
const LEAVE_MS = 60_000;

/** A farm whose machines have a disk each, so far as Plush can tell: PLUSH_BASE differs from address to address. */
export async function startFarmOfDisks(scratch: Scratch, subnet: `127.${number}.${number}`): Promise<Farm> {
  const blocks = Array.from({ length: MACHINES }, (_, index) => {
    const address = `${subnet}.${index + 1}`;
    return `Match LocalAddress ${address}\n  SetEnv PLUSH_BASE=${diskOf(scratch, address)} SHLVL=2\n`;
  });
  const file = scratch.path('disks.conf');
  await writeFile(file, blocks.join(''));
  // In a file of its own, because what follows a Match block belongs to it until the file ends.
  return startFarm(scratch, subnet, [`Include ${file}`]);
}

/** Takes everything that Plush left on the machines. */
export async function wipeDisks(scratch: Scratch, { nodes }: Farm): Promise<void> {
  await Promise.all(
    nodes.map(({ hostname }) => rm(diskOf(scratch, hostname), { recursive: true, force: true })),
  );
}

/** Machines that have a bundle of the agent. */
export function machinesWithBundle(scratch: Scratch, { nodes }: Farm): number {
  return nodes.filter(({ hostname }) =>
    list(join(diskOf(scratch, hostname), 'cache')).some((name) => name.endsWith('.cjs')),
  ).length;
}

/** Folders of nodes that are on the machines. */
export function nodeFolders(scratch: Scratch, { nodes }: Farm): string[] {
  return nodes.flatMap(({ hostname }) => list(join(diskOf(scratch, hostname), CONTROLLER)));
}

/** Processes of agents of this farm. */
export function agentProcesses(scratch: Scratch): number[] {
  const mark = `--dir\0${scratch.dir}/`;
  return list('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    return readIfThere(`/proc/${name}/cmdline`).includes(mark) ? [Number(name)] : [];
  });
}

/** Memory that a process shares with no other one, in MB (10^6 bytes). @throws Error when the process has ended */
export function privateMegabytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].map(([, kb]) => Number(kb));
  return (kilobytes.reduce((sum, kb) => sum + kb, 0) * 1024) / 1e6;
}

/** What a controller that was just started knows of the nodes: nothing. */
export class Fleet {
  readonly #driver: NodeDriver;
  readonly #scratch: Scratch;
  readonly #nodes: readonly NodeSpec[];
  readonly #up = new Set<string>();
  #report: (input: Input) => void = () => undefined;

  private constructor(scratch: Scratch, nodes: readonly NodeSpec[], driver: (fleet: Fleet) => NodeDriver) {
    this.#scratch = scratch;
    this.#nodes = nodes;
    this.#driver = driver(this);
  }

  static async prepare(scratch: Scratch, farm: Farm): Promise<Fleet> {
    const ssh = accessToFarm(scratch, farm);
    const kit = await openAgentKit(BUNDLE, scratch.path('kit'));
    const tell = (facts: object, message: string) =>
      process.stderr.write(`${message} ${JSON.stringify(facts)}\n`);
    return new Fleet(
      scratch,
      farm.nodes,
      (fleet) =>
        new NodeDriver({
          ssh,
          local: ssh,
          kit,
          packages: new PackageStore({
            dir: scratch.path('packages'),
            appsDir: scratch.dir,
            ssh,
            nodeOnHost: () => undefined,
          }),
          outputs: openOutputStore(scratch.path('outputs')),
          controller: CONTROLLER,
          epoch: () => 1,
          report: (input) => fleet.#report(input),
          log: { debug: () => undefined, info: () => undefined, warn: tell, error: tell },
        }),
    );
  }

  /** Resolves when every agent has answered the greeting. @throws Error what went wrong at the first node that failed */
  join(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#report = (input) => {
        if (input.type === 'node_down') reject(new Error(`${input.hostname}: ${input.failure.message}`));
        if (input.type === 'node_up') this.#up.add(input.hostname);
        if (this.#up.size === this.#nodes.length) resolve();
      };
      for (const node of this.#nodes) this.#driver.carryOut({ type: 'connect', node });
    });
  }

  /** Whether every agent's host monitor has told something, as it does when the agent has nothing else to do. */
  everyoneWasIdle(): boolean {
    return this.#nodes.every(({ hostname }) => this.#driver.host(hostname) !== undefined);
  }

  /** Tells every agent to leave, and waits until their processes have ended. @throws Error when something stays */
  async leave(): Promise<void> {
    this.#report = () => undefined;
    await this.#driver.dismissAll(this.#nodes, LEAVE_MS);
    this.#driver.close();
    await waitFor('the agents to end', () => agentProcesses(this.#scratch).length === 0, LEAVE_MS);
  }
}

function diskOf(scratch: Scratch, address: string): string {
  return join(scratch.dir, 'm', address.slice(address.lastIndexOf('.') + 1));
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Empty for a process that ended between the two looks. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
