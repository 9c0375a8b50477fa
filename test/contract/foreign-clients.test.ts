/**
 * XML-RPC clients of other languages against a real plushd. Each makes the same calls, and is told the same. Recorded bytes of
 * each are sent again as well, so that a machine without the client still proves that it would be understood.
 */
import { faults } from '../../api/faults.ts';
import type { RpcValue } from '../../src/wire/values.ts';
import { decodeResponse } from '../../src/wire/xmlrpc/decode.ts';
import {
  API2TXT,
  FOREIGN_CLIENTS,
  type ForeignClient,
  isInstalled,
  runForeign,
  XMLRPC_COMMAND,
} from '../harness/foreign-client.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import {
  type Exchange,
  isRecording,
  readRecording,
  replay,
  startRecorder,
  writeRecording,
} from '../harness/recording.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { startValidator, type Validator } from '../harness/validator1.ts';

const NODES = 1000;
const BASIC_TEXT = 'Zürich 漢字 <&>"\' ]]> \\ end';
const APPLICATION = 'ünï & <cö>';
const SPECIFICATION = [
  '<plush><project name="p"><component name="c"><rspec><num_hosts>2</num_hosts></rspec></component>',
  '<application_block name="ünï &amp; &lt;cö&gt;"><execution><component_block name="b"><component name="c"/>',
  '<process_block name="x"><process name="x"><path>/bin/true</path></process></process_block>',
  '</component_block></execution></application_block></project></plush>',
].join('');

/** What a client was told by one call, as JSON: dates are {date}, bytes are {base64}. */
interface Told {
  readonly step: string;
  readonly value?: unknown;
  readonly fault?: { readonly code: number; readonly message: string };
}

interface RecordedCall extends Exchange {
  readonly step: string;
  /** Called at the server of the validator1 suite instead of plushd. */
  readonly types: boolean;
}

let scratch: Scratch;
let plushd: Plushd;
let url: string;
let validator: Validator;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  url = `${plushd.url.replace('://', `://plush:${plushd.token}@`)}/RPC2`;
  validator = await startValidator();
  await plushd.call(
    'system.multicall',
    manyNames().map((hostname) => ({ methodName: 'plushAddNode', params: [{ hostname, group: 'many' }] })),
  );
}, 60_000);

afterAll(async () => {
  await validator.close();
  await plushd.close();
  await scratch.remove();
});

const manyNames = () => Array.from({ length: NODES }, (_, i) => `n${String(i).padStart(4, '0')}`);
const textOf = (client: ForeignClient) => `${BASIC_TEXT}${client.basicPlane === true ? '' : ' 😀'}`;
const nodeOf = (client: ForeignClient) => `${client.name}.example.org:22`;

async function tellsOf(client: ForeignClient, plushdUrl: string, typesUrl: string): Promise<Told[]> {
  const args = [plushdUrl, typesUrl, nodeOf(client), textOf(client), SPECIFICATION];
  return linesOf(await runForeign(client, args)) as Told[];
}

