/** Specifications of megabytes: whoever sends one keeps nobody else waiting, and is told the same as of a short one. */
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { faults } from '../../api/faults.ts';
import { parseApplication } from '../../src/core/spec/application.ts';
import { escaped } from '../harness/application.ts';
import { longApplication, longNonsense } from '../harness/long-specifications.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { RawCalls, xmlCall } from '../harness/raw-calls.ts';
import { exchange } from '../harness/raw-exchange.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { SocketClient } from '../harness/socket-client.ts';
import { waitFor } from '../harness/wait.ts';

/** Calls of others that are answered before a long specification is. */
const CALLS = 20;

const long = longApplication(3_000_000);
/** Just beyond what is read at once. */
const medium = longApplication(20_000, 'medium');

let scratch: Scratch;
let plushd: Plushd;
let raw: RawCalls;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch, args: ['--max-body', String(32 << 20)] });
  raw = new RawCalls(plushd);
  writeFileSync(scratch.path('apps', 'long.xml'), long);
}, 60_000);

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

/** How many specifications are read or wait for it. */
async function pending(): Promise<number> {
  const response = await fetch(`${plushd.url}/metrics`, {
    headers: { authorization: `Bearer ${plushd.token}` },
  });
  return Number(/^plush_specifications_pending (\d+)$/m.exec(await response.text())?.[1]);
}

const isRead = () => waitFor('a specification to be read', async () => (await pending()) > 0);

describe('while 3 MB are', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['checked', () => plushd.call('plushValidateApp', long)],
    ['loaded over XML-RPC', () => raw.xml(xmlCall(`<string>${escaped(long)}</string>`, 'plushLoadAppXml'))],
    ['loaded from a file', () => plushd.call('plushLoadApp', 'long.xml')],
    ['planned', () => plushd.call('plushPlanApp', long)],
  ])('%s, others are answered', async (_what, send) => {
    let isOver = false;
    const sent = send().finally(() => (isOver = true));
    await isRead();
    for (let calls = 0; calls < CALLS; calls += 1) await plushd.call('plushInfoControl');
    expect(isOver).toBe(false);
    await sent;
    expect(await pending()).toBe(0);
  });
});

describe('what is told of a long specification', () => {
  it.each([
    ['a correct one', longApplication(100_000)],
    ['nonsense', longNonsense(100_000)],
    ['one cut off', longApplication(100_000).slice(0, 90_000)],
  ])('is the same as the parser itself finds: %s', async (_what, text) => {
    const { diagnostics } = parseApplication(text, 'The file');
    expect(await plushd.call('plushValidateApp', text)).toEqual(diagnostics);
  });

  it('is the same fault as of a short one', async () => {
    const told = async (text: string) => {
      const answer = await raw.json(
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'plushLoadAppXml', params: [text] }),
      );
      return answer.error;
    };
    const error = '<component name="1"><rspec><num_hosts>none</num_hosts></rspec></component>';
    const start = `<plush><project name="x">${error}`;
    const end = '</project></plush>';
    const short = await told(start + end);
    expect(short).toMatchObject({ code: faults.APP_INVALID.code, message: expect.stringContaining('none') });
    expect(await told(`${start}${' '.repeat(100_000)}${end}`)).toEqual(short);
  });
});

describe('calls behind one that loads a long specification see it loaded', () => {
  const planned = (name: string) => ({ app: name, can_run: false });

  it('in a multicall', async () => {
    const xml = medium.replace('name="medium"', 'name="multi"');
    const results = await plushd.call('system.multicall', [
      { methodName: 'plushLoadAppXml', params: [xml] },
      { methodName: 'plushPlanApp', params: [] },
    ]);
    expect(results).toEqual([['multi'], [expect.objectContaining(planned('multi'))]]);
  });

  it('in a batch, behind what is wrong as well', async () => {
    const calls = [
      ['plushLoadAppXml', longNonsense(20_000)],
      ['plushLoadAppXml', medium.replace('name="medium"', 'name="batch"')],
      ['plushPlanApp'],
    ].map(([method, ...params], id) => ({ jsonrpc: '2.0', id, method, params }));
    const response = await raw.send('/rpc', JSON.stringify(calls));
    expect(JSON.parse(response.body)).toMatchObject([
      { id: 0, error: { code: faults.APP_INVALID.code } },
      { id: 1, result: 'batch' },
      { id: 2, result: planned('batch') },
    ]);
  });

  it('on a WebSocket, which others are not held up by', async () => {
    const [own, other] = await Promise.all([
      SocketClient.connect(plushd.url, { token: plushd.token }),
      SocketClient.connect(plushd.url, { token: plushd.token }),
    ]);
    const xml = medium.replace('name="medium"', 'name="socket"');
    const answers = [own.call('plushLoadAppXml', xml), own.call('plushPlanApp')];
    expect(await other.call('plushTestConnection')).toMatchObject({ result: 'Hello World' });
    expect(await Promise.all(answers)).toMatchObject([{ result: 'socket' }, { result: planned('socket') }]);
    own.close();
    other.close();
  });
});

it('requests behind one that loads a long specification see it loaded, on one connection', async () => {
  const json = (method: string, ...params: string[]) =>
    raw.request('/rpc', JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  const named = (name: string) => medium.replace('name="medium"', `name="${name}"`);
  const many = JSON.stringify([{ methodName: 'plushLoadAppXml', params: [named('third')] }]);
  const responses = await exchange(
    plushd.url,
    Buffer.concat([
      json('plushLoadAppXml', named('first')),
      json('plushPlanApp'),
      raw.request('/RPC2', xmlCall(escaped(named('second')), 'plushLoadAppXml')),
      json('plushPlanApp'),
      raw.request('/rpc', `{"jsonrpc":"2.0","id":1,"method":"system.multicall","params":[${many}]}`),
      json('plushPlanApp'),
    ]),
  );
  const plans = responses
    .filter((_, index) => index % 2 === 1)
    .map(({ body }) => JSON.parse(body).result.app);
  expect(plans).toEqual(['first', 'second', 'third']);
});

it('a client that has gone is not waited for, and its specification not read', async () => {
  const first = plushd.call('plushValidateApp', long);
  await isRead();
  const leaving = ['plushValidateApp', 'plushPlanApp'].map((method) => {
    const sending = request(`${plushd.url}/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${plushd.token}` },
    });
    sending.on('error', () => undefined);
    sending.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [long] }));
    return sending;
  });
  await waitFor('both to wait', async () => (await pending()) === 3);
  for (const sending of leaving) sending.destroy();
  await waitFor('both to be left out', async () => (await pending()) === 1);
  expect(await first).toEqual([]);
});

it('plushd that is stopped does not wait for what it reads', async () => {
  const cut = plushd.call('plushValidateApp', long).catch((error: unknown) => error);
  await isRead();
  expect(await plushd.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  await cut;
  await plushd.restart();
  expect(await plushd.call('plushValidateApp', medium)).toEqual([]);
  expect(plushd.logText()).not.toMatch(/Call failed|failed unexpectedly|was lost/);
});
