import {
  adapt,
  FIRST_CONCURRENCY,
  FIRST_WATCHED,
  isQuiet,
  newPace,
  type Pace,
  paceTo,
  roomOf,
} from '../../../src/core/barrier/pace.ts';

/** Somebody leaves a pace of medians, for which the time of day is nothing. */
function leaves(pace: Pace, stayMs: number, inside: number, wanted: boolean): void {
  adapt(pace, { stayMs, atMs: 0, inside, wanted });
}

/** A pace after 44 stays, 30 of 100 ms and then 14 of `recentMs`, with 15 inside. */
function afterFortyFour(recentMs: number) {
  const pace = newPace('median', FIRST_CONCURRENCY.median);
  for (let i = 0; i < 30; i += 1) leaves(pace, 100, 15, false);
  for (let i = 0; i < 14; i += 1) leaves(pace, recentMs, 15, false);
  return pace;
}

describe("the paper's rule of medians", () => {
  it('begins with 15', () => {
    expect(FIRST_CONCURRENCY.median).toBe(15);
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
    leaves(pace, ms, 15, true);
    expect(pace.all).toHaveLength(45);
    expect(roomOf(pace)).toBe(limit);
  });

  it('never closes the semaphore altogether', () => {
    const pace = newPace('median', 1);
    for (let i = 0; i < 9; i += 1) leaves(pace, 10, 1, true);
    leaves(pace, 1000, 1, true);
    expect(roomOf(pace)).toBe(1);
  });

  it('learns nothing about the limit from places that nobody waits for', () => {
    const pace = newPace('median', 20);
    leaves(pace, 10, 1, false);
    expect(roomOf(pace)).toBe(20);
  });

  it('remembers a bounded number of stays', () => {
    const pace = newPace('median', 15);
    for (let i = 0; i < 20_000; i += 1) leaves(pace, i % 97, 15, true);
    expect(pace.all?.length).toBeLessThanOrEqual(8192);
    expect(pace.recent?.length).toBeLessThanOrEqual(1024);
    expect(pace.all).toEqual([...(pace.all ?? [])].sort((a, b) => a - b));
  });
});

describe('a pace whose transfers are expected to tell what they move', () => {
  const stay = (inside: number, atMs: number) => ({ stayMs: 1000, atMs, inside, wanted: true });
  const watched = () => newPace('gradient2', FIRST_WATCHED, true);

  it('goes on like one where nothing is told, once many have left before anything was measured', () => {
    const pace = watched();
    for (let i = 0; i < 7; i += 1) adapt(pace, stay(20, 1000 + i));
    expect(roomOf(pace)).toBe(20);
    adapt(pace, stay(20, 1010));
    expect(roomOf(pace)).toBe(FIRST_CONCURRENCY.gradient2);
  });

  it('stays where the measurements have put it, whoever leaves', () => {
    const pace = watched();
    paceTo(pace, 24);
    for (let i = 0; i < 60; i += 1) adapt(pace, stay(24, 1000 + i));
    expect(roomOf(pace)).toBe(24);
    expect(isQuiet(pace)).toBe(true);
    paceTo(pace, 24);
    expect(isQuiet(pace)).toBe(false);
  });

  it('goes by those that leave again where nobody tells any more', () => {
    const pace = watched();
    paceTo(pace, 5);
    for (let i = 0; i < 60; i += 1) adapt(pace, stay(roomOf(pace), 1000 + 100 * i));
    expect(roomOf(pace)).toBeGreaterThan(5);
  });

  it('takes nothing for a number that is none, and no rule but gradient2', () => {
    const pace = watched();
    for (const none of [Number.NaN, 0, -4]) paceTo(pace, none);
    expect(roomOf(pace)).toBe(FIRST_WATCHED);
    paceTo(pace, 1e9);
    expect(roomOf(pace)).toBe(10_000);
    const fixed = newPace('fixed', 3);
    paceTo(fixed, 9);
    expect(roomOf(fixed)).toBe(3);
  });
});
