/**
 * Checks an element tree against a table of rules: which elements and attributes may stand where, how often, and what
 * has text. What the values mean is left to the readers of each element, which may then take first things first: what is
 * missing, repeated or unknown has been said here.
 */
import { nearestName } from '../suggest.ts';
import type { Problems } from './problems.ts';
import { type ElementRule, type Occurs, own } from './rule.ts';
import { label, quoted } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** Reports every deviation of `element` and all below it from `rule`. */
export function checkStructure(element: XmlElement, rule: ElementRule, problems: Problems): void {
  if (rule.variants) {
    const { attribute, rules } = rule.variants;
    const value = element.attributes.get(attribute)?.trim();
    if (value) {
      const variant = own(rules, value);
      if (variant) checkStructure(element, variant, problems);
      return;
    }
  }
  checkAttributes(element, rule, problems);
  if (rule.opaque) return;
  checkText(element, rule, problems);
  if (!rule.variants) checkChildren(element, rule, problems);
}

function checkAttributes(element: XmlElement, rule: ElementRule, problems: Problems): void {
  const allowed = rule.attributes ?? {};
  // What is misspelled or written as an element is not also said to be missing.
  const excused = new Set<string>(rule.opaque ? [] : element.children.map((child) => child.name));
  for (const [name, value] of element.attributes) {
    if (isNamespace(name)) continue;
    const known = own(allowed, name);
    if (known === undefined) {
      const meant = nearestName(name, Object.keys(allowed));
      if (meant !== undefined) excused.add(meant);
      problems.error('UNKNOWN_ATTRIBUTE', element, () => unknownAttribute(element, rule, name, meant), name);
    } else if (value.trim() === '' && known.value.type !== 'exact') {
      problems.error('EMPTY', element, `Attribute ${name} of ${element.name} is empty`, name);
    }
  }
  for (const [name, { need }] of Object.entries(allowed)) {
    if (need === 'optional' || element.attributes.has(name) || excused.has(name)) continue;
    problems.error('MISSING_ATTRIBUTE', element, `${label(element)} needs the attribute ${name}`);
  }
}

function unknownAttribute(
  element: XmlElement,
  rule: ElementRule,
  name: string,
  meant: string | undefined,
): string {
  const allowed = Object.keys(rule.attributes ?? {});
  const start = `${label(element)} has no attribute ${quoted(name)}`;
  const childRule = own(rule.children ?? {}, name)?.rule;
  if (childRule) {
    const form = childRule.text ? `<${name}>…</${name}>` : `<${name} name="…"/>`;
    return `${start}: write it as an element, ${form}`;
  }
  if (meant !== undefined) return `${start}. Did you mean "${meant}"?`;
  return allowed.length === 0 ? `${start}: it takes none` : `${start}: it takes ${allowed.join(', ')}`;
}

function checkText(element: XmlElement, rule: ElementRule, problems: Problems): void {
  if (rule.text) return;
  const text = element.text.trim();
  if (text === '') return;
  problems.error(
    'UNEXPECTED_TEXT',
    element,
    `${label(element)} has the text ${quoted(text)}, but takes none`,
  );
}

function checkChildren(element: XmlElement, rule: ElementRule, problems: Problems): void {
  const allowed = rule.children ?? {};
  const seen = new Map<string, XmlElement>();
  // What is misspelled or written as an attribute is not also said to be missing.
  const excused = new Set<string>(element.attributes.keys());
  for (const child of element.children) {
    const childRule = own(allowed, child.name);
    if (childRule) {
      checkRepetition(child, childRule.occurs, seen, problems);
      checkStructure(child, childRule.rule, problems);
      continue;
    }
    const meant = nearestName(child.name, Object.keys(allowed));
    if (meant !== undefined) excused.add(meant);
    problems.error('UNKNOWN_ELEMENT', child, () => unknownElement(child, element, rule, meant));
  }
  for (const [name, { occurs }] of Object.entries(allowed)) {
    if (occurs === 'optional' || occurs === 'many' || seen.has(name) || excused.has(name)) continue;
    problems.error('MISSING_ELEMENT', element, `${label(element)} needs an element ${name} inside`);
  }
  const { needsOneOf = [] } = rule;
  if (needsOneOf.length === 0 || needsOneOf.some((name) => excused.has(name) || seen.has(name))) return;
  problems.error(
    'MISSING_ELEMENT',
    element,
    `${label(element)} needs an element ${needsOneOf.join(' or ')} inside`,
  );
}

function checkRepetition(
  child: XmlElement,
  occurs: Occurs,
  seen: Map<string, XmlElement>,
  problems: Problems,
): void {
  const first = seen.get(child.name);
  if (!first) {
    seen.set(child.name, child);
    return;
  }
  if (occurs === 'some' || occurs === 'many') return;
  const line = problems.lineOf(first);
  problems.error(
    'REPEATED_ELEMENT',
    child,
    `${label(child)} stands here again; the first is in line ${line}`,
  );
}

function unknownElement(
  child: XmlElement,
  parent: XmlElement,
  rule: ElementRule,
  meant: string | undefined,
): string {
  const start = `${label(parent)} has an element ${quoted(child.name)}, which is not known there`;
  if (own(rule.attributes ?? {}, child.name)) return `${start}: write it as an attribute, ${child.name}="…"`;
  if (meant !== undefined) return `${start}. Did you mean "${meant}"?`;
  const names = Object.keys(rule.children ?? {});
  return names.length === 0 ? `${start}: it takes none` : `${start}: it takes ${names.join(', ')}`;
}

/** Editors put a schema's place and namespaces on the root; they mean nothing here. */
function isNamespace(attribute: string): boolean {
  return /^(xmlns$|xmlns:|xsi:|xml:)/.test(attribute);
}
