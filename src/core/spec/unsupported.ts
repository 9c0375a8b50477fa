/**
 * What belongs to the language but is not run by this version: one line each. The parser reads all of it into the model;
 * then each thing named here is reported where it stands. Taking something up means deleting its line.
 */
import type { Problems } from './problems.ts';
import { type ElementRule, own } from './rule.ts';
import { label, quoted } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** `PARENT/ELEMENT`, `ELEMENT@ATTRIBUTE` or `ELEMENT@ATTRIBUTE=VALUE`, elements by the kind of their rule. */
export const NOT_RUN: readonly string[] = [
  // Workflows
  'workflow_block/barrier_block',
];

/** Reports NOT_SUPPORTED at everything below `element` that `notRun` names; not again at what is inside of it. */
export function reportNotRun(
  element: XmlElement,
  rule: ElementRule,
  notRun: ReadonlySet<string>,
  problems: Problems,
): void {
  for (const [name, value] of element.attributes) {
    const known = own(rule.attributes ?? {}, name);
    if (!known) continue;
    const setting = `${rule.kind}@${name}`;
    if (notRun.has(setting)) {
      problems.error('NOT_SUPPORTED', element, () => sentence(`${name} of ${label(element)}`), name);
    } else if (notRun.has(`${setting}=${value.trim()}`)) {
      const what = () => sentence(`${name}=${quoted(value.trim())} of ${label(element)}`);
      problems.error('NOT_SUPPORTED', element, what, name);
    }
  }
  for (const child of element.children) {
    const childRule = own(rule.children ?? {}, child.name)?.rule;
    if (!childRule) continue;
    if (notRun.has(`${rule.kind}/${child.name}`)) {
      problems.error('NOT_SUPPORTED', child, () => sentence(label(child)));
    } else {
      reportNotRun(child, childRule, notRun, problems);
    }
  }
}

function sentence(what: string): string {
  return `${what} is part of the language, but this version cannot run it`;
}
