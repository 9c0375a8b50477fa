import { decodeJsonRpc, decodeJsonRpcResponse, type JsonRpcItem } from '../../../src/wire/jsonrpc/decode.ts';
import { wireErrorOf } from './documents.ts';

function decodeOne(text: string): JsonRpcItem {
  const message = decodeJsonRpc(Buffer.from(text));
  if (message.batch) throw new Error('A batch came where one item was expected');
  return message.item;
}

const withId = (id: string): string => `{"jsonrpc":"2.0","method":"m","id":${id}}`;

describe('the id of a JSON-RPC request is kept to the letter', () => {
  it.each([
    '1',
    '0',
    '-0',
    '1.0',
    '1e2',
    '1E+2',
    '12345678901234567890123',
    '-1.50',
    'null',
    '""',
    '"a"',
    '"\\u0061\\/\\""',
    '"a, \\"id\\": 1}"',
    '"\\ud83d"',
    '"ü😀"',
    '1e999',
  ])('%s', (id) => {
    expect(decodeOne(withId(id))).toMatchObject({
      kind: 'request',
      rawId: id,
      id: JSON.parse(id),
      notification: false,
    });
    expect(
      decodeOne(`{ "id" \n:\t${id} , "params": {"id": 5, "a": [{"id": 6}]}, "method":"m","jsonrpc":"2.0"}`),
    ).toMatchObject({
      kind: 'request',
      rawId: id,
      params: { id: 5, a: [{ id: 6 }] },
    });
    const batch = decodeJsonRpc(Buffer.from(` [ ${withId('7')} , ${withId(id)},${withId('"z"')} ] `));
    expect(batch).toMatchObject({ batch: true, items: [{ rawId: '7' }, { rawId: id }, { rawId: '"z"' }] });
  });

  it('also when its name is written with escapes', () => {
    expect(decodeOne('{"jsonrpc":"2.0","method":"m","\\u0069d":4.0}')).toMatchObject({ rawId: '4.0', id: 4 });
  });

  it('and is absent from a notification alone', () => {
    expect(decodeOne('{"jsonrpc":"2.0","method":"m"}')).toEqual({
      kind: 'request',
      rawId: undefined,
      id: undefined,
      notification: true,
      method: 'm',
      params: [],
    });
  });
});

const invalidItems: [what: string, text: string, rawId: string, message: string][] = [
  ['a number', '1', 'null', 'Request is not an object'],
  ['null', 'null', 'null', 'Request is not an object'],
  ['a string that looks like a request', '"{\\"id\\":1}"', 'null', 'Request is not an object'],
  ['an empty object', '{}', 'null', 'no jsonrpc member'],
  ['no version', '{"method":"m","id":1.0}', '1.0', 'no jsonrpc member with the value "2.0"'],
  ['version 1.0', '{"jsonrpc":"1.0","method":"m","id":"a"}', '"a"', 'no jsonrpc member'],
  ['a version that is a number', '{"jsonrpc":2.0,"method":"m","id":"a"}', '"a"', 'no jsonrpc member'],
  ['a version in __proto__', '{"__proto__":{"jsonrpc":"2.0","method":"m"},"id":1}', '1', 'no jsonrpc member'],
  ['no method', '{"jsonrpc":"2.0","id":1}', '1', 'no method that is a string'],
  ['a method that is a number', '{"jsonrpc":"2.0","method":1,"id":2}', '2', 'no method that is a string'],
  [
    'a boolean id',
    '{"jsonrpc":"2.0","method":"m","id":true}',
    'null',
    'id is neither a string nor a number nor null',
  ],
  ['an object as id', '{"jsonrpc":"2.0","method":"m","id":{"id":1}}', 'null', 'id is neither'],
  ['an array as id', '{"jsonrpc":"2.0","method":"m","id":[1,2]}', 'null', 'id is neither'],
  ['a string as params', '{"jsonrpc":"2.0","method":"m","id":3,"params":"x"}', '3', 'params are neither'],
  ['null as params', '{"jsonrpc":"2.0","method":"m","id":3,"params":null}', '3', 'params are neither'],
  [
    'a member twice',
    '{"jsonrpc":"2.0","method":"m","id":3,"method":"n"}',
    '3',
    'Object has member "method" twice at character 37',
  ],
  [
    'a member twice, once with escapes',
    '{"jsonrpc":"2.0","method":"m","id":3,"\\u006dethod":"n"}',
    '3',
    'member "method" twice',
  ],
  [
    'a member twice in params',
    '{"jsonrpc":"2.0","method":"m","id":3,"params":[{"a":{"b":1,"b":2}}]}',
    '3',
    'member "b" twice',
  ],
  [
    '__proto__ twice',
    '{"jsonrpc":"2.0","method":"m","id":3,"params":{"__proto__":1,"__proto__":2}}',
    '3',
    '"__proto__" twice',
  ],
  [
    'a number out of range',
    '{"jsonrpc":"2.0","method":"m","id":3,"params":[-1e999]}',
    '3',
    'Number "-1e999" is out of range',
  ],
  [
    'a number out of range in plain digits',
    `{"jsonrpc":"2.0","method":"m","id":3,"params":[${'9'.repeat(400)}]}`,
    '3',
    'out of range',
  ],
];

