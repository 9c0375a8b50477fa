/** A directory with slices of PlanetLab: plushd asks a real XML-RPC server for their nodes. */
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCallbackClient } from '../harness/callback-client.ts';
import { type Plc, type PlcData, startPlc } from '../harness/plc.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(60_000);

const USER = 'jalbrecht@cs.ucsd.edu';
const PASSWORD = 'c0rrect <horse> & "battery"';
const DATA: PlcData = {
  users: { [USER]: PASSWORD },
  slices: {
    ucsd_plush: { members: [USER], node_ids: [1, 2, 3] },
    ucsd_sword: { members: [USER], node_ids: [1] },
    other: { members: [], node_ids: [1, 2, 3] },
  },
  nodes: [
    [1, 'planetlab1.cs.duke.edu', 'boot'],
    [2, 'planetlab2.cs.duke.edu', 'boot'],
    [3, 'planetlab3.cs.duke.edu', 'reinstall'],
  ],
};
const OWN = ['sysnet80.ucsd.edu:15420', 'sysnet81.ucsd.edu:15420', 'sysnet82.ucsd.edu:15420'];

let scratch: Scratch;
let plushd: Plushd | undefined;
let plc: Plc;

beforeEach(async () => {
  scratch = makeScratch();
  copyFileSync(join(__dirname, '../unit/spec/fixtures/figures/figure6.xml'), scratch.path('directory.xml'));
  writeFileSync(scratch.path('password'), `${PASSWORD}\n`, { mode: 0o600 });
  plc = await startPlc(DATA);
});

afterEach(async () => {
  await plushd?.close();
  plushd = undefined;
  await plc.close();
  await scratch.remove();
});

/** plushd with the directory of figure 6. */
async function start(...more: string[]): Promise<Plushd> {
  const args = ['--directory', scratch.path('directory.xml'), '--plc-url', plc.url, ...more];
  plushd = await startPlushd({ scratch, args });
  return plushd;
}

const startWithPassword = () => start('--plc-password-file', scratch.path('password'));

async function names(daemon: Plushd): Promise<string[]> {
  return (await daemon.call('plushListNodes')).nodes.map((node) => node.hostname);
}

async function info(daemon: Plushd) {
  const { planetlab } = await daemon.call('plushInfoControl');
  if (planetlab === undefined) throw new Error('plushInfoControl tells nothing of PlanetLab');
  return planetlab;
}

const stands = (daemon: Plushd, state: string) =>
  waitFor(`PlanetLab to be ${state}`, async () => (await info(daemon)).state === state);

test('the directory of figure 6 brings the nodes of both slices, for the slice as user and group', async () => {
  const daemon = await startWithPassword();
  await stands(daemon, 'current');
  expect(await names(daemon)).toEqual([
    'planetlab1.cs.duke.edu:15415',
    'planetlab1.cs.duke.edu:15416',
    'planetlab2.cs.duke.edu:15415',
    ...OWN,
  ]);
  expect(await daemon.call('plushGetNode', 'planetlab1.cs.duke.edu:15416')).toMatchObject({
    type: 'ssh',
    user: 'ucsd_sword',
    group: 'ucsd_sword',
    state: 'idle',
  });
  const { url, user, slices } = await info(daemon);
  expect([url, user]).toEqual([plc.url, USER]);
  expect(slices).toEqual([
    { slice: 'ucsd_plush', port: 15415, found: true, nodes: 2 },
    { slice: 'ucsd_sword', port: 15416, found: true, nodes: 1 },
  ]);
  expect(plc.calls).toEqual(['GetSlices 2', 'GetNodes 3']);
  const plan = `<plush><project name="p"><component name="c"><rspec><num_hosts>2</num_hosts></rspec>
    <resources><resource type="planetlab" group="ucsd_plush"/></resources></component>
    <application_block name="a"><execution><component_block name="b"><component name="c"/>
    <process_block name="x"><process name="x"><path>true</path></process></process_block>
    </component_block></execution></application_block></project></plush>`;
  await daemon.call('plushLoadAppXml', plan);
  expect(JSON.stringify(await daemon.call('plushPlanApp'))).toContain('planetlab2.cs.duke.edu:15415');
});

