/**
 * An XML file as a tree of elements that know where they stand.
 *
 * Three passes, each linear: scanXml refuses what is dangerous or not XML, fast-xml-parser's validator checks the rest of
 * the syntax, its parser makes the tree. The parser's ordered output is turned into elements here, so nothing after this
 * file knows which library read the text.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { Diagnostic } from '../../../api/spec.ts';
import { XmlFault } from './xml-fault.ts';
import { decodeReferences } from './xml-references.ts';
import { scanXml } from './xml-scan.ts';
import { decodeXml, type Position, positionsOf } from './xml-text.ts';

/** An element. Names are as written, prefix included. */
export interface XmlElement {
  readonly name: string;
  /** Values with references decoded, white space normalised as XML 1.0, 3.3.3 says for CDATA. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** The element's own text, CDATA included, exactly as given; that of its children is not in it. */
  readonly text: string;
  readonly parent: XmlElement | undefined;
  /** Offset of its "<" in the decoded text. */
  readonly offset: number;
}

/** A well-formed file. */
export interface XmlDocument {
  readonly root: XmlElement;
  /** Where the element begins or, with `attribute`, where that attribute's name begins. */
  position(element: XmlElement, attribute?: string): Position;
}

/** What the parser makes of an element: one member named after it, one with attributes, one with its place. */
type OrderedNode = Readonly<Record<string, unknown>> & { readonly ':@'?: Readonly<Record<string, string>> };

const TEXT = '#text';
const CDATA = '#cdata';
/** A prefix no XML name can have: the parser throws on some names that are ordinary here, such as "constructor". */
const MARK = '.';
const ATTRIBUTE_MARK = '@';

const METADATA = XMLParser.getMetaDataSymbol() as unknown as string;

const PARSER = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: ATTRIBUTE_MARK,
  textNodeName: TEXT,
  cdataPropName: CDATA,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // References are decoded by decodeReferences, which knows where the fault is.
  processEntities: false,
  captureMetaData: true,
  // The parser applies it twice to a self-closing element.
  transformTagName: (name: string) => (name.startsWith(MARK) ? name : MARK + name),
  jPath: false,
} as const;

/**
 * Reads a file. The answer is either a document or the one diagnostic that says why there is none: NOT_XML, TOO_LARGE
 * or TOO_DEEP. Never throws for any input.
 */
export function readXml(
  source: string | Uint8Array,
): { readonly document: XmlDocument } | { readonly diagnostic: Diagnostic } {
  let text = '';
  try {
    text = decodeXml(source);
    return { document: parseText(text) };
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    const position = positionsOf(error.text ?? text)(error.offset);
    return {
      diagnostic: { severity: 'error', code: error.code, message: error.message, ...position, path: '/' },
    };
  }
}

function parseText(text: string): XmlDocument {
  const positionOf = positionsOf(text);
  const scanned = scanXml(text, (offset) => positionOf(offset).line);
  const valid = XMLValidator.validate(scanned);
  if (valid !== true) {
    throw new XmlFault('NOT_XML', sentence(valid.err.msg), offsetOf(scanned, valid.err.line, valid.err.col));
  }
  const root = buildTree(parse(scanned), text);
  return {
    root,
    position: (element, attribute) =>
      positionOf(attribute === undefined ? element.offset : attributeOffset(text, element.offset, attribute)),
  };
}

function parse(text: string): readonly OrderedNode[] {
  try {
    return new XMLParser(PARSER).parse(text) as readonly OrderedNode[];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new XmlFault('NOT_XML', sentence(reason), 0, undefined, { cause: error });
  }
}

/** The library's words as a sentence of ours: capital first, no full stop. */
function sentence(reason: string): string {
  if (reason.startsWith("char '&'")) return '"&" does not begin a reference: write "&amp;" for the character';
  const trimmed = reason.trim().replace(/\.$/, '').slice(0, 200);
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
}

function offsetOf(text: string, line: number, column: number | undefined): number {
  let start = 0;
  for (let at = 1; at < line; at += 1) {
    const end = text.indexOf('\n', start);
    if (end === -1) break;
    start = end + 1;
  }
  return Math.min(text.length, start + Math.max(0, (column ?? 1) - 1));
}

/** Depth is bounded by the scan, so recursion is too. */
function buildTree(nodes: readonly OrderedNode[], text: string): XmlElement {
  const root = nodes.find((node) => elementName(node) !== undefined);
  const name = root && elementName(root);
  if (!root || name === undefined) throw new XmlFault('NOT_XML', 'The file has no element in it', 0);
  return buildElement(root, name, undefined, text);
}

interface Building extends XmlElement {
  children: XmlElement[];
  text: string;
}

function buildElement(
  node: OrderedNode,
  key: string,
  parent: XmlElement | undefined,
  text: string,
): XmlElement {
  const offset = (node[METADATA] as { startIndex: number }).startIndex;
  const element: Building = {
    name: key.slice(MARK.length),
    attributes: buildAttributes(node[':@'], offset, text),
    children: [],
    text: '',
    parent,
    offset,
  };
  const pieces: string[] = [];
  for (const child of node[key] as readonly OrderedNode[]) {
    const name = elementName(child);
    if (name !== undefined) element.children.push(buildElement(child, name, element, text));
    else if (TEXT in child) pieces.push(decodeReferences(String(child[TEXT]), () => offset));
    else for (const section of child[CDATA] as readonly OrderedNode[]) pieces.push(String(section[TEXT]));
  }
  element.text = pieces.join('');
  return element;
}

function elementName(node: OrderedNode): string | undefined {
  for (const key in node) if (key.startsWith(MARK)) return key;
  return undefined;
}

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();

function buildAttributes(
  raw: Readonly<Record<string, string>> | undefined,
  offset: number,
  text: string,
): ReadonlyMap<string, string> {
  if (!raw) return NO_ATTRIBUTES;
  const attributes = new Map<string, string>();
  for (const [key, value] of Object.entries(raw)) {
    const name = key.slice(ATTRIBUTE_MARK.length);
    const spaced = value.replace(/[\t\n]/g, ' ');
    attributes.set(
      name,
      decodeReferences(spaced, () => attributeOffset(text, offset, name)),
    );
  }
  return attributes;
}

/** Where the attribute's name stands in the tag at `offset`; the tag is known to be well formed. */
function attributeOffset(text: string, offset: number, attribute: string): number {
  const pattern = /(\s+)([^\s=]+)\s*=\s*(?:"[^"]*"|'[^']*')/y;
  let at = offset;
  while (/[^\s/>]/.test(text.charAt(at))) at += 1;
  for (;;) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match) return offset;
    if (match[2] === attribute) return match.index + (match[1] ?? '').length;
    at = pattern.lastIndex;
  }
}
