/** Readers of the values in elements and attributes. Each answers undefined when there is none, or after reporting. */
import { checkUserName } from '../pool/hostname.ts';
import { didYouMean } from '../suggest.ts';
import type { ProblemCode, Problems } from './problems.ts';
import type { XmlElement } from './xml-tree.ts';

/** Longest name of anything, in characters. */
const MAX_NAME_LENGTH = 255;
/** Longest path, URL or command, in characters. */
const MAX_TEXT_LENGTH = 65_536;
/** What a message shows of a value. */
const SHOWN_LENGTH = 60;

/** A setting and where it stands: an attribute, or an element's own text. */
export interface Setting {
  /** Without white space at its ends. */
  readonly value: string;
  readonly element: XmlElement;
  /** Absent when the value is the element's text. */
  readonly attribute?: string;
}

/** The element as messages call it: component_block "run". */
export function label(element: XmlElement): string {
  const name = element.attributes.get('name')?.trim() || element.attributes.get('hostname')?.trim();
  return name ? `${shown(element.name)} ${quoted(name)}` : shown(element.name);
}

/** A value as messages show it: in quotes, shortened, control characters escaped. */
export function quoted(value: string): string {
  return JSON.stringify(shown(value));
}

function shown(value: string): string {
  return value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}…` : value;
}

export function child(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((candidate) => candidate.name === name);
}

export function childrenNamed(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((candidate) => candidate.name === name);
}

export function attributeSetting(element: XmlElement, attribute: string): Setting | undefined {
  const value = element.attributes.get(attribute)?.trim();
  return value === undefined || value === '' ? undefined : { value, element, attribute };
}

/** The element's text as a setting; reports EMPTY and TOO_LARGE. */
export function textSetting(element: XmlElement | undefined, problems: Problems): Setting | undefined {
  if (!element) return undefined;
  const value = element.text.trim();
  if (value === '') problems.error('EMPTY', element, `${label(element)} is empty`);
  else if (value.length > MAX_TEXT_LENGTH) tooLarge(element, problems);
  else return { value, element };
  return undefined;
}

function tooLarge(element: XmlElement, problems: Problems): void {
  problems.error('TOO_LARGE', element, `${label(element)} has more than ${MAX_TEXT_LENGTH} characters`);
}

/**
 * A setting that may be written as an attribute or as a child element, under any of `names`. Reports REPEATED_ELEMENT
 * when it is written in two ways.
 */
export function scalarSetting(
  parent: XmlElement,
  names: readonly string[],
  problems: Problems,
): Setting | undefined {
  const written: Setting[] = [];
  for (const name of names) {
    const attribute = attributeSetting(parent, name);
    if (attribute) written.push(attribute);
    const element = textSetting(child(parent, name), problems);
    if (element) written.push(element);
  }
  const [first, second] = written;
  if (second) fail(problems, 'REPEATED_ELEMENT', second, `${label(parent)} gives its ${names[0]} twice`);
  return first;
}

/** Reports a problem where a setting stands. */
export function fail(
  problems: Problems,
  code: ProblemCode,
  setting: Setting,
  message: string | (() => string),
): void {
  problems.error(code, setting.element, message, setting.attribute);
}

/** The name attribute of an element that defines something; reports BAD_VALUE and TOO_LARGE. */
export function definedName(element: XmlElement, problems: Problems): string | undefined {
  return nameValue(attributeSetting(element, 'name'), problems);
}

/** A name under which something is known; reports BAD_VALUE and TOO_LARGE. */
export function nameValue(setting: Setting | undefined, problems: Problems): string | undefined {
  if (!setting) return undefined;
  const { value, element, attribute = element.name } = setting;
  if (value.length > MAX_NAME_LENGTH) {
    const message = `The ${attribute} of ${element.name} has more than ${MAX_NAME_LENGTH} characters`;
    fail(problems, 'TOO_LARGE', setting, message);
    return undefined;
  }
  // Names become parts of task identities and of folder names.
  if (/[/\\]|\p{Cc}/u.test(value) || value === '.' || value === '..') {
    const message = `The ${attribute} ${quoted(value)} has a slash or a control character in it`;
    fail(problems, 'BAD_VALUE', setting, message);
    return undefined;
  }
  return value;
}

/** One of a few values; reports BAD_VALUE. */
export function enumValue<T extends string>(
  setting: Setting | undefined,
  allowed: readonly T[],
  problems: Problems,
): T | undefined {
  if (!setting) return undefined;
  const { value, element, attribute = element.name } = setting;
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  const what = `${attribute}="${shown(value)}" of ${label(element)}`;
  fail(problems, 'BAD_VALUE', setting, () => {
    return `${what} is none of ${allowed.join(', ')}${didYouMean(value, allowed)}`;
  });
  return undefined;
}

/** A whole number in a range; reports BAD_NUMBER with the range. */
export function integerValue(
  setting: Setting | undefined,
  range: { readonly min: number; readonly max: number },
  problems: Problems,
): number | undefined {
  if (!setting) return undefined;
  const { value, element, attribute = element.name } = setting;
  const number = /^[+-]?[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= range.min && number <= range.max) return number;
  const what = `${attribute} is ${quoted(value)}`;
  fail(
    problems,
    'BAD_NUMBER',
    setting,
    `${what}, but takes a whole number from ${range.min} to ${range.max}`,
  );
  return undefined;
}

/** A relative path that stays below its folder; reports PATH_ESCAPES and BAD_VALUE. */
export function insidePath(setting: Setting | undefined, problems: Problems): string | undefined {
  if (!setting) return undefined;
  const { value, element, attribute = element.name } = setting;
  if (value.startsWith('/') || value.split('/').includes('..')) {
    const message = `${attribute} ${quoted(value)} leads out of the run's working folder: give a path relative to it`;
    fail(problems, 'PATH_ESCAPES', setting, message);
    return undefined;
  }
  if (/\p{Cc}/u.test(value)) {
    fail(problems, 'BAD_VALUE', setting, `${attribute} ${quoted(value)} has a control character in it`);
    return undefined;
  }
  return value;
}

/** An http or https URL; reports BAD_URL. */
export function webUrl(setting: Setting | undefined, problems: Problems): string | undefined {
  if (!setting) return undefined;
  const { value } = setting;
  // The URL parser mends silently what a node's fetch would not: spaces, tabs, a missing slash.
  const valid = /^https?:\/\/[^\s/]/i.test(value) && !/[\s\p{Cc}]/u.test(value) && URL.canParse(value);
  if (valid) return value;
  fail(
    problems,
    'BAD_URL',
    setting,
    `${quoted(value)} is not an http or https URL, such as http://host/file.tar`,
  );
  return undefined;
}

/** A user name; reports BAD_VALUE. */
export function userValue(setting: Setting | undefined, problems: Problems): string | undefined {
  if (!setting) return undefined;
  const reason = checkUserName(setting.value);
  if (reason === undefined) return setting.value;
  fail(problems, 'BAD_VALUE', setting, `User ${quoted(setting.value)} ${reason}`);
  return undefined;
}
