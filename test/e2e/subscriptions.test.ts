/** Subscribers of a real plushd: what they get, whoever dies meanwhile. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faults } from '../../api/faults.ts';
import type { ParamsOf } from '../../api/methods.ts';
import { shellApplication } from '../harness/application.ts';
import { startCallbackClient } from '../harness/callback-client.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { type Answering, startPythonSubscriber, startSubscriber } from '../harness/subscriber.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(60_000);

const SECRET = 'a secret of Söme length';

let scratch: Scratch;
let plushd: Plushd;
let closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
});

afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
  closing = [];
  await plushd.close();
  await scratch.remove();
});

async function subscriber(answering?: (n: number) => Answering) {
  const started = await startSubscriber(answering);
  closing.push(() => started.stop());
  return started;
}

async function python() {
  const started = await startPythonSubscriber(SECRET);
  closing.push(started.close);
  return started;
}

async function subscribe(order: ParamsOf<'plushSubscribe'>[0]): Promise<string> {
  return (await plushd.call('plushSubscribe', order)).subscription_id;
}

/** How a subscription stands. */
async function standing(id: string) {
  const { subscriptions } = await plushd.call('plushListSubscriptions');
  return subscriptions.find(({ subscription_id }) => subscription_id === id);
}

async function last(): Promise<number> {
  return (await plushd.call('plushInfoControl')).journal.last;
}

/** The whole journal, as it is on the disk, and the log. */
function written(): string {
  const state = join(scratch.dir, 'state');
  const files = readdirSync(state).filter((name) => /^(journal|audit)/.test(name));
  return files.map((name) => readFileSync(join(state, name), 'latin1')).join('') + plushd.logText();
}

it('tells a Python server everything, with details and a signature that Python finds right', async () => {
  const { url, calls } = await python();
  const id = await subscribe({ url, details: true, secret: SECRET, after: 0 });
  await plushd.addLocalNodes(2);
  await plushd.waitRun(await plushd.run(shellApplication('true', 2)));
  const newest = await last();
  await waitFor('all to be delivered', async () => ((await standing(id))?.delivered ?? 0) >= newest);
  expect(calls.filter(({ signed }) => !signed)).toEqual([]);
  // Every event once, except those that lead to two calls, and as plushGetEvents has them.
  const told = new Map(calls.map(({ params }) => [(params.at(-1) as { seq: number }).seq, params.at(-1)]));
  expect([...told.values()].slice(0, newest)).toEqual((await plushd.events()).slice(0, newest));
  const first = (name: string) => calls.find(({ method }) => method === name)?.params;
  expect(first('sendHostStatus')).toEqual(['node-1', expect.objectContaining({ type: 'node_added' })]);
  expect(first('sendApplicationExit')).toEqual([expect.objectContaining({ outcome: 'succeeded' })]);
  expect(first('sendEvent')).toEqual([expect.objectContaining({ seq: 1, type: 'controller_started' })]);
});

it('tells every event in order after everybody died and answers were cut off', async () => {
  const away = await subscriber((n) => (n % 9 === 4 ? 'cut' : 'result'));
  const id = await subscribe({ url: away.url, protocol: 'jsonrpc', details: true, after: 0 });
  await plushd.addLocalNodes(12, 'lab', 'a');
  await waitFor('some to be told', () => away.calls.length >= 6);
  await away.stop();
  await plushd.addLocalNodes(12, 'lab', 'b');
  await waitFor('a failure', async () => (await standing(id))?.state === 'failing');
  await plushd.kill('SIGKILL');
  await plushd.restart();
  await plushd.addLocalNodes(12, 'lab', 'c');
  await away.start();
  const adding = plushd.addLocalNodes(12, 'lab', 'd');
  await waitFor('more to be told', () => away.calls.some(({ params }) => params[0] === 'c-1'));
  await adding;
  await plushd.kill('SIGKILL');
  await plushd.restart();
  const newest = await last();
  await waitFor('all to be told', () => away.seqs().includes(newest), 40_000);
  // At least once and in order: nothing is ahead of its turn, what was told before may come again.
  let reached = 0;
  for (const seq of away.seqs()) {
    expect(seq).toBeLessThanOrEqual(reached + 1);
    reached = Math.max(reached, seq);
  }
  expect(await standing(id)).toMatchObject({ subscription_id: id, state: 'active' });
});

