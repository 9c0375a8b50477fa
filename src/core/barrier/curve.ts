/**
 * What measurements of throughput tell of a server, and how many should therefore transfer at a time.
 *
 * A server is taken to be one of some hundred kinds: it gives each transfer what its line carries until so many have used up its
 * bandwidth, and loses a share of that with each transfer beyond some number, or never. What a kind says of the throughput at
 * each number, but for its scale, is laid beside what was measured (Bayes, older measurements counting less); the number with
 * the highest expected logarithm of throughput, over all kinds, is the answer. So a number is tried where more is likely to
 * help, and no further than the doubt is worth. See docs/decisions/transfers-are-paced-by-their-bytes.md.
 */

/** Throughput while so many were inside. */
export interface Measure {
  readonly inside: number;
  readonly bytes_per_second: number;
  /** How many measurements with about that number inside this one stands for. @default 1 */
  readonly times?: number;
}

/** What else counts for the next number. */
export interface Circumstances {
  /** Share of a transfer that passes from one measurement to the next: the shorter it is, the smaller the steps can be. */
  readonly progress: number;
  /** Time that the slower transfers take longer than the middle one, as a share of all that is left. */
  readonly unevenness: number;
}

/** Measurements that are looked at. */
const MAX_MEASURES = 14;
/** Of the same number inside, within this share; so many together say as much as can be said of it. */
const SAME = 0.03;
const MOST_TIMES = 4;
/** What a measurement still counts after the next one. */
const FADING = 0.93;
/** Standard deviation of the logarithm of what is measured; beyond so many of them, it is an outlier and counts less. */
const NOISE = 0.04;
const OUTLIER = 3;
/** A step up is at least so large, grows with the progress that it takes, and is never larger. */
const LEAST_RISE = 1.04;
const RISE_OF_PROGRESS = 0.6;
const MOST_RISE = 1.5;
const MOST_FALL = 0.7;
/** Slow ones that begin late keep all waiting at the end: what more of them at a time are worth. */
const EVENING = 0.2;
const MOST_UNEVEN = 0.5;
/** A smaller change is not worth it. */
const LEAST_CHANGE = 0.03;
/** Between the numbers that are compared. */
const CANDIDATES = 1.03;

interface Kind {
  /** So many lines use up the bandwidth. */
  readonly lines: number;
  /** Beyond so many, each costs this share. */
  readonly comfortable: number;
  readonly penalty: number;
  /** How likely it is before anything is known, as a logarithm. */
  readonly prior: number;
}

const COMFORTABLE = [6, 9, 13, 18, 25, 35, 50, 70, 100];
const PENALTIES = [0.004, 0.013, 0.035];
const KINDS = kinds();

function kinds(): Kind[] {
  const all: Kind[] = [];
  for (let lines = 2; lines < 350; lines *= 1.15) {
    // A third of the servers mind nothing.
    all.push({ lines, comfortable: 0, penalty: 0, prior: 0 });
    const prior = Math.log(2 / (COMFORTABLE.length * PENALTIES.length));
    for (const comfortable of COMFORTABLE)
      for (const penalty of PENALTIES) all.push({ lines, comfortable, penalty, prior });
  }
  return all;
}

/** Logarithm of the throughput that a kind has with so many, in lines. */
function throughput({ lines, comfortable, penalty }: Kind, inside: number): number {
  return Math.log(Math.min(inside, lines / (1 + penalty * Math.max(0, inside - comfortable))));
}

/**
 * How many should be inside next.
 * @param measures the oldest first
 */
export function nextPlaces(
  measures: readonly Measure[],
  limit: number,
  { progress, unevenness }: Circumstances,
): number {
  const known = measures.filter(isSound).slice(-MAX_MEASURES);
  const newest = known.at(-1);
  if (newest === undefined) return limit;
  const rise = Math.min(MOST_RISE, LEAST_RISE + RISE_OF_PROGRESS * Math.max(0, progress));
  const evening = EVENING * Math.max(0, Math.min(MOST_UNEVEN, unevenness));
  const likely = weigh(known);
  let best = { places: limit, worth: Number.NEGATIVE_INFINITY };
  const most = Math.max(newest.inside * rise, newest.inside + 1);
  const least = Math.max(1, newest.inside * MOST_FALL);
  for (let places = most; places >= least; places /= CANDIDATES) {
    let worth = evening * Math.log(places);
    for (const { kind, weight } of likely) worth += weight * throughput(kind, places);
    if (worth > best.worth + 1e-9) best = { places, worth };
  }
  const next = Math.max(1, Math.round(best.places));
  return Math.abs(Math.log(next / limit)) < LEAST_CHANGE ? limit : next;
}

/** Adds a measurement; one with about the same number inside as the last is put together with it. */
export function addMeasure(measures: readonly Measure[], measure: Measure): Measure[] {
  const last = measures.at(-1);
  if (last === undefined || Math.abs(last.inside - measure.inside) > SAME * last.inside)
    return [...measures, measure].slice(-MAX_MEASURES);
  const { times = 1 } = last;
  const mean = (a: number, b: number) => (a * times + b) / (times + 1);
  const both = {
    inside: mean(last.inside, measure.inside),
    bytes_per_second: mean(last.bytes_per_second, measure.bytes_per_second),
    times: Math.min(MOST_TIMES, times + 1),
  };
  return [...measures.slice(0, -1), both];
}

function isSound({ inside, bytes_per_second }: Measure): boolean {
  const rates = [inside, bytes_per_second];
  return rates.every((value) => Number.isFinite(value) && value > 0);
}

/** How likely each kind is; those that hardly are are left out. */
function weigh(measures: readonly Measure[]): { kind: Kind; weight: number }[] {
  const points = measures.map(({ inside, bytes_per_second, times = 1 }, at) => ({
    inside,
    told: Math.log(bytes_per_second),
    trust: FADING ** (measures.length - 1 - at) * Math.max(1, Math.min(MOST_TIMES, times)),
  }));
  const trust = points.reduce((sum, point) => sum + point.trust, 0);
  const scored = KINDS.map((kind) => {
    const beside = points.map((point) => point.told - throughput(kind, point.inside));
    const scale = points.reduce((sum, point, at) => sum + point.trust * (beside[at] ?? 0), 0) / trust;
    let score = kind.prior;
    points.forEach((point, at) => {
      score -= strangeness((Math.sqrt(point.trust) * Math.abs((beside[at] ?? 0) - scale)) / NOISE);
    });
    return { kind, score };
  });
  const top = scored.reduce((most, { score }) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const likely = scored.filter(({ score }) => score > top - 14);
  const all = likely.reduce((sum, { score }) => sum + Math.exp(score - top), 0);
  return likely.map(({ kind, score }) => ({ kind, weight: Math.exp(score - top) / all }));
}

/** Huber's: as of the normal distribution, and no more than linear for outliers. */
function strangeness(deviations: number): number {
  return deviations < OUTLIER ? deviations ** 2 / 2 : OUTLIER * deviations - OUTLIER ** 2 / 2;
}
