import type { BarrierSpec } from '../../../api/spec.ts';
import { release } from '../../../src/core/barrier/barrier.ts';
import { shareOf } from '../../../src/core/barrier/rules.ts';
import { Drive } from './drive.ts';

const spec = (more: Partial<BarrierSpec> & Pick<BarrierSpec, 'type'>): BarrierSpec => ({
  name: 'x',
  ...more,
});

/** Has one enter at each of the times, in seconds. */
function arrivals(drive: Drive, times: readonly number[]): void {
  times.forEach((seconds, i) => {
    drive.until(seconds * 1000);
    drive.enter(`n${i}`);
  });
}

describe('a traditional barrier', () => {
  it('releases everybody at once when the last one has entered, and not before', () => {
    const drive = new Drive(spec({ type: 'traditional' }), 3);
    arrivals(drive, [0, 1]);
    drive.until(1e9);
    expect(drive.releases).toEqual([]);
    drive.enter('n2');
    expect(drive.releases).toMatchObject([{ cause: 'all', opens: true, participants: ['n0', 'n1', 'n2'] }]);
  });

  it('counts a participant once, however often it enters', () => {
    const drive = new Drive(spec({ type: 'traditional' }), 2);
    drive.enter('n0', 'first');
    drive.enter('n0', 'second');
    expect(drive.releases).toEqual([]);
    expect(drive.barrier.entries.get('n0')?.label).toBe('first');
  });

  it('does not wait for one that is gone', () => {
    const drive = new Drive(spec({ type: 'traditional' }), 3);
    arrivals(drive, [0, 1]);
    drive.expected = 2;
    drive.settle();
    expect(drive.releases).toMatchObject([{ cause: 'all' }]);
  });

  it('does not count one that entered and was lost', () => {
    const drive = new Drive(spec({ type: 'traditional' }), 2);
    drive.enter('n0');
    drive.leave('n0', 'lost');
    drive.enter('n1');
    expect(drive.releases).toEqual([]);
    drive.enter('n0');
    expect(drive.releases).toMatchObject([{ participants: ['n1', 'n0'] }]);
  });
});

describe('a barrier with early release', () => {
  it('opens at the percentage', () => {
    const drive = new Drive(spec({ type: 'early', percent: 75 }), 4);
    arrivals(drive, [0, 1, 2, 3]);
    expect(drive.releases).toMatchObject([
      { atMs: 2000, cause: 'percent', participants: ['n0', 'n1', 'n2'] },
      { atMs: 3000, cause: 'late', participants: ['n3'] },
    ]);
  });

  it('opens at the timeout, counted from the first entry', () => {
    const drive = new Drive(spec({ type: 'early', timeout_ms: 5000 }), 4);
    arrivals(drive, [10, 11]);
    drive.until(60_000);
    expect(drive.releases).toMatchObject([{ atMs: 15_000, cause: 'timeout', participants: ['n0', 'n1'] }]);
  });

  it('holds both minima against percentage and timeout, but not against the last one to enter', () => {
    const minima = { min_percent: 50, min_wait_ms: 8000 };
    const early = new Drive(spec({ type: 'early', percent: 25, timeout_ms: 2000, ...minima }), 4);
    arrivals(early, [0, 1, 2]);
    early.toTheEnd();
    expect(early.releases).toMatchObject([{ atMs: 8000, cause: 'percent' }]);
    const few = new Drive(spec({ type: 'early', timeout_ms: 2000, ...minima }), 4);
    arrivals(few, [0]);
    few.until(60_000);
    expect(few.releases).toEqual([]);
    few.enter('n1');
    expect(few.releases).toMatchObject([{ atMs: 60_000, cause: 'timeout' }]);
    const all = new Drive(spec({ type: 'early', timeout_ms: 2000, ...minima }), 2);
    arrivals(all, [0, 1]);
    expect(all.releases).toMatchObject([{ atMs: 1000, cause: 'all' }]);
  });

  it('rounds a share up, without being led astray by fractions', () => {
    expect([shareOf(70, 10), shareOf(50, 3), shareOf(100, 130), shareOf(1, 5), shareOf(0, 5)]).toEqual([
      7, 2, 130, 1, 0,
    ]);
  });
});

describe('a barrier that looks for the knee', () => {
  // Gaps of 1 s: arr = 1000, arrvar = 500, then 375, 281.25: the threshold is arr + 4 arrvar.
  it('opens when nobody has come for longer than the average and four deviations', () => {
    const drive = new Drive(spec({ type: 'early', knee: 'ewma' }), 10);
    arrivals(drive, [0, 1]);
    expect(drive.barrier.knee).toMatchObject({ arr: 1000, arrvar: 500 });
    // n0 and n1 again: nothing changes.
    arrivals(drive, [2, 3]);
    expect(drive.barrier.knee).toMatchObject({ arr: 1000, arrvar: 500, last_ms: 1000 });
    drive.enter('n2');
    expect(drive.barrier.knee).toMatchObject({ arr: 1000 + 1000 / 8, arrvar: 500 + (1000 - 500) / 4 });
    drive.toTheEnd();
    expect(drive.releases).toMatchObject([{ cause: 'knee', atMs: 3000 + 1125 + 4 * 625 + 1 }]);
  });

  it('records a knee that is too early and waits for the next', () => {
    const drive = new Drive(spec({ type: 'early', knee: 'ewma', min_percent: 60 }), 10);
    arrivals(drive, [0, 0.1, 0.2, 10, 10.1, 10.2]);
    expect(drive.ignored).toHaveLength(1);
    expect(drive.releases).toEqual([]);
    drive.toTheEnd();
    expect(drive.releases).toMatchObject([{ cause: 'knee', entered: 6 }]);
  });

  it('takes a knee that still stands when the shortest wait is over', () => {
    const drive = new Drive(spec({ type: 'early', knee: 'ewma', min_wait_ms: 5000 }), 10);
    arrivals(drive, [0, 0.1, 0.2]);
    drive.toTheEnd();
    expect(drive.ignored).toHaveLength(1);
    expect(drive.releases).toMatchObject([{ cause: 'knee', atMs: 5000 }]);
  });

  it('finds it with kneedle too', () => {
    const drive = new Drive(spec({ type: 'early', knee: 'kneedle', min_percent: 50 }), 40);
    arrivals(
      drive,
      Array.from({ length: 36 }, (_, i) => i / 10),
    );
    expect(drive.releases).toEqual([]);
    drive.toTheEnd();
    expect(drive.releases).toMatchObject([{ cause: 'knee', entered: 36 }]);
    expect(drive.releases[0]?.atMs).toBeLessThan(6000);
  });
});

