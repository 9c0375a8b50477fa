/** Reads exit policies and liveness monitors (section 3.4 and table II of plush-toit.2011). */
import type { ExitPolicySpec, LivenessSpec, Policy, RestartBounds } from '../../../api/spec.ts';
import { didYouMean } from '../suggest.ts';
import type { Problems } from './problems.ts';
import { durationValue } from './quantities.ts';
import { signalNamed } from './signals.ts';
import { FAILURES, PAUSE, PERIOD, RESTARTS, WAIT } from './value-rule.ts';
import {
  attributeSetting,
  childrenNamed,
  enumValue,
  fail,
  integerValue,
  label,
  quoted,
  type Setting,
  textSetting,
  webUrl,
} from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** The policies by the names of table II without POLICY_. */
const POLICIES: readonly Policy[] = [
  'end_application',
  'fail_application',
  'restart_application',
  'restart_process',
  'continue',
  'ignore',
];
/** Each policy in the forms it may be written: as table II has it, without POLICY_, and that in small letters. */
export const POLICY_FORMS: readonly string[] = [
  ...POLICIES.map((policy) => `POLICY_${policy.toUpperCase()}`),
  ...POLICIES.map((policy) => policy.toUpperCase()),
  ...POLICIES,
];
/** Most exits that one policy lists, and most policies in one place. */
const MAX_LISTED = 256;
const INTERVAL_MS = 30_000;
const TIMEOUT_MS = 10_000;
const DEFAULT_FAILURES = 3;

/** The exit policies in `parent`, in their order. */
export function readExitPolicies(parent: XmlElement, problems: Problems): ExitPolicySpec[] {
  const elements = bounded(childrenNamed(parent, 'exit_policy'), problems);
  let fallback: XmlElement | undefined;
  return elements.flatMap((element) => {
    const exits = readExits(attributeSetting(element, 'on'), problems);
    if (exits?.any && fallback) {
      const line = problems.lineOf(fallback);
      const message = `What is done on any other exit is said in line ${line} already: name exits here`;
      problems.error('CONTRADICTION', element, message, 'on');
    }
    if (exits?.any) fallback ??= element;
    const policy = policyValue(attributeSetting(element, 'policy'), problems);
    const bounds = readBounds(element, policy, problems);
    return exits && policy ? [{ ...exits, policy, ...bounds }] : [];
  });
}

/** The liveness monitors in `parent`, in their order. */
export function readLiveness(parent: XmlElement, problems: Problems): LivenessSpec[] {
  return bounded(childrenNamed(parent, 'liveness_monitor'), problems).flatMap((element) => {
    const type = enumValue(attributeSetting(element, 'type'), ['command', 'http', 'output'], problems);
    const target = readTarget(element, type, problems);
    const interval = durationValue(attributeSetting(element, 'interval'), PERIOD, problems) ?? INTERVAL_MS;
    const timeout = attributeSetting(element, 'timeout');
    const timeoutMs = durationValue(timeout, WAIT, problems);
    const failures = integerValue(attributeSetting(element, 'failures'), FAILURES, problems);
    const written = attributeSetting(element, 'policy');
    const policy = written ? policyValue(written, problems) : 'restart_process';
    const bounds = readBounds(element, policy, problems);
    if (timeout && type === 'output') {
      fail(problems, 'CONTRADICTION', timeout, 'A monitor of the output has no timeout: leave it out');
    }
    if (!type || !policy) return [];
    return [
      {
        type,
        ...(target !== undefined && { target }),
        interval_ms: interval,
        timeout_ms: type === 'output' ? interval : (timeoutMs ?? TIMEOUT_MS),
        failures: failures ?? DEFAULT_FAILURES,
        policy,
        ...bounds,
      },
    ];
  });
}

function bounded(elements: readonly XmlElement[], problems: Problems): readonly XmlElement[] {
  const [extra] = elements.slice(MAX_LISTED);
  if (!extra) return elements;
  problems.error('TOO_LARGE', extra, `More than ${MAX_LISTED} elements ${extra.name} stand here`);
  return elements.slice(0, MAX_LISTED);
}

