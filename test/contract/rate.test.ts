/** How many calls a token may make: of a whole request by HTTP, of an item by its fault, and without harm to others. */
import { callAs, postAs } from '../harness/as-token.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const scratch = makeScratch();
let plushd: Plushd;

beforeAll(async () => {
  plushd = await startPlushd({ scratch, args: ['--rate-limit', '3'] });
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

const makeToken = async (name: string, rate?: number): Promise<string> => {
  const wanted = { name, scopes: ['broker' as const], ...(rate === undefined ? {} : { rate }) };
  return (await plushd.call('plushCreateToken', wanted)).token;
};
const tests = (count: number) =>
  Array.from({ length: count }, (_, id) => ({ jsonrpc: '2.0', id, method: 'plushTestConnection' }));
const refused = {
  error: expect.objectContaining({ code: 1071, data: expect.objectContaining({ code: 'RATE_LIMITED' }) }),
};

describe('the rate of a token', () => {
  it('counts each item of a batch, and refuses those beyond by their fault', async () => {
    const { status, body } = await postAs(plushd, await makeToken('batch', 1), '/rpc', tests(12));
    expect(status).toBe(200);
    const answers = body as { result?: string }[];
    expect(answers.slice(0, 10).map(({ result }) => result)).toEqual(Array(10).fill('Hello World'));
    expect(answers.slice(10)).toEqual([expect.objectContaining(refused), expect.objectContaining(refused)]);
  });

  it('counts each call of a multicall, and not the multicall', async () => {
    const calls = Array(12).fill({ methodName: 'plushTestConnection' });
    const { result } = await callAs(plushd, await makeToken('multicall', 1), 'system.multicall', calls);
    const faults = (result as unknown[]).map((item) => (item as { faultCode?: number }).faultCode ?? 0);
    expect(faults).toEqual([...Array(10).fill(0), 1071, 1071]);
    expect((result as unknown[])[11]).toMatchObject({
      faultString: expect.stringMatching(/has to wait 1 s\. Call again after that time\.$/),
    });
  });

  it('that is used up is answered by HTTP 429, which says when to come again, and others go on', async () => {
    const token = await makeToken('used', 1);
    await postAs(plushd, token, '/rpc', tests(11));
    const answer = await postAs(plushd, token, '/RPC2', '<not even read');
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await plushd.call('plushTestConnection')).toBe('Hello World');
    await waitFor('the next call to be let in', async () => {
      const { status } = await callAs(plushd, token, 'plushTestConnection');
      return status === 200;
    });
  });

  it('is that of --rate-limit where it has none of its own, and none is 0', async () => {
    const usual = await postAs(plushd, await makeToken('usual'), '/rpc', tests(31));
    expect((usual.body as object[]).filter((item) => 'error' in item).length).toBeLessThanOrEqual(1);
    expect((usual.body as object[])[29]).toMatchObject({ result: 'Hello World' });
    const free = await postAs(plushd, await makeToken('free', 0), '/rpc', tests(1000));
    expect((free.body as object[]).every((item) => 'result' in item)).toBe(true);
  });

  it("is none for the owner's token: 10,000 nodes in one multicall", async () => {
    const calls = Array.from({ length: 10_000 }, (_, i) => ({
      methodName: 'plushAddNode',
      params: [{ hostname: `n${i}` }],
    }));
    const { result } = await callAs(plushd, plushd.token, 'system.multicall', calls);
    expect((result as unknown[]).every((item) => Array.isArray(item))).toBe(true);
  });
});
