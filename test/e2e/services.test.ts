/** Services on real agents: what goes wrong does not end them, and nodes come back to them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applicationXml, type ComponentText } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const ROOT = join(__dirname, '..', '..');

jest.setTimeout(90_000);

let scratch: Scratch;
let plushd: Plushd;

beforeEach(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
});

afterEach(async () => {
  await plushd?.close();
  await scratch.remove();
});

interface Start {
  readonly task: string;
  readonly node: string;
  readonly pid: number;
}

/** Notes each start, and serves until it is stopped. */
function service(hosts: ComponentText['hosts'], more: Partial<ComponentText> = {}): string {
  const script = `echo "$PLUSH_TASK $PLUSH_NODE $$" >>${scratch.dir}/starts; while :; do sleep 0.05; done`;
  const processes = [{ name: 'main', path: '/bin/sh', args: ['-c', script] }];
  return applicationXml({
    components: [{ name: 'workers', hosts, ...more }],
    blocks: [{ name: 'all', component: 'workers', processes }],
    attributes: { service: '1', reconnect_interval: '1s' },
  });
}

function starts(node?: string): Start[] {
  let text = '';
  try {
    text = readFileSync(scratch.path('starts'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const all = text.split('\n').filter((line) => line !== '');
  return all
    .map((line) => line.split(' '))
    .map(([task = '', name = '', pid]) => ({ task, node: name, pid: Number(pid) }))
    .filter((start) => node === undefined || start.node === node);
}

async function startsOn(node: string, count: number): Promise<Start> {
  await waitFor(`start ${count} on ${node}`, () => starts(node).length >= count);
  return starts(node)[count - 1] as Start;
}

const attemptOf = ({ task }: Start) => Number(task.slice(task.lastIndexOf('/') + 1));

async function members(run: string): Promise<string[]> {
  return (await plushd.call('plushGetMatching', run)).workers ?? [];
}

describe('a service', () => {
  it('goes on when processes, agents and nodes die, and takes a spare and the lost node again', async () => {
    const [n1 = '', n2 = ''] = await plushd.addLocalNodes(2);
    const run = await plushd.run(service({ min: 1, max: 3 }));
    const first = await startsOn(n1, 1);
    await startsOn(n2, 1);

    killProcess(first.pid);
    expect(attemptOf(await startsOn(n1, 2))).toBe(2);

    killProcess(plushd.agentPid(n2) ?? 0);
    await waitFor('the agent of n2 to be back', async () => plushd.agentPid(n2) !== undefined);

    await plushd.call('plushFailHost', n1);
    await waitFor('n1 to be out', async () => !(await members(run)).includes(n1));
    expect((await plushd.call('plushGetRun', run)).state).toBe('running');

    await plushd.addLocalNodes(1, 'lab', 'spare');
    await startsOn('spare-1', 1);

    // A restart of the controller between forgets nothing of that.
    await plushd.kill();
    await plushd.restart();
    await plushd.call('plushConnect', n1);
    expect(attemptOf(await startsOn(n1, 3))).toBe(3);
    await waitFor('all three', async () => (await members(run)).length === 3);
    await waitFor('its second time to be told', async () =>
      (await plushd.call('plushGetRun', run)).blocks.some(({ running }) => running === 3),
    );
    expect(starts(n2)).toHaveLength(1);

    await plushd.call('plushAbortRun', run);
    await plushd.waitRun(run, ['aborted']);
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  });

  it('is shown by the example', async () => {
    await plushd.addLocalNodes(3, 'local', 'local');
    const run = await plushd.run(readFileSync(join(ROOT, 'examples/service.xml'), 'utf8'));
    const addresses = await waitFor('three servers', async () => {
      const texts = await Promise.all(
        (await plushd.call('plushGetMatching', run)).servers?.map(async (node) => {
          const { data } = await plushd.call('plushGetOutput', run, node, {});
          return data.trim();
        }) ?? [],
      );
      return texts.length === 3 && texts.every((text) => text.startsWith('http://')) ? texts : undefined;
    });
    const names = await Promise.all(addresses.map(async (url) => (await (await fetch(url)).text()).trim()));
    expect(names.sort()).toEqual(['local-1', 'local-2', 'local-3']);
    await plushd.call('plushAbortRun', run);
    await plushd.waitRun(run, ['aborted']);
  });

  it('says what it lacks, and ends when that is not mended for a whole interval', async () => {
    const [n1 = '', n2 = ''] = await plushd.addLocalNodes(2);
    const run = await plushd.run(service({ min: 2, max: 3 }));
    await startsOn(n1, 1);
    await startsOn(n2, 1);
    await plushd.call('plushFailHost', n1);
    const { summary, waiting } = await plushd.call('plushExplain', run);
    expect(summary).toContain('Component "workers" has 1 of at least 2 nodes; it looks for more every 1 s.');
    expect(waiting[0]).toMatchObject({ nodes: 1, examples: [] });
    await plushd.waitRun(run, ['failed']);
    const { causes, shortfalls } = await plushd.call('plushExplain', run);
    expect(causes.map(({ cause }) => cause)).toContain('not_enough_nodes');
    expect(shortfalls).toMatchObject([{ wanted: 2, found: 1, removed: expect.any(Array) }]);
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  });
});
