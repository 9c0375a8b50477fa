/** Checks that a file is of the kind it is read as, before anything in it is judged. */
import type { Problems } from './problems.ts';
import { child, quoted } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** What each kind of file has inside its root, and how messages call the kind. */
const KINDS = {
  project: 'an application specification',
  resource_manager: 'a resource directory',
} as const;

/**
 * Whether the root is `plush` and does not hold the other kind of file. False after reporting UNKNOWN_ELEMENT, when
 * checking the content would only bury the mistake.
 */
export function checkRoot(
  root: XmlElement,
  fileName: string,
  expected: keyof typeof KINDS,
  problems: Problems,
): boolean {
  if (root.name !== 'plush') {
    const message = `${fileName} has the root element ${quoted(root.name)}, but ${KINDS[expected]} begins with plush`;
    problems.error('UNKNOWN_ELEMENT', root, message);
    return false;
  }
  const other = expected === 'project' ? 'resource_manager' : 'project';
  const foreign = child(root, other);
  if (!foreign || child(root, expected)) return true;
  const message = `${fileName} is ${KINDS[other]} (it has ${other}), not ${KINDS[expected]}`;
  problems.error('UNKNOWN_ELEMENT', foreign, message);
  return false;
}
