import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { RpcValue } from '../../../src/wire/values.ts';
import { decodeCall, decodeResponse } from '../../../src/wire/xmlrpc/decode.ts';
import { callWith, readValue } from './documents.ts';

const utc = (text: string): Date => new Date(text);

const scalars: [content: string, value: RpcValue][] = [
  ['<int>-12</int>', -12],
  ['<i4>2147483647</i4>', 2147483647],
  ['<i4>-2147483648</i4>', -2147483648],
  ['<int>+007</int>', 7],
  ['<int>-0</int>', 0],
  ['<int>\r\n 5 \t</int>', 5],
  ['<int>1<!-- one -->2<?pi?><![CDATA[3]]>&#52;</int>', 1234],
  ['<i1>-128</i1>', -128],
  ['<ex:i1>127</ex:i1>', 127],
  ['<ex:i2>-32768</ex:i2>', -32768],
  ['<i8>9007199254740991</i8>', 9007199254740991],
  ['<ex:i8 xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions">-5</ex:i8>', -5],
  ['<i8>9007199254740993</i8>', '9007199254740993'],
  ['<i8>-09223372036854775808</i8>', '-9223372036854775808'],
  ['<ex:biginteger>+123456789012345678901234567890</ex:biginteger>', '123456789012345678901234567890'],
  ['<boolean>1</boolean>', true],
  ['<boolean> 0 </boolean>', false],
  ['<double>-12.214</double>', -12.214],
  ['<double>.5</double>', 0.5],
  ['<double>5.</double>', 5],
  ['<double>1e+20</double>', 1e20],
  ['<double>2.5E-7</double>', 2.5e-7],
  ['<ex:float>1.5</ex:float>', 1.5],
  ['<ex:bigdecimal>0.1</ex:bigdecimal>', 0.1],
  ['<nil/>', null],
  ['<nil></nil>', null],
  ['<ex:nil />', null],
  ['<string>South Dakota Stadium</string>', 'South Dakota Stadium'],
  ['<string/>', ''],
  ['<string>  as it is\n</string>', '  as it is\n'],
  ['<string>a &lt;b&gt; &amp;amp; &quot;c&apos;</string>', 'a <b> &amp; "c\''],
  ['<string>&#65;&#x42;&#x1F600;&#13;&#0009;</string>', 'AB😀\r\t'],
  // Long texts are decoded in another way.
  [`<string>${'&amp;lt;&lt;&gt;&quot;&apos;&amp;amp; '.repeat(100)}</string>`, '&lt;<>"\'&amp; '.repeat(100)],
  [`<string>${'&amp;lt;'.repeat(200)}&#65;</string>`, `${'&lt;'.repeat(200)}A`],
  ['<string><![CDATA[<b> & ]]]]><![CDATA[>]]></string>', '<b> & ]]>'],
  ['<string>one<!-- <two> & --> three<?four >?></string>', 'one three'],
  ['<string>a\r\nb\rc</string>', 'a\nb\nc'],
  ['<string>\u0085\u2028\u00a0\ufeff</string>', '\u0085\u2028\u00a0\ufeff'],
  ['  untyped text ', '  untyped text '],
  ['', ''],
  ['<!-- nothing -->', ''],
  ['a<![CDATA[ < ]]>b', 'a < b'],
  [' \n<string>x</string>\n ', 'x'],
  ['<base64>eW91IGNhbid0IHJlYWQgdGhpcyE=</base64>', Uint8Array.from(Buffer.from("you can't read this!"))],
  ['<base64>\n  AP\r\n8\t=\n</base64>', Uint8Array.of(0, 255)],
  ['<base64/>', new Uint8Array()],
  ['<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>', utc('1998-07-17T14:08:55Z')],
  ['<dateTime.iso8601>1998-07-17T14:08:55</dateTime.iso8601>', utc('1998-07-17T14:08:55Z')],
  ['<dateTime.iso8601>19980717T14:08:55Z</dateTime.iso8601>', utc('1998-07-17T14:08:55Z')],
  ['<dateTime.iso8601>19980717T14:08:55.25</dateTime.iso8601>', utc('1998-07-17T14:08:55.250Z')],
  ['<dateTime.iso8601>1998-07-17T14:08:55.123456+02:00</dateTime.iso8601>', utc('1998-07-17T12:08:55.123Z')],
  ['<dateTime.iso8601>19980717T23:08:55-0130</dateTime.iso8601>', utc('1998-07-18T00:38:55Z')],
  ['<dateTime.iso8601>20240229T00:00:00+01</dateTime.iso8601>', utc('2024-02-28T23:00:00Z')],
  ['<dateTime.iso8601>00990101T00:00:00</dateTime.iso8601>', utc('0099-01-01T00:00:00Z')],
  ['<array><data/></array>', []],
  ['<array> <data> <value/> <value><int>1</int></value> </data> </array>', ['', 1]],
  ['<struct/>', {}],
  ['<struct><member><name>a b</name><value>x</value></member></struct>', { 'a b': 'x' }],
  ['<struct><member><name/><value/></member></struct>', { '': '' }],
];

