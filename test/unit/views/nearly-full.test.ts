import { isNearlyFull } from '../../../src/core/agent/disk-room.ts';
import type { HostSample } from '../../../src/core/task.ts';
import { nearlyFullSentences } from '../../../src/core/views/nearly-full.ts';

const GIB = 1024 ** 3;

const sampleOf = (free: number, total?: number): HostSample => ({
  load1: 0,
  memory_free_bytes: GIB,
  memory_total_bytes: GIB,
  disk_free_bytes: free,
  ...(total !== undefined && { disk_total_bytes: total }),
});

describe('a disk is nearly full', () => {
  it('below a twentieth of its size, and of a large one below a gibibyte', () => {
    expect(isNearlyFull(0.04 * GIB, GIB)).toBe(true);
    expect(isNearlyFull(0.06 * GIB, GIB)).toBe(false);
    expect(isNearlyFull(2 * GIB, 1000 * GIB)).toBe(false);
    expect(isNearlyFull(0.9 * GIB, 1000 * GIB)).toBe(true);
  });

  it.each([undefined, 0, -1, Number.NaN])('never where its size is told to be %p', (total) => {
    expect(isNearlyFull(0, total)).toBe(false);
  });
});

describe('of nodes with full disks', () => {
  const full = sampleOf(12 * 1024 ** 2, GIB);

  it('nothing is said while all have room, tell nothing, or are of an earlier version', () => {
    const samples = new Map([
      ['n1', sampleOf(GIB, 2 * GIB)],
      ['n3', sampleOf(0)],
    ]);
    expect(nearlyFullSentences(['n1', 'n2', 'n3'], (name) => samples.get(name))).toEqual([]);
    expect(nearlyFullSentences(['n1'], undefined)).toEqual([]);
  });

  it('the one is named with its room, and of many the first ones and how many more', () => {
    const hosts = (name: string) => (name === 'roomy' ? sampleOf(GIB, GIB) : full);
    expect(nearlyFullSentences(['roomy', 'n1'], hosts)).toEqual([
      'The disk of n1 is nearly full (12 MiB of 1 GiB are free).',
    ]);
    expect(nearlyFullSentences(['n1', 'n2', 'n3', 'roomy', 'n4', 'n5'], hosts)).toEqual([
      'The disks of 5 nodes are nearly full: n1 (12 MiB of 1 GiB are free), n2 (12 MiB of 1 GiB are free), n3 (12 MiB of 1 GiB are free) and 2 more.',
    ]);
  });
});