it('goes on to the next call for a subscriber that has no such method, and tries others again', async () => {
  const some = await subscriber((n) => (['missing', 'error', 'result'] as const)[n % 3] ?? 'result');
  await subscribe({ url: some.url, protocol: 'jsonrpc', details: true, after: 0 });
  await plushd.addLocalNodes(2);
  await waitFor('the last node', () => some.calls.filter(({ params }) => params[0] === 'node-2').length > 0);
  expect(some.seqs().slice(0, 3)).toEqual([1, 2, 2]);
});

it('lets neither a dead subscriber nor one that never answers delay the others', async () => {
  const dead = await subscriber();
  await dead.stop();
  const stuck = await subscriber(() => 'never');
  const broken = await subscriber((n) => (['error', 'status'] as const)[n % 2] ?? 'error');
  const well = await subscriber();
  const [deadId, , brokenId] = [
    await subscribe({ url: dead.url, protocol: 'jsonrpc', details: true }),
    await subscribe({ url: stuck.url, protocol: 'jsonrpc', details: true }),
    await subscribe({ url: broken.url, protocol: 'jsonrpc', details: true }),
    await subscribe({ url: well.url, protocol: 'jsonrpc', details: true }),
  ];
  await plushd.addLocalNodes(40);
  await waitFor('all nodes to be told', () => well.calls.some(({ params }) => params[0] === 'node-40'));
  expect(stuck.calls).toHaveLength(1);
  expect(new Set(broken.seqs()).size).toBe(1);
  const failing = (id: string, message: RegExp) =>
    waitFor(`the trouble of ${id} to be told`, async () => {
      const now = await standing(id);
      return now?.state === 'failing' && (now.failures ?? 0) > 0 && message.test(now.message ?? '');
    });
  await failing(deadId ?? '', /ECONNREFUSED/);
  await failing(brokenId ?? '', /fault 1: Not now|status 500/);
  expect((await plushd.call('plushInfoControl')).subscriptions).toMatchObject({ suspended: 0 });
});

it('describes a subscription anew, replays it from any place, and ends it', async () => {
  const { url, calls, seqs } = await subscriber();
  const id = await subscribe({ url, protocol: 'jsonrpc', topics: ['node'] });
  await plushd.addLocalNodes(1);
  await waitFor('the classic call', () => calls.length === 1);
  expect(calls[0]).toEqual({ jsonrpc: '2.0', method: 'sendHostStatus', params: ['node-1'] });
  // The same again, with details and from the beginning.
  expect(await subscribe({ url, protocol: 'jsonrpc', topics: ['node'], details: true, after: 0 })).toBe(id);
  await waitFor('the replay', () => calls.length === 2);
  expect(calls[1]?.params).toEqual(['node-1', expect.objectContaining({ type: 'node_added' })]);
  await plushd.kill('SIGKILL');
  await plushd.restart();
  expect((await plushd.call('plushListSubscriptions')).subscriptions).toEqual([
    expect.objectContaining({ subscription_id: id, details: true, topics: ['node'], caller: 'owner' }),
  ]);
  expect(await subscribe({ url, protocol: 'jsonrpc', details: true })).toBe(id);
  await plushd.call('plushLoadAppXml', shellApplication('true', 1));
  await waitFor('the other topics', () => calls.at(-1)?.method === 'sendEvent');
  expect(calls.at(-1)?.params).toEqual([expect.objectContaining({ seq: await last(), type: 'app_loaded' })]);
  await plushd.call('plushUnsubscribe', id);
  const count = seqs().length;
  await plushd.addLocalNodes(1, 'lab', 'late');
  expect((await plushd.call('plushListSubscriptions')).subscriptions).toEqual([]);
  await expect(plushd.call('plushUnsubscribe', id)).rejects.toMatchObject({
    symbol: 'SUBSCRIPTION_NOT_FOUND',
  });
  expect(calls).toHaveLength(count);
});

it('lists classic clients too, and ends them', async () => {
  const client = await startCallbackClient();
  closing.push(client.stop);
  await plushd.call('setXmlRpcClientUrl', client.url);
  const { subscriptions } = await plushd.call('plushListSubscriptions', { limit: 1 });
  expect(subscriptions).toEqual([
    expect.objectContaining({ subscription_id: `client:${client.url}`, classic: true, state: 'active' }),
  ]);
  await plushd.call('plushUnsubscribe', `client:${client.url}`);
  expect((await plushd.call('plushInfoControl')).clients).toEqual([]);
  await plushd.addLocalNodes(1);
  await plushd.call('setXmlRpcClientUrl', client.url);
  await plushd.addLocalNodes(1, 'lab', 'back');
  await waitFor('a call', () => client.calls.length > 0);
  expect(client.calls).toEqual([{ method: 'sendHostStatus', params: ['back-1'] }]);
});

