import { Timers } from '../../../src/controller/timers.ts';
import type { Timer } from '../../../src/core/input.ts';

const FAR_MS = 60_000;

describe('the timers', () => {
  test('of a run go with it, and those of others stay', () => {
    const timers = new Timers(() => {});
    const ofRun = (run_id: string): Timer[] => [
      { kind: 'end', run_id },
      { kind: 'refresh', run_id },
      { kind: 'barrier', run_id, barrier: 'b' },
      { kind: 'restart_task', task_id: `${run_id}/block/node/1` },
    ];
    for (const timer of [...ofRun('r1'), ...ofRun('r2'), { kind: 'lease' } as const])
      timers.set(timer, FAR_MS);
    expect(timers.size).toBe(9);
    timers.release('r1');
    timers.release('r1');
    expect(timers.size).toBe(5);
    timers.close();
    expect(timers.size).toBe(0);
  });

  test('do not heap up while runs come and go', () => {
    const timers = new Timers(() => {});
    for (let run = 0; run < 1_000; run += 1) {
      timers.set({ kind: 'end', run_id: `r${run}` }, FAR_MS);
      timers.release(`r${run}`);
    }
    expect(timers.size).toBe(0);
    timers.close();
  });

  test('fire once, the later one of the same subject alone, and can be set again after', async () => {
    const fired: Timer[] = [];
    let wake = () => {};
    const timers = new Timers((timer) => {
      fired.push(timer);
      wake();
    });
    const end = { kind: 'end', run_id: 'r' } as const;
    const next = () => new Promise<void>((resolve) => (wake = resolve));
    timers.set(end, FAR_MS);
    const first = next();
    timers.set(end, 1);
    await first;
    expect([fired.length, timers.size]).toEqual([1, 0]);
    const second = next();
    timers.set(end, 1);
    await second;
    expect(fired).toEqual([end, end]);
    timers.close();
  });
});
