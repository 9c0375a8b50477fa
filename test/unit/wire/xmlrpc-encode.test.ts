import { type Doubles, encodeCall, encodeFault, encodeResponse } from '../../../src/wire/xmlrpc/encode.ts';

function valueText(value: unknown, options?: { nil?: boolean; i8?: boolean }): string {
  const text = encodeResponse(value, options);
  return /^<\?xml version="1.0" encoding="UTF-8"\?>\n<methodResponse><params><param><value>(.*)<\/value><\/param><\/params><\/methodResponse>\n$/s.exec(
    text,
  )?.[1] as string;
}

class Point {
  x = 1;
}

const values: [value: unknown, text: string][] = [
  ['Hello World', '<string>Hello World</string>'],
  ['', '<string></string>'],
  ['a<b>&]]>"\'', '<string>a&lt;b&gt;&amp;]]&gt;"\'</string>'],
  ['a\tb\nc\rd', '<string>a\tb\nc&#13;d</string>'],
  ['\u0000\u001b[0m\ufffe', '<string>\ufffd\ufffd[0m\ufffd</string>'],
  ['x\ud800y\udc00 😀', '<string>x\ufffdy\ufffd 😀</string>'],
  [0, '<int>0</int>'],
  [-0, '<int>0</int>'],
  [2147483647, '<int>2147483647</int>'],
  [-2147483648, '<int>-2147483648</int>'],
  [2147483648, '<string>2147483648</string>'],
  [-2147483649, '<string>-2147483649</string>'],
  [1e21, '<string>1000000000000000000000</string>'],
  [5n, '<int>5</int>'],
  [2n ** 70n, '<string>1180591620717411303424</string>'],
  [0.1, '<double>0.1</double>'],
  [-1.5, '<double>-1.5</double>'],
  [1e-7, '<double>0.0000001</double>'],
  [-1.25e-9, '<double>-0.00000000125</double>'],
  [5e-324, `<double>0.${'0'.repeat(323)}5</double>`],
  [4503599627370495.5, '<double>4503599627370495.5</double>'],
  [Number.NaN, '<string></string>'],
  [Number.NEGATIVE_INFINITY, '<string></string>'],
  [true, '<boolean>1</boolean>'],
  [false, '<boolean>0</boolean>'],
  [null, '<string></string>'],
  [undefined, '<string></string>'],
  [new Date('1998-07-17T14:08:55.999Z'), '<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>'],
  [new Date('0099-01-01T00:00:00Z'), '<dateTime.iso8601>00990101T00:00:00</dateTime.iso8601>'],
  [new Date(Number.NaN), '<string></string>'],
  [new Date('+010000-01-01T00:00:00Z'), '<string></string>'],
  [Uint8Array.of(0, 255), '<base64>AP8=</base64>'],
  [Buffer.from('abcdef').subarray(1, 3), '<base64>YmM=</base64>'],
  [[], '<array><data></data></array>'],
  [[1, null], '<array><data><value><int>1</int></value><value><string></string></value></data></array>'],
  [{}, '<struct></struct>'],
  [{ 'a<': 1 }, '<struct><member><name>a&lt;</name><value><int>1</int></value></member></struct>'],
  [{ a: null, b: undefined }, '<struct></struct>'],
  [
    Object.assign(Object.create(null), { a: true }),
    '<struct><member><name>a</name><value><boolean>1</boolean></value></member></struct>',
  ],
  [new Point(), '<struct><member><name>x</name><value><int>1</int></value></member></struct>'],
];

