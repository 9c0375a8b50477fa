/** Names that Plush gives to blocks and barriers of its own (run/cleanup.ts, run/plan.ts): no file may use them. */
import type { Problems } from './problems.ts';
import { quoted } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

const OWN = /#(?:cleanup|reinstall|install)$/;

/** Reports BAD_VALUE where an element's name is one of those. @returns whether it is */
export function isReserved(name: string, element: XmlElement, problems: Problems): boolean {
  const [own] = OWN.exec(name) ?? [];
  if (own === undefined) return false;
  const message = `The name ${quoted(name)} ends in ${quoted(own)}, as those of Plush's own blocks and barriers do: give it another end`;
  problems.error('BAD_VALUE', element, message, 'name');
  return true;
}
