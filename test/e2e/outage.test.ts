/** The controller's own network is cut: real SSH servers behind a cable, whose nodes are all there all the time. */
import { readFileSync } from 'node:fs';
import { applicationXml } from '../harness/application.ts';
import { type Cable, layCable } from '../harness/cable.ts';
import { nodeBase, type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(90_000);

let scratch: Scratch;
let sshd: Sshd;
let cable: Cable;
let plushd: Plushd;

beforeEach(async () => {
  scratch = makeScratch();
  sshd = await startSshd(scratch, { subnet: '127.0.44', addresses: 4, config: [nodeBase(scratch)] });
  cable = await layCable(sshd.addresses, sshd.port);
  plushd = await startPlushd({ scratch, args: ['--ssh-host-keys', 'accept-new', '--hold-time', '60'] });
  for (const hostname of sshd.addresses) {
    const { user, identityFile: ssh_identity } = sshd;
    await plushd.call('plushAddNode', { hostname, ssh_port: cable.port, user, ssh_identity, group: 'lab' });
  }
});

afterEach(async () => {
  cable?.mend();
  await plushd?.close();
  await cable?.close();
  await sshd?.kill();
  await scratch.remove();
});

async function event(type: string): Promise<Record<string, unknown>> {
  return waitFor(type, async () => (await plushd.events()).find((one) => one.type === type), 40_000);
}

it('replaces no node while all are silent, says why, and goes on with them when they are heard again', async () => {
  const script = `echo "$PLUSH_TASK" >>${scratch.dir}/starts; while :; do sleep 0.05; done`;
  const run = await plushd.run(
    applicationXml({
      components: [{ name: 'workers', hosts: 3 }],
      blocks: [
        {
          name: 'all',
          component: 'workers',
          processes: [{ name: 'main', path: '/bin/sh', args: ['-c', script] }],
        },
      ],
      attributes: { service: '1', reconnect_interval: '1s' },
    }),
  );
  const starts = () => readFileSync(scratch.path('starts'), 'utf8').trim().split('\n');
  await waitFor('three programs', () => starts().length === 3);
  const before = await plushd.call('plushGetMatching', run);

  cable.cut();
  const suspected = await event('outage_suspected');
  expect(suspected).toMatchObject({ silent: 3, of: 3 });
  const words = `3 of 3 nodes fell silent at once, perhaps since the controller's own network is cut; none is replaced for that before ${suspected.until}`;
  expect(suspected.message).toBe(words);
  const { summary, waiting } = await plushd.call('plushExplain', run);
  expect(summary).toContain(words);
  expect(waiting[0]?.waits_for).toContain(`not replaced before ${suspected.until}`);
  expect((await plushd.call('plushInfoControl')).outage).toMatchObject({ silent: 3, message: words });

  cable.mend();
  expect(await event('outage_over')).toMatchObject({ cause: 'answering' });
  await waitFor('all nodes', async () => {
    const { nodes } = await plushd.call('plushListNodes', { run });
    return nodes.length === 3 && nodes.every(({ state }) => state === 'connected');
  });
  expect((await plushd.call('plushInfoControl')).outage).toBeUndefined();
  expect(await plushd.call('plushGetMatching', run)).toEqual(before);
  expect((await plushd.events()).filter(({ type }) => type === 'node_failed')).toEqual([]);
  expect(starts()).toHaveLength(3);
  await plushd.call('plushAbortRun', run);
  await plushd.waitRun(run, ['aborted']);
});
