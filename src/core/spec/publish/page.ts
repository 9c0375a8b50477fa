/** docs/specification-reference.md: every element and attribute of the two languages, from their tables. */
import { DIRECTORY } from '../directory.ts';
import { APPLICATION } from '../grammar.ts';
import { durationText, sizeText } from '../quantities.ts';
import type { AttributeRule, ChildRule, ElementRule, Occurs } from '../rule.ts';
import type { ValueRule } from '../value-rule.ts';

const OCCURS: Readonly<Record<Occurs, string>> = {
  one: 'once',
  optional: 'once or not at all',
  some: 'once or more',
  many: 'any number',
};

/** An element with the names it has and the elements it may stand in. */
interface Entry {
  readonly rule: ElementRule;
  readonly names: Set<string>;
  readonly parents: Set<string>;
}

/** The page as text. */
export function referencePage(): string {
  return [
    '# Reference of the specification languages',
    'Written by `npm run build` from the tables in `src/core/spec`; change those, not this page. [specification.md](specification.md) tells how to use the languages.',
    'Values stand in attributes or as the text of an element, and white space at their ends does not count. Durations are seconds, or have a unit: `90`, `90s`, `5m`, `2h`, `1d`, `500ms`. Sizes are bytes, or have a unit: `4096`, `64KiB` (or `64K`), `10M`, `2G`, `1T`, each 1024 times the one before. Yes and no are `true` or `1`, `false` or `0`.',
    '*Since* is the dialect that first has an element: 2006 (`configuration` and `cluster`), 2007 (`experiment`), 2011 (blocks).',
    '## Application',
    ...sections('plush', APPLICATION),
    '## Directory',
    ...sections('plush', DIRECTORY),
    '',
  ].join('\n\n');
}

function sections(root: string, rule: ElementRule): string[] {
  const entries = new Map<string, Entry>([[rule.kind, { rule, names: new Set([root]), parents: new Set() }]]);
  collect(rule, root, entries);
  return [...entries.values()].map(section);
}

/** Elements that have text alone are told in the table of what they stand in. */
function isPlain({ attributes, children, opaque, text }: ElementRule): boolean {
  return text !== undefined && !attributes && !children && !opaque;
}

function collect(rule: ElementRule, own: string, entries: Map<string, Entry>): void {
  for (const [name, { rule: child }] of Object.entries(rule.children ?? {})) {
    if (isPlain(child)) continue;
    const known = entries.get(child.kind);
    const entry = known ?? { rule: child, names: new Set<string>(), parents: new Set<string>() };
    entry.names.add(name);
    entry.parents.add(own);
    if (known) continue;
    entries.set(child.kind, entry);
    collect(child, name, entries);
  }
}

function section({ rule, names, parents }: Entry): string {
  const title = `### ${[...names].join(', ')}${parents.size > 0 ? ` in ${[...parents].join(', ')}` : ''}`;
  const parts = [title, `${rule.about}. ${since(rule)}`];
  if (rule.text) parts.push(`Text: ${valueText(rule.text)}${rule.mayBeEmpty ? '; may be empty' : ''}.`);
  if (rule.opaque) parts.push('Holds elements of that service’s own language.');
  const attributes = Object.entries(rule.attributes ?? {});
  if (attributes.length > 0) parts.push(attributeTable(attributes));
  const children = Object.entries(rule.children ?? {});
  if (children.length > 0) parts.push(childTable(children));
  if (rule.needsOneOf)
    parts.push(`At least one of ${rule.needsOneOf.map((name) => `\`${name}\``).join(', ')}.`);
  return parts.join('\n\n');
}

function since({ since: dialect = '2011' }: ElementRule): string {
  return `Since ${dialect}.`;
}

function childTable(children: readonly [string, ChildRule][]): string {
  const rows = children.map(([name, { rule, occurs }]) => {
    if (!isPlain(rule) || !rule.text) return `| \`${name}\` | ${OCCURS[occurs]} | see below | |`;
    const preset = rule.default === undefined ? '' : ` Default: \`${rule.default}\`.`;
    const meaning = `${rule.about}.${preset} ${since(rule)}`;
    return `| \`${name}\` | ${OCCURS[occurs]} | ${valueText(rule.text)} | ${meaning} |`;
  });
  return `| element inside | how often | value | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}

function attributeTable(attributes: readonly [string, AttributeRule][]): string {
  const rows = attributes.map(([name, { need, value, about, default: preset }]) => {
    const absent = need === 'required' ? 'required' : preset === undefined ? '' : `\`${preset}\``;
    return `| \`${name}\` | ${valueText(value)} | ${absent} | ${about} |`;
  });
  return `| attribute | value | default | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}

function valueText(value: ValueRule): string {
  switch (value.type) {
    case 'integer':
      return `whole number from ${value.min} to ${value.max}`;
    case 'duration':
      return `duration from ${durationText(value.min)} to ${durationText(value.max)}`;
    case 'size':
      return `size from ${sizeText(value.min)} to ${sizeText(value.max)}`;
    case 'enum':
      return Object.entries(value.values)
        .map(([name, meaning]) => `\`${name}\`: ${meaning}`)
        .join('; ');
    default:
      return VALUES[value.type];
  }
}

const VALUES: Readonly<Record<Exclude<ValueRule['type'], 'integer' | 'duration' | 'size' | 'enum'>, string>> =
  {
    name: 'name without a slash, of at most 255 characters',
    text: 'text',
    exact: 'exactly as given',
    path: 'relative path that stays in its folder',
    boolean: 'yes or no',
    sha256: '64 hexadecimal digits',
    variable: 'letters, digits and _, no digit first; not PLUSH_…',
    signal: 'name of a signal, such as `SIGTERM` or `TERM`',
    exits: 'exit codes (`3`), ranges (`1-127`), signals (`SIGKILL`) and `any`, separated by commas',
    policy:
      '`POLICY_END_APPLICATION`: the run ends as succeeded; `POLICY_FAIL_APPLICATION`: it fails; `POLICY_RESTART_APPLICATION`: it begins again on the same nodes; `POLICY_RESTART_PROCESS`; `POLICY_CONTINUE`: the block counts as complete; `POLICY_IGNORE`: the process counts as failed and the run goes on without it. `POLICY_` may be left out',
    bound: 'number, or size for what is measured in bytes',
  };
