/** What goes on when agents, tasks and nodes go away under a run. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { shellApplication } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

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

/** Notes its start, says one, waits for the file `go`, says two and ends. */
function waiting(hosts: number, end = 'exit 0'): string {
  const start = `echo "$PLUSH_TASK $PLUSH_NODE $$" >>${scratch.dir}/starts`;
  return shellApplication(
    `${start}; echo one; until [ -e ${scratch.dir}/go ]; do sleep 0.05; done; echo two; ${end}`,
    hosts,
  );
}

function go(): void {
  writeFileSync(scratch.path('go'), '');
}

/** Task, node and process of each start so far. */
function starts(): { task: string; node: string; pid: number }[] {
  const text = readIfThere(scratch.path('starts'));
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .map(([task = '', node = '', pid]) => ({ task, node, pid: Number(pid) }));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Starts a run on nodes of its own, and waits until all its programs run. */
async function started(hosts: number, end?: string): Promise<{ run: string; nodes: string[] }> {
  const run = await plushd.run(waiting(hosts, end));
  await waitFor(`${hosts} programs`, () => starts().length === hosts);
  const { workers: nodes = [] } = await plushd.call('plushGetMatching', run);
  return { run, nodes };
}

function agentOf(node: string): number {
  const pid = plushd.agentPid(node);
  if (pid === undefined) throw new Error(`No agent of ${node} lives`);
  return pid;
}

async function expectClean(run: string): Promise<void> {
  expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  const all = readdirSync(scratch.path('state', 'local'), { recursive: true, encoding: 'utf8' });
  expect(all.filter((name) => name.endsWith(`/runs/${run}`))).toEqual([]);
}

describe('an agent that dies', () => {
  it('leaves its tasks running, and a new agent adopts them', async () => {
    await plushd.addLocalNodes(2);
    const { run, nodes } = await started(2);
    const [node = ''] = nodes;
    const first = agentOf(node);
    killProcess(first);
    await waitFor('another agent', () => ![undefined, first].includes(plushd.agentPid(node)));
    await waitFor('its link', async () => (await plushd.call('plushGetNode', node)).state === 'connected');
    expect(starts().length).toBe(2);
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual(
      expect.arrayContaining(starts().map(({ pid }) => pid)),
    );
    go();
    await plushd.waitRun(run);
    expect(starts().length).toBe(2);
    for (const one of nodes) expect(await plushd.output(run, one)).toBe('one\ntwo\n');
    await expectClean(run);
  });

  it('does not hide how a task ended in the meantime', async () => {
    await plushd.addLocalNodes(1);
    const { run, nodes } = await started(1, 'echo why >&2; exit 9');
    const [node = ''] = nodes;
    killProcess(agentOf(node));
    go();
    await plushd.waitRun(run, ['failed']);
    expect((await plushd.call('plushExplain', run)).causes[0]).toMatchObject({
      cause: 'exit_code',
      failure: { exit_code: 9, stderr_tail: ['why'] },
    });
    expect(await plushd.output(run, node)).toBe('one\ntwo\n');
    expect(starts().length).toBe(1);
    await expectClean(run);
  });

  it('together with its tasks has them started again, once', async () => {
    await plushd.addLocalNodes(2);
    const { run, nodes } = await started(1);
    const [node = ''] = nodes;
    for (const pid of [agentOf(node), ...plushd.processes({ PLUSH_RUN: run, PLUSH_NODE: node })])
      killProcess(pid);
    await waitFor('a second start', () => starts().length === 2);
    go();
    await plushd.waitRun(run);
    const tasks = starts().map(({ task }) => task);
    expect(new Set(tasks).size).toBe(2);
    const { workers: [now = ''] = [] } = await plushd.call('plushGetMatching', run);
    expect(await plushd.output(run, now)).toBe('one\ntwo\n');
    await expectClean(run);
  });

  it('is replaced by a spare when its tasks vanish again and again', async () => {
    await plushd.addLocalNodes(2);
    const { run, nodes } = await started(1);
    const [node = ''] = nodes;
    for (let count = 1; count <= 2; count += 1) {
      // With the agent, which else tells that they were killed: that would be a signal of the program's.
      for (const pid of [agentOf(node), ...plushd.processes({ PLUSH_RUN: run, PLUSH_NODE: node })])
        killProcess(pid);
      await waitFor('the next start', () => starts().length === count + 1);
    }
    go();
    await plushd.waitRun(run);
    expect(starts().map((start) => start.node === node)).toEqual([true, true, false]);
    await expectClean(run);
  });
});

describe('a node', () => {
  it('that is removed while it works is stopped there and replaced', async () => {
    await plushd.addLocalNodes(2);
    const { run, nodes } = await started(1);
    const [node = ''] = nodes;
    expect(await plushd.call('plushRemoveNode', node)).toBe(true);
    await waitFor('a start elsewhere', () => starts().length === 2);
    expect(starts()[1]?.node).not.toBe(node);
    await waitFor('its agent to leave', () => plushd.processes({ PLUSH_NODE: node }).length === 0);
    go();
    await plushd.waitRun(run);
    await expectClean(run);
  });

  it('that is disconnected goes on with its tasks, and is picked up again', async () => {
    await plushd.addLocalNodes(2);
    const { run, nodes } = await started(2);
    expect(await plushd.call('plushDisconnectApp', '')).toBe(true);
    const last = (await plushd.call('plushGetEvents', { after: -1 })).last;
    go();
    await waitFor('the programs to end', () => plushd.processes({ PLUSH_RUN: run }).length === 0);
    expect((await plushd.call('plushGetRun', run)).state).toBe('running');
    expect((await plushd.call('plushExplain', run)).waiting[0]?.waits_for).toContain('plushDisconnectApp');
    expect((await plushd.events(last)).filter(({ type }) => type === 'node_connected')).toEqual([]);
    for (const node of nodes) expect(await plushd.call('plushConnect', node)).toBe(true);
    await plushd.waitRun(run);
    expect(starts().length).toBe(2);
    for (const node of nodes) expect(await plushd.output(run, node)).toBe('one\ntwo\n');
    await expectClean(run);
  });

  it('that plushFailHost names is stopped and replaced', async () => {
    await plushd.addLocalNodes(3);
    const { run, nodes } = await started(2);
    const [node = ''] = nodes;
    expect(await plushd.call('plushFailHost', node)).toBe(true);
    await waitFor('a start elsewhere', () => starts().length === 3);
    await waitFor(
      'its tasks to end',
      () => plushd.processes({ PLUSH_RUN: run, PLUSH_NODE: node }).length === 0,
    );
    go();
    await plushd.waitRun(run);
    const explanation = await plushd.call('plushExplain', run);
    expect(explanation.causes[0]).toMatchObject({ cause: 'failed_by_operator', nodes: 1, examples: [node] });
    await expectClean(run);
  });
});
