/** Reads `process`: a program with its arguments and environment (section 3.1 of plush-toit.2011, figure 14). */
import type { ProcessSpec } from '../../../api/spec.ts';
import { didYouMean } from '../suggest.ts';
import { type ReadArguments, readArguments } from './arguments.ts';
import { readLog } from './log.ts';
import { Names } from './names.ts';
import { readOutcome } from './outcome.ts';
import { readExitPolicies, readLiveness } from './policies.ts';
import type { Problems } from './problems.ts';
import { durationValue } from './quantities.ts';
import { signalNamed, signalNames } from './signals.ts';
import { PAUSE, WAIT } from './value-rule.ts';
import {
  attributeSetting,
  child,
  childrenNamed,
  definedName,
  fail,
  insidePath,
  label,
  quoted,
  type Setting,
  textSetting,
  userValue,
} from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** Most arguments of a process, and most variables of its environment. */
const MAX_ITEMS = 4096;
/** Arguments and environment of a process together, in UTF-16 units; an order to an agent must fit in a frame. */
const MAX_PROCESS_LENGTH = 256 * 1024;
/** Variables that Plush sets itself, among them the ones it finds a task's processes by. */
const RESERVED_PREFIX = 'PLUSH_';

/** A process with its substitutions, whose names are checked when all of the file is known. */
export interface ReadProcess {
  readonly spec: ProcessSpec;
  readonly substitutions: ReadArguments['substitutions'];
}

/** A process element, or undefined after its problems have been reported. */
export function readProcess(element: XmlElement, problems: Problems): ReadProcess | undefined {
  const name = definedName(element, problems);
  const path = textSetting(child(element, 'path'), problems)?.value;
  const cwd = insidePath(textSetting(child(element, 'cwd'), problems), problems);
  const { args, substitutions } = readArguments(child(element, 'cmdline'), problems);
  const env = readEnv(element, problems);
  const stdin = child(element, 'stdin')?.text;
  checkSize(element, args, env, stdin ?? '', problems);
  const more = { ...readEnd(element, problems), ...readWatch(element, problems) };
  if (name === undefined || path === undefined) return undefined;
  const spec: ProcessSpec = {
    name,
    path,
    ...(cwd !== undefined && { cwd }),
    args,
    env: Object.fromEntries(env),
    ...(stdin !== undefined && { stdin }),
    ...more,
  };
  return { spec, substitutions };
}

/** As whom it runs, and how it is ended. */
function readEnd(
  element: XmlElement,
  problems: Problems,
): Pick<ProcessSpec, 'user' | 'timeout_ms' | 'stop_signal' | 'stop_grace_ms'> {
  const user = userValue(textSetting(child(element, 'user'), problems), problems);
  const timeout = durationValue(textSetting(child(element, 'timeout'), problems), WAIT, problems);
  const signal = readSignal(textSetting(child(element, 'stop_signal'), problems), problems);
  const grace = durationValue(textSetting(child(element, 'stop_grace'), problems), PAUSE, problems);
  return {
    ...(user !== undefined && { user }),
    ...(timeout !== undefined && { timeout_ms: timeout }),
    ...(signal !== undefined && { stop_signal: signal }),
    ...(grace !== undefined && { stop_grace_ms: grace }),
  };
}

function readSignal(setting: Setting | undefined, problems: Problems): string | undefined {
  if (!setting) return undefined;
  const signal = signalNamed(setting.value);
  if (signal !== undefined) return signal;
  fail(problems, 'BAD_VALUE', setting, () => {
    const nearest = didYouMean(setting.value, signalNames());
    return `stop_signal ${quoted(setting.value)} is no signal by name, such as SIGTERM or SIGINT${nearest}`;
  });
  return undefined;
}

/** What becomes of its output, and what is done about its exit and its silence. */
function readWatch(
  element: XmlElement,
  problems: Problems,
): Pick<ProcessSpec, 'log' | 'exit_policies' | 'liveness' | 'outputs'> {
  const log = child(element, 'log_manager');
  const exitPolicies = readExitPolicies(element, problems);
  const liveness = readLiveness(element, problems);
  const { outputs } = readOutcome(element, problems);
  return {
    ...(log && { log: readLog(log, problems) }),
    ...(exitPolicies.length > 0 && { exit_policies: exitPolicies }),
    ...(liveness.length > 0 && { liveness }),
    ...(outputs && { outputs }),
  };
}

function checkSize(
  element: XmlElement,
  args: ProcessSpec['args'],
  env: ReadonlyMap<string, string>,
  stdin: string,
  problems: Problems,
): void {
  if (args.length > MAX_ITEMS || env.size > MAX_ITEMS) {
    const message = `${label(element)} has more than ${MAX_ITEMS} arguments or variables`;
    problems.error('TOO_LARGE', element, message);
  }
  let length = stdin.length;
  for (const arg of args) length += (typeof arg === 'string' ? arg : (arg.flag ?? '')).length + 1;
  for (const [name, value] of env) length += name.length + value.length + 2;
  if (length <= MAX_PROCESS_LENGTH) return;
  const message = `Arguments, environment and input of ${label(element)} have ${length} characters; ${MAX_PROCESS_LENGTH} fit`;
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
