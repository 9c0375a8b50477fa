/** Machines that are reached but are not what one hopes for: no Node.js, odd login shells, no forwarding, no room. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { shellApplication } from '../harness/application.ts';
import { makeTar } from '../harness/packages.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';
import { undisturbed } from '../harness/undisturbed.ts';
import { waitFor } from '../harness/wait.ts';

let scratch: Scratch;
let plushd: Plushd;
let sshds: Sshd[];

beforeEach(async () => {
  scratch = makeScratch();
  sshds = [];
  plushd = await startPlushd({ scratch, args: ['--ssh-host-keys', 'accept-new'] });
});

afterEach(async () => {
  await plushd.close();
  await Promise.all(sshds.map((sshd) => sshd.kill()));
  await scratch.remove();
});

const application = (script: string, hosts = 2) =>
  shellApplication(script, hosts, { name: 'odd', components: [{ name: 'workers', hosts, group: 'odd' }] });

/** Machines with a line or two of their own in sshd's configuration, in the group "odd". */
async function addMachines(config: readonly string[], addresses = 2): Promise<Sshd> {
  const sshd = await startSshd(scratch, { subnet: '127.0.53', addresses, config });
  sshds.push(sshd);
  for (const hostname of sshd.addresses) {
    const ssh = { ssh_port: sshd.port, ssh_identity: sshd.identityFile, user: sshd.user };
    await plushd.call('plushAddNode', { hostname, ...ssh, group: 'odd' });
  }
  return sshd;
}

const base = () => scratch.path('n');
const setBase = () => `SetEnv PLUSH_BASE=${base()}`;

/** Runs on both machines and reads what they wrote. */
async function works(sshd: Sshd): Promise<void> {
  const run = await plushd.run(application('echo "hello from $PLUSH_NODE"'));
  await plushd.waitRun(run);
  for (const node of sshd.addresses) expect(await plushd.output(run, node)).toBe(`hello from ${node}\n`);
}

/** A folder with all programs but Node.js that a machine may be expected to have. */
function pathWithoutNode(): string {
  const folder = scratch.path('bin', 'x').slice(0, -2);
  const wanted = ['sh', 'cat', 'chmod', 'df', 'gzip', 'id', 'mkdir', 'mv', 'nohup', 'rm', 'setsid', 'tail'];
  for (const name of [...wanted, 'tar', 'test', 'uname', 'wc']) {
    const found = (process.env.PATH ?? '')
      .split(delimiter)
      .map((path) => join(path, name))
      .find((path) => existsSync(path));
    if (found !== undefined) symlinkSync(found, join(folder, name));
  }
  return folder;
}

it('hands its own Node.js to machines that have none, once', async () => {
  const sshd = await addMachines([`${setBase()} PATH=${pathWithoutNode()} ENV= BASH_ENV=`]);
  await works(sshd);
  const { agent } = await plushd.call('plushGetNode', '127.0.53.1');
  expect(agent?.node_version).toBe(process.version);
  const cached = () =>
    readdirSync(join(base(), 'cache'), { recursive: true, encoding: 'utf8' })
      .sort()
      .map((name) => [name, statSync(join(base(), 'cache', name)).ino] as const);
  const before = cached();
  expect(before.map(([name]) => name)).toContainEqual(expect.stringMatching(/^node-.*\/node$/));
  // A node that comes anew finds everything there.
  for (const hostname of sshd.addresses) await plushd.call('plushRemoveNode', hostname);
  await waitFor('the agents to leave', async () => {
    const events = await plushd.events();
    return events.filter((event) => event.type === 'node_left').length === sshd.addresses.length;
  });
  for (const hostname of sshd.addresses) {
    const ssh = { ssh_port: sshd.port, ssh_identity: sshd.identityFile, user: sshd.user };
    await plushd.call('plushAddNode', { hostname, ...ssh, group: 'odd' });
  }
  await works(sshd);
  expect(cached()).toEqual(before);
});

