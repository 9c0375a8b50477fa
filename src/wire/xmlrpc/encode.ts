/**
 * XML-RPC from values to text, so that the oldest client reads it: only the specification's types, and only
 * characters that XML allows. The text is to be sent as UTF-8.
 *
 * | value | on the wire |
 * |---|---|
 * | whole number within 32 bits | `int` |
 * | other whole number, bigint | `string` of digits; `i8` when asked for and within 64 bits |
 * | other finite number; a whole one where `Doubles` says so | `double` with a decimal point and no exponent |
 * | NaN, infinities | empty `string` |
 * | null | left out of structs, else an empty `string`; `nil` when asked for |
 * | undefined | left out of structs, else as null |
 * | Date | `dateTime.iso8601` in UTC, cut to the second; outside years 0 to 9999 an empty `string` |
 * | Uint8Array | `base64` |
 * | string | `string`; control characters and halves of surrogate pairs become U+FFFD |
 */
import { types } from 'node:util';
import { MAX_ENCODE_DEPTH } from '../values.ts';
import { dateText, doubleText } from './scalars.ts';

/** Types beyond the specification, for a client that asked for them. */
export interface EncodeOptions {
  /** Write null as `<nil/>`. @default false */
  readonly nil?: boolean;
  /** Write whole numbers beyond 32 bits as `<i8>`. @default false */
  readonly i8?: boolean;
}

/**
 * Where numbers are doubles also when they are whole, which a number alone does not tell: true says it of the value itself,
 * else it is told of the members of a struct, and of the items of an array, all of them or each by its place.
 */
export type Doubles =
  | true
  | { readonly members: ReadonlyMap<string, Doubles> }
  | { readonly items: Doubles }
  | { readonly each: readonly (Doubles | undefined)[] };

const PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n';
const EMPTY = '<value><string></string></value>';
const MAX_INT32 = 0x7fffffff;
const MIN_INT32 = -0x80000000;
const MAX_INT64 = 0x7fffffffffffffffn;
const MIN_INT64 = -0x8000000000000000n;

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 section 2.2 forbids exactly these
const MAY_NEED_ESCAPE = /[&<>\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const NEEDS_ESCAPE = /[&<>\r\u0000-\u0008\u000b\u000c\u000e-\u001f\p{Cs}\ufffe\uffff]/gu;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['\r', '&#13;'],
]);

/**
 * A `methodCall`.
 * @param doubles of each parameter
 * @throws TypeError or RangeError for what no protocol carries: functions, cycles
 */
export function encodeCall(
  method: string,
  params: readonly unknown[],
  options: EncodeOptions = {},
  doubles: readonly (Doubles | undefined)[] = [],
): string {
  let list = '';
  for (const [place, param] of params.entries())
    list += `<param>${encodeValue(param, options, 0, doubles[place])}</param>`;
  return `${PROLOG}<methodCall><methodName>${escapeXml(method)}</methodName><params>${list}</params></methodCall>\n`;
}

/** A `methodResponse` with a value. @throws TypeError or RangeError as encodeCall */
export function encodeResponse(value: unknown, options: EncodeOptions = {}, doubles?: Doubles): string {
  const encoded = encodeValue(value, options, 0, doubles);
  return `${PROLOG}<methodResponse><params><param>${encoded}</param></params></methodResponse>\n`;
}

/** A `methodResponse` with a fault. @param code within 32 bits */
export function encodeFault(code: number, message: string, options: EncodeOptions = {}): string {
  const encoded = encodeValue({ faultCode: code, faultString: message }, options, 0, undefined);
  return `${PROLOG}<methodResponse><fault>${encoded}</fault></methodResponse>\n`;
}

function encodeValue(
  value: unknown,
  options: EncodeOptions,
  depth: number,
  doubles: Doubles | undefined,
): string {
  switch (typeof value) {
    case 'string':
      return `<value><string>${escapeXml(value)}</string></value>`;
    case 'number':
      return doubles === true ? encodeDouble(value) : encodeNumber(value, options);
    case 'boolean':
      return `<value><boolean>${value ? '1' : '0'}</boolean></value>`;
    case 'bigint':
      return encodeBeyond32Bits(value, options);
    case 'undefined':
      return encodeNull(options);
    case 'object':
      return value === null ? encodeNull(options) : encodeObject(value, options, depth, doubles);
    default:
      throw new TypeError(`A ${typeof value} cannot be sent; turn it into data first`);
  }
}

