/** Nodes whose disk is full, at each step: told as that, and another node takes their place. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { shellApplication } from '../harness/application.ts';
import { makeZip, tarOf } from '../harness/archive.ts';
import { makeTar, type PackageServer, startPackageServer } from '../harness/packages.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { diskKinds, makeSmallDisk, type SmallDisk } from '../harness/small-disk.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';
import { undisturbed } from '../harness/undisturbed.ts';
import { waitFor } from '../harness/wait.ts';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;
const NODE = '127.0.55.1';
const SPARE = 'spare-1';

/** Folders of runs below Plush's folder. */
function runFolders(base: string): string[] {
  return readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\/runs\/[^/]+$/.test(name),
  );
}

/** Writes a file until there is no room for one more byte. */
function fillUp(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let bytes = 64 * KILOBYTE; bytes > 0; ) {
      try {
        writeSync(file, Buffer.alloc(bytes));
      } catch {
        bytes = Math.floor(bytes / 2);
      }
    }
  } finally {
    closeSync(file);
  }
}

describe.each(diskKinds())('a small %s', (kind) => {
  let scratch: Scratch;
  let plushd: Plushd;
  let server: PackageServer;
  let sshd: Sshd | undefined;
  let disk: SmallDisk | undefined;

  beforeEach(async () => {
    scratch = makeScratch();
    server = await startPackageServer();
    plushd = await startPlushd({ scratch, args: ['--ssh-host-keys', 'accept-new'] });
  });

  afterEach(async () => {
    await plushd.close();
    await sshd?.kill();
    await server.close();
    disk?.remove();
    await scratch.remove();
  });

  /** A node with so much room, chosen first, and a spare with more. */
  const addNodes = async (bytes: number): Promise<void> => {
    disk = makeSmallDisk(scratch, kind, bytes);
    sshd = await startSshd(scratch, { subnet: '127.0.55', config: disk.config });
    const { port, user, identityFile } = sshd;
    const ssh = { ssh_port: port, user, ssh_identity: identityFile };
    await plushd.call('plushAddNode', { hostname: NODE, ...ssh, group: 'small', preference: 10 });
    await plushd.addLocalNodes(1, 'small', 'spare');
  };

  /** Runs, with the spare in the end, and gives what is told of the node that was full. */
  const replaced = (xml: string) =>
    undisturbed(plushd, scratch, async () => {
      const run = await plushd.run(xml);
      await plushd.waitRun(run);
      expect(await plushd.call('plushGetMatching', run)).toEqual({ workers: [SPARE] });
      const { causes } = await plushd.call('plushExplain', run);
      // Another cause is told whole: what a full disk breaks first depends on the moment.
      if (causes[0]?.cause !== 'disk_full')
        throw new Error(`${JSON.stringify(causes)}\n${plushd.logText().slice(-2_000)}`);
      expect(causes).toMatchObject([{ cause: 'disk_full', nodes: 1, examples: [NODE] }]);
      expect(causes[0]?.hint).toContain('disk space');
      expect(await plushd.call('plushGetNode', NODE)).toMatchObject({
        state: 'failed',
        failure: { cause: 'disk_full' },
      });
      await waitFor('the full node to be cleaned', () => runFolders(scratch.path('small')).length === 0);
      return causes[0];
    });

  const components = [{ name: 'workers', hosts: 1, group: 'small', software: ['stuff'] }];

  it('is told while the node is prepared', async () => {
    await addNodes(64 * KILOBYTE);
    const cause = await replaced(
      shellApplication('true', 1, { components: [{ name: 'workers', hosts: 1, group: 'small' }] }),
    );
    expect(cause).toMatchObject({ phase: 'bootstrap', message: "The node's disk is full" });
  });

  it('is told while a package is fetched', async () => {
    await addNodes(3 * MEGABYTE);
    // Random, so that nothing on the way makes it smaller.
    const files = { 'big.bin': randomBytes(4 * MEGABYTE).toString('base64') };
    const url = server.serve('stuff.tar', makeTar(scratch, 'stuff', files));
    const cause = await replaced(shellApplication('true', 1, { components, software: { stuff: url } }));
    expect(cause).toMatchObject({ phase: 'install', message: "The node's disk is full" });
    expect(cause?.failure.stderr_tail?.at(-1)).toMatch(/bytes needed/);
  });

  it('is told while a package is unpacked', async () => {
    await addNodes(6 * MEGABYTE);
    const files = { 'a.bin': 'a'.repeat(7 * MEGABYTE) };
    const url = server.serve('stuff.tar', gzipSync(makeTar(scratch, 'stuff', files)));
    const cause = await replaced(shellApplication('true', 1, { components, software: { stuff: url } }));
    expect(cause).toMatchObject({ phase: 'install', message: "The node's disk is full" });
  });

  it('is told when a task has no more room for its output', async () => {
    await addNodes(3 * MEGABYTE);
    const script = 'head -c 8000000 /dev/zero';
    const cause = await replaced(
      shellApplication(script, 1, { components: [{ name: 'workers', hosts: 1, group: 'small' }] }),
    );
    expect(cause).toMatchObject({
      phase: 'watch',
      message: expect.stringMatching(/^The node's disk is full; the program ended with status \d+$/),
    });
  });

  it('is told when a task has no room for its files', async () => {
    await addNodes(3 * MEGABYTE);
    const cause = await replaced(
      shellApplication('head -c 8000000 /dev/zero >file', 1, {
        components: [{ name: 'workers', hosts: 1, group: 'small' }],
      }),
    );
    expect(cause).toMatchObject({ phase: 'watch' });
  });

  // A limit on the size of one file leaves room for others.
  if (kind === 'file system') {
    it('is told when the agent dies and has no room to begin again, nor to say so', async () => {
      await addNodes(3 * MEGABYTE);
      const run = await plushd.run(
        shellApplication('sleep 1', 1, { components: [{ name: 'workers', hosts: 1, group: 'small' }] }),
      );
      await plushd.waitRun(run, ['running']);
      fillUp(scratch.path('small', 'filler'));
      killProcess(plushd.agentPid(NODE) as number);
      await waitFor('the spare', async () => {
        const matching = await plushd.call('plushGetMatching', run);
        return matching.workers?.includes(SPARE) === true;
      });
      expect(await plushd.call('plushGetNode', NODE)).toMatchObject({
        failure: { cause: 'disk_full', message: "The node's disk is full" },
      });
      rmSync(scratch.path('small', 'filler'));
      await plushd.waitRun(run);
      expect((await plushd.call('plushExplain', run)).causes).toMatchObject([
        { cause: 'disk_full', phase: 'bootstrap', examples: [NODE] },
      ]);
    });
  }

  // What never ends shows itself alike on both.
  if (kind !== diskKinds()[0]) return;

  const body = 'a'.repeat(40 * MEGABYTE);
  it.each([
    ['tgz', async () => gzipSync(await tarOf({ name: 'bomb', body }))],
    ['gz', async () => gzipSync(body)],
    ['zip', async () => makeZip(scratch, [{ name: 'bomb', body }])],
  ])('is told when a package of type %s is a thousand times as large as it looks', async (type, make) => {
    await addNodes(6 * MEGABYTE);
    const bomb = await make();
    expect(bomb.length).toBeLessThan(100 * KILOBYTE);
    const url = server.serve('stuff.tar', bomb);
    const xml = shellApplication('true', 1, { components, software: { stuff: url } });
    const cause = await replaced(xml.replace('type="tar"', `type="${type}"`));
    expect(cause).toMatchObject({ phase: 'install', message: "The node's disk is full" });
  });

  if (kind === 'file system')
    it('is told at once when it is nearly full, while nothing has failed, and when it has room again', async () => {
      await addNodes(16 * MEGABYTE);
      const wait = `until [ -e ${scratch.path('go')} ]; do sleep 0.05; done`;
      const component = { name: 'workers', hosts: 1, group: 'small' };
      const run = await plushd.run(shellApplication(wait, 1, { components: [component] }));
      const summaryOf = async (subject: string) => (await plushd.call('plushExplain', subject)).summary;
      await waitFor('the task', async () => (await summaryOf(run)).includes('is running'));
      expect(await summaryOf(run)).not.toContain('nearly full');

      const { bavail, bsize } = statfsSync(scratch.path('small'));
      writeFileSync(scratch.path('small', 'fill'), Buffer.alloc(bavail * bsize - 200 * KILOBYTE));
      const told = /The disk of 127\.0\.55\.1 is nearly full \(\d+(\.\d+)? KiB of 16 MiB are free\)\.$/;
      await waitFor('the report', async () => told.test(await summaryOf(run)));
      expect(await summaryOf(NODE)).toMatch(told);
      expect(plushd.logText()).toContain("The node's disk is nearly full");
      expect((await plushd.call('plushGetNode', NODE)).host).toMatchObject({
        disk_total_bytes: 16 * MEGABYTE,
        network_received_bytes: expect.any(Number),
        network_sent_bytes: expect.any(Number),
      });

      rmSync(scratch.path('small', 'fill'));
      await waitFor('room', async () => !(await summaryOf(run)).includes('nearly full'));
      writeFileSync(scratch.path('go'), '');
      await plushd.waitRun(run);
    });

  it('is told when a package never ends, and what came of it is gone', async () => {
    await addNodes(6 * MEGABYTE);
    await plushd.call('plushRemoveNode', SPARE);
    const url = server.serveEndless('stuff.tar');
    const failed = await undisturbed(plushd, scratch, async () => {
      const run = await plushd.run(shellApplication('true', 1, { components, software: { stuff: url } }));
      await plushd.waitRun(run, ['failed']);
      return plushd.call('plushExplain', run);
    });
    expect(failed.causes[0]).toMatchObject({ cause: 'disk_full', phase: 'install', examples: [NODE] });
    expect(failed.causes[0]?.action).toBe('The run was ended');
    await waitFor('the full node to be cleaned', () => runFolders(scratch.path('small')).length === 0);
  });
});
