import {
  type Flow,
  hear,
  keepInside,
  type Measured,
  newFlow,
  progressOf,
} from '../../../src/core/barrier/flow.ts';

const MEGABYTE = 1e6;
const TOTAL = 100 * MEGABYTE;

interface Tellers {
  readonly count: number;
  /** Bytes a second of each. */
  readonly rate: (teller: number) => number;
  readonly everyMs?: number;
  readonly forMs: number;
  readonly limit?: number;
  readonly waiting?: number;
  readonly fromMs?: number;
}

/** All of them tell in turn how far they are. */
function tell(
  flow: Flow,
  { count, rate, everyMs = 250, forMs, fromMs = 0, ...standing }: Tellers,
): Measured[] {
  const { limit = count, waiting = 50 } = standing;
  const measured: Measured[] = [];
  for (let ms = everyMs; ms <= forMs; ms += everyMs)
    for (let teller = 0; teller < count; teller += 1) {
      const progress = { bytes: (rate(teller) * ms) / 1000, ms, total: TOTAL };
      const heard = hear(flow, `w/${teller}`, progress, { inside: count, waiting, limit }, fromMs + ms);
      if (heard !== undefined) measured.push(heard);
    }
  return measured;
}

const rateOf = (measured: readonly Measured[]) => measured.at(-1)?.measures.at(-1)?.bytes_per_second;

describe('throughput of transfers by what they tell', () => {
  it('is what all of them move together', () => {
    const measured = tell(newFlow(), { count: 20, rate: (i) => (i + 1) * MEGABYTE, forMs: 3_000 });
    expect(measured.length).toBeGreaterThan(1);
    expect(rateOf(measured)).toBeCloseTo(210 * MEGABYTE, -6);
    expect(measured.at(-1)?.measures.at(-1)?.inside).toBeCloseTo(20, 5);
  });

  it('counts those that tell nothing like the others', () => {
    const flow = newFlow();
    const standing = { inside: 20, waiting: 9, limit: 20 };
    let measured: Measured | undefined;
    for (let ms = 250; ms <= 3_000; ms += 250)
      for (let i = 0; i < 17; i += 1)
        measured = hear(flow, `w/${i}`, { bytes: ms * 1000, ms, total: TOTAL }, standing, ms) ?? measured;
    expect(measured?.measures.at(-1)?.bytes_per_second).toBeCloseTo(20 * MEGABYTE, -5);
  });

  it('measures nothing while too few tell, or nobody waits', () => {
    const few = newFlow();
    const standing = { inside: 20, waiting: 9, limit: 20 };
    for (let ms = 250; ms <= 10_000; ms += 250)
      expect(hear(few, 'w/1', { bytes: ms, ms }, standing, ms)).toBeUndefined();
    expect(tell(newFlow(), { count: 20, rate: () => MEGABYTE, forMs: 3_000, waiting: 0 })).toEqual([]);
  });

  it('goes on where most have fetched theirs and install it', () => {
    const flow = newFlow();
    const standing = { inside: 20, waiting: 50, limit: 20 };
    const measured: Measured[] = [];
    for (let ms = 250; ms <= 5_000; ms += 250)
      for (let i = 0; i < 20; i += 1) {
        const bytes = i < 14 ? 7 * MEGABYTE : ms * 1000;
        const heard = hear(flow, `w/${i}`, { bytes, ms, total: TOTAL }, standing, ms);
        if (heard !== undefined) measured.push(heard);
      }
    expect(rateOf(measured)).toBeGreaterThan(4 * MEGABYTE);
    expect(rateOf(measured)).toBeLessThan(8 * MEGABYTE);
  });

  it('begins a new measurement when another number may be inside', () => {
    const flow = newFlow();
    tell(flow, { count: 20, rate: () => MEGABYTE, forMs: 600 });
    const soon = tell(flow, { count: 20, rate: () => MEGABYTE, forMs: 500, limit: 25, fromMs: 600 });
    expect(soon).toEqual([]);
  });

  it('says how much of a transfer passes meanwhile, and how uneven they are', () => {
    const even = tell(newFlow(), { count: 20, rate: () => 10 * MEGABYTE, forMs: 2_000 }).at(-1);
    expect(even?.progress).toBeGreaterThan(0.05);
    expect(even?.progress).toBeLessThan(0.3);
    expect(even?.unevenness).toBe(0);
    const slow = { count: 20, rate: (i: number) => (i < 4 ? MEGABYTE : 20 * MEGABYTE), forMs: 3_000 };
    expect(tell(newFlow(), slow).at(-1)?.unevenness).toBeGreaterThan(1);
  });

  it('learns nothing from transfers that end before they have told much', () => {
    const flow = newFlow();
    const standing = { inside: 10, waiting: 50, limit: 10 };
    for (let i = 0; i < 200; i += 1) {
      const progress = { bytes: MEGABYTE, ms: 40, total: MEGABYTE, done: true };
      expect(hear(flow, `w/${i}`, progress, standing, i * 4)).toBeUndefined();
    }
    expect(flow.transfers.size).toBe(0);
  });

  it.each([
    ['huge', { bytes: 2 ** 49, ms: 10 }],
    ['beyond all measure', { bytes: Number.MAX_VALUE, ms: 10 }],
    ['what is no number', { bytes: Number.NaN, ms: Number.NaN }],
    ['text', { bytes: '7' as unknown as number, ms: {} as unknown as number }],
    ['less than nothing', { bytes: -5, ms: -5 }],
    ['of the past', { bytes: 1, ms: 1 }],
    ['nothing at all', {} as { bytes: number; ms: number }],
  ])('is hardly moved by one that tells of %s', (_, untrue) => {
    const flow = newFlow();
    const measured: Measured[] = [];
    for (let ms = 250; ms <= 5_000; ms += 250)
      for (let i = 0; i < 20; i += 1) {
        const progress = i === 7 ? untrue : { bytes: ms * 1000, ms, total: TOTAL };
        const heard = hear(flow, `w/${i}`, progress, { inside: 20, waiting: 9, limit: 20 }, ms);
        if (heard !== undefined) measured.push(heard);
      }
    expect(measured.length).toBeGreaterThan(0);
    expect(rateOf(measured)).toBeGreaterThan(15 * MEGABYTE);
    expect(rateOf(measured)).toBeLessThan(40 * MEGABYTE);
  });

  it('is bounded by one that tells of more and more', () => {
    const rate = (i: number) => (i === 3 ? 1e12 : MEGABYTE);
    expect(rateOf(tell(newFlow(), { count: 20, rate, forMs: 5_000 }))).toBeLessThan(40 * MEGABYTE);
  });

  it('does not mind a clock that stands still or goes back', () => {
    const flow = newFlow();
    for (const atMs of [0, 0, 500, 100, 100, -50])
      for (let i = 0; i < 5; i += 1) {
        const progress = { bytes: 1000, ms: atMs };
        expect(hear(flow, `w/${i}`, progress, { inside: 5, waiting: 1, limit: 5 }, atMs)).toBeUndefined();
      }
  });

  it('remembers nobody who is not inside, and no more than a few measurements', () => {
    const flow = newFlow();
    tell(flow, { count: 20, rate: () => MEGABYTE, forMs: 60_000 });
    expect(flow.measures.length).toBeLessThanOrEqual(14);
    expect(progressOf(flow, 'w/3')).toMatchObject({ bytes: 60 * MEGABYTE, total: TOTAL });
    keepInside(flow, (participant) => participant === 'w/3');
    expect([...flow.transfers.keys()]).toEqual(['w/3']);
    expect(progressOf(flow, 'w/4')).toBeUndefined();
  });
});
