/**
 * The first pass over an XML text: what the parser must never see is refused here, with the place of the fault.
 *
 * fast-xml-parser and its validator take several things that are not XML 1.0 (a second root written `<b/>`, comments
 * without an end, control characters, a DOCTYPE), and bound neither the count of elements nor what a DOCTYPE costs. This
 * pass is linear and recurses nowhere.
 */
import { XmlFault } from './xml-fault.ts';

/** Deepest nesting of elements; the language itself needs nine. */
const MAX_DEPTH = 64;
/** Most elements in one file. */
const MAX_ELEMENTS = 200_000;
/** Most attributes of one element. */
const MAX_ATTRIBUTES = 256;
const MAX_NAME_LENGTH = 255;
/** What a message shows of a text that somebody else wrote. */
const SHOWN_LENGTH = 40;

/** Everything but XML 1.0's Char (2.2). */
const FORBIDDEN = /[^\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const LESS = 0x3c;
const GREATER = 0x3e;
const SLASH = 0x2f;

interface OpenElement {
  readonly name: string;
  readonly offset: number;
}

interface Scan {
  readonly text: string;
  readonly open: OpenElement[];
  /** Text without declaration and processing instructions, in pieces. */
  readonly kept: string[];
  keptTo: number;
  elements: number;
  roots: number;
  /** Line of an offset, for messages that name a second place. */
  readonly lineOf: (offset: number) => number;
}

/**
 * Checks `text` and answers it with the XML declaration and the processing instructions blanked out, offsets unchanged.
 * Throws XmlFault.
 */
export function scanXml(text: string, lineOf: (offset: number) => number): string {
  checkCharacters(text);
  const scan: Scan = { text, open: [], kept: [], keptTo: 0, elements: 0, roots: 0, lineOf };
  let offset = 0;
  for (;;) {
    const markup = text.indexOf('<', offset);
    checkOutsideText(scan, offset, markup === -1 ? text.length : markup);
    if (markup === -1) break;
    offset = skipMarkup(scan, markup);
  }
  const unclosed = scan.open.at(-1);
  if (unclosed) {
    throw fault(`Element ${unclosed.name} is not closed before the end of the file`, unclosed.offset);
  }
  if (scan.roots === 0) throw fault('The file has no element in it', 0);
  scan.kept.push(text.slice(scan.keptTo));
  return scan.kept.join('');
}

function checkCharacters(text: string): void {
  if (text.trim() === '') throw fault('The file is empty', 0);
  const offset = text.search(FORBIDDEN);
  if (offset === -1) return;
  const hex = (text.codePointAt(offset) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  throw fault(`Character U+${hex} is not allowed in XML. Is this a binary file?`, offset);
}

/** Outside the root only white space may stand between the markup. */
function checkOutsideText(scan: Scan, from: number, to: number): void {
  if (scan.open.length > 0 || from === to) return;
  const stray = scan.text.slice(from, to).search(/\S/);
  if (stray === -1) return;
  const character = JSON.stringify(String.fromCodePoint(scan.text.codePointAt(from + stray) ?? 0));
  if (scan.roots > 0)
    throw fault(`Text follows the end of the root element, beginning with ${character}`, from + stray);
  throw fault(`The file begins with ${character} where an element was expected: it is not XML`, from + stray);
}

/** Checks the markup at `offset` and answers the offset after it. */
function skipMarkup(scan: Scan, offset: number): number {
  const { text } = scan;
  if (text.startsWith('<!--', offset)) return skipComment(text, offset);
  if (text.startsWith('<![CDATA[', offset)) {
    if (scan.open.length === 0) throw fault('A CDATA section stands outside the root element', offset);
    return endOf(text, ']]>', offset, 'CDATA section');
  }
  if (text.startsWith('<!', offset)) {
    throw fault('A DOCTYPE or other declaration is not allowed: remove it, and write entities out', offset);
  }
  if (text.startsWith('<?', offset)) return skipInstruction(scan, offset);
  if (text.charCodeAt(offset + 1) === SLASH) return closeElement(scan, offset);
  return openElement(scan, offset);
}

function skipComment(text: string, offset: number): number {
  const dashes = text.indexOf('--', offset + 4);
  if (dashes === -1) throw fault('Comment is not closed', offset);
  if (text.charCodeAt(dashes + 2) !== GREATER) throw fault('"--" is not allowed inside a comment', dashes);
  return dashes + 3;
}

function skipInstruction(scan: Scan, offset: number): number {
  const { text } = scan;
  const end = endOf(text, '?>', offset, 'Processing instruction');
  const target = /^[^\s?]*/.exec(text.slice(offset + 2, Math.min(end, offset + 66)))?.[0] ?? '';
  if (target.toLowerCase() === 'xml' && offset !== 0) {
    throw fault('The XML declaration may stand only at the very beginning of the file', offset);
  }
  if (scan.open.length > 0) {
    throw fault(`Processing instruction ${JSON.stringify(target)} is not allowed inside an element`, offset);
  }
  scan.kept.push(text.slice(scan.keptTo, offset), text.slice(offset, end).replace(/[^\n]/g, ' '));
  scan.keptTo = end;
  return end;
}

function openElement(scan: Scan, offset: number): number {
  const { text } = scan;
  const close = endOfTag(text, offset);
  const name = nameAt(text, offset + 1, close);
  if (name === '')
    throw fault('"<" is not followed by the name of an element: write "&lt;" for the character', offset);
  if (scan.open.length === 0 && (scan.roots += 1) > 1) {
    throw fault(`A second root element, ${name}, follows the first: one file has one root`, offset);
  }
  if ((scan.elements += 1) > MAX_ELEMENTS) {
    throw new XmlFault('TOO_LARGE', `The file has more than ${MAX_ELEMENTS} elements`, offset);
  }
  if (scan.open.length >= MAX_DEPTH) {
    throw new XmlFault('TOO_DEEP', `Elements are nested more than ${MAX_DEPTH} deep`, offset);
  }
  checkAttributes(text, offset + 1 + name.length, close);
  if (text.charCodeAt(close - 1) !== SLASH) scan.open.push({ name, offset });
  return close + 1;
}

/** From the end of an element's name to its ">" there are attributes, each name="value" after white space, and no more. */
function checkAttributes(text: string, from: number, close: number): void {
  const attribute = /\s+[^\s=<>"'/]+\s*=\s*(?:"[^"]*"|'[^']*')/y;
  let at = from;
  for (let count = 1; ; count += 1) {
    attribute.lastIndex = at;
    if (!attribute.test(text)) break;
    at = attribute.lastIndex;
    if (count > MAX_ATTRIBUTES) {
      throw new XmlFault('TOO_LARGE', `An element has more than ${MAX_ATTRIBUTES} attributes`, from);
    }
  }
  const rest = text.slice(at, close);
  if (/^\s*\/?$/.test(rest)) return;
  const written = shortened(rest.trim());
  throw fault(
    `${JSON.stringify(written)} is not an attribute: write name="value" after a space`,
    at + rest.search(/\S/),
  );
}

function closeElement(scan: Scan, offset: number): number {
  const close = endOfTag(scan.text, offset);
  const name = scan.text.slice(offset + 2, close).trimEnd();
  const opened = scan.open.pop();
  if (!opened) throw fault(`Closing tag </${shortened(name)}> has no opening tag`, offset);
  if (opened.name !== name) {
    const line = scan.lineOf(opened.offset);
    throw fault(
      `Closing tag </${shortened(name)}> was expected to be </${opened.name}>, opened in line ${line}`,
      offset,
    );
  }
  return close + 1;
}

/** Offset of the ">" that ends the tag at `offset`; quoted values may hold one. */
function endOfTag(text: string, offset: number): number {
  for (let at = offset + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === GREATER) return at;
    if (code === LESS) throw fault('Tag is not closed: "<" stands where ">" was expected', offset);
    if (code !== QUOTE && code !== APOSTROPHE) continue;
    const end = text.indexOf(code === QUOTE ? '"' : "'", at + 1);
    if (end === -1) throw fault('Quote is not closed', at);
    if (text.slice(at, end).includes('<')) {
      throw fault('"<" is not allowed in a quoted value: write "&lt;", or close the quote before it', at);
    }
    at = end;
  }
  throw fault('Tag is not closed before the end of the file', offset);
}

function nameAt(text: string, from: number, to: number): string {
  const name = /^[^\s/>]*/.exec(text.slice(from, to))?.[0] ?? '';
  if (name.length <= MAX_NAME_LENGTH) return name;
  throw fault(`Element name ${shortened(name)} has more than ${MAX_NAME_LENGTH} characters`, from);
}

function endOf(text: string, terminator: string, offset: number, what: string): number {
  const end = text.indexOf(terminator, offset + 2);
  if (end === -1) throw fault(`${what} is not closed`, offset);
  return end + terminator.length;
}

function shortened(text: string): string {
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

function fault(message: string, offset: number): XmlFault {
  return new XmlFault('NOT_XML', message, offset);
}