describe('an XML-RPC value', () => {
  it.each(scalars)('%j is read as %j', (content, value) => {
    expect(readValue(content)).toStrictEqual(value);
  });

  it('named __proto__ or constructor is a member like any other', () => {
    const content = ['__proto__', 'constructor', 'toString']
      .map((name) => `<member><name>${name}</name><value><struct/></value></member>`)
      .join('');
    const struct = readValue(`<struct>${content}</struct>`) as Record<string, RpcValue>;
    expect(Object.keys(struct)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(Object.getPrototypeOf(struct)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('may nest to 64 levels of arrays and structs and no deeper', () => {
    const nest = (levels: number): string =>
      levels === 0 ? '<int>1</int>' : `<array><data><value>${nest(levels - 1)}</value></data></array>`;
    expect(JSON.stringify(readValue(nest(64)))).toBe(`${'['.repeat(64)}1${']'.repeat(64)}`);
    expect(() => readValue(nest(65))).toThrow('Values nest deeper than 64 levels');
    expect(() =>
      decodeCall(callWith(`<param><value>${nest(3)}</value></param>`), undefined, { maxDepth: 2 }),
    ).toThrow('deeper than 2 levels');
  });
});

describe('an XML-RPC call', () => {
  it('may have whitespace, comments and instructions wherever they mean nothing', () => {
    const body = `<?xml version='1.0' encoding="UTF-8" standalone='yes' ?>
      <?style a?> <!-- hello -->
      <methodCall xmlns:ex='urn:x' note="a > b &lt;">
        <methodName > plushAddNode\t</methodName
        ><params >
          <!-- first --> <param > <value
            > <struct > <member > <name >a</name > <value > <i4 >1</i4 > </value > </member > </struct > </value >
          </param > <?second?> <param><value>two</value></param>
        </params >
      </methodCall >
      <!-- bye --> <?end?>\n`;
    expect(decodeCall(Buffer.from(body))).toEqual({ method: 'plushAddNode', params: [{ a: 1 }, 'two'] });
  });

  it.each([
    '<methodCall><methodName>m</methodName></methodCall>',
    '<methodCall><methodName>m</methodName><params/></methodCall>',
    '<methodCall><methodName>m</methodName><params></params></methodCall>',
  ])('without parameters is read from %j', (body) => {
    expect(decodeCall(Buffer.from(body))).toEqual({ method: 'm', params: [] });
  });

  it('lets go of its body when only a string of it is kept', () => {
    const name = 'a-host-name-that-is-long-enough.example.edu';
    const member = `<member><name>${name}</name><value><i8>9007199254740993</i8></value></member>`;
    const body = callWith(
      `${' '.repeat(512 * 1024)}<param><value>${name}</value></param>
      <param><value><struct>${member}</struct></value></param>`,
    );
    const before = heapBytes();
    const kept = Array.from({ length: 64 }, () => decodeCall(body).params);
    expect(heapBytes() - before).toBeLessThan(8 * 1024 * 1024);
    expect(kept[63]).toEqual([name, { [name]: '9007199254740993' }]);
  });
});

/** What is on the heap when all garbage is gone. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

describe('an XML-RPC response', () => {
  const decode = (content: string): unknown =>
    decodeResponse(Buffer.from(`<methodResponse>${content}</methodResponse>`));

  it('has one value', () => {
    expect(decode('<params><param><value><int>4</int></value></param></params>')).toEqual({ value: 4 });
  });

  it('without any value is null, as some servers answer for nothing', () => {
    expect(decode('<params/>')).toEqual({ value: null });
  });

  it('has a fault', () => {
    const fault = `<fault><value><struct>
      <member><name>faultString</name><value>Too many parameters.</value></member>
      <member><name>faultCode</name><value><int>4</int></value></member>
    </struct></value></fault>`;
    expect(decode(fault)).toEqual({ fault: { code: 4, message: 'Too many parameters.' } });
  });

  it.each([
    ['', 'without <params> or <fault>'],
    ['<param/>', 'where <params> or <fault> belongs'],
    ['<params><param><value/></param><param><value/></param></params>', 'Response with 2 values'],
    ['<params/><params/>', 'where the end of <methodResponse> belongs'],
    ['<fault/>', 'Missing <value>'],
    ['<fault><value>no</value></fault>', 'Fault without an integer faultCode'],
    ['<fault><value><nil/></value></fault>', 'Fault without an integer faultCode'],
    [
      '<fault><value><struct><member><name>faultCode</name><value>4</value></member></struct></value></fault>',
      'Fault without an integer faultCode',
    ],
  ])('is refused when it holds %j', (content, message) => {
    expect(() => decode(content)).toThrow(message);
  });
});
