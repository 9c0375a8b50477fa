/** The codec against others: Python's xmlrpc.client in a real interpreter, and the npm package `xmlrpc`. */
import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { randomFrom } from '../../../src/core/random.ts';
import type { RpcValue } from '../../../src/wire/values.ts';
import { decodeCall, decodeResponse } from '../../../src/wire/xmlrpc/decode.ts';
import { encodeCall, encodeFault, encodeResponse } from '../../../src/wire/xmlrpc/encode.ts';
import { randomValue } from './documents.ts';

/** Runs a Python program that reads JSON and answers JSON. */
function python<T>(program: string, input: unknown): T {
  const run = spawnSync('python3', ['-c', program], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
  });
  if (run.error !== undefined) throw new Error('These tests need python3 in the PATH', { cause: run.error });
  if (run.status !== 0) throw new Error(`python3 ended with ${run.status}: ${run.stderr}`);
  return JSON.parse(run.stdout) as T;
}

const DUMP = `
import base64, datetime, json, sys, xmlrpc.client as x
when = datetime.datetime(2024, 2, 29, 23, 59, 58)
values = ("grün 漢 😀 <&>]]>", "a\\r\\nb\\tc", "", -2147483648, 1.5, 1e100, 1e-9, True, when, b"\\x00\\xff plush",
  [1, [], "x"], {"a b": {"__proto__": 1}}, None)
texts = {
  "call": x.dumps(values, "plush.echo", allow_none=True).encode(),
  "latin": x.dumps(("grün",), "m", encoding="iso-8859-1").encode("iso-8859-1"),
  "wide": x.dumps(("grün 😀",), "m", encoding="utf-16").encode("utf-16"),
  "response": x.dumps((values,), methodresponse=True, allow_none=True).encode(),
  "fault": x.dumps(x.Fault(1001, "NODE_NOT_FOUND: no node \\"ü\\"")).encode(),
}
print(json.dumps({name: base64.b64encode(text).decode() for name, text in texts.items()}))
`;

/** Loads each text, writes what it has found with Python's types, and dumps it again. */
const LOAD = `
import base64, datetime, json, sys, xmlrpc.client as x
def tell(v):
  if isinstance(v, datetime.datetime): return {"date": v.isoformat()}
  if isinstance(v, bytes): return {"bytes": v.hex()}
  if isinstance(v, list): return [tell(i) for i in v]
  if isinstance(v, dict): return {"struct": sorted([k, tell(i)] for k, i in v.items())}
  return [type(v).__name__, v]
answers = []
for text in json.load(sys.stdin):
  try:
    values, method = x.loads(text.encode(), use_builtin_types=True)
    again = x.dumps(values, method, allow_none=True) if method == "m" else ""
    answers.append({"method": method, "told": [tell(v) for v in values], "again": again})
  except x.Fault as fault:
    answers.append({"fault": [fault.faultCode, fault.faultString]})
print(json.dumps(answers))
`;

interface Loaded {
  readonly method: string | null;
  readonly told: unknown;
  readonly again: string;
}

