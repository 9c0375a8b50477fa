import {
  encodeJsonRpcCall,
  encodeJsonRpcError,
  encodeJsonRpcResult,
} from '../../../src/wire/jsonrpc/encode.ts';

const resultOf = (value: unknown): string =>
  /^\{"jsonrpc":"2.0","id":1\.0,"result":(.*)\}$/s.exec(encodeJsonRpcResult('1.0', value))?.[1] as string;

describe('a JSON-RPC answer', () => {
  it.each([
    ['Hello World', '"Hello World"'],
    [undefined, 'null'],
    [null, 'null'],
    [Number.NaN, 'null'],
    [2 ** 53, '9007199254740992'],
    [2n ** 70n, '"1180591620717411303424"'],
    [new Date('1998-07-17T14:08:55.250Z'), '"1998-07-17T14:08:55.250Z"'],
    [new Date(Number.NaN), 'null'],
    [Uint8Array.of(0, 255), '"AP8="'],
    [Buffer.from('abc'), '"YWJj"'],
    [
      { a: [Buffer.from('abc').subarray(1), 1n], b: undefined, c: new Date(0) },
      '{"a":["YmM=","1"],"c":"1970-01-01T00:00:00.000Z"}',
    ],
    ['\ud800 \u0007', '"\\ud800 \\u0007"'],
    [[undefined, null], '[null,null]'],
  ])('%p is written as %s', (value, text) => {
    expect(resultOf(value)).toBe(text);
  });

  it('has a member called __proto__ as data', () => {
    expect(resultOf([JSON.parse('{"__proto__":1}'), Uint8Array.of()])).toBe('[{"__proto__":1},""]');
  });

  it('is refused for what is no data, or contains itself', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    expect(() => resultOf(loop)).toThrow(RangeError);
    expect(() => resultOf({ a: () => 1 })).toThrow('A function cannot be sent');
  });
});

describe('a JSON-RPC error', () => {
  it('is written with its data, when there is any', () => {
    expect(encodeJsonRpcError('null', { code: -32700, message: 'No "x"' })).toBe(
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"No \\"x\\""}}',
    );
    expect(encodeJsonRpcError('"a"', { code: 1001, message: 'm', data: { hint: 'h', cut: undefined } })).toBe(
      '{"jsonrpc":"2.0","id":"a","error":{"code":1001,"message":"m","data":{"hint":"h"}}}',
    );
  });
});

describe('a JSON-RPC request', () => {
  it('is written with an id, or as a notification without', () => {
    expect(encodeJsonRpcCall('7', 'm', [1])).toBe('{"jsonrpc":"2.0","id":7,"method":"m","params":[1]}');
    expect(encodeJsonRpcCall(undefined, 'm', { a: 1 })).toBe(
      '{"jsonrpc":"2.0","method":"m","params":{"a":1}}',
    );
  });
});
