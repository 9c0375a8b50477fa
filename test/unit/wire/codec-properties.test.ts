/** What must hold for whatever input: nothing is lost, nothing but a WireError is thrown, and time is linear. */
import { randomFrom } from '../../../src/core/random.ts';
import { WireError } from '../../../src/wire/errors.ts';
import { decodeJsonRpc, decodeJsonRpcResponse } from '../../../src/wire/jsonrpc/decode.ts';
import { encodeJsonRpcCall, encodeJsonRpcResult } from '../../../src/wire/jsonrpc/encode.ts';
import { decodeCall, decodeResponse } from '../../../src/wire/xmlrpc/decode.ts';
import { encodeCall, encodeFault, encodeResponse } from '../../../src/wire/xmlrpc/encode.ts';
import { mutate, randomValue } from './documents.ts';

const MUTANTS = 4_000;
const BODY_BYTES = 1 << 20;

/** Whether it went well; anything thrown that is not a WireError goes on. */
function survives(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof WireError && error.message.length < 300) return false;
    throw error;
  }
}

describe('random values', () => {
  it.each([1, 2, 3, 4])('come back from XML-RPC as they were (seed %i)', (seed) => {
    const random = randomFrom(seed);
    for (let left = 250; left > 0; left--) {
      const params = [randomValue(random), randomValue(random)];
      expect(decodeCall(Buffer.from(encodeCall('m', params)))).toEqual({ method: 'm', params });
      const value = randomValue(random);
      expect(decodeResponse(Buffer.from(encodeResponse(value)))).toEqual({ value });
    }
  });

  it('come back from JSON-RPC as JSON has them', () => {
    const random = randomFrom(5);
    for (let left = 300; left > 0; left--) {
      const params = [randomValue(random)];
      const message = decodeJsonRpc(Buffer.from(encodeJsonRpcCall('"x"', 'm', params)));
      const inJson: unknown = JSON.parse(
        JSON.stringify(params, (_name, value: unknown) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
        ),
      );
      expect(message).toMatchObject({ batch: false, item: { kind: 'request', params: inJson } });
    }
  });
});

describe('mutated bodies', () => {
  it('make the XML-RPC reader throw nothing but a WireError', () => {
    const random = randomFrom(6);
    const originals = [
      encodeCall('plushAddNode', [{ hostname: 'a:22', properties: { ['__proto__']: 1, x: [1, 2.5, true] } }]),
      encodeResponse([new Date(0), Uint8Array.of(1, 2, 3), 'grün &<> 😀', null], { nil: true }),
      encodeFault(4, 'no'),
      '<?xml version="1.0" encoding="iso-8859-1"?><!-- c --><methodCall a="b"><methodName>m</methodName><params><param>' +
        '<value><![CDATA[x]]>&#65;<?p i?></value></param></params></methodCall>',
    ].map((text) => Buffer.from(text));
    let read = 0;
    for (let index = 0; index < MUTANTS; index++) {
      const body = mutate(random, originals[index % originals.length] as Buffer);
      if (survives(() => decodeCall(body))) read++;
      if (survives(() => decodeResponse(body, 'text/xml; charset=utf-8'))) read++;
    }
    // Some mutations do no harm; if none did, the mutants would prove nothing.
    expect(read).toBeGreaterThan(MUTANTS / 100);
    expect(read).toBeLessThan(MUTANTS);
  });

  it('make the JSON-RPC reader throw nothing but a WireError', () => {
    const random = randomFrom(7);
    const originals = [
      encodeJsonRpcCall('1.0', 'plushAddNode', {
        hostname: 'a:22',
        x: [1, 2.5e3, true, null, { y: 'grün \\ " \n' }],
      }),
      `[${encodeJsonRpcCall('"a"', 'm', [])},${encodeJsonRpcCall(undefined, 'n', ['\u2028'])},3]`,
      encodeJsonRpcResult('7', { a: [] }),
    ].map((text) => Buffer.from(text));
    let read = 0;
    for (let index = 0; index < MUTANTS; index++) {
      const body = mutate(random, originals[index % originals.length] as Buffer);
      if (survives(() => decodeJsonRpc(body))) read++;
      survives(() => decodeJsonRpcResponse(body));
    }
    expect(read).toBeGreaterThan(MUTANTS / 100);
    expect(read).toBeLessThan(MUTANTS);
  });
});

describe('a body of 1 MiB made to be slow is read or refused all the same', () => {
  const head = '<methodCall><methodName>m</methodName><params><param><value>';
  const fill = (piece: string): string => piece.repeat(Math.floor(BODY_BYTES / piece.length));

  it.each([
    '<',
    '&',
    '&amp;',
    '&#',
    ']]>',
    '<!--',
    '<!-- -->',
    '<!-- - ',
    '<?',
    '<?a?>',
    '<![CDATA[',
    '<![CDATA[]]>',
    ' ',
    '\r',
    'a',
    '<a ',
    '<a b=""',
    ' b=""',
    ' b="',
    '</',
    '<array><data><value>',
    '<array><data>',
    '<struct><member><name>a</name><value>',
    '<value/>',
    '<int>',
    '9',
    '<string>',
    '<base64>',
    '=',
    '\ud83d\ude00',
    '\u0000',
  ])('%j', (piece) => {
    const documents = [
      fill(piece),
      head + fill(piece),
      `${head}<int>${fill(piece)}`,
      `<m${fill(piece)}`,
      `<?xml${fill(piece)}`,
    ];
    for (const document of documents) {
      const body = Buffer.from(document);
      expect(survives(() => decodeCall(body))).toBe(false);
      survives(() => decodeCall(body, `text/xml; ${fill(piece).slice(0, 10_000)}`));
    }
  });

  it.each(['[', '{"a":', '"', '\\', '\\"', '"\\\\', '9', 'e', '{', ',', '[],', '{},', ' '])(
    '%j in JSON',
    (piece) => {
      for (const document of [
        fill(piece),
        `[${fill(piece)}`,
        `"${fill(piece)}"`,
        `{"jsonrpc":"2.0","id":"${fill(piece)}`,
      ]) {
        const body = Buffer.from(document);
        survives(() => decodeJsonRpc(body));
        expect(survives(() => decodeJsonRpcResponse(body))).toBe(false);
      }
    },
  );

  it('a struct of as many members as fit', () => {
    const members = Array.from(
      { length: 15_000 },
      (_, index) => `<member><name>name${index}</name><value/></member>`,
    ).join('');
    const { params } = decodeCall(
      Buffer.from(`${head}<struct>${members}</struct></value></param></params></methodCall>`),
    );
    expect(Object.keys(params[0] as object)).toHaveLength(15_000);
  });

  it('a value of as many pieces as fit', () => {
    const pieces = 'a<!---->&amp;<![CDATA[b]]>'.repeat(40_000);
    const { params } = decodeCall(Buffer.from(`${head}${pieces}</value></param></params></methodCall>`));
    expect(params).toEqual(['a&b'.repeat(40_000)]);
  });
});
