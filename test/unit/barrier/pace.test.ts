import { adapt, FIRST_CONCURRENCY, newPace, roomOf } from '../../../src/core/barrier/pace.ts';

/** A pace after 44 stays, 30 of 100 ms and then 14 of `recentMs`, with 15 inside. */
function afterFortyFour(recentMs: number) {
  const pace = newPace('median', FIRST_CONCURRENCY);
  for (let i = 0; i < 30; i += 1) adapt(pace, 100, 15, false);
  for (let i = 0; i < 14; i += 1) adapt(pace, recentMs, 15, false);
  return pace;
}

describe("the paper's rule of medians", () => {
  it('begins with 15', () => {
    expect(FIRST_CONCURRENCY).toBe(15);
  });

  // "If there are 15 hosts in the critical section when the 45th host is released …"
  it.each([
    ['more than 50 % above', 151, 14],
    ['exactly 50 % above', 150, 15],
    ['more than 10 % above', 111, 15],
    ['exactly 10 % above', 110, 16],
    ['below', 50, 16],
  ])('goes on with the right number when the median of the last 15 is %s that of all 45', (_, ms, limit) => {
    const pace = afterFortyFour(ms);
    adapt(pace, ms, 15, true);
    expect(pace.all).toHaveLength(45);
    expect(roomOf(pace)).toBe(limit);
  });

  it('never closes the semaphore altogether', () => {
    const pace = newPace('median', 1);
    for (let i = 0; i < 9; i += 1) adapt(pace, 10, 1, true);
    adapt(pace, 1000, 1, true);
    expect(roomOf(pace)).toBe(1);
  });

  it('learns nothing about the limit from places that nobody waits for', () => {
    const pace = newPace('median', 20);
    adapt(pace, 10, 1, false);
    expect(roomOf(pace)).toBe(20);
  });

  it('remembers a bounded number of stays', () => {
    const pace = newPace('median', 15);
    for (let i = 0; i < 20_000; i += 1) adapt(pace, i % 97, 15, true);
    expect(pace.all?.length).toBeLessThanOrEqual(8192);
    expect(pace.recent?.length).toBeLessThanOrEqual(1024);
    expect(pace.all).toEqual([...(pace.all ?? [])].sort((a, b) => a - b));
  });
});

describe('gradient2', () => {
  it('rises while stays are as long as usual, and sinks when they get much longer', () => {
    const pace = newPace('gradient2', FIRST_CONCURRENCY);
    for (let i = 0; i < 20; i += 1) adapt(pace, 100, roomOf(pace), true);
    const high = roomOf(pace);
    expect(high).toBeGreaterThan(20);
    for (let i = 0; i < 20; i += 1) adapt(pace, 500, roomOf(pace), true);
    expect(roomOf(pace)).toBeLessThan(high);
    expect(roomOf(pace)).toBeGreaterThanOrEqual(1);
  });

  it('does not rise while half of the places are empty', () => {
    const pace = newPace('gradient2', 40);
    for (let i = 0; i < 20; i += 1) adapt(pace, 100, 3, false);
    expect(roomOf(pace)).toBe(40);
  });

  it('takes stays of no length', () => {
    const pace = newPace('gradient2', 1);
    for (let i = 0; i < 100; i += 1) adapt(pace, 0, roomOf(pace), true);
    expect(Number.isFinite(pace.limit)).toBe(true);
  });
});
