/** Checks a call's parameters against the table, and says which is wrong, what was expected and what came. */
import type { TSchema } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { CAPPED } from '../../api/method.ts';
import { type MethodName, methodTable, type Parameter } from '../../api/methods.ts';
import { NUMBER_PATTERN, UTC_PATTERN } from '../../api/schemas.ts';
import { nearestName } from '../core/suggest.ts';
import type { Protocol } from './call.ts';
import { Fault } from './fault.ts';

/** Longer strings are described by their length. */
const MAX_SHOWN_CHARACTERS = 60;

const WRITTEN_TIME = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:\d\d)?$/;

const DIGITS = /^-?[1-9][0-9]{0,15}$/;

const compiled = new Map<TSchema, TypeCheck<TSchema>>();

function checkerOf(schema: TSchema): TypeCheck<TSchema> {
  let checker = compiled.get(schema);
  if (checker === undefined) {
    checker = TypeCompiler.Compile(schema);
    compiled.set(schema, checker);
  }
  return checker;
}

/**
 * The parameters by position, checked. Dates become ISO strings, base64 becomes text where text is wanted, and members
 * that are null count as missing, since clients without a way to leave a member out send null.
 * @param protocol in XML-RPC a whole number beyond 32 bits comes as it goes out, as a string of digits
 * @throws Fault INVALID_PARAMETERS
 */
export function checkParameters(method: MethodName, given: unknown, protocol: Protocol): unknown[] {
  const { params } = methodTable[method] as { params: readonly Parameter[] };
  const values = Array.isArray(given) ? given : byPosition(method, params, given as Record<string, unknown>);
  if (values.length > params.length) {
    throw wrong(method, `takes ${count(params)}, ${values.length} came`);
  }
  return params.map((param, i) => {
    const value = normalise(values[i], param.schema, protocol);
    if (value === undefined) {
      if (param.optional) return undefined;
      throw wrong(method, `parameter ${i + 1} (${param.name}) is missing`, { parameter: param.name });
    }
    check(method, param, i, value);
    return value;
  });
}

function byPosition(
  method: MethodName,
  params: readonly Parameter[],
  given: Record<string, unknown>,
): unknown[] {
  const names = params.map((param) => param.name);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const near = nearestName(name, names);
    throw wrong(method, `has no parameter "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`);
  }
  return params.map((param) => (Object.hasOwn(given, param.name) ? given[param.name] : undefined));
}

function check(method: MethodName, param: Parameter, index: number, value: unknown): void {
  const checker = checkerOf(param.schema);
  if (checker.Check(value)) return;
  const first = checker.Errors(value).First();
  const where =
    first === undefined || first.path === '' ? '' : `, member ${first.path.slice(1).replaceAll('/', '.')}`;
  if (first?.message === 'Expected required property') {
    throw wrong(method, `parameter ${index + 1} (${param.name})${where} is missing`, {
      parameter: param.name,
      path: first.path,
    });
  }
  const unknownMember = first?.message === 'Unexpected property' ? memberHint(first.path, param.schema) : '';
  const came =
    first === undefined ? '' : `, but ${describe(first.value)} came${meant(first.schema, first.value)}`;
  const expected =
    unknownMember || (first === undefined ? 'has the wrong type' : `expected ${expectation(first.schema)}`);
  throw wrong(
    method,
    `parameter ${index + 1} (${param.name})${where}: ${expected}${unknownMember ? '' : came}`,
    {
      parameter: param.name,
      path: first?.path ?? '',
    },
  );
}

/** What a schema wants, in words that follow "expected". */
function expectation(schema: TSchema): string {
  const options = (schema.anyOf as TSchema[] | undefined)?.map((option) =>
    option.const === undefined ? expectation(option) : JSON.stringify(option.const),
  );
  if (options !== undefined) return options.join(' or ');
  switch (schema.type as string | undefined) {
    case 'string':
      return `a string${range(schema.minLength, schema.maxLength, ' of ', ' characters')}${note(schema)}`;
    case 'integer':
      return `an integer${range(schema.minimum, schema.maximum, ' from ', '')}`;
    case 'number':
      return `a number${range(schema.minimum, schema.maximum, ' from ', '')}`;
    case 'array':
      return `an array${range(schema.minItems, schema.maxItems, ' of ', ' values')}`;
    case 'object':
      return `a struct${range(schema.minProperties, schema.maxProperties, ' of ', ' members')}`;
    default:
      return `a ${schema.type ?? 'value of another type'}`;
  }
}

