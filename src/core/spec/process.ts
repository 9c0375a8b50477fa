/** Reads `process`: a program with its arguments and environment (section 3.1 of plush-toit.2011, figure 14). */
import type { ProcessSpec } from '../../../api/spec.ts';
import { Names } from './names.ts';
import type { Problems } from './problems.ts';
import {
  attributeSetting,
  child,
  childrenNamed,
  definedName,
  fail,
  insidePath,
  label,
  quoted,
  textSetting,
} from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** Most arguments of a process, and most variables of its environment. */
const MAX_ITEMS = 4096;
/** Arguments and environment of a process together, in UTF-16 units; an order to an agent must fit in a frame. */
const MAX_PROCESS_LENGTH = 256 * 1024;
/** Variables that Plush sets itself, among them the ones it finds a task's processes by. */
const RESERVED_PREFIX = 'PLUSH_';

/** A process element, or undefined after its problems have been reported. */
export function readProcess(element: XmlElement, problems: Problems): ProcessSpec | undefined {
  const name = definedName(element, problems);
  const path = textSetting(child(element, 'path'), problems)?.value;
  const cwd = insidePath(textSetting(child(element, 'cwd'), problems), problems);
  const cmdline = child(element, 'cmdline');
  const args = cmdline ? childrenNamed(cmdline, 'arg').map((arg) => arg.text) : [];
  const env = readEnv(element, problems);
  checkSize(element, args, env, problems);
  if (name === undefined || path === undefined) return undefined;
  return { name, path, ...(cwd !== undefined && { cwd }), args, env: Object.fromEntries(env) };
}

function checkSize(
  element: XmlElement,
  args: readonly string[],
  env: ReadonlyMap<string, string>,
  problems: Problems,
): void {
  if (args.length > MAX_ITEMS || env.size > MAX_ITEMS) {
    const message = `${label(element)} has more than ${MAX_ITEMS} arguments or variables`;
    problems.error('TOO_LARGE', element, message);
  }
  let length = 0;
  for (const arg of args) length += arg.length + 1;
  for (const [name, value] of env) length += name.length + value.length + 2;
  if (length <= MAX_PROCESS_LENGTH) return;
  const message = `Arguments and environment of ${label(element)} have ${length} characters; ${MAX_PROCESS_LENGTH} fit`;
  problems.error('TOO_LARGE', element, `${message}. Put the rest into a file of the software`);
}

/**
 * Variables in the order of the document. An `env` with a name is a variable itself; one without has its variables
 * inside, each a `var`. Values are exactly as given.
 */
function readEnv(process: XmlElement, problems: Problems): Map<string, string> {
  const names = new Names('variable', problems);
  const env = new Map<string, string>();
  for (const element of childrenNamed(process, 'env')) {
    for (const variable of variablesOf(element, problems)) {
      const setting = attributeSetting(variable, 'name');
      if (!setting) continue;
      const { value: name } = setting;
      const fault = nameFault(name);
      if (fault !== undefined) fail(problems, 'BAD_VALUE', setting, `Variable ${quoted(name)} ${fault}`);
      else if (names.claim(name, variable, 'name')) env.set(name, variable.text);
    }
  }
  return env;
}

function variablesOf(env: XmlElement, problems: Problems): readonly XmlElement[] {
  const inner = childrenNamed(env, 'var');
  if (env.attributes.has('name')) {
    const [first] = inner;
    if (first) {
      const message = 'env with a name is a variable itself: leave the name out, or take var out of it';
      problems.error('UNKNOWN_ELEMENT', first, message);
    }
    return [env];
  }
  const text = env.text.trim();
  if (text !== '') {
    const message = `env has the text ${quoted(text)}: write <env name="NAME">value</env>, or elements var inside`;
    problems.error('UNEXPECTED_TEXT', env, message);
  } else if (inner.length === 0) {
    problems.error('MISSING_ATTRIBUTE', env, 'env needs the attribute name, or elements var inside');
  }
  return inner;
}

function nameFault(name: string): string | undefined {
  if (name.startsWith(RESERVED_PREFIX)) return `begins with ${RESERVED_PREFIX}, which Plush sets itself`;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return 'may have only letters, digits and _, and no digit first';
  return undefined;
}
