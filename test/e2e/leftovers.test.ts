/** What is left behind when something is in the way: nothing that was started is forgotten, nothing that was made is lost. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shellApplication } from '../harness/application.ts';
import { nodeBase, type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(90_000);

let scratch: Scratch;
let plushd: Plushd;

beforeEach(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch, args: ['--ssh-host-keys', 'accept-new'] });
});

afterEach(async () => {
  await plushd?.close();
  await scratch.remove();
});

/** Folders of agents that local nodes have. */
function agentFolders(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const base = join(scratch.dir, 'state', 'local', name);
    return existsSync(base) ? readdirSync(base).map((folder) => join(name, folder)) : [];
  });
}

/** An agent answers before it ends, so its process may be seen for a moment longer. */
async function allGone(names: readonly string[]): Promise<void> {
  for (const name of names) {
    await waitFor(`${name} to be empty`, () => plushd.processes({ PLUSH_NODE: name }).length === 0);
  }
  expect(agentFolders(names)).toEqual([]);
}

describe('plushQuit', () => {
  it('has agents leave that this daemon never spoke to', async () => {
    const names = await plushd.addLocalNodes(3);
    await plushd.waitRun(await plushd.run(shellApplication('echo done', 3)));
    await plushd.kill('SIGKILL');
    await plushd.restart();
    expect((await plushd.call('plushListNodes')).nodes.map((node) => node.state)).toEqual([
      'idle',
      'idle',
      'idle',
    ]);
    await plushd.call('plushQuit');
    expect(await plushd.exited).toEqual({ code: 0, signal: null });
    await allGone(names);
  });

  it('cleans up after an agent that was killed', async () => {
    const [name = ''] = await plushd.addLocalNodes(1);
    await plushd.waitRun(await plushd.run(shellApplication('echo done', 1)));
    killProcess(plushd.agentPid(name) as number);
    await plushd.call('plushQuit');
    expect(await plushd.exited).toEqual({ code: 0, signal: null });
    await allGone([name]);
  });
});

describe('plushRemoveNode', () => {
  it('stops the tasks of a node that cannot be reached as soon as it can be again', async () => {
    const sshd = await startSshd(scratch, { subnet: '127.0.44', config: [nodeBase(scratch)] });
    try {
      const [hostname = ''] = sshd.addresses;
      const way = { ssh_port: sshd.port, user: sshd.user, ssh_identity: sshd.identityFile };
      await plushd.call('plushAddNode', { hostname, group: 'lab', ...way });
      const run = await plushd.run(shellApplication('sleep 3333', 1));
      await waitFor('the task', () => plushd.processes({ PLUSH_RUN: run }).length > 0);
      await sshd.kill();
      await plushd.call('plushRemoveNode', hostname);
      await plushd.waitRun(run, ['failed']);
      await sshd.start();
      await waitFor(
        'the task to be gone',
        () => plushd.processes({ PLUSH_NODE: hostname }).length === 0,
        60_000,
      );
      await waitFor('the agent to have left', async () =>
        (await plushd.events()).some((e) => e.type === 'node_left'),
      );
    } finally {
      await sshd.kill();
    }
  });
});

describe('output', () => {
  it('stays on its node until the controller can keep it', async () => {
    await plushd.addLocalNodes(1);
    const outputs = scratch.path('state', 'outputs');
    writeFileSync(outputs, 'in the way');
    const run = await plushd.run(shellApplication('echo precious', 1));
    const { nodes } = await waitFor('the run to wait for its output', async () => {
      const page = await plushd.call('plushListNodes');
      return page.nodes[0]?.waits_for?.includes('output') ? page : undefined;
    });
    await waitFor('an attempt to have failed', () =>
      plushd.logText().includes('Output could not be brought back'),
    );
    const name = nodes[0]?.hostname ?? '';
    expect(await plushd.output(run, name)).toBe('precious\n');
    rmSync(outputs);
    await plushd.waitRun(run);
    expect(await plushd.output(run, name)).toBe('precious\n');
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  });
});

it('what was fetched for a run goes with it', async () => {
  const sshd = await startSshd(scratch, { subnet: '127.0.45', config: [nodeBase(scratch)] });
  try {
    const [hostname = ''] = sshd.addresses;
    const way = { ssh_port: sshd.port, user: sshd.user, ssh_identity: sshd.identityFile };
    await plushd.call('plushAddNode', { hostname, group: 'lab', ...way });
    const file = scratch.path('data.txt');
    writeFileSync(file, 'data');
    const source = `<package name="data.txt" type="scp"><path>${sshd.user}@${hostname}:${file}</path></package>`;
    const xml = shellApplication('cat data.txt', 1)
      .replace('<component ', `<software name="d" type="none">${source}</software><component `)
      .replace('</rspec>', '</rspec><software name="d"/>');
    const run = await plushd.run(xml);
    await plushd.waitRun(run);
    expect(await plushd.output(run, hostname)).toBe('data');
    await waitFor(
      'the copy to be gone',
      () => readdirSync(join(scratch.dir, 'state', 'packages')).length === 0,
    );
  } finally {
    await sshd.kill();
  }
});