/** Which of the words that may stand there is nearest to the one that came. */
function meant(schema: TSchema, value: unknown): string {
  const words = ((schema.anyOf ?? []) as { const?: unknown }[]).map((option) => option.const);
  if (typeof value !== 'string') return '';
  const near = nearestName(
    value,
    words.filter((word) => typeof word === 'string'),
  );
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

function range(least: unknown, most: unknown, before: string, after: string): string {
  if (least === undefined && most === undefined) return '';
  if (least === undefined) return ` of at most ${most}${after}`;
  return most === undefined ? ` of at least ${least}${after}` : `${before}${least} to ${most}${after}`;
}

/** What a pattern cannot say to a person. */
function note({ pattern, description }: TSchema): string {
  return pattern === undefined || description === undefined ? '' : ` (${description})`;
}

function memberHint(path: string, schema: TSchema): string {
  const near = nearestName(path.split('/').at(-1) ?? '', Object.keys((schema.properties ?? {}) as object));
  return `there is no such member${near === undefined ? '' : `; did you mean "${near}"?`}`;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return `a struct of ${Object.keys(value as object).length}`;
  // A long one is counted as it came, and not with the escapes that showing it takes.
  if (typeof value === 'string' && value.length > MAX_SHOWN_CHARACTERS)
    return `a string of ${value.length} characters`;
  return JSON.stringify(value);
}

function count(params: readonly Parameter[]): string {
  if (params.length === 0) return 'no parameters';
  const most = params.length === 1 ? 'one parameter' : `at most ${params.length} parameters`;
  return `${most} (${params.map((param) => param.name).join(', ')})`;
}

function wrong(method: string, sentence: string, details?: unknown): Fault {
  return new Fault('INVALID_PARAMETERS', `${method} ${sentence}`, details);
}

function normalise(value: unknown, schema: TSchema, protocol: Protocol): unknown {
  if (value === null || value === undefined) return undefined;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value === 'string' && schema.type === 'integer' && protocol === 'xmlrpc')
    return beyond32Bits(value);
  if (typeof value === 'string' && schema.pattern === UTC_PATTERN) return inUtc(value);
  if (Number.isInteger(value) && CAPPED in schema) return Math.min(value as number, schema.maximum as number);
  if (Number.isInteger(value) && schema.pattern === NUMBER_PATTERN) return String(value);
  if (Array.isArray(value) || typeof value !== 'object') return value;
  const members = (schema.properties ?? {}) as Record<string, TSchema>;
  const clean: Record<string, unknown> = {};
  for (const [written, member] of Object.entries(value)) {
    const name = knownName(written, members, value);
    const kept = normalise(member, members[name] ?? ({} as TSchema), protocol);
    if (kept === undefined) continue;
    // A member called __proto__ is data like any other.
    Object.defineProperty(clean, name, { value: kept, enumerable: true, configurable: true, writable: true });
  }
  return clean;
}

/** A member's name without the blanks and line ends that indented XML has around it, where that is one of the known. */
function knownName(written: string, members: object, value: object): string {
  if (Object.hasOwn(members, written)) return written;
  const name = written.trim();
  return Object.hasOwn(members, name) && !Object.hasOwn(value, name) ? name : written;
}

/**
 * A time with another zone, or as XML-RPC writes it, in UTC; everything else as it came. A time without a zone is one only in the
 * form of XML-RPC: in the other, programs write local time.
 */
function inUtc(text: string): string {
  const [, year, month, day, time, zone] = WRITTEN_TIME.exec(text) ?? [];
  const isXmlRpc = !text.includes('-') && zone === undefined;
  if (year === undefined || zone === 'Z' || (zone === undefined && !isXmlRpc)) return text;
  const asWritten = `${year}-${month}-${day}T${time}Z`;
  const at = Date.parse(`${asWritten.slice(0, -1)}${zone ?? 'Z'}`);
  // The 30th of February stays as it is written, for whoever refuses it.
  if (isXmlRpc || !isOfCalendar(asWritten)) return asWritten;
  // A zone that there cannot be is not left out in silence.
  return Number.isNaN(at) ? text : new Date(at).toISOString();
}

function isOfCalendar(text: string): boolean {
  const at = Date.parse(text);
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 19) === text.slice(0, 19);
}

/** The number where the digits are of one that `int` cannot hold and a number can; what else came is the check's to refuse. */
function beyond32Bits(text: string): unknown {
  if (!DIGITS.test(text)) return text;
  const value = Number(text);
  return Number.isSafeInteger(value) && value !== (value | 0) ? value : text;
}