test('slices that change reach a classic client and the pool, also after a restart', async () => {
  const client = await startCallbackClient();
  try {
    let daemon = await start();
    await daemon.call('setXmlRpcClientUrl', client.url);
    const calls = () =>
      client.calls
        .filter(({ method }) => /Slice/.test(method))
        .map(({ method, params }) => [method, ...params].join(' '));
    await daemon.kill('SIGTERM');
    daemon = await startWithPassword();
    await waitFor('the news', () => calls().length >= 3);
    expect(calls()).toEqual([
      'sendPlanetLabSlices',
      'sendSliceNodes ucsd_plush',
      'sendSliceNodes ucsd_sword',
    ]);
    await plc.know({
      slices: { ucsd_plush: { members: [USER], node_ids: [2, 3] } },
      nodes: [
        [2, 'planetlab2.cs.duke.edu', 'boot'],
        [3, 'planetlab3.cs.duke.edu', 'boot'],
      ],
    });
    process.kill(daemon.pid, 'SIGHUP');
    await waitFor('the further news', () => calls().length >= 6);
    expect(calls().slice(3)).toEqual([
      'sendPlanetLabSlices',
      'sendSliceNodes ucsd_plush',
      'sendSliceNodes ucsd_sword',
    ]);
    const now = ['planetlab2.cs.duke.edu:15415', 'planetlab3.cs.duke.edu:15415', ...OWN];
    expect(await names(daemon)).toEqual(now);
    expect(daemon.logText()).toContain('shows these slices not to the account');
    await plc.know({ mode: 'status' });
    await daemon.kill('SIGKILL');
    await daemon.restart();
    await stands(daemon, 'failing');
    expect(await names(daemon)).toEqual(now);
    writeFileSync(scratch.path('directory.xml'), '<plush/>');
    process.kill(daemon.pid, 'SIGHUP');
    await waitFor('the nodes to go', async () => (await names(daemon)).length === 0);
    expect((await daemon.call('plushInfoControl')).planetlab).toBeUndefined();
  } finally {
    await client.stop();
  }
});

test('a wrong password is told with what to do, is in no text, and is mended without a restart', async () => {
  writeFileSync(scratch.path('password'), 'wr0ng-password');
  chmodSync(scratch.path('password'), 0o644);
  const daemon = await startWithPassword();
  await stands(daemon, 'failing');
  const { message, next } = await info(daemon);
  expect(message).toBe(
    `PlanetLab Central refused GetSlices with fault 103: Failed to authenticate call: PasswordAuth: Password verification failed. Check the account ${USER} and its password in ${scratch.path('password')}, then send plushd SIGHUP`,
  );
  expect(Date.parse(next ?? '') - Date.now()).toBeGreaterThan(200_000);
  expect(await names(daemon)).toEqual(OWN);
  await plc.know({ mode: 'echo' });
  process.kill(daemon.pid, 'SIGHUP');
  await waitFor('the echo', async () => (await info(daemon)).message?.includes('(hidden)'));
  expect(daemon.logText()).toContain('chmod 600');
  expect(daemon.logText()).not.toContain('wr0ng');
  expect(JSON.stringify([await daemon.events(), await info(daemon)])).not.toContain('wr0ng');
  await plc.know({ mode: 'answer' });
  writeFileSync(scratch.path('password'), PASSWORD);
  process.kill(daemon.pid, 'SIGHUP');
  await stands(daemon, 'current');
  expect(daemon.logText()).not.toContain('horse');
});

test('without a password the rest of the directory loads, and a warning says what is missing', async () => {
  const daemon = await start();
  expect(await names(daemon)).toEqual(OWN);
  expect(await info(daemon)).toMatchObject({
    state: 'off',
    message: expect.stringContaining('--plc-password-file'),
  });
  expect(daemon.logText()).toContain('has no password to ask for their nodes');
  expect(plc.calls).toEqual([]);
});

test('a server that never answers delays neither the start nor the end', async () => {
  await plc.know({ mode: 'silent' });
  const daemon = await startWithPassword();
  await waitFor('the question', () => plc.calls.length === 1);
  expect((await info(daemon)).state).toBe('asking');
  expect(await names(daemon)).toEqual(OWN);
  expect(await daemon.kill('SIGTERM')).toEqual({ code: 0, signal: null });
});
