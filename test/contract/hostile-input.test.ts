/** Hostile inputs by name, at a live plushd: what each is answered, and that the daemon goes on as before. */
import { deflateSync, gzipSync } from 'node:zlib';
import { faults } from '../../api/faults.ts';
import { encodeCall } from '../../src/wire/xmlrpc/encode.ts';
import { expectNormalCalls } from '../harness/normal-calls.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { xmlCall as call, errorOf, faultOf, RawCalls, jsonCall as rpc } from '../harness/raw-calls.ts';
import { exchange } from '../harness/raw-exchange.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

const MAX_BODY_BYTES = 1 << 20;

let scratch: Scratch;
let plushd: Plushd;
let raw: RawCalls;

beforeAll(async () => {
  scratch = makeScratch();
  // A heap so small that one input which takes too much of it ends the daemon.
  plushd = await startPlushd({ scratch, env: { NODE_OPTIONS: '--max-old-space-size=256' } });
  raw = new RawCalls(plushd);
}, 60_000);

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

afterEach(async () => {
  await expectNormalCalls(plushd, 'normal');
  expect(plushd.logText()).not.toMatch(/Call failed|failed unexpectedly/);
});

describe('names of every object', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];

  test.each(names)('%s is no method', async (name) => {
    expect(await raw.xml(encodeCall(name, []))).toEqual(faultOf(-32601));
    expect(await raw.json(rpc(name, '[]'))).toEqual(errorOf(-32601));
    const inside = `[[{"methodName":"${name}"}]]`;
    expect(await raw.json(rpc('system.multicall', inside))).toMatchObject({
      result: [{ faultCode: -32601 }],
    });
  });

  test.each(names)('%s is no parameter and no member', async (name) => {
    expect(await raw.json(rpc('plushGetNode', `{"${name}":"x"}`))).toEqual(errorOf(-32602));
    expect(await raw.json(rpc('plushListNodes', `[{"${name}":"x"}]`))).toEqual(
      errorOf(-32602, 'no such member'),
    );
    const struct = `<struct><member><name>${name}</name><value>x</value></member></struct>`;
    expect(await raw.xml(call(struct, 'plushListNodes'))).toEqual(faultOf(-32602, 'no such member'));
  });

  test('are data where names are free', async () => {
    const properties = `{${names.map((name) => `"${name}":"${name}"`).join(',')}}`;
    expect(
      await raw.json(rpc('plushAddNode', `[{"hostname":"proto","properties":${properties}}]`)),
    ).toMatchObject({
      result: true,
    });
    const text = await raw.send('/rpc', rpc('plushGetNode', '["proto"]'));
    for (const name of names) expect(text.body).toContain(`"${name}":"${name}"`);
    const read = await raw.xml(encodeCall('plushGetNode', ['proto']));
    const seen = ('value' in read ? read.value : {}) as { properties: Record<string, unknown> };
    expect(Object.keys(seen.properties).sort()).toEqual([...names].sort());
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('characters', () => {
  test.each([
    ['NUL', call('a\u0000b'), -32702],
    ['a reference to NUL', call('&#0;'), -32702],
    ['a control character', call('\u001b[31m'), -32702],
    ['a reference to half a surrogate pair', call('&#xD800;'), -32702],
    ['a reference beyond Unicode', call('&#x110000;'), -32702],
    [
      'half a surrogate pair in UTF-8',
      Buffer.concat([Buffer.from('<methodCall>'), Buffer.of(0xed, 0xa0, 0x80)]),
      -32702,
    ],
    ['an overlong NUL', Buffer.concat([Buffer.from('<methodCall>'), Buffer.of(0xc0, 0x80)]), -32702],
    ['U+FFFE', call('\ufffe'), -32702],
    ['an unfinished UTF-8 sequence', Buffer.from('<methodCall>ü').subarray(0, -1), -32702],
  ] as const)('%s in XML is refused', async (_what, body, code) => {
    expect(await raw.xml(body)).toEqual(faultOf(code));
  });

  test('half a surrogate pair in JSON is kept from XML, and from nobody else', async () => {
    const added = rpc(
      'plushAddNode',
      '[{"hostname":"lone","group":"a\\ud800b","properties":{"nul":"\\u0000"}}]',
    );
    expect(await raw.json(added)).toMatchObject({ result: true });
    expect(await raw.json(rpc('plushGetNode', '["lone"]'))).toMatchObject({ result: { hostname: 'lone' } });
    expect(await raw.xml(encodeCall('plushGetNode', ['lone']))).toMatchObject({
      value: { group: 'a\ufffdb', properties: { nul: '\ufffd' } },
    });
  });

  test.each([
    ['little endian', Buffer.from(`\ufeff${call('ü')}`, 'utf16le'), []],
    ['big endian', Buffer.from(`\ufeff${call('ü')}`, 'utf16le').swap16(), []],
    ['without a mark', Buffer.from(call('ü'), 'utf16le'), []],
    ['by its header', Buffer.from(call('ü'), 'utf16le').swap16(), ['Content-Type: text/xml; charset=utf-16']],
  ])('UTF-16 is read: %s', async (_what, body, headers) => {
    expect(await raw.xml(body, headers)).toEqual(faultOf(faults.NODE_NOT_FOUND.code, 'No node "ü"'));
  });

  test.each([
    [
      'UTF-16 with an odd byte',
      Buffer.concat([Buffer.from(`\ufeff${call('x')}`, 'utf16le'), Buffer.of(0)]),
      [],
      -32702,
    ],
    ['UTF-16 with half a pair', Buffer.from(`\ufeff${call('\ud800')}`, 'utf16le'), [], -32702],
    ['UTF-8 that claims to be UTF-16', call('x'), ['Content-Type: text/xml; charset=utf-16be'], -32700],
    ['UTF-7', call('+ADw-'), ['Content-Type: text/xml; charset=utf-7'], -32701],
    ['UTF-32', Buffer.from('<?xml version="1.0" encoding="utf-32"?><a/>'), [], -32701],
    ['EBCDIC', Buffer.from('<?xml version="1.0" encoding="cp037"?><a/>'), [], -32701],
  ] as const)('%s is refused', async (_what, body, headers, code) => {
    expect(await raw.xml(body, headers)).toEqual(faultOf(code));
  });

  test('JSON in UTF-16 is refused', async () => {
    expect(await raw.json(Buffer.from(rpc('plushListRuns', '[]'), 'utf16le'))).toEqual(errorOf(-32700));
  });
});

describe('documents', () => {
  const laughs = Array.from({ length: 20 }, (_, i) => `<!ENTITY l${i + 1} "&l${i};&l${i};">`).join('');

  test.each([
    ['a thousand million laughs', `<!DOCTYPE a [<!ENTITY l0 "ha">${laughs}]>${call('&l20;')}`, -32700],
    ['a file as an entity', `<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>${call('&f;')}`, -32700],
    ['an external DTD', `<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">${call('x')}`, -32700],
    ['an entity that nobody declared', call('&nbsp;'), -32700],
    ['two roots', call('x').repeat(2), -32700],
    ['an unclosed tag', call('x').slice(0, -1), -32700],
    ['tags that cross', call('<array><data></array></data>'), -32700],
    [
      'a duplicate member',
      call(`<struct>${'<member><name>a</name><value/></member>'.repeat(2)}</struct>`),
      -32600,
    ],
    ['an unknown type', call('<float128>1</float128>'), -32600],
    ['an int out of range', call('<int>2147483648</int>'), -32600],
    ['a boolean that is a word', call('<boolean>true</boolean>'), -32600],
    ['base64 that is none', call('<base64>!</base64>'), -32600],
    ['a day that is none', call('<dateTime.iso8601>20230229T00:00:00</dateTime.iso8601>'), -32600],
    ['no document', '', -32700],
    ['an answer instead of a call', '<methodResponse><params/></methodResponse>', -32600],
    [
      '65 levels of arrays',
      call(`${'<array><data><value>'.repeat(65)}${'</value></data></array>'.repeat(65)}`),
      -32600,
    ],
    ['arrays without end', call('<array><data><value>'.repeat(50_000)), -32600],
    ['a tag of a megabyte', `<${'a'.repeat(MAX_BODY_BYTES - 10)}>`, -32600],
    ['comments without end', '<!-->'.repeat(200_000), -32700],
    [
      'attributes without end',
      `<methodCall${Array.from({ length: 50_000 }, (_, i) => ` a${i}="1"`).join('')}>`,
      -32700,
    ],
    ['references without end', call('&#38;'.repeat(200_000)), -32602],
  ])('%s gets its fault', async (_what, body, code) => {
    expect(await raw.xml(body)).toEqual(faultOf(code));
  });

  test.each([
    ['arrays without end', '['.repeat(MAX_BODY_BYTES - 1), -32700],
    ['deep arrays', rpc('plushGetNode', `${'['.repeat(100_000)}${']'.repeat(100_000)}`), -32600],
    ['deep objects', rpc('plushGetNode', `${'{"a":'.repeat(60_000)}1${'}'.repeat(60_000)}`), -32600],
    ['a key twice', '{"jsonrpc":"2.0","id":1,"method":"plushListRuns","method":"plushQuit"}', -32600],
    ['a number beyond a double', rpc('plushListNodes', '[{"limit":1e999}]'), -32600],
    ['a long number', rpc('plushListNodes', `[{"limit":${'9'.repeat(100_000)}}]`), -32600],
    ['no JSON', 'undefined', -32700],
    ['an empty batch', '[]', -32600],
    ['1001 requests in a batch', `[${Array(1001).fill('1').join()}]`, -32600],
    ['ids that are objects', '{"jsonrpc":"2.0","id":{},"method":"plushListRuns"}', -32600],
  ])('JSON of %s gets its error', async (_what, body, code) => {
    expect(await raw.json(body)).toEqual(errorOf(code));
  });
});

describe('bodies', () => {
  test.each([
    ['gzip', gzipSync(Buffer.alloc(500 << 20))],
    ['deflate', deflateSync(Buffer.alloc(500 << 20))],
  ])('a %s bomb is not inflated', async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(MAX_BODY_BYTES);
    expect((await raw.send('/RPC2', bomb, [`Content-Encoding: ${encoding}`])).status).toBe(413);
  });

  test('gzip inside gzip is not XML', async () => {
    const twice = gzipSync(gzipSync(call('x')));
    expect(await raw.xml(twice, ['Content-Encoding: gzip'])).toEqual(faultOf(-32702));
    expect((await raw.send('/RPC2', twice, ['Content-Encoding: gzip, gzip'])).status).toBe(415);
  });

  test('uploads that are aborted, by the hundred, leave nothing', async () => {
    const whole = raw.request('/RPC2', call('x'.repeat(500_000), 'plushValidateApp'));
    const aborts = Array.from({ length: 100 }, (_, i) =>
      exchange(plushd.url, whole.subarray(0, 300 + i * 4_000), { reset: true }),
    );
    await Promise.all(aborts);
    expect(await plushd.call('plushTestConnection')).toBe('Hello World');
  });
});

describe('heads', () => {
  const head = (text: string) => `${text}\r\n\r\n`;

  test.each([
    ['no HTTP', 'GARBAGE', 400],
    ['a header of a megabyte', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(1 << 20)}`, 431],
    ['thousands of headers', `GET / HTTP/1.1\r\nHost: localhost${'\r\nX-Header: value'.repeat(5_000)}`, 431],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u0000b', 400],
    ['a header in two lines', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b', 400],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : localhost', 400],
    ['two lengths', 'POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2', 400],
    [
      'a length and chunks',
      'POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked',
      400,
    ],
    ['a foreign host', 'POST /RPC2 HTTP/1.1\r\nHost: attacker.example', 403],
    ['a foreign origin', 'POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://attacker.example', 403],
    ['no token', 'POST /RPC2 HTTP/1.1\r\nHost: localhost', 401],
    [
      'a token of half a header',
      `POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${'x'.repeat(8_000)}`,
      401,
    ],
  ])('with %s are refused', async (_what, text, status) => {
    const [response] = await exchange(plushd.url, head(text));
    expect(response?.status).toBe(status);
  });
});