it('tells a token that was revoked or has expired nothing more', async () => {
  const { url, calls } = await subscriber();
  const classic = await startCallbackClient();
  closing.push(classic.stop);
  const scopes = ['read', 'operate'] as const;
  const { token } = await plushd.call('plushCreateToken', { name: 'gui', scopes: [...scopes] });
  const mine = plushd.token;
  plushd.token = token;
  const id = await subscribe({ url, protocol: 'jsonrpc', topics: ['node'] });
  await plushd.call('setXmlRpcClientUrl', classic.url);
  plushd.token = mine;
  await plushd.addLocalNodes(1, 'lab', 'before');
  await waitFor('both to be told', () => calls.length === 1 && classic.calls.length === 1);
  await plushd.call('plushRevokeToken', 'gui');
  await plushd.call('plushCreateToken', { name: 'gui', scopes: [...scopes] });
  await plushd.addLocalNodes(1, 'lab', 'after');
  expect(await standing(id)).toMatchObject({
    state: 'suspended',
    caller: 'gui',
    message: expect.stringContaining('"gui", with which it subscribed, was revoked'),
  });
  // Who is told last knows that the others would have been told.
  const late = await subscriber();
  await subscribe({ url: late.url, protocol: 'jsonrpc', topics: ['node'], after: 0 });
  await waitFor('the owner to be told', () => late.calls.length === 2);
  expect([calls.length, classic.calls.length]).toEqual([1, 1]);
});

it('lets a token without scope operate have events brought to no URL', async () => {
  const { token } = await plushd.call('plushCreateToken', { name: 'looker', scopes: ['read'] });
  plushd.token = token;
  // HTTP 403, as for every fault of a scope.
  const refused = expect.objectContaining({ message: expect.stringContaining('403') });
  await expect(plushd.call('plushSubscribe', { url: 'http://127.0.0.1/' })).rejects.toEqual(refused);
  await expect(plushd.call('plushUnsubscribe', 'sub-x')).rejects.toEqual(refused);
  expect((await plushd.call('plushListSubscriptions')).total).toBe(0);
});

it('calls as nodes enter a barrier, so that a program releases it by a rule of its own (section 5.1)', async () => {
  const { url, calls } = await subscriber();
  await subscribe({ url, protocol: 'jsonrpc', topics: ['run'], details: true });
  await plushd.addLocalNodes(3);
  const slow = scratch.path('go');
  const process = (after: string) =>
    `<process_block name="w">${after}<process name="w"><path>/bin/sh</path><cmdline><arg>-c</arg><arg>[ $PLUSH_INDEX != 2 ] || until [ -e ${slow} ]; do sleep 0.05; done</arg></cmdline></process></process_block>`;
  const run = await plushd.run(
    `<plush><project name="p"><component name="c"><rspec><num_hosts>3</num_hosts></rspec></component>
    <application_block name="app"><execution><component_block name="cb"><component name="c"/>${process('')}
    <barrier_block name="gate"><predecessor name="w"/><barrier name="meet" type="1" release="manual"/></barrier_block>
    </component_block></execution></application_block></project></plush>`,
  );
  const { c: nodes = [] } = await plushd.call('plushGetMatching', run);
  // Its rule: two of three are enough.
  const entries = await waitFor('two entries', () => {
    const all = calls.filter(({ method, params }) => {
      const { type, run_id } = params.at(-1) as { type: string; run_id: string };
      return method === 'sendBlockStatus' && type === 'barrier_entered' && run_id === run;
    });
    return all.length === 2 ? all : undefined;
  });
  expect(entries.map(({ params }) => params[0])).toEqual(['gate', 'gate']);
  const who = entries.map(({ params }) => (params[1] as { hostname: string }).hostname);
  expect(who.sort()).toEqual(nodes.slice(0, 2).sort());
  expect(await plushd.call('plushReleaseBarrier', run, 'meet', {})).toMatchObject({ state: 'open' });
  writeFileSync(slow, '');
  await plushd.waitRun(run);
});

