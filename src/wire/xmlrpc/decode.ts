/**
 * XML-RPC from bytes to values (http://xmlrpc.com/spec.md). Strict in form, generous in types:
 * beyond the specification it reads i8, nil, Apache's extensions, exponents, dashed dates and zones.
 */
import { quoted } from '../errors.ts';
import { type DecodeLimits, MAX_DECODE_DEPTH, type RpcStruct, type RpcValue, setMember } from '../values.ts';
import { decodeXmlBytes } from './charset.ts';
import { SCALAR_READERS } from './scalars.ts';
import { XmlScanner } from './scanner.ts';

/** From this length on a substring may be a view. */
const MIN_VIEW_CHARS = 13;

/** A call as it was read. */
export interface XmlRpcCall {
  /** Never empty. */
  readonly method: string;
  readonly params: RpcValue[];
}

/** What a server answered: a value, or its fault. */
export type XmlRpcResponse =
  | { readonly value: RpcValue }
  | { readonly fault: { readonly code: number; readonly message: string } };

/**
 * Reads a `methodCall`.
 *
 * @param contentType the Content-Type header; its charset has precedence over the XML declaration
 * @throws WireError
 */
export function decodeCall(body: Buffer, contentType?: string, limits: DecodeLimits = {}): XmlRpcCall {
  const scanner: XmlScanner = new XmlScanner(decodeXmlBytes(body, contentType));
  const reader = new ValueReader(scanner, limits.maxDepth ?? MAX_DECODE_DEPTH);
  openRoot(scanner, 'methodCall');
  scanner.open('methodName');
  const method = detach(trimXml(scanner.text()));
  scanner.close('methodName');
  if (method === '') scanner.fail('INVALID_REQUEST', 'Empty <methodName>');
  const tag = scanner.next();
  if (tag !== undefined && tag !== 'params') scanner.unexpected(tag, '<params>');
  const params = tag === undefined ? [] : readParams(scanner, reader);
  closeLast(scanner, 'methodCall');
  scanner.end();
  return { method, params };
}

/**
 * Reads a `methodResponse`, the answer of a callback server. No parameter at all, which some servers send for
 * "nothing", is read as null.
 *
 * @throws WireError
 */
export function decodeResponse(
  body: Buffer,
  contentType?: string,
  limits: DecodeLimits = {},
): XmlRpcResponse {
  const scanner: XmlScanner = new XmlScanner(decodeXmlBytes(body, contentType));
  const reader = new ValueReader(scanner, limits.maxDepth ?? MAX_DECODE_DEPTH);
  openRoot(scanner, 'methodResponse');
  const tag = scanner.next();
  let response: XmlRpcResponse;
  if (tag === 'params') {
    const params = readParams(scanner, reader);
    if (params.length > 1) scanner.fail('INVALID_REQUEST', `Response with ${params.length} values`);
    response = { value: params[0] ?? null };
  } else if (tag === 'fault') {
    response = readFault(scanner, reader);
  } else if (tag === undefined) {
    scanner.fail('INVALID_REQUEST', 'Response without <params> or <fault>');
  } else {
    scanner.unexpected(tag, '<params> or <fault>');
  }
  closeLast(scanner, 'methodResponse');
  scanner.end();
  return response;
}

function openRoot(scanner: XmlScanner, name: string): void {
  const found = scanner.root();
  if (found !== name) scanner.unexpected(found, `<${name}>`);
}

/** Closes an element that may hold nothing more. */
function closeLast(scanner: XmlScanner, name: string): void {
  const more = scanner.next();
  if (more !== undefined) scanner.unexpected(more, `the end of <${name}>`);
  scanner.close(name);
}

function readParams(scanner: XmlScanner, reader: ValueReader): RpcValue[] {
  const params: RpcValue[] = [];
  for (let tag = scanner.next(); tag !== undefined; tag = scanner.next()) {
    if (tag !== 'param') scanner.unexpected(tag, '<param>');
    scanner.open('value');
    params.push(reader.value(0));
    closeLast(scanner, 'param');
  }
  scanner.close('params');
  return params;
}