describe('an XML-RPC answer', () => {
  it.each(values)('%p is written as %s', (value, text) => {
    expect(valueText(value)).toBe(text);
  });

  it('writes nil for null when the client asked for it', () => {
    expect(valueText([null], { nil: true })).toBe('<array><data><value><nil/></value></data></array>');
    expect(valueText({ a: null, b: undefined }, { nil: true })).toBe(
      '<struct><member><name>a</name><value><nil/></value></member></struct>',
    );
  });

  it('writes i8 for whole numbers of up to 64 bits when the client asked for it', () => {
    expect(valueText(2 ** 40, { i8: true })).toBe('<i8>1099511627776</i8>');
    expect(valueText(-(2n ** 63n), { i8: true })).toBe('<i8>-9223372036854775808</i8>');
    expect(valueText(2 ** 63, { i8: true })).toBe('<string>9223372036854775808</string>');
    expect(valueText(7, { i8: true })).toBe('<int>7</int>');
  });

  it('is refused for what is no data', () => {
    expect(() => encodeResponse(() => 1)).toThrow(TypeError);
    expect(() => encodeResponse([Symbol('x')])).toThrow('A symbol cannot be sent');
    expect(() => encodeResponse({ a: new Map() })).toThrow('A Map cannot be sent');
  });

  it('is refused when it contains itself', () => {
    const loop: unknown[] = [];
    loop.push({ loop });
    expect(() => encodeResponse(loop)).toThrow('nests deeper than 128 levels, or contains itself');
  });
});

describe('an XML-RPC call', () => {
  it('is written with its parameters', () => {
    expect(encodeCall('sendHostStatus', ['a.example:22'])).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<methodCall><methodName>sendHostStatus</methodName><params>' +
        '<param><value><string>a.example:22</string></value></param></params></methodCall>\n',
    );
  });
});

describe('an XML-RPC fault', () => {
  it('is written with code and sentence', () => {
    expect(encodeFault(-32601, 'METHOD_NOT_FOUND: no "a<b"')).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<methodResponse><fault><value><struct>' +
        '<member><name>faultCode</name><value><int>-32601</int></value></member>' +
        '<member><name>faultString</name><value><string>METHOD_NOT_FOUND: no "a&lt;b"</string></value></member>' +
        '</struct></value></fault></methodResponse>\n',
    );
  });
});

test('whole numbers are doubles where it is said of them, and nothing else is', () => {
  const doubles: Doubles = {
    members: new Map<string, Doubles>([
      ['x', true],
      ['all', { items: true }],
      ['some', { each: [undefined, true] }],
      ['__proto__', true],
    ]),
  };
  const value = { x: 3, y: 3, all: [1, -0, 1e21, 2 ** 40, 0.5], some: [1, 2, 3], text: 'x' };
  const text = encodeResponse(value, {}, doubles);
  const double = (digits: string) => `<value><double>${digits}</double></value>`;
  expect(text).toContain(`<name>x</name>${double('3.0')}`);
  expect(text).toContain('<name>y</name><value><int>3</int></value>');
  expect(text).toContain(
    ['1.0', '0.0', '1000000000000000000000.0', '1099511627776.0', '0.5'].map(double).join(''),
  );
  expect(text).toContain(`<value><int>1</int></value>${double('2.0')}<value><int>3</int></value>`);
  expect(encodeCall('m', [1, 1], {}, [undefined, true])).toContain(
    `<param><value><int>1</int></value></param><param>${double('1.0')}</param>`,
  );
});

test('what is said of doubles is passed over where the value is of another kind', () => {
  expect(encodeResponse([1, 'a', null, Number.NaN], {}, { items: true })).toContain(
    '<double>1.0</double></value><value><string>a</string></value><value><string></string></value><value><string></string>',
  );
  expect(encodeResponse({ a: 1 }, {}, { each: [true] })).toContain('<int>1</int>');
  expect(encodeResponse([1], {}, { members: new Map([['a', true]]) })).toContain('<int>1</int>');
});

test('members whose names become one without what XML cannot say stay several', () => {
  const names = ['\u0001', '\u0002', 'k\u0001', 'k\ufffd', 'k\ufffd\ufffd', 'k\ud800', '<\u0001'];
  const text = encodeResponse(Object.fromEntries(names.map((name) => [name, name.length])));
  const told = [...text.matchAll(/<name>(.*?)<\/name>/g)].map(([, name]) => name);
  expect(told).toEqual([
    '\ufffd',
    '\ufffd\ufffd',
    'k\ufffd\ufffd\ufffd',
    'k\ufffd',
    'k\ufffd\ufffd',
    'k\ufffd'.padEnd(5, '\ufffd'),
    '&lt;\ufffd',
  ]);
});
