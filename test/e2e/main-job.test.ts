/** The main job from outside: nodes over SSH, a run, its output, callbacks, a failed node, and nothing left behind. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applicationXml } from '../harness/application.ts';
import { type CallbackClient, startCallbackClient } from '../harness/callback-client.ts';
import { makeTar, type PackageServer, startPackageServer } from '../harness/packages.ts';
import { nodeBase, type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(120_000);

const GREET = `#!/bin/sh
echo "hello $1 from $PLUSH_NODE, $PLUSH_INDEX of $PLUSH_COUNT"
while [ ! -e "$2" ]; do sleep 0.1; done
echo "bye from $PLUSH_NODE"
`;

let scratch: Scratch;
let sshd: Sshd;
let web: PackageServer;
let client: CallbackClient;
let plushd: Plushd;
let nodes: string[];

/** Three of the four nodes run the greeter until the file `until` is there. */
function greeter(until: string): string {
  const args = ['dear world', until];
  const processes = [{ name: 'hello', path: './greet.sh', cwd: 'greeter', args }];
  return applicationXml({
    name: 'greet',
    software: { greeter: `${web.url}/greeter.tar` },
    components: [{ name: 'workers', hosts: 3, software: ['greeter'] }],
    blocks: [{ name: 'all', component: 'workers', processes }],
  });
}

/** Names below the folders of the nodes that stand for runs. */
function runFolders(): string[] {
  const base = scratch.path('n');
  if (!existsSync(base)) return [];
  const all = readdirSync(base, { recursive: true, encoding: 'utf8' });
  return all.filter((name) => /(^|\/)runs\/[^/]+$/.test(name));
}

async function start(): Promise<void> {
  sshd = await startSshd(scratch, { subnet: '127.0.41', addresses: 4, config: [nodeBase(scratch)] });
  web = await startPackageServer();
  web.serve('greeter.tar', makeTar(scratch, 'greeter', { 'greet.sh': GREET }));
  client = await startCallbackClient();
  plushd = await startPlushd({ scratch, sshd });
  nodes = await plushd.addSshNodes(sshd);
  await plushd.call('setXmlRpcClientUrl', client.url);
}

beforeAll(async () => {
  scratch = makeScratch();
  await start();
});

afterAll(async () => {
  await plushd?.close();
  await client?.stop();
  await web?.close();
  await sshd?.kill();
  await scratch.remove();
});

describe('the main job', () => {
  it('runs an application on three of four nodes and shows their output while it grows', async () => {
    const go = join(scratch.dir, 'go');
    const run = await plushd.run(greeter(go));
    await plushd.waitRun(run, ['running']);
    const chosen = (await plushd.call('plushGetMatching', run)).workers ?? [];
    expect(new Set(chosen).size).toBe(3);
    expect(runFolders().length).toBe(3);
    expect(nodes).toEqual(expect.arrayContaining(chosen));

    const indexes = new Set<string>();
    for (const node of chosen) {
      const first = await waitFor(`output of ${node}`, async () => {
        const page = await plushd.call('plushGetOutput', run, node, {});
        return page.data === '' ? undefined : page;
      });
      expect(first.data).toMatch(/^hello dear world from 127\.0\.41\.\d, [012] of 3\n$/);
      expect(first.data).toContain(` from ${node}, `);
      expect(first.eof).toBe(false);
      indexes.add(/, (\d) of/.exec(first.data)?.[1] ?? '');
    }
    expect(indexes).toEqual(new Set(['0', '1', '2']));

    writeFileSync(go, '');
    await plushd.waitRun(run);
    for (const node of chosen) {
      expect(await plushd.output(run, node)).toContain(`from ${node}, `);
      expect(await plushd.output(run, node)).toMatch(new RegExp(`bye from ${node}\\n$`));
    }
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
    expect(runFolders()).toEqual([]);

    await waitFor('sendApplicationExit', () => client.calls.some((c) => c.method === 'sendApplicationExit'));
    const matchings = client.calls.filter((c) => c.method === 'sendResourceMatching').map((c) => c.params);
    expect(matchings[0]).toEqual([{ workers: chosen }]);
    const statuses = client.calls.filter((c) => /^send(Host|Block)Status$/.test(c.method));
    expect(new Set(statuses.map((c) => c.method)).size).toBe(2);
    for (const { params } of statuses) expect(params).toEqual([expect.any(String)]);
    expect(client.calls.find((c) => c.method === 'sendApplicationExit')?.params).toEqual([]);
  });

  it('puts a spare in the place of a node that plushFailHost names', async () => {
    const go = join(scratch.dir, 'go-on');
    const run = await plushd.run(greeter(go));
    await plushd.waitRun(run, ['running']);
    const victim = await waitFor('a task', async () => {
      const { workers = [] } = await plushd.call('plushGetMatching', run);
      return workers.find((node) => plushd.processes({ PLUSH_RUN: run, PLUSH_NODE: node }).length > 0);
    });
    expect(await plushd.call('plushFailHost', victim)).toBe(true);
    const workers = await waitFor('three tasks elsewhere', async () => {
      const matching = (await plushd.call('plushGetMatching', run)).workers ?? [];
      const busy = matching.filter((n) => plushd.processes({ PLUSH_RUN: run, PLUSH_NODE: n }).length > 0);
      return busy.length === 3 ? busy : undefined;
    });
    expect(workers).not.toContain(victim);
    writeFileSync(go, '');
    await plushd.waitRun(run);
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
    expect((await plushd.call('plushGetNode', victim)).state).toBe('failed');
    expect(await plushd.call('plushExplain', run)).toMatchObject({ state: 'succeeded' });
  });

  it('leaves nothing behind at plushQuit', async () => {
    const run = await plushd.run(greeter(join(scratch.dir, 'never')));
    await plushd.waitRun(run, ['running']);
    await waitFor('its tasks', () => plushd.processes({ PLUSH_RUN: run }).length >= 3);
    expect(await plushd.call('plushQuit')).toBe(true);
    expect(await plushd.exited).toEqual({ code: 0, signal: null });
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
    await waitFor('the agents to leave', () => nodes.every((node) => plushd.agentPid(node) === undefined));
    expect(runFolders()).toEqual([]);
    const exits = client.calls.filter((c) => c.method === 'sendApplicationExit');
    expect(exits.length).toBe(3);
  });
});
