import {
  adapt,
  FIRST_CONCURRENCY,
  newPace,
  type Pace,
  placesFor,
  roomOf,
} from '../../../src/core/barrier/pace.ts';

/** Lets `rounds` rounds pass at a server that has `perSecond(inside)` leave in a second, with all places taken. */
function serve(pace: Pace, rounds: number, perSecond: (inside: number) => number, fromMs = 0): number[] {
  const limits: number[] = [];
  let atMs = fromMs;
  for (let round = 0; round < rounds; round += 1) {
    const leaving = roomOf(pace);
    for (let i = 0; i < leaving; i += 1) {
      const inside = roomOf(pace);
      const gapMs = 1000 / perSecond(inside);
      atMs += gapMs;
      adapt(pace, { stayMs: Math.min(gapMs * inside, atMs - fromMs), atMs, inside, wanted: true });
    }
    limits.push(roomOf(pace));
  }
  return limits;
}

const start = (limit: number = FIRST_CONCURRENCY.gradient2) => newPace('gradient2', limit);
const last = (limits: readonly number[]) => limits.at(-1) ?? Number.NaN;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('gradient2', () => {
  it('begins with 30, or with the number that is given', () => {
    expect(roomOf(start())).toBe(30);
    expect(roomOf(start(7))).toBe(7);
  });

  it('rises while more inside means that more leave', () => {
    expect(last(serve(start(), 6, (inside) => inside / 10))).toBeGreaterThan(100);
  });

  it('does not sink because stays get longer, when as many leave', () => {
    expect(Math.min(...serve(start(), 20, () => 3))).toBeGreaterThanOrEqual(30);
  });

  it('sinks when fewer leave the more are inside', () => {
    expect(last(serve(start(100), 12, (inside) => 2500 / inside))).toBeLessThan(50);
  });

  it.each([10, 25, 60])('stays around %i when the throughput is highest there', (knee) => {
    const perSecond = (inside: number) => Math.min(inside, knee) / (1 + 0.03 * Math.max(0, inside - knee));
    const limits = serve(start(), 60, perSecond).slice(20);
    const achieved = mean(limits.map(perSecond));
    expect(achieved).toBeGreaterThan(0.85 * perSecond(knee));
  });

  it('follows a server that has changed', () => {
    const pace = start();
    serve(pace, 20, (inside) => Math.min(inside, 80) / 5);
    expect(roomOf(pace)).toBeGreaterThan(60);
    const limits = serve(pace, 40, (inside) => 10 / (1 + 0.05 * Math.max(0, inside - 10)), 1e6);
    expect(Math.min(...limits)).toBeLessThan(30);
  });

  it('learns nothing from places that nobody waits for', () => {
    const pace = start(40);
    for (let i = 0; i < 500; i += 1) adapt(pace, { stayMs: 100, atMs: i * 50, inside: 3, wanted: false });
    expect(roomOf(pace)).toBe(40);
  });

  it('does not count the time in which nobody waited', () => {
    const pace = start(10);
    serve(pace, 3, (inside) => inside);
    adapt(pace, { stayMs: 1000, atMs: 10_000, inside: 2, wanted: false });
    expect(pace.climb?.round).toBeUndefined();
    const before = roomOf(pace);
    serve(pace, 2, (inside) => inside, 3_600_000);
    expect(roomOf(pace)).toBeGreaterThanOrEqual(before);
  });

  it('lets the last ones in together when they are few more than the places', () => {
    const pace = start();
    // Not before the first round: at first they come one by one, and nobody knows which are the last.
    expect(placesFor(pace, 35)).toBe(30);
    serve(pace, 1, () => 3);
    const room = roomOf(pace);
    expect(placesFor(pace, room + 5)).toBe(room + 5);
    expect(placesFor(pace, 2 * room)).toBe(room);
  });

  it.each([
    ['no length', () => 0],
    ['a length that is no number a clock gives twice', (i: number) => i % 3],
    ['a clock that goes back', (i: number) => -i],
  ])('stays between 1 and 10,000 with stays of %s', (_, clock) => {
    const pace = start(1);
    for (let i = 0; i < 5000; i += 1)
      adapt(pace, { stayMs: 0, atMs: clock(i), inside: roomOf(pace), wanted: true });
    expect(roomOf(pace)).toBeGreaterThanOrEqual(1);
    expect(roomOf(pace)).toBeLessThanOrEqual(10_000);
    expect(Number.isFinite(pace.limit)).toBe(true);
  });

  it('never admits more than 10,000, however much it helps', () => {
    expect(last(serve(start(5000), 6, (inside) => inside))).toBe(10_000);
  });

  it('remembers as much after ten thousand stays as after ten', () => {
    const pace = start();
    serve(pace, 1, () => 3);
    const size = JSON.stringify(pace).length;
    serve(pace, 300, () => 3, 1e6);
    expect(JSON.stringify(pace).length).toBeLessThan(2 * size);
  });
});
