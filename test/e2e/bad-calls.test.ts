/** Calls that are wrong, in every way and over both protocols: each gets a fault that says what is wrong, and harms nothing. */
import { type MethodName, methodTable, type Parameter } from '../../api/methods.ts';
import { NUMBER_PATTERN } from '../../api/schemas.ts';
import { CallFault, type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

interface Schema {
  readonly type?: string;
  readonly pattern?: string;
  readonly anyOf?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
}

let scratch: Scratch;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

/** The daemon goes on as before, and no call was a defect of its own. */
afterEach(async () => {
  expect(await plushd.call('plushTestConnection')).toBe('Hello World');
  expect(plushd.logText()).not.toContain('Call failed');
});

const names = Object.keys(methodTable) as MethodName[];
const paramsOf = (name: MethodName) => methodTable[name]?.params as readonly Parameter[];

/** Values of other types than a schema's. */
function wrongValues({ type, anyOf, pattern }: Schema): readonly unknown[] {
  if (anyOf !== undefined) return ['nonsense', 7];
  switch (type) {
    case 'string':
      // A text of digits is also taken as the number that it is.
      return [pattern === NUMBER_PATTERN ? 7.5 : 7, true, ['a'], { a: 1 }];
    case 'integer':
      return ['7', 1.5, true, [7]];
    case 'number':
      return ['x', true, {}];
    case 'object':
      return ['x', 7, true, ['a']];
    case 'array':
      return ['x', 7, { a: 1 }];
    default:
      return [];
  }
}

/** A value that passes the schema. */
function rightValue({ type, anyOf, properties = {}, required = [], items, minItems = 0 }: Schema): unknown {
  if (anyOf !== undefined) return (anyOf[0] as { const: unknown }).const;
  if (type === 'object')
    return Object.fromEntries(required.map((name) => [name, rightValue(properties[name] ?? {})]));
  if (type === 'array') return Array.from({ length: minItems }, () => rightValue(items ?? {}));
  return type === 'integer' || type === 'number' ? 1 : 'x';
}

async function refused(method: string, params: unknown): Promise<CallFault> {
  try {
    await plushd.call(method as MethodName, ...(params as []));
  } catch (error) {
    if (error instanceof CallFault) return error;
    throw error;
  }
  throw new Error(`${method}(${JSON.stringify(params)}) was answered`);
}

async function expectRefusal(method: string, params: unknown, ...words: readonly string[]): Promise<void> {
  const fault = await refused(method, params);
  expect(fault).toMatchObject({ code: -32602, symbol: 'INVALID_PARAMETERS' });
  for (const word of [method, ...words]) expect(fault.message).toContain(word);
}

interface Case {
  readonly method: MethodName;
  readonly what: string;
  readonly params: readonly unknown[];
  /** Words of the sentence. */
  readonly says: readonly string[];
}

function casesOf(method: MethodName): Case[] {
  const params = paramsOf(method);
  const right = params.map((param) => rightValue(param.schema as Schema));
  const most = params.map((param) => param.name);
  const cases: Case[] = [
    {
      method,
      what: 'one parameter too many',
      params: [...right, 'more'],
      says: [`${params.length + 1} came`, ...most],
    },
  ];
  for (const [at, param] of params.entries()) {
    const add = (what: string, value: unknown, ...says: readonly string[]) =>
      cases.push({ method, what, params: right.with(at, value), says: [`(${param.name})`, ...says] });
    const { properties, required = [] } = param.schema as Schema;
    if (!param.optional) {
      const missing = `parameter ${at + 1} (${param.name}) is missing`;
      cases.push({ method, what: `no ${param.name}`, params: right.slice(0, at), says: [missing] });
    }
    for (const value of wrongValues(param.schema as Schema)) {
      add(`${JSON.stringify(value)} for ${param.name}`, value, ', but ');
    }
    if (properties === undefined) continue;
    const struct = right[at] as object;
    add('an unknown member', { ...struct, no_such_member: 1 }, 'member no_such_member: there is no such');
    for (const member of required) {
      const { [member]: _left, ...rest } = struct as Record<string, unknown>;
      add(`no member ${member}`, rest, `member ${member} is missing`);
    }
    for (const [member, schema] of Object.entries(properties)) {
      for (const value of wrongValues(schema)) {
        add(
          `${JSON.stringify(value)} for member ${member}`,
          { ...struct, [member]: value },
          `member ${member}`,
        );
      }
    }
  }
  return cases;
}

it.each(names.flatMap(casesOf))('$method refuses $what', async ({ method, params, says }) => {
  await expectRefusal(method, params, ...says);
});
