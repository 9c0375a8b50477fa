/** plushd dies at any moment and comes back: nothing is lost, nothing starts twice. */
import { readFileSync, writeFileSync } from 'node:fs';
import { randomFrom } from '../../src/core/random.ts';
import { applicationXml } from '../harness/application.ts';
import { startCallbackClient } from '../harness/callback-client.ts';
import { makeTar, type PackageServer, startPackageServer } from '../harness/packages.ts';
import { type Plushd, runPlushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { letPass, waitFor } from '../harness/wait.ts';

jest.setTimeout(120_000);

const NODES = 4;
/** Longest time after its start at which the daemon is killed by the clock. */
const LONGEST_DELAY_MS = 1_500;

let scratch: Scratch;
let web: PackageServer;
let plushd: Plushd;

beforeEach(async () => {
  scratch = makeScratch();
  web = await startPackageServer();
  plushd = await startPlushd({ scratch });
  await plushd.addLocalNodes(NODES);
});

afterEach(async () => {
  await plushd?.close();
  await web?.close();
  await scratch.remove();
});

/** Two phases on all nodes; every program notes its start, and the second phase waits for the file `go`. */
function twoPhases(name = 'phases'): string {
  web.serve(
    'tool.tar',
    makeTar(scratch, 'tool', { 'note.sh': `echo "$PLUSH_TASK" >>${scratch.dir}/starts` }),
  );
  const note = (script: string) => ['-c', `. ./note.sh; ${script}`];
  const process = (block: string, script: string) => ({
    name: block,
    path: '/bin/sh',
    cwd: 'tool',
    args: note(script),
  });
  return applicationXml({
    name,
    software: { tool: `${web.url}/tool.tar` },
    components: [{ name: 'workers', hosts: NODES, software: ['tool'] }],
    blocks: [
      { name: 'first', component: 'workers', processes: [process('one', 'sleep 0.1; echo one')] },
      {
        name: 'second',
        component: 'workers',
        processes: [process('two', `until [ -e ${scratch.dir}/go ]; do sleep 0.05; done; echo two`)],
        after: ['first'],
      },
    ],
  });
}

/** Tasks of a run by block and node, once for each start of a program. */
function starts(run: string): string[] {
  const lines = readFileSync(scratch.path('starts'), 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith(`${run}/`))
    .map((line) => line.split('/').slice(1, 3).join(' '))
    .sort();
}

/** Every block on every node, once. */
function each(): string[] {
  const nodes = Array.from({ length: NODES }, (_, i) => `node-${i + 1}`);
  return ['one', 'two'].flatMap((block) => nodes.map((node) => `${block} ${node}`)).sort();
}

function delays(seed: number, count: number): number[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => random() * LONGEST_DELAY_MS);
}

/** Kills the daemon again and again, each time so long after its start, whether it serves by then or not. */
async function killAfter(moments: readonly number[]): Promise<void> {
  let starting = Promise.resolve();
  for (const ms of moments) {
    await letPass(ms);
    await plushd.kill('SIGKILL');
    // The start before may have ended before it was ready: so it shall be.
    await starting.catch(() => undefined);
    starting = plushd.restart();
  }
  await starting;
}

/** Kills the daemon as soon as it says that an event of the type has happened in the run. */
async function killAt(type: string, after: number): Promise<void> {
  await waitFor(`the event ${type}`, async () => (await plushd.events(after)).some((e) => e.type === type));
  await plushd.kill('SIGKILL');
  await plushd.restart();
}

async function newest(): Promise<number> {
  return (await plushd.call('plushGetEvents', { after: -1 })).last;
}

