/** What the parameters of a barrier must not say at the same time, each with its sentence. */
import { type BarrierParameter, kneeOf, type ReadBarrier } from './barrier.ts';
import type { Problems } from './problems.ts';
import { fail, quoted } from './values.ts';

const TYPE_TITLES = {
  traditional: '0 (traditional)',
  early: '1 (early)',
  throttled: '2 (throttled)',
  semaphore: '3 (semaphore)',
} as const;

/** Parameters that only some types have. */
const TYPES_OF: Readonly<Partial<Record<BarrierParameter, readonly (keyof typeof TYPE_TITLES)[]>>> = {
  percent: ['early', 'throttled'],
  timeout: ['early', 'throttled'],
  knee_det: ['early', 'throttled'],
  knee: ['early', 'throttled'],
  min_percent: ['early', 'throttled'],
  min_wait: ['early', 'throttled'],
  rate: ['throttled'],
  interval: ['throttled'],
  concurrency: ['semaphore'],
  adaptive: ['semaphore'],
  hold_timeout: ['semaphore'],
  release: ['traditional', 'early', 'throttled'],
  late: ['traditional', 'early', 'throttled'],
  catchup: ['traditional', 'early', 'throttled'],
};

/** Reports CONTRADICTION and MISSING_ATTRIBUTE for what does not go together in a barrier. */
export function checkBarrier(barrier: ReadBarrier, problems: Problems): void {
  const { type = 'traditional' } = barrier.values;
  for (const [parameter, setting] of barrier.places) {
    const types = TYPES_OF[parameter];
    if (!types || types.includes(type)) continue;
    // Said explicitly that there is none is in order with every type.
    const value = barrier.values[parameter];
    if (value === false || value === 'auto' || value === 'none') continue;
    const wanted = types.map((each) => TYPE_TITLES[each]).join(' or ');
    const message = `${parameter} is for barriers of type ${wanted}, but ${quoted(barrier.name)} is of type ${TYPE_TITLES[type]}`;
    fail(problems, 'CONTRADICTION', setting, message);
  }
  checkNeeds(barrier, problems);
  checkManual(barrier, problems);
  checkMinima(barrier, problems);
  checkLate(barrier, problems);
}

function checkNeeds({ name, element, values }: ReadBarrier, problems: Problems): void {
  const { type = 'traditional', percent, timeout, rate, interval, concurrency, adaptive, release } = values;
  const missing = (what: string) =>
    problems.error(
      'MISSING_ATTRIBUTE',
      element,
      `Barrier ${quoted(name)} of type ${TYPE_TITLES[type]} needs ${what}`,
    );
  if (type === 'early' && !percent && !timeout && !kneeOf(values) && release !== 'manual') {
    missing('percent, timeout or knee_det="true", which release it early');
  }
  if (type === 'throttled' && (!rate || !interval)) {
    missing(
      `${!rate && !interval ? 'rate and interval' : rate ? 'interval' : 'rate'}: how many are released how often`,
    );
  }
  if (type === 'semaphore' && !concurrency && (!adaptive || adaptive === 'none')) {
    missing('concurrency or adaptive: how many may be inside');
  }
}

function checkManual(barrier: ReadBarrier, problems: Problems): void {
  const { values, places } = barrier;
  if (values.knee_det === false && values.knee) {
    const setting = places.get('knee');
    const message = `Barrier ${quoted(barrier.name)} has knee, but also knee_det="false": leave one of them out`;
    if (setting) fail(problems, 'CONTRADICTION', setting, message);
  }
  if (values.release !== 'manual') return;
  for (const parameter of ['percent', 'timeout', 'knee_det', 'knee', 'min_percent', 'min_wait'] as const) {
    const setting = places.get(parameter);
    if (!setting || values[parameter] === false) continue;
    const message = `Barrier ${quoted(barrier.name)} is released by hand (release="manual"), so ${parameter} could do nothing`;
    fail(problems, 'CONTRADICTION', setting, message);
  }
}

function checkMinima({ name, values, places }: ReadBarrier, problems: Problems): void {
  const { percent, min_percent, timeout, min_wait } = values;
  const least = places.get('min_percent');
  const wait = places.get('min_wait');
  if (least && percent && min_percent && percent < min_percent) {
    const message = `Barrier ${quoted(name)} would be released at ${percent} percent, but never before min_percent ${min_percent}`;
    fail(problems, 'CONTRADICTION', least, message);
  }
  if (wait && timeout && min_wait && timeout < min_wait) {
    fail(
      problems,
      'CONTRADICTION',
      wait,
      `Barrier ${quoted(name)} has a timeout that ends before its min_wait`,
    );
  }
}

function checkLate({ name, values, places, element }: ReadBarrier, problems: Problems): void {
  const catchup = places.get('catchup');
  if (values.late === 'catchup' && !catchup) {
    const message = `Barrier ${quoted(name)} has late="catchup" and needs the attribute catchup: the barrier to go on at`;
    problems.error('MISSING_ATTRIBUTE', places.get('late')?.element ?? element, message);
  } else if (catchup && values.late !== 'catchup') {
    fail(problems, 'CONTRADICTION', catchup, `Barrier ${quoted(name)} names catchup without late="catchup"`);
  } else if (catchup && catchup.value === name) {
    fail(
      problems,
      'CONTRADICTION',
      catchup,
      `Barrier ${quoted(name)} cannot be the one to go on at after itself`,
    );
  }
}
