/** An XML schema from the table of a language: what editors and generators check files against. */
import { POLICY_FORMS } from '../policies.ts';
import type { AttributeRule, ChildRule, ElementRule } from '../rule.ts';
import type { ValueRule } from '../value-rule.ts';

const SIZE_UNITS = '(K|KiB|M|MiB|G|GiB|T|TiB)?';

/** Restrictions of the values that have a name in the schema; enumerations and ranges are written where they stand. */
const NAMED_TYPES: Readonly<Record<string, string>> = {
  name: restriction('xs:token', ['<xs:pattern value="[^/\\\\]+"/>', '<xs:maxLength value="255"/>']),
  text: restriction('xs:string', ['<xs:pattern value="\\s*\\S[\\s\\S]*"/>']),
  exact: restriction('xs:string', []),
  path: restriction('xs:string', ['<xs:pattern value="\\s*[^/\\s][\\s\\S]*"/>']),
  boolean: enumeration(['true', 'false', '1', '0']),
  sha256: restriction('xs:token', ['<xs:pattern value="[0-9A-Fa-f]{64}"/>']),
  variable: restriction('xs:token', ['<xs:pattern value="[A-Za-z_][A-Za-z0-9_]*"/>']),
  signal: restriction('xs:token', ['<xs:pattern value="[A-Za-z0-9]+"/>']),
  exits: restriction('xs:token', ['<xs:pattern value="[0-9A-Za-z, \\-]+"/>']),
  policy: enumeration(POLICY_FORMS),
  duration: restriction('xs:token', ['<xs:pattern value="[0-9]{1,15}(ms|s|m|h|d)?"/>']),
  size: restriction('xs:token', [`<xs:pattern value="[0-9]{1,15}${SIZE_UNITS}"/>`]),
  bound: restriction('xs:token', [`<xs:pattern value="[0-9]{1,15}(\\.[0-9]{1,6})?${SIZE_UNITS}"/>`]),
};

/** What a type definition looks like before it gets its place. */
type Lines = readonly string[];

/**
 * The schema of the language whose root has the rule, as text. It says less than the parser: nothing of what depends on
 * two values, and nothing of how often something stands where that may stand in any order.
 *
 * @param root the root's name
 * @param note what a reader is told first
 */