it('keeps secrets and passwords in a file of its own and tells nobody', async () => {
  const { url, calls } = await python();
  const withPassword = url.replace('://', '://user:pässwort-of-mine@');
  const id = await subscribe({ url: withPassword, secret: SECRET, details: true });
  await plushd.call('setXmlRpcClientUrl', withPassword.replace('/RPC2', '/classic'));
  // Again, with another secret: the old one goes.
  await subscribe({ url: withPassword, secret: `${SECRET} that is wrong`, details: true });
  await subscribe({ url: withPassword, secret: SECRET, details: true });
  await plushd.addLocalNodes(1);
  await waitFor('a signed call', () =>
    calls.some(({ method, signed }) => method === 'sendHostStatus' && signed),
  );
  const basic = `Basic ${Buffer.from('user:pässwort-of-mine').toString('base64')}`;
  expect(calls.filter(({ authorization }) => authorization !== basic)).toEqual([]);
  const file = join(scratch.dir, 'state', 'callback-secrets.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')))).toHaveLength(2);
  const told = JSON.stringify([
    await plushd.call('plushListSubscriptions'),
    await plushd.call('plushInfoControl'),
    await plushd.events(),
  ]);
  for (const text of [told, written()]) {
    expect(text).not.toMatch(/a secret of|wort-of-mine|%C3%A4ss/);
  }
  await plushd.kill('SIGKILL');
  await plushd.restart();
  await plushd.addLocalNodes(1, 'lab', 'late');
  await waitFor('a signed call', () => calls.some(({ params, signed }) => params[0] === 'late-1' && signed));
  await plushd.call('plushUnsubscribe', id);
  expect(readFileSync(file, 'utf8')).not.toContain(SECRET);
});

const REFUSED: readonly (readonly [order: object, symbol: string, words: RegExp])[] = [
  [{}, 'INVALID_PARAMETERS', /needs a url over HTTP/],
  [{ url: 'nonsense' }, 'BAD_URL', /is not a URL/],
  [{ url: 'file:///etc/passwd' }, 'BAD_URL', /not http or https/],
  [{ url: 'http://%zz:b@127.0.0.1/' }, 'BAD_URL', /escape/],
  [{ url: 'http://192.0.2.1/' }, 'URL_NOT_ALLOWED', /--callback-hosts/],
  [{ url: 'http://127.0.0.1.example.org/' }, 'URL_NOT_ALLOWED', /--callback-hosts/],
  [{ url: `http://127.0.0.1/${'x'.repeat(3000)}` }, 'INVALID_PARAMETERS', /member url: expected/],
  [{ url: 'http://127.0.0.1/', protocol: 'soap' }, 'INVALID_PARAMETERS', /"xmlrpc" or "jsonrpc"/],
  [{ url: 'http://127.0.0.1/', topics: ['nodes'] }, 'INVALID_PARAMETERS', /"node"/],
  [{ url: 'http://127.0.0.1/', topics: [] }, 'INVALID_PARAMETERS', /topics/],
  [{ url: 'http://127.0.0.1/', secret: '' }, 'INVALID_PARAMETERS', /1 to 256 characters/],
  [{ url: 'http://127.0.0.1/', after: 1_000_000 }, 'INVALID_PARAMETERS', /the newest event is/],
  [{ url: 'http://127.0.0.1/', after: -2 }, 'INVALID_PARAMETERS', /after/],
  [{ url: 'http://127.0.0.1/', detail: true }, 'INVALID_PARAMETERS', /details/],
];

it('refuses what cannot be a subscription, and says why', async () => {
  const refusals = await Promise.all(
    REFUSED.map(([order]) =>
      subscribe(order as ParamsOf<'plushSubscribe'>[0]).then(
        () => 'taken',
        ({ symbol, message }) => `${symbol} ${message}`,
      ),
    ),
  );
  for (const [i, [, symbol, words]] of REFUSED.entries()) {
    expect(refusals[i]).toMatch(new RegExp(`^${symbol} `));
    expect(refusals[i]).toMatch(words);
  }
  expect((await plushd.call('plushListSubscriptions')).total).toBe(0);
});

it('takes a bounded number of subscriptions of one caller, and lists them by page', async () => {
  const calls = Array.from({ length: 251 }, (_, i) => ({
    methodName: 'plushSubscribe',
    params: [{ url: `http://127.0.0.1:9/${i}`, protocol: 'jsonrpc', topics: ['app'] }],
  }));
  const answers = await plushd.call('system.multicall', calls);
  expect(answers.at(-1)).toEqual({
    faultCode: faults.TOO_MANY_SUBSCRIBERS.code,
    faultString: expect.stringContaining('owner has 250 subscriptions already'),
  });
  const seen = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await plushd.call('plushListSubscriptions', cursor === undefined ? {} : { cursor });
    expect(page.total).toBe(250);
    for (const { subscription_id } of page.subscriptions) seen.add(subscription_id);
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(seen.size).toBe(250);
});