describe('a JSON-RPC item is invalid when it is', () => {
  it.each(invalidItems)('%s', (_what, text, rawId, message) => {
    const invalid = {
      kind: 'invalid',
      rawId,
      error: { code: -32600, symbol: 'INVALID_REQUEST', message: expect.stringContaining(message) },
    };
    expect(decodeOne(text)).toEqual(invalid);
    const valid = withId('8');
    const inBatch = { ...invalid, error: expect.objectContaining({ code: -32600 }) };
    expect(decodeJsonRpc(Buffer.from(`[${valid},${text},${valid}]`))).toEqual({
      batch: true,
      items: [
        expect.objectContaining({ rawId: '8' }),
        inBatch,
        expect.objectContaining({ rawId: '8', kind: 'request' }),
      ],
    });
  });

  it('a request with two ids, which cannot be told apart', () => {
    expect(decodeOne('{"jsonrpc":"2.0","method":"m","id":3,"id":4}')).toMatchObject({
      kind: 'invalid',
      rawId: 'null',
    });
  });

  it('an array in a batch', () => {
    const message = decodeJsonRpc(Buffer.from(`[[${withId('1')}],${withId('2')}]`));
    expect(message).toMatchObject({
      batch: true,
      items: [
        { kind: 'invalid', rawId: 'null' },
        { kind: 'request', rawId: '2' },
      ],
    });
  });
});

describe('a JSON-RPC request', () => {
  it('may have the same member name in different objects', () => {
    const text =
      '{"jsonrpc":"2.0","method":"m","params":{"method":{"a":1},"id":[{"a":1},{"a":2}],"params":{}}}';
    expect(decodeOne(text)).toMatchObject({ kind: 'request', notification: true });
  });

  it('with a member called __proto__ has it as data', () => {
    const item = decodeOne('{"jsonrpc":"2.0","method":"m","params":{"__proto__":{"admin":true}}}');
    const params = item.kind === 'request' ? item.params : {};
    expect(Object.keys(params)).toEqual(['__proto__']);
    expect((params as Record<string, unknown>).admin).toBeUndefined();
  });

  it('may start with a byte order mark', () => {
    expect(decodeOne(`\ufeff${withId('1')}`)).toMatchObject({ rawId: '1' });
  });

  it('may nest to 64 levels and no deeper', () => {
    const nest = (levels: number): string =>
      `{"jsonrpc":"2.0","method":"m","params":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(decodeOne(nest(63))).toMatchObject({ kind: 'request' });
    expect(wireErrorOf(() => decodeOne(nest(64)))).toMatchObject({
      code: -32600,
      message: 'JSON nests deeper than 64 levels at character 102',
    });
    expect(() => decodeJsonRpc(Buffer.from(nest(3)), { maxDepth: 3 })).toThrow('deeper than 3 levels');
  });
});

describe('a whole JSON-RPC body is refused when it is', () => {
  const refused: [what: string, body: string | Buffer, code: number, message: string][] = [
    ['empty', '', -32700, 'Body is empty where JSON belongs'],
    ['cut off', '{"jsonrpc":"2.0"', -32700, 'Body is not valid JSON'],
    ['followed by more', '{} {}', -32700, 'Body is not valid JSON at character 3'],
    [
      'not UTF-8',
      Buffer.from('{"a":"\u00ff"}', 'latin1'),
      -32700,
      'Byte 0xFF at offset 6 is not valid UTF-8',
    ],
    ['UTF-16', Buffer.from('{}', 'utf16le'), -32700, 'Body is not valid JSON'],
    ['holding a control character', '["\u0001"]', -32700, 'Body is not valid JSON'],
    [
      'very deep',
      '['.repeat(200_000) + ']'.repeat(200_000),
      -32600,
      'JSON nests deeper than 64 levels at character 64',
    ],
    ['an empty batch', ' [ ] ', -32600, 'Batch is empty'],
    [
      'a batch over its bound',
      JSON.stringify(Array(1001).fill(1)),
      -32600,
      'Batch has 1001 items; at most 1000 are allowed',
    ],
  ];

  it.each(refused)('%s', (_what, body, code, message) => {
    const error = wireErrorOf(() => decodeJsonRpc(Buffer.from(body as string)));
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('but a batch of 1000 is read', () => {
    const message = decodeJsonRpc(Buffer.from(`[${Array(1000).fill(withId('1.0')).join(',')}]`));
    expect(message.batch && message.items.filter((item) => item.rawId === '1.0')).toHaveLength(1000);
  });
});

describe('a JSON-RPC response', () => {
  const decode = (text: string): unknown => decodeJsonRpcResponse(Buffer.from(text));

  it('has a value, or an error', () => {
    expect(decode('{"jsonrpc":"2.0","id":1.0,"result":null}')).toEqual({ rawId: '1.0', value: null });
    expect(decode('{"jsonrpc":"2.0","error":{"code":-32601,"message":"No"},"id":null}')).toEqual({
      rawId: 'null',
      fault: { code: -32601, message: 'No' },
    });
  });

  it.each([
    ['[]', 'Batch is empty'],
    ['3', 'Not a JSON-RPC 2.0 response'],
    ['{"jsonrpc":"2.0","result":1}', 'Not a JSON-RPC 2.0 response'],
    ['{"id":1,"result":1}', 'Not a JSON-RPC 2.0 response'],
    ['{"jsonrpc":"2.0","id":1}', 'either result or error'],
    ['{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}}', 'either result or error'],
    ['{"jsonrpc":"2.0","id":1,"error":null}', 'integer code and a string message'],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":""}}', 'integer code and a string message'],
    ['{"jsonrpc":"2.0","id":1,"result":1,"result":2}', 'Object has member "result" twice'],
  ])('is refused when it is %s', (text, message) => {
    expect(() => decode(text)).toThrow(message);
  });
});
