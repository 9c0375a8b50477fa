/** The bounds on answers, against what the encoders really write. */
import { randomFrom } from '../../../src/core/random.ts';
import { fitting, MAX_PAGE_BYTES } from '../../../src/core/views/page.ts';
import { weigh } from '../../../src/core/views/weight.ts';
import { encodeJsonRpcResult } from '../../../src/wire/jsonrpc/encode.ts';
import { encodeResponse } from '../../../src/wire/xmlrpc/encode.ts';
import { randomValue } from '../wire/documents.ts';

const NOTHING = Number.POSITIVE_INFINITY;
const ENVELOPE_BYTES = Buffer.byteLength(encodeResponse(''));

function written(value: unknown): number {
  const xml = Buffer.byteLength(encodeResponse(value)) - ENVELOPE_BYTES;
  return Math.max(xml, Buffer.byteLength(encodeJsonRpcResult('1', value)) - ENVELOPE_BYTES);
}

describe('the weight of a value', () => {
  it.each([
    ...['', 'plain', '&'.repeat(50), '\u0000'.repeat(50), '漢'.repeat(50), '😀'.repeat(50), '"\\'.repeat(50)],
    ...[0, 7, -2_147_483_648, 2 ** 53, 1e300, -5e-324, 0.1, -123456.78901234567, true, null],
    ...[new Date('2024-02-29T23:59:58Z'), new Uint8Array(100)],
    ...[[], {}, { a: new Date(0) }, { a: [true, false], b: { '&': 1.5 } }],
  ])('is at least what it takes on the wire (value %#)', (value) => {
    for (const shape of [value, [value], { m: value }])
      expect(weigh(shape, NOTHING)).toBeGreaterThanOrEqual(written(shape));
  });

  it('is at least what any value takes on the wire', () => {
    const random = randomFrom(11);
    for (let left = 500; left > 0; left--) {
      const value = randomValue(random);
      expect(weigh(value, NOTHING)).toBeGreaterThanOrEqual(written(value));
    }
  });

  it('is looked at no further than matters', () => {
    const items = Array.from({ length: 1000 }, () => ['x']);
    Object.defineProperty(items, 100, {
      get: () => {
        throw new Error('Looked at');
      },
    });
    expect(weigh(items, 1_000)).toBeGreaterThan(1_000);
  });
});

describe('a page', () => {
  it('holds what fits, and no more', () => {
    const items = Array.from({ length: 1000 }, (_, i) => ({ name: `n${i}`, text: 'x'.repeat(2_000) }));
    const page = fitting(items);
    expect(written(page)).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    expect(written(items.slice(0, Math.ceil(page.length * 1.2)))).toBeGreaterThan(MAX_PAGE_BYTES);
    expect(fitting(items.slice(0, 10))).toEqual(items.slice(0, 10));
  });

  it('holds at least one item, however large', () => {
    expect(fitting(['x'.repeat(MAX_PAGE_BYTES * 2), 'y'])).toEqual(['x'.repeat(MAX_PAGE_BYTES * 2)]);
    expect(fitting([])).toEqual([]);
  });
});
