/** One file to the nodes of a run, by their agents: as a package, or by a program behind a semaphore of the application. */
import { type Plushd, startPlushd } from '../../test/harness/plushd.ts';
import type { Scratch } from '../../test/harness/scratch.ts';
import type { Limit } from './gate.ts';

const RUN_MS = 300_000;
/** The semaphore that packages pass, which adapts by gradient2. */
export const INSTALL = '#install';

export class Distribution {
  readonly #plushd: Plushd;
  readonly #nodes: number;
  #seen = 0;

  private constructor(plushd: Plushd, nodes: number) {
    this.#plushd = plushd;
    this.#nodes = nodes;
  }

  /** plushd with local nodes, whose agents are there from a first run. */
  static async start(scratch: Scratch, nodes: number): Promise<Distribution> {
    const plushd = await startPlushd({ scratch });
    const distribution = new Distribution(plushd, nodes);
    try {
      await plushd.addLocalNodes(nodes);
      await plushd.waitRun(
        await plushd.run(distribution.#application('', '', 'true')),
        ['succeeded'],
        RUN_MS,
      );
    } catch (error) {
      await plushd.close();
      throw error;
    }
    return distribution;
  }

  /** @returns seconds from the first that was let in to the last that left */
  async fetch(url: string, limit: Limit | typeof INSTALL): Promise<number> {
    const run = await this.#plushd.run(this.#through(url, limit));
    await this.#plushd.waitRun(run, ['succeeded'], RUN_MS);
    const events = (await this.#plushd.events(this.#seen)) as unknown as Passing[];
    this.#seen = events.at(-1)?.seq ?? this.#seen;
    const barrier = limit === INSTALL ? INSTALL : 'places';
    const passing = events.filter((one) => one.run_id === run && one.barrier === barrier);
    const left = passing.filter(({ type }) => type === 'barrier_left');
    const first = passing.find(({ type }) => type === 'barrier_released');
    if (first === undefined || left.length !== this.#nodes)
      throw new Error(`${left.length} of ${this.#nodes} nodes passed the semaphore ${barrier}`);
    return (Date.parse(left.at(-1)?.time ?? '') - Date.parse(first.time)) / 1000;
  }

  close(): Promise<void> {
    return this.#plushd.close();
  }

  #through(url: string, limit: Limit | typeof INSTALL): string {
    if (limit === INSTALL) {
      const item = `<package name="file" type="web"><path>${url}</path><dest_path>file</dest_path></package>`;
      return this.#application(`<software name="file" type="none">${item}</software>`, '', 'true');
    }
    const places = typeof limit === 'number' ? `concurrency="${limit}"` : `adaptive="${limit}"`;
    const line = `<barrier_block name="line"><barrier name="places" type="semaphore" ${places}/></barrier_block>`;
    return this.#application('', line, `exec curl -sf -o file ${url}`);
  }

  #application(software: string, line: string, script: string): string {
    const uses = software === '' ? '' : '<software name="file"/>';
    const after = line === '' ? '' : '<predecessor name="line"/>';
    return `<plush><project name="bench">${software}
      <component name="workers"><rspec><num_hosts>${this.#nodes}</num_hosts></rspec>${uses}</component>
      <application_block name="app"><execution><component_block name="all"><component name="workers"/>${line}
      <process_block name="main">${after}<process name="main"><path>/bin/sh</path>
      <cmdline><arg>-c</arg><arg>${script}</arg></cmdline></process></process_block>
      </component_block></execution></application_block></project></plush>`;
  }
}

interface Passing {
  readonly seq: number;
  readonly time: string;
  readonly type: string;
  readonly run_id?: string;
  readonly barrier?: string;
}
