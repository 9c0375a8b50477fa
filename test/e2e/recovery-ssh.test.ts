/** What goes on when the way to a node breaks: real SSH servers that go away and come back. */
import { readFileSync, writeFileSync } from 'node:fs';
import { shellApplication } from '../harness/application.ts';
import { nodeBase, type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(90_000);

let scratch: Scratch;
let doomed: Sshd;
let others: Sshd;
let plushd: Plushd;

beforeEach(async () => {
  scratch = makeScratch();
  const config = [nodeBase(scratch)];
  doomed = await startSshd(scratch, { subnet: '127.0.42', config });
  others = await startSshd(scratch, { subnet: '127.0.43', addresses: 2, config });
  plushd = await startPlushd({ scratch, args: ['--ssh-host-keys', 'accept-new'] });
  await add(doomed, 10);
});

afterEach(async () => {
  await plushd?.close();
  await doomed?.kill();
  await others?.kill();
  await scratch.remove();
});

async function add(sshd: Sshd, preference: number, addresses = sshd.addresses): Promise<void> {
  for (const hostname of addresses) {
    await plushd.call('plushAddNode', {
      hostname,
      preference,
      ssh_port: sshd.port,
      user: sshd.user,
      ssh_identity: sshd.identityFile,
      group: 'lab',
    });
  }
}

/** Starts a run whose programs wait for the file `go`; the doomed node is among its nodes. */
async function started(hosts: number): Promise<string> {
  const script = `echo "$PLUSH_NODE" >>${scratch.dir}/starts; until [ -e ${scratch.dir}/go ]; do sleep 0.05; done; echo done`;
  const run = await plushd.run(shellApplication(script, hosts));
  await plushd.waitRun(run, ['running']);
  await waitFor(`${hosts} programs`, () => starts().length === hosts);
  expect((await plushd.call('plushGetMatching', run)).workers).toContain(doomed.addresses[0]);
  return run;
}

function starts(): string[] {
  return readFileSync(scratch.path('starts'), 'utf8').trim().split('\n');
}

describe('a node whose SSH server goes away', () => {
  it('is replaced by a spare, and cleaned when it is back', async () => {
    await add(others, 0);
    const [node = ''] = doomed.addresses;
    const run = await started(2);
    await doomed.kill();
    await waitFor('a start elsewhere', () => starts().length === 3);
    expect((await plushd.call('plushGetNode', node)).state).toBe('failed');
    writeFileSync(scratch.path('go'), '');
    await plushd.waitRun(run);
    const { workers = [] } = await plushd.call('plushGetMatching', run);
    expect([...workers].sort()).toEqual([...others.addresses]);
    const explanation = await plushd.call('plushExplain', run);
    expect(explanation).toMatchObject({ state: 'succeeded', causes: [{ nodes: 1, examples: [node] }] });
    await doomed.start();
    await plushd.call('plushConnect', node);
    const after = await waitFor('its cleaning', async () =>
      (await plushd.events()).find((e) => e.type === 'node_cleaned' && e.hostname === node),
    );
    expect(after).toMatchObject({ run_id: run });
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  });

  it('goes on where it was when it is back soon', async () => {
    await add(others, 0, others.addresses.slice(0, 1));
    const run = await started(2);
    await doomed.kill();
    await doomed.start();
    await waitFor('a second link', async () => {
      const { events } = await plushd.call('plushGetEvents', { topics: ['node'], limit: 1000 });
      return (
        events.filter((e) => e.type === 'node_connected' && e.hostname === doomed.addresses[0]).length === 2
      );
    });
    writeFileSync(scratch.path('go'), '');
    await plushd.waitRun(run);
    expect(starts().length).toBe(2);
    expect(await plushd.output(run, doomed.addresses[0] ?? '')).toBe('done\n');
  });

  it('ends the run where there is no spare, with the reason in words', async () => {
    await add(others, 0, others.addresses.slice(0, 1));
    const [node = ''] = doomed.addresses;
    const run = await started(2);
    await doomed.kill();
    await plushd.waitRun(run, ['failed']);
    const { summary, shortfalls, causes } = await plushd.call('plushExplain', run);
    expect(summary).toContain(`ode ${node} was lost`);
    expect(summary).toContain('there is no spare');
    expect(summary).toMatch(/needs at least 2 nodes and can have only 1/);
    expect(shortfalls).toMatchObject([{ component: 'workers', wanted: 2, found: 1 }]);
    expect(causes.find(({ examples }) => examples.includes(node))?.hint).toMatch(/\S/);
    const { nodes } = await plushd.call('plushExplain', run);
    expect(nodes.find(({ hostname }) => hostname === node)).toMatchObject({ state: 'failed' });
    // The tasks of the node that answers are ended; the other's are when it answers again.
    expect(plushd.processes({ PLUSH_RUN: run, PLUSH_NODE: others.addresses[0] ?? '' })).toEqual([]);
  });

  it('is a reason given at once where it never answered', async () => {
    await doomed.kill();
    const run = await plushd.run(shellApplication('exit 0'));
    await plushd.waitRun(run, ['failed']);
    const { causes, summary } = await plushd.call('plushExplain', run);
    expect(summary).toContain('there is no spare');
    expect(causes.map(({ cause }) => cause)).toContain('refused');
  });
});