function readFault(scanner: XmlScanner, reader: ValueReader): XmlRpcResponse {
  scanner.open('value');
  const start = scanner.offset;
  const value = reader.value(0);
  closeLast(scanner, 'fault');
  const { faultCode: code, faultString: message } = (value ?? {}) as RpcStruct;
  if (typeof code !== 'number' || !Number.isInteger(code) || typeof message !== 'string') {
    scanner.fail('INVALID_REQUEST', 'Fault without an integer faultCode and a string faultString', start);
  }
  return { fault: { code, message } };
}

/** Reads values. Recursion goes no deeper than `maxDepth` arrays and structs. */
class ValueReader {
  readonly #scanner: XmlScanner;
  readonly #maxDepth: number;

  constructor(scanner: XmlScanner, maxDepth: number) {
    this.#scanner = scanner;
    this.#maxDepth = maxDepth;
  }

  /** The value whose `<value>` was just opened, up to and with its end tag. */
  value(depth: number): RpcValue {
    const scanner: XmlScanner = this.#scanner;
    const start = scanner.offset;
    const text = scanner.text();
    const type = scanner.next();
    if (type === undefined) {
      scanner.close('value');
      return detach(text);
    }
    if (text !== '' && trimXml(text) !== '') {
      scanner.fail('INVALID_REQUEST', `Text ${quoted(text)} beside a typed value`, start);
    }
    const value = this.#typed(type, depth);
    closeLast(scanner, 'value');
    return value;
  }

  #typed(type: string, depth: number): RpcValue {
    const scanner: XmlScanner = this.#scanner;
    if (type === 'string') {
      const text = scanner.text();
      scanner.close('string');
      return detach(text);
    }
    if (type === 'struct' || type === 'array') {
      if (depth >= this.#maxDepth) {
        scanner.fail('INVALID_REQUEST', `Values nest deeper than ${this.#maxDepth} levels`);
      }
      return type === 'struct' ? this.#struct(depth + 1) : this.#array(depth + 1);
    }
    const read = SCALAR_READERS.get(type);
    if (read === undefined) scanner.unexpected(type, 'a type of XML-RPC');
    const start = scanner.offset;
    const text = trimXml(scanner.text());
    scanner.close(type);
    const value = read(text);
    if (value === undefined) scanner.fail('INVALID_REQUEST', `${quoted(text)} is not a valid ${type}`, start);
    return typeof value === 'string' ? detach(value) : value;
  }

  #array(depth: number): RpcValue[] {
    const scanner: XmlScanner = this.#scanner;
    const items: RpcValue[] = [];
    scanner.open('data');
    for (let tag = scanner.next(); tag !== undefined; tag = scanner.next()) {
      if (tag !== 'value') scanner.unexpected(tag, '<value>');
      items.push(this.value(depth));
    }
    scanner.close('data');
    closeLast(scanner, 'array');
    return items;
  }

  #struct(depth: number): RpcStruct {
    const scanner: XmlScanner = this.#scanner;
    const struct: RpcStruct = {};
    for (let tag = scanner.next(); tag !== undefined; tag = scanner.next()) {
      if (tag !== 'member') scanner.unexpected(tag, '<member>');
      scanner.open('name');
      const start = scanner.offset;
      const name = scanner.text();
      scanner.close('name');
      if (Object.hasOwn(struct, name)) {
        scanner.fail('INVALID_REQUEST', `Struct has member ${quoted(name)} twice`, start);
      }
      scanner.open('value');
      setMember(struct, name, this.value(depth));
      closeLast(scanner, 'member');
    }
    scanner.close('struct');
    return struct;
  }
}

/**
 * A copy of its own. The engine represents a substring as a view of the whole, so that one host name kept in memory
 * would keep the whole body that it came in; shorter strings it copies anyway.
 */
function detach(text: string): string {
  return text.length < MIN_VIEW_CHARS ? text : Buffer.from(text).toString();
}

/** Without XML's whitespace at both ends; other characters that look empty are data. */
function trimXml(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  return end - start === text.length ? text : text.slice(start, end);
}
