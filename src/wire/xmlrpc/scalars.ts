/**
 * The text of XML-RPC's scalar types, both ways. Readers answer undefined for text that is not of the type; the
 * caller knows the place and says so.
 */
import type { RpcValue } from '../values.ts';

const INTEGER = /^([+-]?)0*([0-9]+)$/;
const DOUBLE = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const DATE_TIME =
  /^(\d{4})(-?)(\d\d)\2(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d)(?::?(\d\d))?)?$/;
const NOT_BASE64 = /[^A-Za-z0-9+/]/;

const MAX_INT64 = '9223372036854775807';
const MIN_INT64 = '9223372036854775808';

/** A reader of one type's text, trimmed. */
type ScalarReader = (text: string) => RpcValue | undefined;

/**
 * Every scalar type that is read: the specification's, the common i8 and nil, and Apache's extensions, which come
 * with and without their `ex:` prefix. `string` is not here since its text is taken as it is.
 */
export const SCALAR_READERS: ReadonlyMap<string, ScalarReader> = new Map<string, ScalarReader>([
  ['int', (text) => readInteger(text, 0x7fffffff)],
  ['i4', (text) => readInteger(text, 0x7fffffff)],
  ['boolean', (text) => (text === '1' ? true : text === '0' ? false : undefined)],
  ['double', readDouble],
  ['dateTime.iso8601', readDate],
  ['base64', readBase64],
  ...extension('i1', (text) => readInteger(text, 0x7f)),
  ...extension('i2', (text) => readInteger(text, 0x7fff)),
  ...extension('i8', readInt64),
  ...extension('biginteger', readWhole),
  ...extension('float', readDouble),
  ...extension('bigdecimal', readDouble),
  ...extension('dateTime', readDate),
  ...extension('nil', (text) => (text === '' ? null : undefined)),
]);

function extension(name: string, reader: ScalarReader): [string, ScalarReader][] {
  return [
    [name, reader],
    [`ex:${name}`, reader],
  ];
}

function readInteger(text: string, max: number): number | undefined {
  if (!INTEGER.test(text)) return undefined;
  // The sum takes the sign off zero.
  const value = Number(text) + 0;
  return value >= -max - 1 && value <= max ? value : undefined;
}

/** A number where it is exact, else its digits as a string: nothing is rounded silently. */
function readWhole(text: string): number | string | undefined {
  const match = INTEGER.exec(text);
  if (match === null) return undefined;
  const value = Number(text) + 0;
  if (Number.isSafeInteger(value)) return value;
  return `${match[1] === '-' ? '-' : ''}${match[2]}`;
}

function readInt64(text: string): number | string | undefined {
  const value = readWhole(text);
  if (typeof value !== 'string') return value;
  const negative = value.startsWith('-');
  const digits = negative ? value.slice(1) : value;
  const bound = negative ? MIN_INT64 : MAX_INT64;
  const fits = digits.length < bound.length || (digits.length === bound.length && digits <= bound);
  return fits ? value : undefined;
}

function readDouble(text: string): number | undefined {
  if (!DOUBLE.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** `YYYYMMDDThh:mm:ss`, also with dashes, a fraction and a zone. Without a zone the time is UTC. */
function readDate(text: string): Date | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [, year, , month, day, hour, minute, second, fraction = '', sign, zoneHour = '0', zoneMinute = '0'] =
    match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  // A day that its month does not have has run over into the next one.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(zoneHour) > 23 || Number(zoneMinute) > 59) return undefined;
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? 1 : -1);
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'));
  date.setUTCHours(Number(hour), Number(minute) + zone, Number(second), milliseconds);
  return dateText(date) === '' ? undefined : date;
}

/** Padded base64 (RFC 4648, section 4), with whitespace anywhere. */
function readBase64(text: string): Uint8Array | undefined {
  const packed = text.replace(/[ \t\n\r]+/g, '');
  if (packed.length % 4 !== 0) return undefined;
  const padding = packed.endsWith('==') ? 2 : packed.endsWith('=') ? 1 : 0;
  if (NOT_BASE64.test(packed.slice(0, packed.length - padding))) return undefined;
  return new Uint8Array(Buffer.from(packed, 'base64'));
}

/** UTC `YYYYMMDDThh:mm:ss`, cut to the second; empty for a date that is invalid or outside years 0 to 9999. */
export function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) return '';
  const iso = date.toISOString();
  return iso.length === 24 ? `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 19)}` : '';
}

/** The shortest decimal that reads back as `value` (which is finite and not whole), without an exponent. */
export function doubleText(value: number): string {
  if (Number.isInteger(value)) return `${BigInt(value)}.0`;
  const text = String(value);
  const mark = text.indexOf('e');
  if (mark < 0) return text;
  // Only magnitudes below 1e-6 get here: the others with an exponent are whole.
  const sign = value < 0 ? '-' : '';
  const digits = text.slice(sign.length, mark).replace('.', '');
  return `${sign}0.${'0'.repeat(-Number(text.slice(mark + 1)) - 1)}${digits}`;
}
