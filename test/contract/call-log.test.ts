/** What the log at debug tells about calls. */
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { jsonCall, RawCalls, xmlCall } from '../harness/raw-calls.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

interface CallLine {
  readonly call: string;
  readonly method: string;
  readonly outcome: string;
  readonly facts?: readonly [number, number];
}

let scratch: Scratch;
let plushd: Plushd;
let raw: RawCalls;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch, args: ['--log-level', 'debug'] });
  raw = new RawCalls(plushd);
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

/** Lines of calls in order; the log is written before the answer. */
function lines(method: string): CallLine[] {
  return plushd
    .logText()
    .split('\n')
    .filter((line) => line.includes('"msg":"Call"'))
    .map((line) => JSON.parse(line) as CallLine)
    .filter((line) => line.method === method);
}

test('a line of a call leads to the facts that it brought about', async () => {
  const names = ['one', 'two', 'three'];
  const calls = names.map((hostname) => ({ methodName: 'plushAddNode', params: [{ hostname }] }));
  await plushd.call('system.multicall', calls);
  await plushd.call('plushFailHost', 'two');
  const added = lines('plushAddNode');
  expect(added).toHaveLength(3);
  expect(new Set(added.map(({ call }) => call)).size).toBe(3);
  for (const [index, { facts = [0, 0] }] of added.entries()) {
    const page = await plushd.call('plushGetEvents', { after: facts[0] - 1, limit: facts[1] - facts[0] + 1 });
    expect(page.events).toMatchObject([{ type: 'node_added', node: { hostname: names[index] } }]);
  }
  expect(lines('plushFailHost')).toMatchObject([
    { outcome: 'ok', facts: [expect.any(Number), expect.any(Number)] },
  ]);
});

test('a line tells who called, from where, by what protocol, and how it ended', async () => {
  await raw.xml(xmlCall('nobody'));
  expect(lines('plushGetNode')).toEqual([
    expect.objectContaining({
      protocol: 'xmlrpc',
      caller: 'owner',
      remote: '127.0.0.1',
      outcome: 'NODE_NOT_FOUND',
      ms: expect.any(Number),
    }),
  ]);
  expect(lines('plushGetNode')[0]).not.toHaveProperty('facts');
  await raw.json('{"jsonrpc":');
  expect(plushd.logText()).toMatch(/"outcome":"NOT_WELL_FORMED".*A request that is no call/);
});

test('neither tokens nor parameters are in the log, and a method of any length has a short line', async () => {
  await raw.json(jsonCall('x'.repeat(100_000), '[]'));
  await raw.json(jsonCall('setXmlRpcClientUrl', '["http://me:pa55word@127.0.0.1:9/"]'));
  expect(lines('x'.repeat(100))).toMatchObject([{ outcome: 'UNKNOWN_METHOD' }]);
  expect(lines('setXmlRpcClientUrl')).toHaveLength(1);
  const log = plushd.logText();
  expect(log).not.toContain(plushd.token);
  expect(log).not.toContain('pa55word');
  expect(Math.max(...log.split('\n').map((line) => line.length))).toBeLessThan(2_000);
});
