import { EMPTY_WINDOW, nextLookMs, planRead, rotateAt } from '../../../src/core/agent/output-window.ts';

test('reads the live file alone while nothing was dropped', () => {
  expect(planRead(EMPTY_WINDOW, 10, 3, 100)).toEqual({
    offset: 3,
    end: 10,
    pieces: [{ file: 'live', position: 3, length: 7 }],
  });
});

test('reads across both files and not beyond the limit', () => {
  const window = { older: 100, base: 150 };
  expect(planRead(window, 20, 140, 15)).toEqual({
    offset: 140,
    end: 170,
    pieces: [
      { file: 'older', position: 40, length: 10 },
      { file: 'live', position: 0, length: 5 },
    ],
  });
  expect(planRead(window, 20, 140, 4).pieces).toEqual([{ file: 'older', position: 40, length: 4 }]);
});

test('moves an offset whose bytes were dropped up to the first that is kept', () => {
  expect(planRead({ older: 100, base: 150 }, 20, 7, 1)).toEqual({
    offset: 100,
    end: 170,
    pieces: [{ file: 'older', position: 0, length: 1 }],
  });
});

test('reads nothing at the end, beyond it, or with limit 0', () => {
  const window = { older: 100, base: 150 };
  expect(planRead(window, 20, 170, 10)).toEqual({ offset: 170, end: 170, pieces: [] });
  expect(planRead(window, 20, 9999, 10)).toEqual({ offset: 170, end: 170, pieces: [] });
  expect(planRead(window, 20, 120, 0)).toEqual({ offset: 120, end: 170, pieces: [] });
});

test('empties the live file at half of the bound, of any bound', () => {
  expect([0, 1, 2, 3, 1000].map(rotateAt)).toEqual([1, 1, 1, 1, 500]);
});

test('looks the sooner the faster a stream grows', () => {
  const bounds = { min: 10, max: 200 };
  expect(nextLookMs(0, 100, 500, bounds)).toBe(200);
  expect(nextLookMs(-5, 100, 500, bounds)).toBe(200);
  expect(nextLookMs(500, 100, 500, bounds)).toBe(100);
  expect(nextLookMs(1e9, 100, 500, bounds)).toBe(10);
  expect(nextLookMs(1, 0, 500, bounds)).toBe(200);
});
