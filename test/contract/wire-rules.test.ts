/** What a live plushd sends and takes where XML-RPC has fewer types than there are values, and where nothing is to be passed over. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PlushClient } from '../../clients/typescript/client.ts';
import { shellApplication } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { Program } from '../harness/program.ts';
import { RawCalls } from '../harness/raw-calls.ts';
import { makeScratch } from '../harness/scratch.ts';
import { SocketClient } from '../harness/socket-client.ts';

const PYTHON = `
import os, sys, plush
with plush.Client(sys.argv[1], token=os.environ["PLUSH_TEST_TOKEN"]) as client:
    print(b"".join(client.output_bytes(sys.argv[2], sys.argv[3])).hex())
`;

const scratch = makeScratch();
let plushd: Plushd;
let calls: RawCalls;

beforeAll(async () => {
  plushd = await startPlushd({ scratch });
  calls = new RawCalls(plushd);
  await plushd.call('plushAddNode', { hostname: 'far', group: 'far', preference: 3 });
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

const struct = (members: Readonly<Record<string, string>>) =>
  `<struct>${Object.entries(members)
    .map(([name, value]) => `<member><name>${name}</name><value>${value}</value></member>`)
    .join('')}</struct>`;
const array = (...values: string[]) =>
  `<array><data>${values.map((value) => `<value>${value}</value>`).join('')}</data></array>`;
const xml = (method: string, ...params: string[]) =>
  `<methodCall><methodName>${method}</methodName><params>${params
    .map((param) => `<param><value>${param}</value></param>`)
    .join('')}</params></methodCall>`;

describe('a number that is a double', () => {
  const asDouble = '<name>preference</name><value><double>3.0</double></value>';

  it.each([
    ['an answer', xml('plushGetNode', 'far')],
    ['a page', xml('plushListNodes', struct({ group: 'far' }))],
    ['an event', xml('plushGetEvents')],
    [
      'an answer in a multicall',
      xml(
        'system.multicall',
        array(
          struct({ methodName: 'plushGetNode', params: array('nowhere') }),
          struct({ methodName: 'plushGetNode', params: array('far') }),
        ),
      ),
    ],
  ])('is one also when it is whole, in %s', async (_where, body) => {
    const answer = (await calls.send('/RPC2', body)).body;
    expect(answer).toContain(asDouble);
    expect(answer).not.toContain('<name>preference</name><value><int>');
  });
});

describe('a number of an event that is yet to come', () => {
  const said = /after is 3000000000, and the newest event is \d+/;

  it('is refused by plushGetEvents, also as the string of digits in which XML-RPC brings it', async () => {
    await expect(plushd.call('plushGetEvents', { after: 3_000_000_000 })).rejects.toThrow(said);
    const { fault } = (await calls.xml(
      xml('plushGetEvents', struct({ after: '<string>3000000000</string>' })),
    )) as {
      fault: { message: string };
    };
    expect(fault.message).toMatch(said);
  });

  it('is refused by GET /events, and the newest one is not', async () => {
    const read = (after: number) =>
      fetch(`${plushd.url}/events?after=${after}`, {
        headers: { authorization: `Bearer ${plushd.token}` },
        signal: AbortSignal.timeout(10_000),
      });
    const refused = await read(3_000_000_000);
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringMatching(said)]);
    const { last } = await plushd.call('plushGetEvents', { after: -1 });
    const taken = await read(last);
    expect(taken.status).toBe(200);
    await taken.body?.cancel();
  });

  it('is refused by a subscription of a WebSocket', async () => {
    const client = await SocketClient.connect(plushd.url, { token: plushd.token });
    const { error } = await client.call('plushSubscribe', { after: 3_000_000_000 });
    expect(error?.message).toMatch(said);
    client.close();
  });

  it('ends the iterator of a client that asks for it with that sentence', async () => {
    const client = new PlushClient({ url: plushd.url, token: plushd.token });
    await expect(client.events({ after: 3_000_000_000 }).next()).rejects.toThrow(said);
    client.close();
  });
});

describe('output that is no text', () => {
  const bytes = gzipSync(Buffer.from(Array.from({ length: 3_000 }, (_, i) => (i * i) % 256)));

  it('comes as it is where base64 is asked for, over both protocols and through the library', async () => {
    const [node = ''] = await plushd.addLocalNodes(1);
    const octal = [...bytes].map((byte) => `\\0${byte.toString(8)}`).join('');
    const run = await plushd.run(shellApplication(`printf '%b' '${octal}'`));
    await plushd.waitRun(run);
    const page = await plushd.call('plushGetOutput', run, node, { encoding: 'base64' });
    expect(page).toMatchObject({ offset: 0, end: bytes.length, eof: true });
    expect(Buffer.from(page.data, 'base64')).toEqual(bytes);
    expect((await plushd.call('plushGetOutput', run, node)).data).toContain('\ufffd');
    const body = xml('plushGetOutput', run, node, struct({ encoding: 'base64' }));
    expect((await calls.send('/RPC2', body)).body).toContain(`<base64>${bytes.toString('base64')}</base64>`);
    expect(await calls.xml(body)).toMatchObject({ value: { data: expect.any(Uint8Array) } });
    const client = new PlushClient({ url: plushd.url, token: plushd.token });
    const pieces: Buffer[] = [];
    for await (const piece of client.outputBytes(run, node)) pieces.push(piece);
    client.close();
    expect(Buffer.concat(pieces)).toEqual(bytes);
    const program = new Program(['python3', '-c', PYTHON, plushd.url, run, node], {
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONPATH: join(__dirname, '..', '..', 'clients', 'python'),
      PLUSH_TEST_TOKEN: plushd.token,
    });
    expect([await program.ended, program.err]).toEqual([0, '']);
    expect(program.lines).toEqual([bytes.toString('hex')]);
  });
});
