/** A schema in words: its type, its bounds, and the members within it as an indented list. */
import type { TSchema } from '@sinclair/typebox';
import { xmlRpcType } from './schemas.ts';

const INDENT = '  ';

/** Name, type, bounds and meaning of a value in one line, and a line for each member within it. */
export function described(name: string, schema: TSchema, isOptional = false, doc?: string): string[] {
  const meaning = [doc, schema.description].filter((one) => one !== undefined);
  const note = meaning.length === 0 ? '' : `: ${meaning.join(': ')}`;
  return [`${name} (${shape(schema)}${isOptional ? ', optional' : ''})${note}`, ...members(schema)];
}

/** Type and bounds, such as "string, 1 to 255 characters" or "array of structs, at most 1000". */
export function shape(schema: TSchema): string {
  const values = choices(schema);
  if (values !== undefined) return listed(values);
  const bounds = boundsOf(schema);
  return `${typeOf(schema, false)}${bounds === '' ? '' : `, ${bounds}`}`;
}

/** The members of a struct, or of the structs in an array or behind the names of a struct, each indented. */
export function members(schema: TSchema): string[] {
  const inner = within(schema);
  if (inner !== undefined) return members(inner);
  const properties = (schema.properties ?? {}) as Record<string, TSchema>;
  const required = new Set((schema.required ?? []) as string[]);
  return Object.entries(properties)
    .flatMap(([name, member]) => described(name, member, !required.has(name)))
    .map((line) => INDENT + line);
}

function typeOf(schema: TSchema, isMany: boolean): string {
  const options = schema.anyOf as TSchema[] | undefined;
  if (options?.every((option) => option.const === undefined)) {
    return options.map((option) => (isMany ? eachOf(option) : shape(option))).join(' or ');
  }
  const type = xmlRpcType(schema);
  const own = isMany ? `${type}s` : type;
  const inner = within(schema);
  if (inner === undefined) return own;
  const values = choices(inner);
  return `${own} of ${values === undefined ? eachOf(inner) : listed(values)}`;
}

/** What is many times in an array or struct; the bounds of each stand behind it. */
function eachOf(schema: TSchema): string {
  if (schema.type === undefined && schema.anyOf === undefined) return 'values';
  const bounds = boundsOf(schema);
  return bounds === '' || within(schema) !== undefined
    ? typeOf(schema, true)
    : `${typeOf(schema, true)} (${bounds} each)`;
}

/** What an array holds, or a struct whose members may have any name. */
function within(schema: TSchema): TSchema | undefined {
  if (schema.type === 'array') return schema.items as TSchema | undefined;
  const [any] = Object.values((schema.patternProperties ?? {}) as Record<string, TSchema>);
  return any;
}

function listed(values: readonly unknown[]): string {
  const words = values.map((value) => JSON.stringify(value));
  return [words.slice(0, -1).join(', '), words.at(-1)].filter((part) => part !== '').join(' or ');
}

/** The values that are allowed, where they are few. */
function choices(schema: TSchema): unknown[] | undefined {
  if (schema.const !== undefined) return [schema.const];
  if (Array.isArray(schema.enum)) return schema.enum;
  const options = schema.anyOf as { const?: unknown }[] | undefined;
  return options?.every((option) => option.const !== undefined)
    ? options.map((option) => option.const)
    : undefined;
}

function boundsOf(schema: TSchema): string {
  switch (schema.type as string | undefined) {
    case 'string':
      return range(schema.minLength, schema.maxLength, ' characters');
    case 'integer':
    case 'number':
      return range(schema.minimum, schema.maximum, '');
    case 'array':
      return range(schema.minItems, schema.maxItems, '');
    case 'object':
      return range(schema.minProperties, schema.maxProperties, ' members');
    default:
      return '';
  }
}

function range(least: number | undefined, most: number | undefined, unit: string): string {
  if (least === undefined && most === undefined) return '';
  if (least === undefined) return `at most ${most}${unit}`;
  return most === undefined ? `at least ${least}${unit}` : `${least} to ${most}${unit}`;
}
