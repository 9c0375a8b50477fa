import type { Progress } from '../../../src/core/barrier/flow.ts';
import { nextReportMs, TransferProgress } from '../../../src/drivers/install/progress.ts';

describe('what an installation tells of its packages', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('comes each quarter of a second while little has come, and last of all with the end', () => {
    const told: Progress[] = [];
    const progress = new TransferProgress((one) => told.push(one));
    progress.expect(1000);
    progress.add(400);
    jest.advanceTimersByTime(250);
    expect(told).toEqual([{ bytes: 400, total: 1000, ms: 250 }]);
    progress.add(600);
    progress.end();
    jest.advanceTimersByTime(60_000);
    expect(told.slice(1)).toEqual([{ bytes: 1000, total: 1000, ms: 250, done: true }]);
  });

  it('is nothing where nothing comes', () => {
    const told: Progress[] = [];
    const progress = new TransferProgress((one) => told.push(one));
    jest.advanceTimersByTime(10_000);
    progress.end();
    expect(told).toEqual([]);
  });

  it('names no sum where a server does not', () => {
    const told: Progress[] = [];
    const progress = new TransferProgress((one) => told.push(one));
    progress.expect(undefined);
    progress.add(5);
    progress.end();
    expect(told).toEqual([{ bytes: 5, ms: 0, done: true }]);
  });

  it('adds up several packages', () => {
    const told: Progress[] = [];
    const progress = new TransferProgress((one) => told.push(one));
    progress.expect(100);
    progress.add(100);
    progress.expect(50);
    progress.add(10);
    progress.end();
    expect(told.at(-1)).toMatchObject({ bytes: 110, total: 150 });
  });

  it('comes some fifty times in a transfer, however long it takes, and each 5 s at least', () => {
    expect(nextReportMs(1_000, 10, 1000)).toBe(2_000);
    expect(nextReportMs(10, 10, 1000)).toBe(250);
    expect(nextReportMs(1e9, 10, 1000)).toBe(5_000);
    expect(nextReportMs(1e9, 10, undefined)).toBe(250);
    expect(nextReportMs(0, 0, 1000)).toBe(250);
  });
});
