/** Requests that ask for much: thousands of calls in one, and pipelines whose answers nobody reads. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { faults } from '../../api/faults.ts';
import { expectNormalCalls } from '../harness/normal-calls.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { xmlCall as call, errorOf, RawCalls, jsonCall as rpc } from '../harness/raw-calls.ts';
import { exchange } from '../harness/raw-exchange.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const NODES = 1_000;
/** One answer takes at most so much (16 MiB as the controller reckons, and faults for the rest). */
const MAX_ANSWER_BYTES = 24 << 20;

let scratch: Scratch;
let plushd: Plushd;
let raw: RawCalls;

beforeAll(async () => {
  scratch = makeScratch();
  // A heap so small that one request which takes too much of it ends the daemon.
  plushd = await startPlushd({ scratch, env: { NODE_OPTIONS: '--max-old-space-size=256' } });
  raw = new RawCalls(plushd);
  const names = Array.from({ length: NODES }, (_, i) => `many-${i}`);
  const properties = { text: 'x'.repeat(400) };
  const calls = names.map((hostname) => ({
    methodName: 'plushAddNode',
    params: [{ hostname, group: 'many', properties }],
  }));
  await plushd.call('system.multicall', calls);
}, 60_000);

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

afterEach(async () => {
  await expectNormalCalls(plushd, 'normal');
  expect(plushd.logText()).not.toMatch(/Call failed|failed unexpectedly/);
});

describe('many calls in one request', () => {
  const item =
    '<value><struct><member><name>methodName</name><value>plushTestConnection</value></member></struct></value>';
  const multicall = (count: number) =>
    call(`<array><data>${item.repeat(count)}</data></array>`, 'system.multicall');

  test('10,000 calls in a multicall are answered, and one more is not', async () => {
    const response = await raw.xml(multicall(9_500));
    expect(response).toEqual({ value: Array.from({ length: 9_500 }, () => ['Hello World']) });
    const calls = (count: number) => JSON.stringify([Array(count).fill({ methodName: 'plushListRuns' })]);
    const answered = await raw.json(rpc('system.multicall', calls(10_000)));
    expect(answered.result).toHaveLength(10_000);
    expect(await raw.json(rpc('system.multicall', calls(10_001)))).toEqual(errorOf(-32602));
  });

  test.each([
    ['the contract', 'rpc.discover', '[]', 9_900],
    ['a list of all nodes', 'plushListNodes', '[{"limit":1000}]', 9_900],
    ['a list that finds nothing', 'plushListNodes', '[{"group":"nobody"}]', 9_900],
    ['all events', 'plushGetEvents', '[{"after":0,"limit":1000}]', 9_900],
  ])(
    'a multicall that asks thousands of times for %s is answered as far as there is room',
    async (_what, method, params, count) => {
      const one = `{"methodName":"${method}","params":${params}}`;
      const response = await raw.send(
        '/rpc',
        rpc('system.multicall', `[[${Array(count).fill(one).join()}]]`),
      );
      expect(response.status).toBe(200);
      expect(response.body.length).toBeLessThan(MAX_ANSWER_BYTES);
      const { result } = JSON.parse(response.body) as { result: (unknown[] | { faultCode: number })[] };
      expect(result).toHaveLength(count);
      expect(Array.isArray(result[0])).toBe(true);
      const refused = result.filter((one): one is { faultCode: number } => !Array.isArray(one));
      expect(new Set(refused.map(({ faultCode }) => faultCode))).toEqual(
        new Set(method === 'plushListNodes' && params.includes('nobody') ? [] : [faults.TOO_LARGE.code]),
      );
    },
  );

  test('a batch of multicalls shares one room', async () => {
    const inner = Array(9).fill({ methodName: 'plushListNodes', params: [{ limit: 1000 }] });
    const one = { jsonrpc: '2.0', id: 1, method: 'system.multicall', params: [inner] };
    const response = await raw.send('/rpc', JSON.stringify(Array(1000).fill(one)));
    expect(response.body.length).toBeLessThan(MAX_ANSWER_BYTES);
    expect(JSON.parse(response.body)).toHaveLength(1000);
  });

  test('what changes something is not done when its answer would have no room', async () => {
    const lists = Array(100).fill({ methodName: 'plushListNodes', params: [{ limit: 1000 }] });
    const add = { methodName: 'plushAddNode', params: [{ hostname: 'too-late' }] };
    const answers = (await plushd.call('system.multicall', [...lists, add])) as { faultCode?: number }[];
    expect(answers.at(-1)?.faultCode).toBe(faults.TOO_LARGE.code);
    await expect(plushd.call('plushGetNode', 'too-late')).rejects.toThrow('NODE_NOT_FOUND');
  });

  test('others are answered while one asks for very much', async () => {
    const lists = Array(9_000).fill({ methodName: 'plushListNodes', params: [{ group: 'nobody' }] });
    const busy = plushd.call('system.multicall', lists);
    let isOver = false;
    const over = busy.then(() => (isOver = true));
    let answered = 0;
    while (!isOver && answered < 5) {
      await plushd.call('plushTestConnection');
      answered += 1;
    }
    await over;
    expect(answered).toBeGreaterThan(0);
  });
});

test('pages of large items are as large as clients accept, and lead to all of them', async () => {
  const names: string[] = [];
  for (let cursor = ''; ; ) {
    const more = cursor === '' ? '' : `<member><name>cursor</name><value>${cursor}</value></member>`;
    const limit = '<member><name>limit</name><value><int>1000</int></value></member>';
    const body = call(`<struct>${limit}${more}</struct>`, 'plushListNodes');
    const response = await raw.send('/RPC2', body);
    // xmlrpc-c refuses what is larger.
    expect(response.body.length).toBeLessThan(512 << 10);
    names.push(...[...response.body.matchAll(/many-\d+(?=<)/g)].map(([name]) => name));
    const next = /<name>cursor<\/name><value><string>([^<]+)/.exec(response.body)?.[1];
    if (next === undefined) break;
    cursor = next;
  }
  expect(names).toHaveLength(NODES);
  expect(new Set(names).size).toBe(NODES);
});

describe('pipelined requests', () => {
  test('are answered in order, good and bad', async () => {
    const all = Array.from({ length: 500 }, (_, i) =>
      i % 3 === 0
        ? raw.request('/RPC2', call(`node-${i}`))
        : raw.request('/rpc', i % 3 === 1 ? rpc(`m${i}`, '[]') : '{'),
    );
    const responses = await exchange(plushd.url, Buffer.concat(all));
    expect(responses).toHaveLength(500);
    for (const [i, { body }] of responses.entries()) {
      expect(body).toContain([`"node-${i}"`, `m${i}`, '-32700'][i % 3]);
    }
  });

  test('whose large answers nobody reads take little memory', async () => {
    const resident = () => Number(readFileSync(`/proc/${plushd.pid}/statm`, 'utf8').split(' ')[1]) * 4096;
    const lazy = Array.from({ length: 5 }, () => {
      const socket = connect(Number(new URL(plushd.url).port), '127.0.0.1');
      socket.on('error', () => undefined).pause();
      const list = raw.request('/rpc', rpc('plushListNodes', '[{"limit":1000}]'));
      socket.write(Buffer.concat(Array<Buffer>(300).fill(list)));
      return socket;
    });
    try {
      await expectNormalCalls(plushd, 'beside');
      expect(resident()).toBeLessThan(600 << 20);
    } finally {
      for (const socket of lazy) socket.destroy();
    }
    await waitFor('room again', async () => (await plushd.call('plushTestConnection')) === 'Hello World');
  });
});