describe('a barrier with throttled release', () => {
  it('lets so many go in each interval once everybody has entered', () => {
    const drive = new Drive(spec({ type: 'throttled', rate: 2, interval_ms: 1000 }), 5);
    arrivals(drive, [0, 0, 0, 0, 1]);
    drive.toTheEnd();
    expect(drive.releases.map(({ atMs, participants, cause }) => [atMs, participants.join(), cause])).toEqual(
      [
        [1000, 'n0,n1', 'all'],
        [2000, 'n2,n3', 'rate'],
        [3000, 'n4', 'rate'],
      ],
    );
  });

  it('has latecomers stand in line', () => {
    const drive = new Drive(spec({ type: 'throttled', percent: 50, rate: 1, interval_ms: 1000 }), 4);
    arrivals(drive, [0, 0, 0.5, 0.6]);
    drive.toTheEnd();
    expect(drive.releases.map(({ atMs }) => atMs)).toEqual([0, 1000, 2000, 3000]);
  });
});

describe('a semaphore', () => {
  it('holds at most so many, and each that leaves lets the next one in with a larger number', () => {
    const drive = new Drive(spec({ type: 'semaphore', concurrency: 2 }), 5);
    for (const name of ['a', 'b', 'c', 'd']) drive.enter(name);
    expect([...drive.barrier.inside]).toEqual(['a', 'b']);
    drive.leave('a');
    expect([...drive.barrier.inside]).toEqual(['b', 'c']);
    expect(drive.barrier.entries.get('c')?.fence).toBe(3);
    drive.enter('a');
    drive.leave('b');
    drive.leave('c');
    expect(drive.barrier.entries.get('a')).toMatchObject({ state: 'inside', fence: 5 });
  });

  it('takes the place back from one that holds it too long', () => {
    const drive = new Drive(spec({ type: 'semaphore', concurrency: 1, hold_timeout_ms: 1000 }), 5);
    drive.enter('a');
    drive.enter('b');
    drive.until(1500);
    expect(drive.expired).toEqual(['a']);
    expect(drive.barrier.entries.get('b')).toMatchObject({ state: 'inside', fence: 2 });
    drive.leave('a');
    expect([...drive.barrier.inside]).toEqual(['b']);
  });

  it('gives the place of a lost holder to the next, and forgets one that was lost in the line', () => {
    const drive = new Drive(spec({ type: 'semaphore', concurrency: 1 }), 5);
    for (const name of ['a', 'b', 'c']) drive.enter(name);
    drive.leave('b', 'lost');
    drive.leave('a', 'lost');
    expect([...drive.barrier.inside]).toEqual(['c']);
  });
});

describe('late entry', () => {
  const opened = (late: BarrierSpec['late']): Drive => {
    const drive = new Drive(spec({ type: 'early', percent: 50, ...(late ? { late } : {}) }), 2);
    drive.enter('n0');
    return drive;
  };

  it('goes on at once by default', () => {
    const drive = opened(undefined);
    drive.enter('n1');
    expect(drive.barrier.entries.get('n1')).toMatchObject({ state: 'released', late: 'pass' });
    expect(drive.releases).toHaveLength(2);
  });

  it.each(['catchup', 'remove', 'replace'] as const)('is marked for the engine with late=%s', (late) => {
    const drive = opened(late);
    drive.enter('n1');
    expect(drive.barrier.entries.get('n1')).toMatchObject({ state: 'released', late });
    expect(drive.releases).toHaveLength(1);
  });
});

describe('a barrier that is released by hand', () => {
  it('waits whatever happens, lets those named go, and then all', () => {
    const manual = spec({ type: 'early', manual: true, timeout_ms: 1, percent: 1 });
    const drive = new Drive(manual, 2);
    arrivals(drive, [0, 1]);
    drive.until(1e9);
    expect(drive.releases).toEqual([]);
    release(
      drive.barrier,
      manual,
      { participants: ['n1', 'nobody'], cause: 'manual', opens: false },
      drive.nowMs,
    );
    expect(drive.barrier.entries.get('n1')?.state).toBe('released');
    expect([...drive.barrier.waiting]).toEqual(['n0']);
    release(drive.barrier, manual, { participants: ['n0'], cause: 'manual', opens: true }, drive.nowMs);
    drive.enter('n2');
    expect(drive.releases).toMatchObject([{ cause: 'late', participants: ['n2'] }]);
  });
});