function linesOf(output: string): unknown[] {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

async function record(client: ForeignClient): Promise<void> {
  const rpc = await startRecorder(url);
  const types = await startRecorder(validator.url);
  try {
    const told = await tellsOf(client, rpc.url, types.url);
    const requests = [...rpc.requests, ...types.requests];
    expect(requests.length).toBe(told.length);
    const typesFrom = rpc.requests.length;
    const calls = requests.map((request, i) => ({ step: told[i]?.step, types: i >= typesFrom, ...request }));
    writeRecording(client.name, calls);
  } finally {
    await rpc.close();
    await types.close();
  }
}

async function replayed(name: string): Promise<Told[]> {
  const told: Told[] = [];
  for (const call of readRecording<readonly RecordedCall[]>(name)) {
    const answer = await replay(call.types ? validator.url : url, call);
    expect(answer.status).toBe(200);
    const response = decodeResponse(answer.body);
    told.push({
      step: call.step,
      ...('fault' in response ? { fault: response.fault } : { value: plain(response.value) }),
    });
  }
  return told;
}

function plain(value: RpcValue): unknown {
  if (value instanceof Date) return { date: value.toISOString().slice(0, 19).replaceAll('-', '') };
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

function expectTold(client: ForeignClient, told: readonly Told[]): void {
  const text = textOf(client);
  const nobody = expect.stringContaining('NODE_NOT_FOUND: No node "nobody" is in the pool.');
  const pages = told.filter(({ step }) => step === 'page');
  expect(told.filter(({ step }) => step !== 'page')).toEqual([
    { step: 'hello', value: 'Hello World' },
    { step: 'signature', value: [['struct', 'string']] },
    { step: 'add', value: true },
    {
      step: 'node',
      value: expect.objectContaining({
        hostname: nodeOf(client),
        group: text,
        ssh_port: 2222,
        preference: 1.5,
        lease: { id: 'l-1', expires: '2031-01-02T03:04:05.000Z' },
        properties: { site: text, empty: '', constructor: 'x' },
      }),
    },
    { step: 'load', value: APPLICATION },
    { step: 'fault', fault: { code: faults.NODE_NOT_FOUND.code, message: nobody } },
    {
      step: 'multicall',
      value: [['Hello World'], { faultCode: faults.NODE_NOT_FOUND.code, faultString: nobody }],
    },
    { step: 'types', value: [7, true, text, -0.25, { date: '20240229T23:59:58' }, { base64: 'AAH+/w==' }] },
    {
      step: 'echo',
      value: { list: [1, [], [text, { a: false }]], 'a b': { n: -2_147_483_648 } },
    },
  ]);
  const names = pages.flatMap(({ value }) => (value as { nodes: { hostname: string }[] }).nodes);
  expect(pages.length).toBeGreaterThan(1);
  expect(names.map(({ hostname }) => hostname)).toEqual(manyNames());
}

describe.each(FOREIGN_CLIENTS)('the client $name', (client) => {
  test('gets on with every kind of call and answer', async () => {
    if (isInstalled(client)) {
      if (isRecording) await record(client);
      expectTold(client, await tellsOf(client, url, validator.url));
    } else {
      expectTold(client, await replayed(client.name));
    }
  });

  test('is understood again by its recorded bytes', async () => {
    expectTold(client, await replayed(client.name));
  });
});

/** Arguments of the xmlrpc command, what it prints, and what its call is answered. */
const COMMANDS: readonly (readonly [step: string, args: readonly string[], prints: RegExp, told: object])[] =
  [
    ['hello', ['plushTestConnection'], /'Hello World'/, { value: 'Hello World' }],
    [
      'load',
      ['plushLoadAppXml', `h/${Buffer.from(SPECIFICATION).toString('hex')}`],
      /\\xc3\\xbcn.* & <c/,
      { value: APPLICATION },
    ],
    [
      'fault',
      ['plushGetNode', 's/nobody'],
      /NODE_NOT_FOUND.*XML-RPC fault code 1000/,
      { fault: { code: 1000, message: expect.stringContaining('NODE_NOT_FOUND') } },
    ],
    [
      'page',
      ['plushListNodes'],
      /n0099/,
      { value: expect.objectContaining({ nodes: expect.any(Array), total: expect.any(Number) }) },
    ],
    [
      'digits',
      ['plushGetNode', 'I/9007199254740993'],
      /No node .?"9007199254740993/,
      { fault: { code: 1000, message: expect.stringContaining('"9007199254740993"') } },
    ],
  ];

describe('the xmlrpc command', () => {
  const run = (base: string, args: readonly string[]) => {
    const { username, password, host, pathname } = new URL(base);
    const login = ['-username', username, '-password', password];
    return runForeign(XMLRPC_COMMAND, [...login, `http://${host}${pathname}`, ...args]);
  };

  test('gets answers and faults', async () => {
    if (!isInstalled(XMLRPC_COMMAND)) return;
    const recorder = isRecording ? await startRecorder(url) : undefined;
    try {
      for (const [, args, prints] of COMMANDS) {
        const outcome = await run(recorder?.url ?? url, args).catch((error: unknown) => String(error));
        expect(outcome).toMatch(prints);
      }
    } finally {
      await recorder?.close();
    }
    const steps = recorder?.requests.map((one, i) => ({ step: COMMANDS[i]?.[0], types: false, ...one }));
    if (steps !== undefined) writeRecording(XMLRPC_COMMAND.name, steps);
  });

  test('is understood again by its recorded bytes', async () => {
    expect(await replayed(XMLRPC_COMMAND.name)).toEqual(
      COMMANDS.map(([step, , , told]) => ({ step, ...told })),
    );
  });
});

test('xml-rpc-api2txt prints the whole contract by introspection alone', async () => {
  const names = await plushd.call('system.listMethods');
  if (isInstalled(API2TXT)) {
    const printed = await runForeign(API2TXT, [url]);
    for (const name of names) expect(printed).toContain(` ${name} (`);
  }
  const asked = await plushd.call(
    'system.multicall',
    names.map((name) => ({ methodName: 'system.methodSignature', params: [name] })),
  );
  expect(asked.every((answer) => Array.isArray((answer as string[][][][])[0]?.[0]))).toBe(true);
});
