/** The form of the table of the language, and how its rows are written. */
import type { ValueRule } from './value-rule.ts';

/** How often a child may stand in its parent. */
export type Occurs = 'one' | 'optional' | 'some' | 'many';

/** The dialect in which something first stands: figure 3 of plush-osr.2006, the Plush site of 2007, plush-toit.2011. */
export type Dialect = '2006' | '2007' | '2011';

export interface AttributeRule {
  readonly need: 'required' | 'optional';
  readonly value: ValueRule;
  /** One sentence for the reference page, without a full stop. */
  readonly about: string;
  /** What holds without it, as it would be written. */
  readonly default?: string;
}

export interface ChildRule {
  readonly rule: ElementRule;
  /** `some` is at least one, `many` any number. */
  readonly occurs: Occurs;
}

/** What may be in an element. */
export interface ElementRule {
  /** Key of the table of things not run; the element's name, with its parent's where one name has two meanings. */
  readonly kind: string;
  /** What it is, in one sentence without a full stop. */
  readonly about: string;
  /** @default '2011' */
  readonly since?: Dialect;
  readonly attributes?: Readonly<Record<string, AttributeRule>>;
  readonly children?: Readonly<Record<string, ChildRule>>;
  /** At least one of these children must be there. */
  readonly needsOneOf?: readonly string[];
  /** What its text is, where it may have any. */
  readonly text?: ValueRule;
  /** Whether the text may be missing. @default false, and always so where there are elements inside */
  readonly mayBeEmpty?: boolean;
  /** What its text is by default, as it would be written. */
  readonly default?: string;
  /** Its content is kept as written and not checked here. @default false */
  readonly opaque?: boolean;
  /** Rules by the value of an attribute, in place of this one. Other values are left to the element's reader. */
  readonly variants?: { readonly attribute: string; readonly rules: Readonly<Record<string, ElementRule>> };
}

export function children(
  occurs: Occurs,
  rules: Readonly<Record<string, ElementRule>>,
): Record<string, ChildRule> {
  return Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, { rule, occurs }]));
}

/** An element that has only text. */
export function textRule(
  kind: string,
  text: ValueRule,
  about: string,
  more: Partial<ElementRule> = {},
): ElementRule {
  return { kind, about, text, ...more };
}

export function required(value: ValueRule, about: string): AttributeRule {
  return { need: 'required', value, about };
}

export function optional(value: ValueRule, about: string, preset?: string): AttributeRule {
  return { need: 'optional', value, about, ...(preset !== undefined && { default: preset }) };
}

export function oneOf(values: Readonly<Record<string, string>>): ValueRule {
  return { type: 'enum', values };
}

/** A member of a table by a name that comes from a file. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
