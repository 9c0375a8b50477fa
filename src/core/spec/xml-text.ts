/**
 * From the bytes of an XML file to text with lines: encoding, line ends and positions.
 *
 * Encodings: those of XML 1.0, appendix F, that can be told apart without guessing: a byte order mark, UTF-16 known by
 * its first "<", the encoding named in the declaration, else UTF-8.
 */
import { XmlFault } from './xml-fault.ts';

/** Largest file that is read, in bytes, or in UTF-16 units when it comes as a string. */
export const MAX_XML_BYTES = 10 * 1024 * 1024;

/** How much of the beginning is searched for the declaration. */
const DECLARATION_BYTES = 256;

/** Encoding names of the declaration that are read, with the decoder that reads them. */
const ENCODINGS: ReadonlyMap<string, string> = new Map([
  ['utf-8', 'utf-8'],
  ['utf8', 'utf-8'],
  ['us-ascii', 'utf-8'],
  ['ascii', 'utf-8'],
  ['iso-8859-1', 'latin1'],
  ['latin1', 'latin1'],
]);

/**
 * The text of a file, with its byte order mark removed and every line end as "\n" (XML 1.0, 2.11).
 * Throws XmlFault: TOO_LARGE, or NOT_XML when the bytes are not text of the encoding.
 */
export function decodeXml(source: string | Uint8Array): string {
  const large = typeof source === 'string' ? source.length : source.byteLength;
  if (large > MAX_XML_BYTES) {
    throw new XmlFault('TOO_LARGE', `The file has ${large} bytes; at most ${MAX_XML_BYTES} are read`, 0);
  }
  const text = typeof source === 'string' ? source : decodeBytes(source);
  const unmarked = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return unmarked.includes('\r') ? unmarked.replace(/\r\n?/g, '\n') : unmarked;
}

function decodeBytes(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    const readable = new TextDecoder(encoding).decode(bytes).replace(/\r\n?/g, '\n');
    const place = readable.indexOf('\uFFFD');
    throw new XmlFault(
      'NOT_XML',
      `The file is not ${encoding.toUpperCase()} text. Save it as UTF-8, or name its encoding in the XML declaration`,
      Math.max(0, place),
      readable,
      { cause: error },
    );
  }
}

function encodingOf(bytes: Uint8Array): string {
  const [first, second, third] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0x3c && second === 0x00) return 'utf-16le';
  if (first === 0x00 && second === 0x3c) return 'utf-16be';
  const beginning = String.fromCharCode(...bytes.subarray(0, DECLARATION_BYTES));
  const named = /^<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)["']/.exec(beginning)?.[1];
  if (named === undefined) return 'utf-8';
  const encoding = ENCODINGS.get(named.toLowerCase());
  if (encoding !== undefined) return encoding;
  throw new XmlFault(
    'NOT_XML',
    `The XML declaration names the encoding ${JSON.stringify(named)}, which is not read. Save the file as UTF-8`,
    0,
  );
}

/** A place in a file, both counted from 1; a tab counts as one column. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A function from offsets in `text` (lines ended by "\n") to positions, each found in logarithmic time. */
export function positionsOf(text: string): (offset: number) => Position {
  const lineStarts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) lineStarts.push(end + 1);
  return (offset) => {
    let low = 0;
    let high = lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
  };
}
