/**
 * Reads barriers (section 5 of plush-toit.2011). Blocks that name the same barrier share it: each parameter may stand at
 * one of them, or at several with the same value.
 */
import type { BarrierSpec } from '../../../api/spec.ts';
import { checkBarrier } from './barrier-rules.ts';
import type { Problems } from './problems.ts';
import { booleanValue, durationValue } from './quantities.ts';
import { isReserved } from './reserved-names.ts';
import { HOSTS, PARTICIPANTS, PERCENT, WAIT } from './value-rule.ts';
import {
  attributeSetting,
  definedName,
  enumValue,
  fail,
  integerValue,
  quoted,
  type Setting,
} from './values.ts';
import type { XmlElement } from './xml-tree.ts';

const TYPES = ['0', 'traditional', '1', 'early', '2', 'throttled', '3', 'semaphore'] as const;
const TYPE_NAMES: readonly BarrierSpec['type'][] = ['traditional', 'early', 'throttled', 'semaphore'];

/** What the attributes say, read; members are named after the attributes. */
export interface BarrierValues {
  type?: BarrierSpec['type'];
  max?: number;
  percent?: number;
  timeout?: number;
  knee_det?: boolean;
  knee?: 'ewma' | 'kneedle';
  min_percent?: number;
  min_wait?: number;
  rate?: number;
  interval?: number;
  concurrency?: number;
  adaptive?: 'median' | 'gradient2' | 'none';
  hold_timeout?: number;
  release?: 'auto' | 'manual';
  late?: NonNullable<BarrierSpec['late']>;
  catchup?: string;
}

export type BarrierParameter = keyof BarrierValues;

/** A barrier of the application, merged from all places that name it. */
export interface ReadBarrier {
  readonly name: string;
  /** The first element that names it. */
  readonly element: XmlElement;
  readonly values: BarrierValues;
  /** Where each parameter stands first. */
  readonly places: ReadonlyMap<BarrierParameter, Setting>;
}

interface Collected extends ReadBarrier {
  readonly places: Map<BarrierParameter, Setting>;
}

/** Collects the barriers of one file. */
export class Barriers {
  private readonly found = new Map<string, Collected>();

  constructor(private readonly problems: Problems) {}

  /** Takes up a `barrier` element and answers the barrier's name. Reports CONTRADICTION where two places differ. */
  read(element: XmlElement): string | undefined {
    const name = definedName(element, this.problems);
    if (name === undefined || isReserved(name, element, this.problems)) return undefined;
    const known = this.found.get(name) ?? newBarrier(name, element);
    this.found.set(name, known);
    const values = readValues(element, this.problems);
    for (const [parameter, value] of Object.entries(values) as [BarrierParameter, unknown][]) {
      const setting = attributeSetting(element, parameter);
      if (value === undefined || !setting) continue;
      const first = known.places.get(parameter);
      if (!first) {
        known.places.set(parameter, setting);
        Object.assign(known.values, { [parameter]: value });
      } else if (known.values[parameter] !== value) {
        const place = `${parameter}=${quoted(first.value)} in line ${this.problems.lineOf(first.element)}`;
        const message = `Barrier ${quoted(name)} has ${parameter}=${quoted(setting.value)} here, but ${place}: give it once`;
        fail(this.problems, 'CONTRADICTION', setting, message);
      }
    }
    return name;
  }

  /** All barriers, in the order of the file. */
  all(): readonly ReadBarrier[] {
    return [...this.found.values()];
  }

  /** The model, after reporting what in each barrier does not go together. */
  specs(): BarrierSpec[] {
    return this.all().map((barrier) => {
      checkBarrier(barrier, this.problems);
      return specOf(barrier);
    });
  }
}

function newBarrier(name: string, element: XmlElement): Collected {
  return { name, element, values: {}, places: new Map() };
}

function readValues(element: XmlElement, problems: Problems): BarrierValues {
  const setting = (name: BarrierParameter) => attributeSetting(element, name);
  const share = (name: BarrierParameter) => integerValue(setting(name), PERCENT, problems);
  const wait = (name: BarrierParameter) => durationValue(setting(name), WAIT, problems);
  const type = enumValue(setting('type'), TYPES, problems);
  const adaptive = enumValue(setting('adaptive'), ['true', 'median', 'gradient2', 'false'], problems);
  const values: { readonly [K in BarrierParameter]: BarrierValues[K] | undefined } = {
    type: type && TYPE_NAMES[Math.floor(TYPES.indexOf(type) / 2)],
    max: integerValue(setting('max'), PARTICIPANTS, problems),
    percent: share('percent'),
    timeout: wait('timeout'),
    knee_det: booleanValue(setting('knee_det'), problems),
    knee: enumValue(setting('knee'), ['ewma', 'kneedle'], problems),
    min_percent: share('min_percent'),
    min_wait: wait('min_wait'),
    rate: integerValue(setting('rate'), HOSTS, problems),
    interval: wait('interval'),
    concurrency: integerValue(setting('concurrency'), HOSTS, problems),
    adaptive: adaptive === 'true' ? 'median' : adaptive === 'false' ? 'none' : adaptive,
    hold_timeout: wait('hold_timeout'),
    release: enumValue(setting('release'), ['auto', 'manual'], problems),
    late: enumValue(setting('late'), ['pass', 'catchup', 'remove', 'replace'], problems),
    catchup: setting('catchup')?.value,
  };
  return values as BarrierValues;
}

function specOf({ name, values }: ReadBarrier): BarrierSpec {
  const { type = 'traditional', max, percent, timeout, rate, interval, concurrency, adaptive } = values;
  const { min_percent, min_wait, hold_timeout, release, late, catchup } = values;
  const knee = kneeOf(values);
  return {
    name,
    type,
    ...(max !== undefined && { max }),
    ...(percent !== undefined && { percent }),
    ...(timeout !== undefined && { timeout_ms: timeout }),
    ...(knee && { knee }),
    ...(min_percent !== undefined && { min_percent }),
    ...(min_wait !== undefined && { min_wait_ms: min_wait }),
    ...(rate !== undefined && { rate }),
    ...(interval !== undefined && { interval_ms: interval }),
    ...(concurrency !== undefined && { concurrency }),
    ...(adaptive && adaptive !== 'none' && { adaptive }),
    ...(hold_timeout !== undefined && { hold_timeout_ms: hold_timeout }),
    ...(release === 'manual' && { manual: true }),
    ...(late && { late }),
    ...(catchup !== undefined && { catchup }),
  };
}

/** How the barrier finds knees, where it looks for any. */
export function kneeOf(values: BarrierValues): 'ewma' | 'kneedle' | undefined {
  return values.knee ?? (values.knee_det ? 'ewma' : undefined);
}