function encodeNull(options: EncodeOptions): string {
  return options.nil === true ? '<value><nil/></value>' : EMPTY;
}

function encodeNumber(value: number, options: EncodeOptions): string {
  if (Number.isInteger(value)) {
    if (value >= MIN_INT32 && value <= MAX_INT32) return `<value><int>${value}</int></value>`;
    return encodeBeyond32Bits(BigInt(value), options);
  }
  return encodeDouble(value);
}

function encodeDouble(value: number): string {
  return Number.isFinite(value) ? `<value><double>${doubleText(value)}</double></value>` : EMPTY;
}

function encodeBeyond32Bits(value: bigint, options: EncodeOptions): string {
  if (value >= MIN_INT32 && value <= MAX_INT32) return `<value><int>${value}</int></value>`;
  const asI8 = options.i8 === true && value >= MIN_INT64 && value <= MAX_INT64;
  return asI8 ? `<value><i8>${value}</i8></value>` : `<value><string>${value}</string></value>`;
}

function encodeObject(
  value: object,
  options: EncodeOptions,
  depth: number,
  doubles: Doubles | undefined,
): string {
  if (Array.isArray(value)) return encodeArray(value, options, inner(depth), doubles);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null)
    return encodeStruct(value, options, inner(depth), doubles);
  if (types.isDate(value)) {
    const text = dateText(value);
    return text === '' ? EMPTY : `<value><dateTime.iso8601>${text}</dateTime.iso8601></value>`;
  }
  if (types.isUint8Array(value)) {
    const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
    return `<value><base64>${base64}</base64></value>`;
  }
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag !== 'Object')
    throw new TypeError(`A ${tag} cannot be sent; turn it into an array or a plain object first`);
  return encodeStruct(value, options, inner(depth), doubles);
}

function inner(depth: number): number {
  if (depth < MAX_ENCODE_DEPTH) return depth + 1;
  throw new RangeError(`The value nests deeper than ${MAX_ENCODE_DEPTH} levels, or contains itself`);
}

function encodeArray(
  items: readonly unknown[],
  options: EncodeOptions,
  depth: number,
  doubles: Doubles | undefined,
): string {
  const ofAll = typeof doubles === 'object' && 'items' in doubles ? doubles.items : undefined;
  const ofEach = typeof doubles === 'object' && 'each' in doubles ? doubles.each : undefined;
  let data = '';
  for (let place = 0; place < items.length; place += 1)
    data += encodeValue(items[place], options, depth, ofEach === undefined ? ofAll : ofEach[place]);
  return `<value><array><data>${data}</data></array></value>`;
}

function encodeStruct(
  struct: object,
  options: EncodeOptions,
  depth: number,
  doubles: Doubles | undefined,
): string {
  const ofMembers = typeof doubles === 'object' && 'members' in doubles ? doubles.members : undefined;
  let members = '';
  let mended: Set<string> | undefined;
  for (const [name, value] of Object.entries(struct) as [string, unknown][]) {
    if (value === undefined || (value === null && options.nil !== true)) continue;
    let text = name;
    if (MAY_NEED_ESCAPE.test(name)) {
      mended ??= new Set();
      text = memberName(name, struct, mended);
    }
    members += `<member><name>${text}</name>${encodeValue(value, options, depth, ofMembers?.get(name))}</member>`;
  }
  return `<value><struct>${members}</struct></value>`;
}

/** A name for element content. Where two become one without what XML cannot say, the later is made longer: readers refuse a name twice. */
function memberName(name: string, struct: object, mended: Set<string>): string {
  let legal = name.replace(NEEDS_ESCAPE, (char) => (ESCAPES.has(char) ? char : '\ufffd'));
  if (legal !== name) {
    while (Object.hasOwn(struct, legal) || mended.has(legal)) legal += '\ufffd';
    mended.add(legal);
  }
  return escapeXml(legal);
}

/**
 * Text for element content. A carriage return is written as a reference, since a reader would turn it into a line
 * feed; what XML cannot say becomes U+FFFD.
 */
function escapeXml(text: string): string {
  if (!MAY_NEED_ESCAPE.test(text)) return text;
  return text.replace(NEEDS_ESCAPE, (char) => ESCAPES.get(char) ?? '\ufffd');
}
