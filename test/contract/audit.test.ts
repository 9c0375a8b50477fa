/** The audit: who changed what, and how it went. */
import { readFileSync, statSync } from 'node:fs';
import { callAs, postAs } from '../harness/as-token.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const scratch = makeScratch();
let plushd: Plushd;

beforeAll(async () => {
  plushd = await startPlushd({ scratch });
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

type Line = Readonly<Record<string, unknown>>;

const file = () => scratch.path('state', 'audit.log');
const lines = (): Line[] =>
  readFileSync(file(), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

/** The lines that come while something is done, once there are as many as that. */
async function linesOf(count: number, work: () => Promise<unknown>): Promise<Line[]> {
  const before = lines().length;
  await work();
  return waitFor(`${count} lines`, () => {
    const more = lines().slice(before);
    return more.length >= count ? more : undefined;
  });
}

describe('the audit', () => {
  it('has a line for each call that changes something: who, what, and the facts it led to', async () => {
    const added = await linesOf(1, () => plushd.call('plushAddNode', { hostname: 'a.example', user: 'me' }));
    const [line] = added;
    expect(line).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      call: expect.any(String),
      caller: 'owner',
      remote: '127.0.0.1',
      method: 'plushAddNode',
      params: [{ hostname: 'a.example', user: 'me' }],
      result: 'ok',
      facts: expect.any(Array),
    });
    const [seq = 0] = (line?.facts ?? []) as number[];
    const { events } = await plushd.call('plushGetEvents', { after: seq - 1, limit: 1 });
    expect(events).toMatchObject([{ seq, type: 'node_added', owner: 'owner' }]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('has those that were refused, items of a multicall one by one, and nothing of calls that only ask', async () => {
    let token = '';
    await linesOf(1, async () => {
      ({ token } = await plushd.call('plushCreateToken', { name: 'reader', scopes: ['read'] }));
    });
    const calls = [
      { methodName: 'plushRemoveNode', params: ['nowhere'] },
      { methodName: 'plushListNodes' },
      { methodName: 'plushAddNode', params: [{ hostname: 'b.example' }] },
    ];
    const found = await linesOf(3, async () => {
      await callAs(plushd, token, 'plushQuit');
      await callAs(plushd, plushd.token, 'system.multicall', calls);
      await callAs(plushd, token, 'plushListRuns');
    });
    expect(found.map(({ caller, method, result }) => [caller, method, result])).toEqual([
      ['reader', 'plushQuit', 'FORBIDDEN'],
      ['owner', 'plushRemoveNode', 'NODE_NOT_FOUND'],
      ['owner', 'plushAddNode', 'ok'],
    ]);
  });

  it('has refused calls of methods that mostly tell, and nothing where they told', async () => {
    let token = '';
    await linesOf(1, async () => {
      ({ token } = await plushd.call('plushCreateToken', { name: 'looker', scopes: ['read'] }));
    });
    const url = 'http://far.example/';
    const found = await linesOf(4, async () => {
      await callAs(plushd, token, 'plushSubscribe', { url });
      await callAs(plushd, token, 'plushUnsubscribe', 'sub-x');
      await callAs(plushd, token, 'plushListSubscriptions', { cursor: 'bad' });
      await callAs(plushd, plushd.token, 'plushSubscribe', { url });
      await callAs(plushd, plushd.token, 'plushUnsubscribe', 'sub-x');
    });
    expect(found.map(({ caller, method, result }) => [caller, method, result])).toEqual([
      ['looker', 'plushSubscribe', 'FORBIDDEN'],
      ['looker', 'plushUnsubscribe', 'FORBIDDEN'],
      ['owner', 'plushSubscribe', 'URL_NOT_ALLOWED'],
      ['owner', 'plushUnsubscribe', 'SUBSCRIPTION_NOT_FOUND'],
    ]);
  });

  it('shows no secrets, and nothing at length', async () => {
    const properties = { password: 'hunter2', api_key: 'k-123', plain: 'x'.repeat(4096) };
    await linesOf(3, async () => {
      await plushd.call('plushAddNode', { hostname: 'c.example', properties });
      await callAs(plushd, plushd.token, 'setXmlRpcClientUrl', 'http://me:hunter2@127.0.0.1:1/x');
      await plushd.call('plushCreateToken', { name: 'made', scopes: ['read'] });
    });
    const text = readFileSync(file(), 'utf8');
    expect(text).toContain('x… (4096 characters)');
    for (const secret of ['hunter2', 'k-123', 'plush_', 'x'.repeat(600)]) expect(text).not.toContain(secret);
    expect(text).toContain('http://(hidden)@127.0.0.1:1/x');
  });

  it('is in the log too, in short', async () => {
    await waitFor('the line', () =>
      /"method":"plushCreateToken","result":"ok".*"msg":"Audit"/.test(plushd.logText()),
    );
    expect(plushd.logText()).not.toContain('hunter2');
  });

  it('notes wrong tokens, and only so many of them', async () => {
    const knock = () => postAs(plushd, 'wrong-token', '/rpc', {});
    const [first] = await linesOf(1, knock);
    expect(first).toEqual({
      time: expect.any(String),
      remote: '127.0.0.1',
      path: '/rpc',
      result: 'UNAUTHORIZED',
    });
    const before = lines().length;
    const startedMs = performance.now();
    for (let i = 0; i < 10; i += 1) await Promise.all(Array.from({ length: 20 }, knock));
    expect(lines().length).toBeGreaterThan(before);
    // One line a second, and ten that may be saved up.
    const most = 11 + (performance.now() - startedMs) / 1000;
    await linesOf(1, () => plushd.call('plushAddNode', { hostname: 'd.example' }));
    expect(lines().length - before - 1).toBeLessThanOrEqual(most);
    expect(readFileSync(file(), 'utf8')).not.toContain('wrong-token');
  });

  it('goes on in the same file after a restart', async () => {
    const before = lines().length;
    await plushd.kill('SIGTERM');
    await plushd.restart();
    await linesOf(1, () => plushd.call('plushAddNode', { hostname: 'e.example' }));
    expect(lines().length).toBe(before + 1);
  });
});
