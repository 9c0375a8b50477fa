/**
 * A strict single-pass scanner for the part of XML 1.0 that XML-RPC uses: elements, text, character references,
 * the five predefined entities, CDATA, comments and processing instructions. A DOCTYPE is refused, so there are no
 * other entities and nothing to expand.
 *
 * Pull style: the reader asks for what the grammar wants next. Each character is looked at a bounded number of
 * times, so the time is linear in the input whatever it holds.
 */
import { quoted, WireError, type WireSymbol } from '../errors.ts';

const LT = 0x3c;
const GT = 0x3e;
const SLASH = 0x2f;
const BANG = 0x21;
const QUESTION = 0x3f;
const SPACE = 0x20;

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 section 2.2 forbids exactly these
const FORBIDDEN_CHAR = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const XML_NAME = /^[\p{L}_:][\p{L}\p{M}\p{N}_:.\-\u00b7]*$/u;
const XML_DECLARATION =
  /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.\d+"|'1\.\d+')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"[A-Za-z][\w.-]*"|'[A-Za-z][\w.-]*'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/y;
const ATTRIBUTE = /[ \t\r\n]+([^ \t\r\n=<>"'/]+)[ \t\r\n]*=[ \t\r\n]*("[^<"]*"|'[^<']*')/y;
const TAG_END = /[ \t\r\n]*(\/?)>/y;
const PI_TARGET = /<\?([^ \t\r\n?<>]+)/y;
const REFERENCE = /&(?:#x([0-9A-Fa-f]+);|#([0-9]+);|([^ \t\r\n;&<]*)(;?))/g;

/** Of a text as long as this, references are decoded the quicker way where they allow it. */
const LONG_TEXT_CHARS = 1_024;
/** A reference that is none of the predefined entities. */
const OTHER_REFERENCE = /&(?!(?:lt|gt|amp|quot|apos);)/;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** Reads one document. After an error the scanner is of no further use. */
export class XmlScanner {
  readonly #text: string;
  readonly #hasCarriageReturn: boolean;
  readonly #hasReference: boolean;
  readonly #hasSectionEnd: boolean;
  #pos = 0;
  /** Where the last start tag stood. */
  #tagStart = 0;
  /** Name of the element that `<name/>` has opened and that is still to be closed. */
  #selfClosed: string | undefined;

  /** @throws WireError for a character that XML does not allow, or a malformed XML declaration */
  constructor(text: string) {
    this.#text = text;
    const bad = text.search(FORBIDDEN_CHAR);
    if (bad >= 0) {
      const hex = text.charCodeAt(bad).toString(16).toUpperCase().padStart(4, '0');
      this.fail('INVALID_CHARACTER', `Character U+${hex} is not allowed in XML`, bad);
    }
    this.#hasCarriageReturn = text.includes('\r');
    this.#hasReference = text.includes('&');
    this.#hasSectionEnd = text.includes(']]>');
    if (text.startsWith('<?xml') && isSpace(text.charCodeAt(5))) {
      XML_DECLARATION.lastIndex = 0;
      if (!XML_DECLARATION.test(text)) this.fail('NOT_WELL_FORMED', 'Malformed XML declaration', 0);
      this.#pos = XML_DECLARATION.lastIndex;
    }
  }

  /** Offset of the next character, from 0, counted in UTF-16 units. */
  get offset(): number {
    return this.#pos;
  }

  /** Always throws: what is wrong, and where. */
  fail(symbol: WireSymbol, what: string, offset = this.#pos): never {
    throw new WireError(symbol, `${what} at character ${offset}`);
  }

  /** Always throws: `<name>` was just opened, and something else should have come. */
  unexpected(name: string, wanted: string): never {
    if (!XML_NAME.test(name))
      this.fail('NOT_WELL_FORMED', `Malformed tag ${quoted(`<${name}`)}`, this.#tagStart);
    this.fail('INVALID_REQUEST', `Element ${quoted(name)} where ${wanted} belongs`, this.#tagStart);
  }

  /**
   * Opens the next element and answers its name, or undefined (and stays) when the enclosing element ends.
   * Whitespace, comments and processing instructions are passed over; other text is an error.
   */
  next(): string | undefined {
    if (this.#selfClosed !== undefined) return undefined;
    this.#skipMisc();
    if (this.#pos >= this.#text.length) this.fail('NOT_WELL_FORMED', 'Document ends inside an element');
    if (this.#text.charCodeAt(this.#pos + 1) === SLASH) return undefined;
    return this.#startTag();
  }

  /** Opens the next element, which must be `name`. */
  open(name: string): void {
    const found = this.next();
    if (found === name) return;
    if (found !== undefined) this.unexpected(found, `<${name}>`);
    this.fail('INVALID_REQUEST', `Missing <${name}>`);
  }

  /** Character data up to the next tag, references decoded. */
  text(): string {
    if (this.#selfClosed !== undefined) return '';
    const text = this.#text;
    const end = this.#findTag();
    const mark = text.charCodeAt(end + 1);
    if (mark !== BANG && mark !== QUESTION) return this.#clean(end);
    const parts: string[] = [];
    for (let at = end; ; at = this.#findTag()) {
      parts.push(this.#clean(at));
      if (text.startsWith('<![CDATA[', at)) parts.push(this.#section());
      else if (!this.#skipOne()) return parts.join('');
    }
  }

  /** Closes the element `name`, whose content has been read. */
  close(name: string): void {
    if (this.#selfClosed !== undefined) {
      this.#selfClosed = undefined;
      return;
    }
    const text = this.#text;
    if (!text.startsWith('</', this.#pos)) {
      const found = this.next();
      if (found !== undefined) this.unexpected(found, `the end of <${name}>`);
    }
    let at = this.#pos + 2 + name.length;
    if (!text.startsWith(name, this.#pos + 2) || !endsName(text.charCodeAt(at))) {
      const found = text.slice(this.#pos, this.#pos + 80).split('>', 1)[0] ?? '';
      this.fail('NOT_WELL_FORMED', `Expected </${name}> but found ${quoted(`${found}>`)}`);
    }
    while (isSpace(text.charCodeAt(at))) at++;
    if (text.charCodeAt(at) !== GT) this.fail('NOT_WELL_FORMED', `Unclosed end tag </${name}>`);
    this.#pos = at + 1;
  }

  /** Reads the root element's start tag. */
  root(): string {
    this.#skipMisc(true);
    if (this.#pos >= this.#text.length) this.fail('NOT_WELL_FORMED', 'Document has no root element');
    return this.#startTag();
  }

  /** Makes sure that nothing follows the root element. */
  end(): void {
    this.#skipMisc(true);
    if (this.#pos < this.#text.length)
      this.fail('NOT_WELL_FORMED', 'Only one root element is allowed; more came');
  }

  /** Goes to the next tag of an element, or to the end. `outside` is for what is before or after the root element. */
  #skipMisc(outside = false): void {
    const text = this.#text;
    do {
      let code = text.charCodeAt(this.#pos);
      while (code <= SPACE) code = text.charCodeAt(++this.#pos);
      if (this.#pos >= text.length) return;
      if (code !== LT) {
        const snippet = quoted(text.slice(this.#pos, this.#pos + 60).split('<', 1)[0] ?? '');
        if (outside) this.fail('NOT_WELL_FORMED', `Text ${snippet} outside the root element`);
        this.fail('INVALID_REQUEST', `Text ${snippet} between elements`);
      }
    } while (this.#skipOne());
  }

  /** Passes over one comment or processing instruction; false when something else stands here. */
  #skipOne(): boolean {
    const text = this.#text;
    const mark = text.charCodeAt(this.#pos + 1);
    if (mark === QUESTION) return this.#skipInstruction();
    if (mark !== BANG) return false;
    if (!text.startsWith('<!--', this.#pos)) {
      if (text.startsWith('<!DOCTYPE', this.#pos)) this.fail('NOT_WELL_FORMED', 'DOCTYPE is not accepted');
      if (text.startsWith('<![CDATA[', this.#pos)) this.fail('INVALID_REQUEST', 'CDATA between elements');
      this.fail('NOT_WELL_FORMED', 'Malformed markup');
    }
    const end = text.indexOf('--', this.#pos + 4);
    if (end < 0) this.fail('NOT_WELL_FORMED', 'Unclosed comment');
    if (text.charCodeAt(end + 2) !== GT) this.fail('NOT_WELL_FORMED', 'Two hyphens inside a comment', end);
    this.#pos = end + 3;
    return true;
  }

  #skipInstruction(): true {
    PI_TARGET.lastIndex = this.#pos;
    const target = PI_TARGET.exec(this.#text)?.[1] ?? '';
    if (!XML_NAME.test(target)) this.fail('NOT_WELL_FORMED', 'Malformed processing instruction');
    if (target.toLowerCase() === 'xml') {
      this.fail('NOT_WELL_FORMED', 'XML declaration must be the very first thing of a document, but stands');
    }
    const end = this.#text.indexOf('?>', PI_TARGET.lastIndex);
    if (end < 0) this.fail('NOT_WELL_FORMED', 'Unclosed processing instruction');
    this.#pos = end + 2;
    return true;
  }

  #section(): string {
    const start = this.#pos + 9;
    const end = this.#text.indexOf(']]>', start);
    if (end < 0) this.fail('NOT_WELL_FORMED', 'Unclosed CDATA section');
    this.#pos = end + 3;
    const section = this.#text.slice(start, end);
    return this.#hasCarriageReturn ? unixLines(section) : section;
  }

  #findTag(): number {
    const at = this.#text.indexOf('<', this.#pos);
    if (at < 0) this.fail('NOT_WELL_FORMED', 'Document ends inside an element', this.#text.length);
    return at;
  }

  /** The character data from here to `end`, which becomes the position. */
  #clean(end: number): string {
    const start = this.#pos;
    this.#pos = end;
    if (start === end) return '';
    let piece = this.#text.slice(start, end);
    if (this.#hasSectionEnd && piece.includes(']]>')) {
      this.fail('NOT_WELL_FORMED', 'Text contains "]]>"', start + piece.indexOf(']]>'));
    }
    if (this.#hasCarriageReturn) piece = unixLines(piece);
    return this.#hasReference && piece.includes('&') ? this.#references(piece, start) : piece;
  }

  #references(piece: string, start: number): string {
    if (piece.length >= LONG_TEXT_CHARS && !OTHER_REFERENCE.test(piece)) return plainEntities(piece);
    return piece.replace(REFERENCE, (all, hex?: string, decimal?: string, entity?: string, end?: string) => {
      if (hex !== undefined) return this.#character(Number.parseInt(hex, 16), all, start);
      if (decimal !== undefined) return this.#character(Number.parseInt(decimal, 10), all, start);
      const value = end === ';' && entity !== undefined ? ENTITIES.get(entity) : undefined;
      return value ?? this.fail('NOT_WELL_FORMED', `Unknown entity ${quoted(all)} in the text`, start);
    });
  }

  #character(code: number, reference: string, start: number): string {
    const allowed =
      (code >= 0x20 && code <= 0xd7ff) ||
      (code >= 0xe000 && code <= 0xfffd) ||
      (code >= 0x10000 && code <= 0x10ffff) ||
      code === 0x9 ||
      code === 0xa ||
      code === 0xd;
    if (!allowed) {
      this.fail(
        'INVALID_CHARACTER',
        `Reference ${quoted(reference)} names no XML character, in the text`,
        start,
      );
    }
    return String.fromCodePoint(code);
  }

  #startTag(): string {
    const text = this.#text;
    this.#tagStart = this.#pos;
    const start = this.#pos + 1;
    let at = start;
    while (!endsName(text.charCodeAt(at))) at++;
    const name = text.slice(start, at);
    if (name === '') this.fail('NOT_WELL_FORMED', 'Tag without a name');
    if (text.charCodeAt(at) === GT) this.#pos = at + 1;
    else this.#attributes(name, at);
    return name;
  }

  /** XML-RPC has no attributes, but namespace declarations come: they are checked and dropped. */
  #attributes(name: string, from: number): void {
    const seen = new Set<string>();
    let at = from;
    for (;;) {
      ATTRIBUTE.lastIndex = at;
      const match = ATTRIBUTE.exec(this.#text);
      if (match === null) break;
      const [, attribute = '', value = ''] = match;
      if (!XML_NAME.test(attribute))
        this.fail('NOT_WELL_FORMED', `Malformed attribute ${quoted(attribute)}`, at);
      if (seen.has(attribute)) this.fail('NOT_WELL_FORMED', `Attribute ${quoted(attribute)} twice`, at);
      seen.add(attribute);
      if (value.includes('&')) this.#references(value, at);
      at = ATTRIBUTE.lastIndex;
    }
    TAG_END.lastIndex = at;
    const end = TAG_END.exec(this.#text);
    if (end === null) this.fail('NOT_WELL_FORMED', `Malformed tag ${quoted(`<${name}`)}`, from);
    if (end[1] === '/') this.#selfClosed = name;
    this.#pos = TAG_END.lastIndex;
  }
}

/** Decodes a text with no other references than the predefined entities; "&amp;" last, as what it leaves is text. */
function plainEntities(piece: string): string {
  return piece
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, '&');
}

/** Line ends as XML wants them (section 2.11). */
function unixLines(piece: string): string {
  return piece.replace(/\r\n?/g, '\n');
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Whether a character cannot be part of a name: whitespace, "/", ">", "<" or the end of the text (NaN). */
function endsName(code: number): boolean {
  return !(code > SPACE) || code === GT || code === SLASH || code === LT;
}