describe('a daemon that is killed', () => {
  it.each([1, 2, 3])('at moments drawn from seed %i starts no task twice and ends the run', async (seed) => {
    const run = await plushd.run(twoPhases());
    await killAfter(delays(seed, 6));
    writeFileSync(scratch.path('go'), '');
    await killAfter(delays(seed + 100, 2));
    await plushd.waitRun(run);
    expect(starts(run)).toEqual(each());
    for (const node of (await plushd.call('plushGetMatching', run)).workers ?? []) {
      expect(await plushd.output(run, node, { task: 'one' })).toBe('one\n');
      expect(await plushd.output(run, node, { task: 'two' })).toBe('two\n');
    }
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  });

  it('at each kind of event of a run starts no task twice and ends the run', async () => {
    const after = await newest();
    const run = await plushd.run(twoPhases());
    await plushd.kill('SIGKILL');
    await plushd.restart();
    const early = ['run_matched', 'node_connected', 'member_installed', 'run_released', 'task_ordered'];
    for (const type of [...early, 'task_started', 'task_exited', 'block_changed']) await killAt(type, after);
    writeFileSync(scratch.path('go'), '');
    for (const type of ['run_ending', 'member_cleaned', 'run_ended']) await killAt(type, after);
    await plushd.waitRun(run);
    expect(starts(run)).toEqual(each());
    for (const node of (await plushd.call('plushGetMatching', run)).workers ?? []) {
      expect(await plushd.output(run, node, { task: 'two' })).toBe('two\n');
    }
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  });

  it('answers the same request_id with the same run', async () => {
    const app = await plushd.call('plushLoadAppXml', twoPhases());
    const run = await plushd.call('plushStartRun', { app, request_id: 'once' });
    await plushd.kill('SIGKILL');
    await plushd.restart();
    expect(await plushd.call('plushStartRun', { app, request_id: 'once' })).toBe(run);
    writeFileSync(scratch.path('go'), '');
    await plushd.waitRun(run);
    expect(await plushd.call('plushStartRun', { app, request_id: 'once' })).toBe(run);
    expect((await plushd.call('plushListRuns')).total).toBe(1);
  });

  it('has tasks reported that ended while it was away', async () => {
    const run = await plushd.run(twoPhases());
    await waitFor(
      'the second phase',
      () => starts(run).filter((one) => one.startsWith('two')).length === NODES,
    );
    await plushd.kill('SIGKILL');
    writeFileSync(scratch.path('go'), '');
    await waitFor('the programs to end', () => plushd.processes({ PLUSH_RUN: run }).length === 0);
    await plushd.restart();
    await plushd.waitRun(run);
    expect(starts(run)).toEqual(each());
  });

  it('tells a callback client everything from its registration on', async () => {
    const client = await startCallbackClient();
    try {
      const app = await plushd.call('plushLoadAppXml', twoPhases());
      // In one write with the registration: nothing of the run may be missed.
      const [, answer] = await plushd.call('system.multicall', [
        { methodName: 'setXmlRpcClientUrl', params: [client.url] },
        { methodName: 'plushStartRun', params: [{ app }] },
      ]);
      await plushd.kill('SIGKILL');
      await plushd.restart();
      writeFileSync(scratch.path('go'), '');
      await plushd.waitRun((answer as string[])[0] ?? '');
      await waitFor('the last call', () => client.calls.some((c) => c.method === 'sendApplicationExit'));
      expect(client.calls[0]?.method).toBe('sendResourceMatching');
    } finally {
      await client.stop();
    }
  });

  it('tells a callback client that was away everything in order afterwards', async () => {
    const client = await startCallbackClient();
    try {
      await plushd.call('setXmlRpcClientUrl', client.url);
      const run = await plushd.run(twoPhases());
      await waitFor('the first calls', () => client.calls.some((c) => c.method === 'sendResourceMatching'));
      await client.stop();
      await waitFor('the second phase', () => starts(run).some((one) => one.startsWith('two')));
      await plushd.kill('SIGKILL');
      await plushd.restart();
      writeFileSync(scratch.path('go'), '');
      await plushd.waitRun(run);
      expect(client.calls.some((c) => c.method === 'sendApplicationExit')).toBe(false);
      await client.start();
      await waitFor(
        'the last call',
        () => client.calls.some((c) => c.method === 'sendApplicationExit'),
        40_000,
      );
      const blocks = client.calls.filter((c) => c.method === 'sendBlockStatus').map((c) => c.params[0]);
      // At least once: what was under way may come again, in order.
      expect(blocks.join(' ')).toMatch(/^one( one)* .*two( two)*$/);
      expect(blocks.indexOf('two')).toBeGreaterThan(blocks.indexOf('one'));
      expect(client.calls.at(-1)?.method).toBe('sendApplicationExit');
    } finally {
      await client.stop();
    }
  });
});

describe('a daemon that is stopped', () => {
  it('ends with exit code 0 while its runs go on, and picks them up at the next start', async () => {
    const run = await plushd.run(twoPhases());
    await waitFor(
      'the second phase',
      () => starts(run).filter((one) => one.startsWith('two')).length === NODES,
    );
    expect(await plushd.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(plushd.processes({ PLUSH_RUN: run }).length).toBeGreaterThanOrEqual(NODES);
    await plushd.restart();
    expect((await plushd.call('plushGetRun', run)).state).toBe('running');
    writeFileSync(scratch.path('go'), '');
    await plushd.waitRun(run);
    expect(starts(run)).toEqual(each());
  });

  it('keeps its folder from a second one', async () => {
    const state = scratch.path('state');
    const second = await runPlushd(['--listen', '127.0.0.1:0', '--state', state, '--apps', scratch.dir]);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toBe(
      `plushd: Another plushd (pid ${plushd.pid}) uses the state folder ${state}. Stop it, or give --state another folder.\n`,
    );
    expect(await plushd.call('plushTestConnection')).toBe('Hello World');
  });
});