describe("Python's xmlrpc.client", () => {
  it('is understood, in each encoding it can write', () => {
    const dumped = python<Record<'call' | 'latin' | 'wide' | 'response' | 'fault', string>>(DUMP, null);
    const bytes = (name: keyof typeof dumped): Buffer => Buffer.from(dumped[name], 'base64');
    const values: RpcValue[] = [
      'grün 漢 😀 <&>]]>',
      // Python writes line ends as they are, and an XML reader makes one of them.
      'a\nb\tc',
      '',
      -2147483648,
      1.5,
      1e100,
      1e-9,
      true,
      new Date('2024-02-29T23:59:58Z'),
      Uint8Array.from(Buffer.from('\x00\xff plush', 'latin1')),
      [1, [], 'x'],
      { 'a b': JSON.parse('{"__proto__":1}') as RpcValue },
      null,
    ];
    expect(decodeCall(bytes('call'))).toEqual({ method: 'plush.echo', params: values });
    expect(decodeCall(bytes('latin'), 'text/xml').params).toEqual(['grün']);
    expect(decodeCall(bytes('wide'), 'text/xml').params).toEqual(['grün 😀']);
    expect(decodeResponse(bytes('response'))).toEqual({ value: values });
    expect(decodeResponse(bytes('fault'))).toEqual({
      fault: { code: 1001, message: 'NODE_NOT_FOUND: no node "ü"' },
    });
  });

  it('understands every type that is written', () => {
    const value = [
      'grün 😀\r<&>',
      7,
      2 ** 40,
      1e-7,
      false,
      new Date('1998-07-17T14:08:55Z'),
      Uint8Array.of(0, 255),
      null,
      { a: '' },
    ];
    const texts = [
      encodeResponse(value),
      encodeResponse([null, 2 ** 40], { nil: true, i8: true }),
      encodeFault(-32601, 'METHOD_NOT_FOUND: "ü"'),
      encodeCall('sendApplicationExit', []),
    ];
    expect(python<unknown[]>(LOAD, texts)).toEqual([
      {
        method: null,
        told: [
          [
            ['str', 'grün 😀\r<&>'],
            ['int', 7],
            ['str', '1099511627776'],
            ['float', 1e-7],
            ['bool', false],
            { date: '1998-07-17T14:08:55' },
            { bytes: '00ff' },
            ['str', ''],
            { struct: [['a', ['str', '']]] },
          ],
        ],
        again: '',
      },
      {
        method: null,
        told: [
          [
            ['NoneType', null],
            ['int', 2 ** 40],
          ],
        ],
        again: '',
      },
      { fault: [-32601, 'METHOD_NOT_FOUND: "ü"'] },
      { method: 'sendApplicationExit', told: [], again: '' },
    ]);
  });

  it('gives random values back as they were', () => {
    const random = randomFrom(20080612);
    // A lone line feed is the one line end that Python does not change.
    const plain = (): RpcValue[] => [
      withoutReturns(randomValue(random)),
      withoutReturns(randomValue(random)),
    ];
    const sent = Array.from({ length: 150 }, plain);
    const loaded = python<Loaded[]>(
      LOAD,
      sent.map((params) => encodeCall('m', params)),
    );
    expect(loaded.map(({ again }) => decodeCall(Buffer.from(again)).params)).toEqual(sent);
  });
});

function withoutReturns(value: RpcValue): RpcValue {
  const text = encodeResponse(value).replaceAll('&#13;', '');
  const response = decodeResponse(Buffer.from(text));
  return 'value' in response ? response.value : null;
}

interface PeerSerializer {
  serializeMethodCall(method: string, params: unknown[]): string;
  serializeFault(fault: { faultCode: number; faultString: string }): string;
}
interface PeerDates {
  setOpts(options: { local: boolean }): void;
  encodeIso8601(date: Date): string;
}
type Done = (error: Error | null, method: string, params: unknown[]) => void;
type PeerDeserializer = new (
  encoding: string,
) => { deserializeMethodCall(stream: Readable, done: Done): void };

describe('the npm package xmlrpc', () => {
  const serializer = jest.requireActual<PeerSerializer>('xmlrpc/lib/serializer');
  const dates = jest.requireActual<PeerDates>('xmlrpc/lib/date_formatter');
  const Deserializer = jest.requireActual<PeerDeserializer>('xmlrpc/lib/deserializer');
  const values = [
    'grün 😀 <&>',
    7,
    -1.5,
    true,
    new Date('2024-02-29T23:59:58Z'),
    Buffer.from('ab'),
    [1, ['x']],
    { a: { b: 'c' } },
    [],
  ];

  it('is understood', () => {
    // It writes local time without a zone, which nobody can read back, unless it is told not to.
    dates.setOpts({ local: false });
    const body = Buffer.from(serializer.serializeMethodCall('m', values));
    expect(decodeCall(body)).toEqual({
      method: 'm',
      params: values.map((value) => (Buffer.isBuffer(value) ? Uint8Array.from(value) : value)),
    });
    const fault = Buffer.from(serializer.serializeFault({ faultCode: 4, faultString: 'Too many' }));
    expect(decodeResponse(fault)).toEqual({ fault: { code: 4, message: 'Too many' } });
  });

  it('understands what is written', async () => {
    dates.setOpts({ local: false });
    const text = encodeCall('m', values);
    const read = await new Promise<unknown[]>((resolve, reject) => {
      new Deserializer('utf8').deserializeMethodCall(
        Readable.from([Buffer.from(text)]),
        (error, method, params) => (error ? reject(error) : resolve([method, params])),
      );
    });
    expect(read).toEqual(['m', values]);
  });
});
