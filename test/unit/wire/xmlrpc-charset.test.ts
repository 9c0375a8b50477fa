import { decodeCall } from '../../../src/wire/xmlrpc/decode.ts';
import { wireErrorOf } from './documents.ts';

const MARK = '\ufeff';

function call(text: string, declaration = ''): string {
  return `${declaration}<methodCall><methodName>m</methodName><params><param><value>${text}</value></param></params></methodCall>`;
}

function wide(text: string, order: 'le' | 'be'): Buffer {
  const bytes = Buffer.from(text, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
}

const declare = (encoding: string): string => `<?xml version="1.0" encoding="${encoding}"?>`;

const readable: [what: string, body: Buffer, contentType: string | undefined, text: string][] = [
  ['UTF-8 without any word of it', Buffer.from(call('grün 😀')), undefined, 'grün 😀'],
  ['UTF-8 by the header', Buffer.from(call('grün')), 'text/xml; charset=utf-8', 'grün'],
  ['UTF-8 by a quoted header', Buffer.from(call('grün')), 'text/xml;charset="UTF-8"', 'grün'],
  ['UTF-8 by the declaration', Buffer.from(call('grün', declare('utf-8'))), 'text/xml', 'grün'],
  ['UTF-8 with a mark', Buffer.from(MARK + call('grün', declare('UTF-8'))), undefined, 'grün'],
  [
    'UTF-8 with a mark against the declaration',
    Buffer.from(MARK + call('ü', declare('latin1'))),
    undefined,
    'ü',
  ],
  ['UTF-16 LE with a mark', wide(MARK + call('grün 😀', declare('UTF-16')), 'le'), undefined, 'grün 😀'],
  ['UTF-16 BE with a mark', wide(MARK + call('grün 😀', declare('UTF-16')), 'be'), undefined, 'grün 😀'],
  ['UTF-16 LE by its first character', wide(call('ü'), 'le'), undefined, 'ü'],
  ['UTF-16 BE by its first character', wide(call('ü'), 'be'), undefined, 'ü'],
  ['UTF-16 by the header, with a mark', wide(MARK + call('ü'), 'le'), 'text/xml; charset=UTF-16', 'ü'],
  [
    'UTF-16 by the header, big endian without a mark',
    wide(` ${call('ü')}`, 'be'),
    'text/xml; charset=utf-16',
    'ü',
  ],
  ['UTF-16LE by the header', wide(call('ü'), 'le'), 'text/xml; charset=utf-16le', 'ü'],
  ['UTF-16BE by the header', wide(call('ü'), 'be'), 'text/xml; charset=utf-16be', 'ü'],
  [
    'ISO-8859-1 by the header',
    Buffer.from(call('grün\u0093'), 'latin1'),
    'text/xml; charset=ISO-8859-1',
    'grün\u0093',
  ],
  ['ISO-8859-1 by the declaration', Buffer.from(call('ü', declare('iso-8859-1')), 'latin1'), 'text/xml', 'ü'],
  [
    'ISO-8859-1 in single quotes',
    Buffer.from(call('ü', "<?xml version='1.0' encoding = 'latin1'?>"), 'latin1'),
    '',
    'ü',
  ],
  [
    'the header against the declaration',
    Buffer.from(call('ü', declare('iso-8859-1'))),
    'text/xml; charset=utf-8',
    'ü',
  ],
  ['US-ASCII with references', Buffer.from(call('gr&#252;n')), 'text/xml; charset=us-ascii', 'grün'],
  ['an empty charset as none', Buffer.from(call('ü')), 'text/xml; charset=', 'ü'],
];

const refused: [
  what: string,
  body: Buffer,
  contentType: string | undefined,
  code: number,
  message: string,
][] = [
  [
    'an unknown charset in the header',
    Buffer.from(call('')),
    'text/xml; charset=koi8-r',
    -32701,
    'Encoding "koi8-r" is not read',
  ],
  [
    'an unknown encoding in the declaration',
    Buffer.from(call('', declare('EBCDIC-US'))),
    undefined,
    -32701,
    '"EBCDIC-US"',
  ],
  [
    'a declaration of UTF-16 in single bytes',
    Buffer.from(call('', declare('UTF-16'))),
    undefined,
    -32701,
    'the bytes are not UTF-16',
  ],
  [
    'a byte that UTF-8 never has',
    Buffer.from(call('\u00ff'), 'latin1'),
    undefined,
    -32702,
    'Byte 0xFF at offset 60 is not valid UTF-8',
  ],
  [
    'malformed UTF-8 after a genuine U+FFFD',
    Buffer.concat([Buffer.from('<!--ü\ufffd'), Buffer.from([0xc3, 0x28])]),
    undefined,
    -32702,
    'Byte 0xC3 at offset 9',
  ],
  ['UTF-8 cut off', Buffer.from('<a>ü').subarray(0, 4), undefined, -32702, 'Byte 0xC3 at offset 3'],
  [
    'overlong UTF-8',
    Buffer.concat([Buffer.from('<a>'), Buffer.from([0xc0, 0xaf])]),
    undefined,
    -32702,
    'offset 3',
  ],
  ['a surrogate in UTF-8', Buffer.from([0x3c, 0xed, 0xa0, 0x80]), undefined, -32702, 'offset 1'],
  [
    'a byte over 127 in US-ASCII',
    Buffer.from(call('ü')),
    'text/xml; charset=us-ascii',
    -32702,
    'offset 60 is not US-ASCII',
  ],
  [
    'an odd number of bytes in UTF-16',
    wide(call(''), 'le').subarray(1),
    'text/xml; charset=utf-16be',
    -32702,
    'odd number of bytes',
  ],
  [
    'half a surrogate pair in UTF-16',
    wide(call('\ud83d'), 'le'),
    undefined,
    -32702,
    'Half a surrogate pair at byte 120',
  ],
];

describe('an XML-RPC body is read from', () => {
  it.each(readable)('%s', (_what, body, contentType, text) => {
    expect(decodeCall(body, contentType).params).toEqual([text]);
  });
});

describe('an XML-RPC body is refused for', () => {
  it.each(refused)('%s', (_what, body, contentType, code, message) => {
    const error = wireErrorOf(() => decodeCall(body, contentType));
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});
