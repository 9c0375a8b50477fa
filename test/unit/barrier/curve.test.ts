import { addMeasure, type Measure, nextPlaces } from '../../../src/core/barrier/curve.ts';

const EVEN = { progress: 0.1, unevenness: 0 };

/** Asks for so many numbers, one after another, at a server that moves so much with each. */
function follow(bytesPerSecond: (inside: number) => number, rounds: number, from = 20): number[] {
  let measures: readonly Measure[] = [];
  const limits = [from];
  for (let i = 0; i < rounds; i += 1) {
    const inside = limits.at(-1) as number;
    measures = addMeasure(measures, { inside, bytes_per_second: bytesPerSecond(inside) });
    limits.push(nextPlaces(measures, inside, EVEN));
  }
  return limits;
}

const last = (limits: readonly number[]) => limits.at(-1) ?? Number.NaN;

describe('the number of transfers by their throughput', () => {
  it('rises while more move more', () => {
    expect(last(follow((inside) => inside * 1e6, 30))).toBeGreaterThan(60);
  });

  it('rises in larger steps where a transfer is soon over', () => {
    const measures = [{ inside: 20, bytes_per_second: 2e7 }];
    const short = nextPlaces(measures, 20, { progress: 0.8, unevenness: 0 });
    expect(short).toBeGreaterThan(nextPlaces(measures, 20, EVEN));
    expect(short).toBeLessThanOrEqual(30);
  });

  it.each([10, 25, 60])('stays near %i when the throughput is highest there', (knee) => {
    const rate = (inside: number) => (1e6 * Math.min(inside, knee)) / (1 + 0.02 * Math.max(0, inside - knee));
    const achieved = follow(rate, 40)
      .slice(-20)
      .map((limit) => rate(limit) / rate(knee));
    expect(Math.min(...achieved)).toBeGreaterThan(0.85);
    expect(achieved.reduce((sum, one) => sum + one, 0) / achieved.length).toBeGreaterThan(0.95);
  });

  it('sinks at a server that does worse the more there are', () => {
    expect(last(follow((inside) => 1e7 / inside, 12))).toBeLessThan(10);
  });

  it('lets a few more in where slow ones would else begin late', () => {
    const flat = [20, 22, 24].map((inside) => ({ inside, bytes_per_second: 1e7 }));
    const uneven = nextPlaces(flat, 24, { progress: 0.1, unevenness: 1 });
    expect(uneven).toBeGreaterThan(nextPlaces(flat, 24, EVEN));
  });

  it('is not moved far by one measurement that says something else', () => {
    const calm = Array.from({ length: 10 }, (_, i) => ({
      inside: 20 + (i % 3),
      bytes_per_second: 1e7,
    }));
    const before = nextPlaces(calm, 20, EVEN);
    for (const bytes_per_second of [1, 1e14])
      expect(
        Math.abs(nextPlaces([...calm, { inside: 20, bytes_per_second }], 20, EVEN) - before),
      ).toBeLessThan(7);
  });

  it.each([
    ['nothing', []],
    ['no throughput', [{ inside: 20, bytes_per_second: 0 }]],
    ['what is no number', [{ inside: Number.NaN, bytes_per_second: Number.NaN }]],
    ['what has no end', [{ inside: 20, bytes_per_second: Number.POSITIVE_INFINITY }]],
    ['less than nobody', [{ inside: -3, bytes_per_second: 1e6 }]],
  ])('stays where it is when %s was measured', (_, measures) => {
    expect(nextPlaces(measures, 17, EVEN)).toBe(17);
  });

  it('is a whole number from 1 on, whatever the circumstances', () => {
    for (const progress of [Number.NaN, -1, 0, 1e9])
      for (const unevenness of [Number.NaN, -1, 1e9])
        for (const inside of [0.2, 1, 30]) {
          const next = nextPlaces([{ inside, bytes_per_second: 1e6 }], 5, { progress, unevenness });
          expect(Number.isInteger(next) && next >= 1 && next <= 50).toBe(true);
        }
  });
});