function readTarget(
  element: XmlElement,
  type: LivenessSpec['type'] | undefined,
  problems: Problems,
): string | undefined {
  if (type === 'output') {
    if (element.text.trim() !== '') {
      problems.error('UNEXPECTED_TEXT', element, 'A monitor of the output takes no text');
    }
    return undefined;
  }
  if (element.text.trim() === '') {
    const needed = type === 'http' ? 'a URL' : 'a shell command';
    if (type)
      problems.error('EMPTY', element, `liveness_monitor of type ${type} needs ${needed} as its text`);
    return undefined;
  }
  const setting = textSetting(element, problems);
  return type === 'http' ? webUrl(setting, problems) : setting?.value;
}

/** A policy in one of its forms. */
function policyValue(setting: Setting | undefined, problems: Problems): Policy | undefined {
  if (!setting) return undefined;
  const name = setting.value.toLowerCase().replace(/^policy_/, '');
  const found = POLICIES.find((policy) => policy === name);
  if (found && POLICY_FORMS.includes(setting.value)) return found;
  fail(problems, 'BAD_VALUE', setting, () => {
    const known = POLICIES.map((policy) => `POLICY_${policy.toUpperCase()}`);
    const start = `policy=${quoted(setting.value)} of ${label(setting.element)} is none of ${known.join(', ')}`;
    return start + didYouMean(`POLICY_${name.toUpperCase()}`, known);
  });
  return undefined;
}

function readBounds(element: XmlElement, policy: Policy | undefined, problems: Problems): RestartBounds {
  const max = integerValue(attributeSetting(element, 'max_restarts'), RESTARTS, problems);
  const backoff = durationValue(attributeSetting(element, 'backoff'), PAUSE, problems);
  const longest = attributeSetting(element, 'max_backoff');
  const maxBackoff = durationValue(longest, PAUSE, problems);
  if (policy !== undefined && !policy.startsWith('restart')) {
    for (const name of ['max_restarts', 'backoff', 'max_backoff']) {
      const setting = attributeSetting(element, name);
      if (!setting) continue;
      const message = `${name} is about restarts, but the policy is POLICY_${policy.toUpperCase()}: leave it out`;
      fail(problems, 'CONTRADICTION', setting, message);
    }
  } else if (longest && backoff !== undefined && maxBackoff !== undefined && maxBackoff < backoff) {
    fail(problems, 'CONTRADICTION', longest, 'max_backoff is shorter than backoff, the first wait');
  }
  return {
    ...(max !== undefined && { max_restarts: max }),
    ...(backoff !== undefined && { backoff_ms: backoff }),
    ...(maxBackoff !== undefined && { max_backoff_ms: maxBackoff }),
  };
}

/** `0`, `1-127`, `SIGKILL`, `any`, separated by commas or white space. */
function readExits(
  setting: Setting | undefined,
  problems: Problems,
): Pick<ExitPolicySpec, 'codes' | 'signals' | 'any'> | undefined {
  if (!setting) return undefined;
  const codes: { from: number; to: number }[] = [];
  const signals: string[] = [];
  let any = false;
  const tokens = setting.value.split(/[\s,]+/).filter((token) => token !== '');
  if (tokens.length > MAX_LISTED) {
    fail(problems, 'TOO_LARGE', setting, `on lists ${tokens.length} exits; at most ${MAX_LISTED} are read`);
    return undefined;
  }
  const forms = 'an exit code from 0 to 255, a range such as 1-127, a signal such as SIGKILL, or any';
  if (tokens.length === 0) {
    fail(problems, 'BAD_VALUE', setting, `on lists no exit: give ${forms}`);
    return undefined;
  }
  for (const token of tokens) {
    const [, from, to = from] = /^([0-9]{1,3})(?:-([0-9]{1,3}))?$/.exec(token) ?? [];
    const signal = signalNamed(token);
    if (token === 'any') any = true;
    else if (from !== undefined && Number(from) <= Number(to) && Number(to) <= 255) {
      codes.push({ from: Number(from), to: Number(to) });
    } else if (signal !== undefined) signals.push(signal);
    else {
      fail(problems, 'BAD_VALUE', setting, `on has ${quoted(token)}, which is not ${forms}`);
      return undefined;
    }
  }
  return {
    ...(codes.length > 0 && { codes }),
    ...(signals.length > 0 && { signals }),
    ...(any && { any }),
  };
}
