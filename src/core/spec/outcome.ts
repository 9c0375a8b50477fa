/** Reads `output` and `cleanup`: what is brought back, and what is left behind. */
import type { CleanupSpec } from '../../../api/spec.ts';
import { Names } from './names.ts';
import type { Problems } from './problems.ts';
import { booleanValue } from './quantities.ts';
import { attributeSetting, child, childrenNamed, insidePath, textSetting } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** Members `outputs` and `cleanup` of the model, where `parent` has them. */
export function readOutcome(
  parent: XmlElement,
  problems: Problems,
): { outputs?: readonly string[]; cleanup?: CleanupSpec } {
  const names = new Names('output', problems, 'mention');
  const outputs = childrenNamed(parent, 'output').flatMap((element) => {
    const path = insidePath(textSetting(element, problems), problems);
    return path !== undefined && names.claim(path, element) ? [path] : [];
  });
  const cleanup = readCleanup(child(parent, 'cleanup'), problems);
  return { ...(outputs.length > 0 && { outputs }), ...(cleanup && { cleanup }) };
}

function readCleanup(element: XmlElement | undefined, problems: Problems): CleanupSpec | undefined {
  if (!element) return undefined;
  const remove = booleanValue(attributeSetting(element, 'remove'), problems);
  const command = element.text.trim() === '' ? undefined : textSetting(element, problems)?.value;
  if (command === undefined && remove !== true && element.text.trim() === '') {
    problems.error(
      'EMPTY',
      element,
      'cleanup does nothing: give it a shell command as its text, or remove="true"',
    );
  }
  return { ...(command !== undefined && { command }), ...(remove !== undefined && { remove }) };
}