describe('works with a login shell', () => {
  /** A program that gets the command line as SSH_ORIGINAL_COMMAND, as a login shell gets it with -c. */
  const forced = (text: string) => {
    const file = scratch.path('login-shell');
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return [setBase(), `ForceCommand ${file}`];
  };

  it.each([
    ['that prints a banner', '#!/bin/sh\necho "Welcome to this machine!"\necho\n'],
    ['that prints a banner without a line end', '#!/bin/sh\nprintf "Last login: today"\n'],
    ['that prints a long banner', '#!/bin/sh\nyes "All access is logged." | head -n 1000\n'],
    ['that prints a banner to its stderr', '#!/bin/sh\necho "Be careful: no space left on device" >&2\n'],
    ["that prints lines like Plush's own", '#!/bin/sh\necho "PLUSH was here"\n'],
  ])('%s', async (_what, banner) => {
    await works(await addMachines(forced(`${banner}exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n`)));
  });

  it('that prints a banner before it hands out a package', async () => {
    const sshd = await addMachines(
      forced('#!/bin/sh\nprintf "Last login: today"\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n'),
    );
    const [address] = sshd.addresses;
    const archive = scratch.path('stuff.tar');
    writeFileSync(archive, makeTar(scratch, 'stuff', { 'hello.txt': 'hello' }));
    const software = `<software name="stuff" type="tar"><package name="stuff.tar" type="scp"><path>${sshd.user}@${address}:${archive}</path><dest_path>stuff.tar</dest_path></package></software>`;
    const xml = shellApplication('cat stuff/hello.txt', 2, {
      components: [{ name: 'workers', hosts: 2, group: 'odd', software: ['stuff'] }],
    });
    const run = await plushd.run(xml.replace('<component ', `${software}<component `));
    await plushd.waitRun(run);
    expect(await plushd.output(run, address ?? '')).toBe('hello');
  });

  it('that prints a banner, without forwarding', async () => {
    const banner = '#!/bin/sh\nprintf "Last login: today"\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n';
    await works(await addMachines([...forced(banner), 'AllowStreamLocalForwarding no']));
  });

  it('that knows words and quotes and nothing else', async () => {
    const shell = [
      '#!/usr/bin/env python3',
      'import os, shlex',
      'words = shlex.split(os.environ["SSH_ORIGINAL_COMMAND"])',
      'words = words[1:] if words[0] == "exec" else words',
      'os.execvp(words[0], words)',
      '',
    ].join('\n');
    await works(await addMachines(forced(shell)));
  });

  it.each([
    ['that refuses', '#!/bin/sh\necho "This account is currently not available."\nexit 1\n', 'not available'],
    ['that says nothing', '#!/bin/sh\nexit 0\n', 'it said nothing'],
    [
      'that runs something else',
      '#!/bin/sh\necho "router> unknown command /bin/sh"\nexit 0\n',
      'unknown command',
    ],
  ])('not, but tells of one %s', async (_what, shell, words) => {
    await addMachines(forced(shell));
    const explanation = await undisturbed(plushd, scratch, async () => {
      const run = await plushd.run(application('true'));
      await plushd.waitRun(run, ['failed']);
      return plushd.call('plushExplain', run);
    });
    expect(explanation.causes[0]).toMatchObject({
      cause: 'no_shell',
      phase: 'bootstrap',
      message: expect.stringContaining(words),
      hint: expect.stringContaining('POSIX shell'),
    });
  });
});

describe('reaches agents without forwarding to sockets', () => {
  it.each([
    ['AllowStreamLocalForwarding no'],
    ['AllowTcpForwarding no', 'AllowStreamLocalForwarding no'],
    ['DisableForwarding yes'],
  ])('with %s', async (...lines) => {
    const sshd = await addMachines([setBase(), ...lines]);
    await works(sshd);
    // Much output comes the same way, and a second run finds the way at once.
    const run = await plushd.run(application('head -c 3000000 /dev/zero | tr "\\\\0" x; echo end'));
    await plushd.waitRun(run);
    expect((await plushd.output(run, '127.0.53.1')).length).toBe(3_000_004);
  });

  it('and again after the connection broke', async () => {
    const sshd = await addMachines([setBase(), 'AllowStreamLocalForwarding no']);
    const go = scratch.path('go');
    const run = await plushd.run(application(`until [ -e ${go} ]; do sleep 0.1; done; echo end`));
    await plushd.waitRun(run, ['running']);
    await sshd.kill();
    await sshd.start();
    writeFileSync(go, '');
    await plushd.waitRun(run);
    expect(await plushd.output(run, '127.0.53.1')).toBe('end\n');
  });
});

it('tells of an account without a folder to write to', async () => {
  writeFileSync(scratch.path('file'), '');
  await addMachines([`SetEnv PLUSH_BASE=${scratch.path('file')}`]);
  const run = await plushd.run(application('true'));
  await plushd.waitRun(run, ['failed']);
  const { causes } = await plushd.call('plushExplain', run);
  expect(causes[0]).toMatchObject({
    cause: 'folder_unwritable',
    message: "The account cannot write to Plush's folder on the node",
  });
  expect(causes[0]?.failure.stderr_tail?.join('\n')).toMatch(/file/);
});

it('finds its way with a base folder whose name is long and has spaces', async () => {
  const folder = scratch.path(`${'long '.repeat(20)}name`);
  mkdirSync(folder);
  await works(await addMachines([`SetEnv "PLUSH_BASE=${folder}"`]));
});

describe('a maintenance command', () => {
  const serve = async (command: string) => {
    await plushd.close();
    plushd = await startPlushd({
      scratch,
      args: ['--ssh-host-keys', 'accept-new', '--maintenance', command],
    });
  };

  it('runs once on each machine before its agent is started', async () => {
    const seen = scratch.path('seen');
    await serve(`cat; [ "$PWD" = "$(cd && pwd)" ] && echo "it's $PLUSH_NODE" >>${seen}`);
    const sshd = await addMachines([setBase()]);
    await works(sshd);
    await works(sshd);
    const lines = () => readFileSync(seen, 'utf8').trim().split('\n').sort();
    expect(lines()).toEqual(["it's 127.0.53.1", "it's 127.0.53.2"]);
    // However much is done on a machine, it has one connection.
    const metrics = await fetch(`${plushd.url}/metrics`, {
      headers: { authorization: `Bearer ${plushd.token}` },
    });
    expect(await metrics.text()).toMatch(/^plush_ssh_connections 2$/m);
  });

  it('that fails keeps its machine out of runs, and its last words are told', async () => {
    await serve('echo about to; echo "no licence" >&2; exit 3');
    await addMachines([setBase()]);
    const run = await plushd.run(application('true'));
    await plushd.waitRun(run, ['failed']);
    const { causes } = await plushd.call('plushExplain', run);
    expect(causes[0]).toMatchObject({
      cause: 'maintenance_failed',
      phase: 'bootstrap',
      message: 'The maintenance command failed on the node with exit code 3',
      hint: expect.stringContaining('--maintenance'),
      failure: { exit_code: 3, stderr_tail: ['about to', 'no licence'] },
    });
    expect(existsSync(base())).toBe(false);
  });
});
