/** Nodes described twice or removed in use, and a second daemon on the same state folder. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shellApplication } from '../harness/application.ts';
import { type Plushd, runPlushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { undisturbed } from '../harness/undisturbed.ts';
import { waitFor } from '../harness/wait.ts';

let scratch: Scratch;
let plushd: Plushd;

beforeEach(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
});

afterEach(async () => {
  await plushd.close();
  await scratch.remove();
});

const waiting = (name: string) =>
  `until [ -e ${scratch.path(name)} ]; do sleep 0.1; done; echo "done on $PLUSH_NODE"`;

it('keeps one node of a name, as it was described last', async () => {
  await plushd.call('plushAddNode', { hostname: 'one', type: 'local', group: 'a', preference: 1 });
  await plushd.call('plushAddNode', { hostname: 'one', type: 'local', group: 'b' });
  const { nodes, total } = await plushd.call('plushListNodes');
  expect(total).toBe(1);
  expect(nodes).toMatchObject([{ hostname: 'one', group: 'b', preference: 0 }]);
});

it('lets a node be described again while a run uses it', async () => {
  const [node = ''] = await plushd.addLocalNodes(1);
  const run = await plushd.run(shellApplication(waiting('go')));
  await plushd.waitRun(run, ['running']);
  await waitFor('the task', () => plushd.processes({ PLUSH_RUN: run }).length > 0);
  await plushd.call('plushAddNode', { hostname: node, type: 'local', group: 'lab' });
  await plushd.call('plushAddNode', { hostname: node, type: 'local', group: 'elsewhere', preference: 7 });
  writeFileSync(scratch.path('go'), '');
  expect(await plushd.waitRun(run)).toMatchObject({ lost: 0 });
  expect(await plushd.output(run, node)).toBe(`done on ${node}\n`);
});

it('replaces a node that is removed in use, and leaves nothing on it', async () => {
  await plushd.addLocalNodes(2);
  await undisturbed(plushd, scratch, async () => {
    const run = await plushd.run(shellApplication(waiting('go')));
    await plushd.waitRun(run, ['running']);
    const [used = ''] = Object.values(await plushd.call('plushGetMatching', run)).flat();
    await waitFor('the task', () => plushd.processes({ PLUSH_RUN: run, PLUSH_NODE: used }).length > 0);
    await plushd.call('plushRemoveNode', used);
    await expect(plushd.call('plushGetNode', used)).rejects.toMatchObject({ symbol: 'NODE_NOT_FOUND' });
    await expect(plushd.call('plushRemoveNode', used)).rejects.toMatchObject({ symbol: 'NODE_NOT_FOUND' });
    await waitFor(
      'everything of the removed node to end',
      () => plushd.processes({ PLUSH_NODE: used }).length === 0,
    );
    writeFileSync(scratch.path('go'), '');
    await plushd.waitRun(run);
    const [now = ''] = Object.values(await plushd.call('plushGetMatching', run)).flat();
    expect(now).not.toBe(used);
    const { causes } = await plushd.call('plushExplain', run);
    expect(causes).toMatchObject([
      { cause: 'removed', message: 'The node was removed from the pool', examples: [used] },
    ]);
  });
});

it('ends the run when its only node is removed', async () => {
  const [node = ''] = await plushd.addLocalNodes(1);
  await undisturbed(plushd, scratch, async () => {
    const run = await plushd.run(shellApplication(waiting('never')));
    await plushd.waitRun(run, ['running']);
    await plushd.call('plushRemoveNode', node);
    await plushd.waitRun(run, ['failed']);
    const { summary } = await plushd.call('plushExplain', run);
    expect(summary).toContain('The node was removed from the pool');
    expect(summary).toContain('there is no spare');
    await waitFor('its agent to leave', () => plushd.processes({ PLUSH_NODE: node }).length === 0);
  });
});

it('takes back a node that was removed a moment ago', async () => {
  const [node = ''] = await plushd.addLocalNodes(1);
  await plushd.waitRun(await plushd.run(shellApplication('true')));
  await plushd.call('plushRemoveNode', node);
  await plushd.addLocalNodes(1);
  await waitFor('the node to take a run again', async () => {
    const run = await plushd.run(shellApplication('true'));
    return (await plushd.waitRun(run, ['succeeded', 'failed'])).state === 'succeeded';
  });
  // The agent was asked to leave once: a second question would find it on its way, and wait for it to be reached anew.
  expect(plushd.logText()).not.toContain('could not be cleaned yet');
});

describe('a second plushd', () => {
  it('is refused the state folder of one that runs, which does not notice', async () => {
    await undisturbed(plushd, scratch, async () => {
      const state = join(scratch.dir, 'state');
      const end = await runPlushd(['--state', state, '--listen', '127.0.0.1:0', '--apps', scratch.dir]);
      expect(end).toMatchObject({ code: 1, stdout: '' });
      expect(end.stderr).toMatch(/^plushd: .*\n$/);
      expect(end.stderr).toContain(state);
      expect(end.stderr).toContain(String(plushd.pid));
      expect(existsSync(join(state, 'plushd.json'))).toBe(true);
    });
  });

  it('is refused the port of one that runs, and says which', async () => {
    const { port } = new URL(plushd.url);
    const listen = `127.0.0.1:${port}`;
    const end = await runPlushd([
      '--state',
      join(scratch.dir, 'other'),
      '--listen',
      listen,
      '--apps',
      scratch.dir,
    ]);
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toMatch(/^plushd: .*\n$/);
    expect(end.stderr).toContain(port);
    expect(await plushd.call('plushTestConnection')).toBe('Hello World');
  });
});