export function xmlSchema(root: string, rule: ElementRule, note: string): string {
  const types = new Map<string, Lines>();
  collect(rule, types);
  const values = new Set<string>();
  const body = [...types.values()].flat().join('\n');
  for (const [, name = ''] of body.matchAll(/"value\.(\w+)"/g)) values.add(name);
  const simple = Object.entries(NAMED_TYPES)
    .filter(([name]) => values.has(name))
    .map(
      ([name, definition]) =>
        `<xs:simpleType name="value.${name}">\n${indent([definition]).join('\n')}\n</xs:simpleType>`,
    );
  const parts = [
    `<xs:element name="${root}" type="${rule.kind}"/>`,
    ...[...types.values()].map((lines) => lines.join('\n')),
    ...simple,
  ].map((part) => indent(part.split('\n')).join('\n'));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<!-- ${note} -->`,
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">',
    parts.join('\n\n'),
    '</xs:schema>',
    '',
  ].join('\n');
}

/** A type for each kind of element, in the order of the table. */
function collect(rule: ElementRule, types: Map<string, Lines>): void {
  if (types.has(rule.kind)) return;
  types.set(rule.kind, []);
  types.set(rule.kind, typeOf(rule));
  for (const child of Object.values(rule.children ?? {})) {
    if (!isSimple(child.rule)) collect(child.rule, types);
  }
}

/** Whether an element has text alone. */
function isSimple({ attributes, children, text, opaque }: ElementRule): boolean {
  return text !== undefined && !attributes && !children && !opaque;
}

function typeOf(rule: ElementRule): Lines {
  const attributes = Object.entries(rule.attributes ?? {}).flatMap(attributeLines);
  const head = `<xs:complexType name="${rule.kind}"`;
  if (rule.opaque) {
    const any = ['<xs:any processContents="skip" maxOccurs="unbounded"/>'];
    return [`${head}>`, ...indent(['<xs:sequence>', ...indent(any), '</xs:sequence>']), '</xs:complexType>'];
  }
  const children = Object.entries(rule.children ?? {});
  if (rule.text && children.length === 0) {
    // What may be empty cannot be a restriction of what may not; the parser knows better.
    const base = rule.mayBeEmpty ? 'xs:string' : baseOf(rule.text);
    const extension = [`<xs:extension base="${base}">`, ...indent(attributes), '</xs:extension>'];
    const content = ['<xs:simpleContent>', ...indent(extension), '</xs:simpleContent>'];
    return [`${head}>`, ...indent(content), '</xs:complexType>'];
  }
  const mixed = rule.text ? ' mixed="true"' : '';
  const inner = [...contentLines(children), ...attributes];
  return [`${head}${mixed}>`, ...indent(inner), '</xs:complexType>'];
}

/** Children in any order: `all` where each stands once at most, else `choice`, which cannot count. */
function contentLines(children: readonly [string, ChildRule][]): Lines {
  if (children.length === 0) return [];
  const [first] = children;
  const single = children.every(([, { occurs }]) => occurs === 'one' || occurs === 'optional');
  if (first && children.length === 1) {
    return ['<xs:sequence>', ...indent(elementLines(first, occursOf(first[1]))), '</xs:sequence>'];
  }
  if (single) {
    return [
      '<xs:all>',
      ...indent(children.flatMap((child) => elementLines(child, occursOf(child[1])))),
      '</xs:all>',
    ];
  }
  const least = children.some(([, { occurs }]) => occurs === 'one' || occurs === 'some') ? 1 : 0;
  return [
    `<xs:choice minOccurs="${least}" maxOccurs="unbounded">`,
    ...indent(children.flatMap((child) => elementLines(child, ''))),
    '</xs:choice>',
  ];
}

function occursOf({ occurs }: ChildRule): string {
  const least = occurs === 'optional' || occurs === 'many' ? ' minOccurs="0"' : '';
  return occurs === 'some' || occurs === 'many' ? `${least} maxOccurs="unbounded"` : least;
}

function elementLines([name, { rule }]: readonly [string, ChildRule], occurs: string): Lines {
  const about = documentation(rule.about);
  if (!isSimple(rule) || !rule.text) {
    return [`<xs:element name="${name}" type="${rule.kind}"${occurs}>`, ...indent(about), '</xs:element>'];
  }
  return typed('xs:element', name, rule.text, occurs, about);
}

function attributeLines([name, { need, value, about }]: readonly [string, AttributeRule]): Lines {
  const use = need === 'required' ? ' use="required"' : '';
  return typed('xs:attribute', name, value, use, documentation(about));
}

function typed(tag: string, name: string, value: ValueRule, more: string, about: Lines): Lines {
  const definition = definitionOf(value);
  if (definition === undefined) {
    return [`<${tag} name="${name}" type="${baseOf(value)}"${more}>`, ...indent(about), `</${tag}>`];
  }
  const inner = [...about, '<xs:simpleType>', ...indent([definition]), '</xs:simpleType>'];
  return [`<${tag} name="${name}"${more}>`, ...indent(inner), `</${tag}>`];
}

/** What has no name in the schema. */
function definitionOf(value: ValueRule): string | undefined {
  if (value.type === 'enum') return enumeration(Object.keys(value.values));
  if (value.type !== 'integer') return undefined;
  return restriction('xs:integer', [
    `<xs:minInclusive value="${value.min}"/>`,
    `<xs:maxInclusive value="${value.max}"/>`,
  ]);
}

function baseOf(value: ValueRule): string {
  return `value.${value.type}`;
}

function documentation(text: string): Lines {
  return ['<xs:annotation>', `  <xs:documentation>${escaped(text)}</xs:documentation>`, '</xs:annotation>'];
}

function restriction(base: string, facets: readonly string[]): string {
  return [`<xs:restriction base="${base}">`, ...indent(facets), '</xs:restriction>'].join('\n');
}

function enumeration(values: readonly string[]): string {
  return restriction(
    'xs:token',
    values.map((value) => `<xs:enumeration value="${escaped(value)}"/>`),
  );
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function indent(lines: Lines): string[] {
  return lines.flatMap((line) => line.split('\n')).map((line) => (line === '' ? line : `  ${line}`));
}
