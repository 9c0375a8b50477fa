/** Reads `cmdline`: arguments as given, and those known only when a task starts (figure 18 of plush-toit.2011). */
import type { ProcessSpec, Substitution } from '../../../api/spec.ts';
import type { Problems } from './problems.ts';
import { attributeSetting, definedName, enumValue, fail, type Setting } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** What `cmdline` holds. */
export interface ReadArguments {
  readonly args: ProcessSpec['args'];
  readonly substitutions: readonly ReadSubstitution[];
}

/** A substitution with its place. */
export interface ReadSubstitution {
  readonly spec: Substitution;
  readonly element: XmlElement;
}

const TYPES = ['workflow', 'node', 'index', 'count', 'barrier'] as const;

export function readArguments(cmdline: XmlElement | undefined, problems: Problems): ReadArguments {
  const args: (string | Substitution)[] = [];
  const substitutions: ReadSubstitution[] = [];
  for (const element of cmdline?.children ?? []) {
    if (element.name === 'arg') args.push(element.text);
    if (element.name !== 'substitution') continue;
    const spec = readSubstitution(element, problems);
    if (!spec) continue;
    args.push(spec);
    substitutions.push({ spec, element });
  }
  return { args, substitutions };
}

function readSubstitution(element: XmlElement, problems: Problems): Substitution | undefined {
  const name = definedName(element, problems);
  const type = enumValue(attributeSetting(element, 'type'), TYPES, problems);
  const id = attributeSetting(element, 'id');
  const flag = attributeSetting(element, 'flag')?.value;
  if (type !== undefined) checkId(element, type, id, problems);
  if (name === undefined || type === undefined) return undefined;
  return { name, type, ...(id && { id: id.value }), ...(flag !== undefined && { flag }) };
}

function checkId(
  element: XmlElement,
  type: Substitution['type'],
  id: Setting | undefined,
  problems: Problems,
): void {
  const needed = type === 'workflow' || type === 'barrier';
  if (needed && !id && !element.attributes.has('id')) {
    const named = type === 'workflow' ? 'the workflow block’s id' : 'the barrier’s name';
    problems.error(
      'MISSING_ATTRIBUTE',
      element,
      `substitution of type ${type} needs the attribute id: ${named}`,
    );
  } else if (!needed && id) {
    fail(problems, 'CONTRADICTION', id, `substitution of type ${type} takes no id: leave it out`);
  }
}
