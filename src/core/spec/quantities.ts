/** Readers of durations, sizes, numbers with a point and yes or no; each reports BAD_NUMBER or BAD_VALUE with what is allowed. */
import type { Problems } from './problems.ts';
import type { Range } from './value-rule.ts';
import { fail, quoted, type Setting } from './values.ts';

/** Units of durations in milliseconds, smallest first. */
const DURATIONS: readonly (readonly [string, number])[] = [
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
];
/** Units of sizes in bytes, smallest first: K, M, G and T mean the same as with iB, as `dd` and `tail` have it. */
const SIZES: readonly (readonly [string, number])[] = [
  ['', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
  ['TiB', 1024 ** 4],
];
const SIZE_LETTERS = ['', 'K', 'M', 'G', 'T'];
/** A number without a sign, of so few digits that nothing overflows. */
const WRITTEN = /^([0-9]{1,15})([A-Za-z]*)$/;

/** Milliseconds of `90` (seconds), `90s`, `5m`, `2h`, `1d` or `500ms`. */
export function durationValue(
  setting: Setting | undefined,
  range: Range,
  problems: Problems,
): number | undefined {
  if (!setting) return undefined;
  const [, digits, unit = ''] = WRITTEN.exec(setting.value) ?? [];
  const factor = DURATIONS.find(([name]) => name === (unit || 's'))?.[1];
  const value = Number(digits) * (factor ?? Number.NaN);
  if (value >= range.min && value <= range.max) return value;
  const allowed = `a duration from ${durationText(range.min)} to ${durationText(range.max)}`;
  fail(problems, 'BAD_NUMBER', setting, `${what(setting)}, but takes ${allowed}: ${durationForms()}`);
  return undefined;
}

function durationForms(): string {
  return 'seconds such as 90, or a unit as in 90s, 5m, 2h, 1d, 500ms';
}

/** Bytes of `4096`, `64K`, `64KiB`, `10M`, `2G`. */
export function sizeValue(
  setting: Setting | undefined,
  range: Range,
  problems: Problems,
): number | undefined {
  if (!setting) return undefined;
  const [, digits, unit = ''] = WRITTEN.exec(setting.value) ?? [];
  const at = SIZES.findIndex(([name], index) => unit === name || unit === SIZE_LETTERS[index]);
  const value = Number(digits) * (SIZES[at]?.[1] ?? Number.NaN);
  if (value >= range.min && value <= range.max) return value;
  const allowed = `a size from ${sizeText(range.min)} to ${sizeText(range.max)}`;
  fail(
    problems,
    'BAD_NUMBER',
    setting,
    `${what(setting)}, but takes ${allowed}, such as 4096, 64KiB, 10M, 2G`,
  );
  return undefined;
}

/** A number of at least 0, with or without a point. */
export function decimalValue(
  setting: Setting | undefined,
  max: number,
  problems: Problems,
): number | undefined {
  if (!setting) return undefined;
  const value = /^[0-9]{1,9}(\.[0-9]{1,6})?$/.test(setting.value) ? Number(setting.value) : Number.NaN;
  if (value <= max) return value;
  fail(problems, 'BAD_NUMBER', setting, `${what(setting)}, but takes a number from 0 to ${max}`);
  return undefined;
}

/** `true` or `1`, `false` or `0`. */
export function booleanValue(setting: Setting | undefined, problems: Problems): boolean | undefined {
  if (!setting) return undefined;
  if (setting.value === 'true' || setting.value === '1') return true;
  if (setting.value === 'false' || setting.value === '0') return false;
  fail(problems, 'BAD_VALUE', setting, `${what(setting)}, but takes true or false (or 1 or 0)`);
  return undefined;
}

/** A duration in the largest unit that says it exactly. */
export function durationText(milliseconds: number): string {
  return inUnits(milliseconds, DURATIONS);
}

export function sizeText(bytes: number): string {
  return inUnits(bytes, SIZES);
}

function inUnits(value: number, units: readonly (readonly [string, number])[]): string {
  const [name, factor] = units.findLast(([, each]) => value >= each && value % each === 0) ?? ['', 1];
  return `${value / factor}${name}`;
}

function what({ value, element, attribute = element.name }: Setting): string {
  return `${attribute} is ${quoted(value)}`;
}
