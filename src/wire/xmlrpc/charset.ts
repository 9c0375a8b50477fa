/**
 * From the bytes of an XML document to its text. The charset of the Content-Type header comes first (RFC 7303,
 * section 3), then a byte order mark, then the XML declaration, then UTF-8.
 */
import { isAscii } from 'node:buffer';
import { quoted, WireError } from '../errors.ts';
import { decodeUtf8 } from '../utf8.ts';

type Charset = 'utf-8' | 'utf-16' | 'utf-16le' | 'utf-16be' | 'iso-8859-1' | 'us-ascii';

/** The IANA names and aliases that are read. */
const CHARSETS: ReadonlyMap<string, Charset> = new Map([
  ['utf-8', 'utf-8'],
  ['utf8', 'utf-8'],
  ['utf-16', 'utf-16'],
  ['utf16', 'utf-16'],
  ['utf-16le', 'utf-16le'],
  ['utf-16be', 'utf-16be'],
  ['iso-8859-1', 'iso-8859-1'],
  ['iso_8859-1', 'iso-8859-1'],
  ['iso8859-1', 'iso-8859-1'],
  ['latin1', 'iso-8859-1'],
  ['l1', 'iso-8859-1'],
  ['us-ascii', 'us-ascii'],
  ['ascii', 'us-ascii'],
  ['ansi_x3.4-1968', 'us-ascii'],
]);

const CHARSET_PARAMETER = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]+))/i;

/** How far into a document its XML declaration may reach, in bytes. */
const MAX_DECLARATION_BYTES = 1024;
const DECLARED_ENCODING =
  /^<\?xml[ \t\r\n][^>]*?[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')/;

/**
 * The text of an XML document, without a byte order mark.
 *
 * @param contentType the Content-Type header as it came, if there was one
 * @throws WireError UNSUPPORTED_ENCODING, or INVALID_CHARACTER for bytes that are not in the encoding
 */
export function decodeXmlBytes(body: Buffer, contentType?: string): string {
  const named = headerCharset(contentType);
  const charset = named === undefined ? detect(body) : lookUp(named);
  switch (charset) {
    case 'utf-8':
      return decodeUtf8(body, 'INVALID_CHARACTER');
    case 'iso-8859-1':
      return body.toString('latin1');
    case 'us-ascii':
      return decodeAscii(body);
    case 'utf-16':
      // RFC 2781, section 4.3: without a mark it is big endian; a document that starts with "<" says better.
      return decodeUtf16(body, (family(body) ?? 'utf-16be') === 'utf-16le');
    default:
      return decodeUtf16(body, charset === 'utf-16le');
  }
}

function headerCharset(contentType: string | undefined): string | undefined {
  const match = contentType === undefined ? null : CHARSET_PARAMETER.exec(contentType);
  return match?.[1] ?? match?.[2];
}

function lookUp(name: string): Charset {
  const charset = CHARSETS.get(name.trim().toLowerCase());
  if (charset !== undefined) return charset;
  throw new WireError(
    'UNSUPPORTED_ENCODING',
    `Encoding ${quoted(name)} is not read; send UTF-8, UTF-16, ISO-8859-1 or US-ASCII`,
  );
}

/** UTF-16 told by a byte order mark or by the two bytes of "<" (XML 1.0, appendix F). */
function family(body: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const [first, second] = body;
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c)) return 'utf-16be';
  return undefined;
}

function detect(body: Buffer): Charset {
  const wide = family(body);
  if (wide !== undefined) return wide;
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) return 'utf-8';
  if (body[0] !== 0x3c || body[1] !== 0x3f) return 'utf-8';
  const match = DECLARED_ENCODING.exec(
    body.toString('latin1', 0, Math.min(body.length, MAX_DECLARATION_BYTES)),
  );
  const name = match?.[1] ?? match?.[2];
  if (name === undefined) return 'utf-8';
  const charset = lookUp(name);
  if (!charset.startsWith('utf-16')) return charset;
  throw new WireError(
    'UNSUPPORTED_ENCODING',
    `XML declaration says ${quoted(name)} but the bytes are not UTF-16`,
  );
}

function decodeAscii(body: Buffer): string {
  if (!isAscii(body)) {
    const offset = body.findIndex((byte) => byte > 0x7f);
    throw new WireError(
      'INVALID_CHARACTER',
      `Byte at offset ${offset} is not US-ASCII, which the message claims to be`,
    );
  }
  return body.toString('latin1');
}

function decodeUtf16(body: Buffer, littleEndian: boolean): string {
  if (body.length % 2 !== 0) {
    throw new WireError('INVALID_CHARACTER', `UTF-16 text has an odd number of bytes (${body.length})`);
  }
  const text = (littleEndian ? body : Buffer.from(body).swap16()).toString('utf16le');
  const lone = text.search(/\p{Cs}/u);
  if (lone >= 0) {
    throw new WireError('INVALID_CHARACTER', `Half a surrogate pair at byte ${lone * 2} of the UTF-16 text`);
  }
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
