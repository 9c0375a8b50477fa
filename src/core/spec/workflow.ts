/** Reads what tasks a `workflow_block` has, and when they are started again elsewhere (section 6.3 of plush-toit.2011). */
import type { WorkflowBlockSpec } from '../../../api/spec.ts';
import type { Problems } from './problems.ts';
import { durationValue } from './quantities.ts';
import { ATTEMPTS, PERCENT, TASKS, WAIT } from './value-rule.ts';
import {
  attributeSetting,
  child,
  childrenNamed,
  enumValue,
  fail,
  integerValue,
  label,
  textSetting,
} from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** The paper's minimum for reallocation. */
const MIN_PERCENT = 60;
const MAX_ATTEMPTS = 2;

/** The members of a workflow block that say which tasks there are; undefined after a problem has been reported. */
export function readTasks(
  element: XmlElement,
  problems: Problems,
): Pick<WorkflowBlockSpec, 'num_tasks' | 'files' | 'reallocation'> | undefined {
  const setting = attributeSetting(element, 'num_tasks');
  const count = integerValue(setting, TASKS, problems);
  const list = child(element, 'files');
  const files = list && readFiles(list, problems);
  const reallocation = readReallocation(child(element, 'reallocation'), problems);
  if (setting && list) {
    fail(
      problems,
      'CONTRADICTION',
      setting,
      `${label(element)} has num_tasks and files: the files are the tasks`,
    );
  }
  if (!list && !element.attributes.has('num_tasks')) {
    const message = `${label(element)} needs the attribute num_tasks or an element files inside`;
    problems.error('MISSING_ATTRIBUTE', element, message);
  }
  const tasks = files?.length ?? count;
  if (tasks === undefined) return undefined;
  return { num_tasks: tasks, ...(files && { files }), ...(reallocation && { reallocation }) };
}

function readFiles(element: XmlElement, problems: Problems): string[] | undefined {
  const elements = childrenNamed(element, 'file');
  if (elements.length > TASKS.max) {
    problems.error('TOO_LARGE', element, `files has ${elements.length} files; at most ${TASKS.max} are read`);
    return undefined;
  }
  const files = elements.flatMap((file) => textSetting(file, problems)?.value ?? []);
  return files.length > 0 ? files : undefined;
}

/** Reallocation is the rule; without the element it has its defaults. */
function readReallocation(
  element: XmlElement | undefined,
  problems: Problems,
): WorkflowBlockSpec['reallocation'] {
  if (!element) return { knee: 'ewma', min_percent: MIN_PERCENT, max_attempts: MAX_ATTEMPTS };
  const knee = enumValue(attributeSetting(element, 'knee'), ['ewma', 'kneedle', 'none'], problems) ?? 'ewma';
  const percent = integerValue(attributeSetting(element, 'min_percent'), PERCENT, problems);
  const wait = durationValue(attributeSetting(element, 'min_wait'), WAIT, problems);
  const attempts = integerValue(attributeSetting(element, 'max_attempts'), ATTEMPTS, problems);
  if (knee !== 'none') {
    return {
      knee,
      min_percent: percent ?? MIN_PERCENT,
      ...(wait !== undefined && { min_wait_ms: wait }),
      max_attempts: attempts ?? MAX_ATTEMPTS,
    };
  }
  for (const name of ['min_percent', 'min_wait', 'max_attempts']) {
    const setting = attributeSetting(element, name);
    if (setting)
      fail(problems, 'CONTRADICTION', setting, `${name} does nothing with knee="none": leave it out`);
  }
  return undefined;
}
