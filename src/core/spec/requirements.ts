/** Reads what a node must measure to be chosen (the metrics of component blocks in section 3.1 of plush-toit.2011). */
import type { Metric, Requirement } from '../../../api/spec.ts';
import type { Problems } from './problems.ts';
import { decimalValue, sizeValue } from './quantities.ts';
import { attributeSetting, childrenNamed, enumValue, fail, type Setting } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

const METRICS: readonly Metric[] = [
  'load',
  'load_per_cpu',
  'free_memory',
  'free_disk',
  'total_memory',
  'cpus',
];
const BYTES: ReadonlySet<Metric> = new Set(['free_memory', 'free_disk', 'total_memory']);
/** Loads and processors beyond this are a slip of the pen. */
const MAX_NUMBER = 1_000_000;
/** 1 PiB. */
const MAX_BYTES = 1024 ** 5;

export function readRequirements(rspec: XmlElement, problems: Problems): Requirement[] {
  return childrenNamed(rspec, 'requirement').flatMap((element) => {
    const metric = enumValue(attributeSetting(element, 'metric'), METRICS, problems);
    const least = attributeSetting(element, 'min');
    const most = attributeSetting(element, 'max');
    if (!element.attributes.has('min') && !element.attributes.has('max')) {
      const message = 'requirement needs the attribute min or max, or both';
      problems.error('MISSING_ATTRIBUTE', element, message);
    }
    if (!metric) return [];
    const min = boundValue(least, metric, problems);
    const max = boundValue(most, metric, problems);
    if (least && min !== undefined && max !== undefined && min > max) {
      fail(problems, 'BAD_NUMBER', least, `requirement has a min that is more than its max`);
    }
    return [{ metric, ...(min !== undefined && { min }), ...(max !== undefined && { max }) }];
  });
}

function boundValue(setting: Setting | undefined, metric: Metric, problems: Problems): number | undefined {
  if (BYTES.has(metric)) return sizeValue(setting, { min: 0, max: MAX_BYTES }, problems);
  return decimalValue(setting, MAX_NUMBER, problems);
}
