import type { BarrierSpec } from '../../../api/spec.ts';
import { roomOf } from '../../../src/core/barrier/pace.ts';
import { Chance } from '../../simulation/chance.ts';
import { Drive, type Released } from './drive.ts';

const SEEDS = 1000;

function randomSpec(chance: Chance): BarrierSpec {
  const some = <K extends keyof BarrierSpec>(key: K, value: BarrierSpec[K]) =>
    chance.is(0.5) ? { [key]: value } : {};
  const type = chance.pick(['traditional', 'early', 'early', 'throttled', 'semaphore'] as const);
  return {
    name: 'x',
    type,
    ...some('percent', chance.int(1, 100)),
    ...some('timeout_ms', chance.int(0, 20_000)),
    ...some('knee', chance.pick(['ewma', 'kneedle'])),
    ...some('min_percent', chance.int(1, 100)),
    ...some('min_wait_ms', chance.int(0, 10_000)),
    ...some('late', chance.pick(['pass', 'catchup', 'remove', 'replace'])),
    ...(type === 'throttled' ? { rate: chance.int(1, 4), interval_ms: chance.int(1, 5000) } : {}),
    ...(type === 'semaphore' ? { concurrency: chance.int(1, 4), hold_timeout_ms: chance.int(1, 5000) } : {}),
    ...(type === 'semaphore' ? some('adaptive', chance.pick(['median', 'gradient2'])) : {}),
  };
}

/** Whether that release was allowed, from what the specification says alone. */
function checkRelease(spec: BarrierSpec, drive: Drive, { cause, entered, atMs }: Released): void {
  const { expected, barrier } = drive;
  const waited = atMs - (barrier.first_ms ?? 0);
  if (cause === 'all') {
    expect(entered).toBeGreaterThanOrEqual(expected);
    return;
  }
  if (cause === 'late' || cause === 'rate' || cause === 'place') return;
  expect(spec.type).not.toBe('traditional');
  expect(entered * 100).toBeGreaterThanOrEqual((spec.min_percent ?? 0) * expected - 1e-6);
  expect(waited).toBeGreaterThanOrEqual(spec.min_wait_ms ?? 0);
  if (cause === 'percent')
    expect(entered * 100).toBeGreaterThanOrEqual((spec.percent ?? 0) * expected - 1e-6);
  if (cause === 'timeout') expect(waited).toBeGreaterThanOrEqual(spec.timeout_ms ?? 0);
  if (cause === 'knee') expect(spec.knee).toBeDefined();
}

/** Whether somebody who waits when nothing more happens does so as the specification says. */
function checkRest(spec: BarrierSpec, drive: Drive): void {
  const { barrier, expected } = drive;
  if (barrier.waiting.size === 0) return;
  expect(spec.type === 'semaphore' || barrier.opened !== undefined).toBe(false);
  const entered = barrier.entries.size;
  expect(entered).toBeLessThan(expected);
  if (spec.type === 'traditional') return;
  const isEnough = entered * 100 >= (spec.min_percent ?? 0) * expected;
  // A timeout is over, whatever it was: only the least share of participants may keep anybody.
  if (spec.timeout_ms !== undefined) expect(isEnough).toBe(false);
  if (spec.knee === 'ewma' && entered > 1) expect(isEnough).toBe(false);
  if (spec.percent !== undefined && isEnough) expect(entered * 100).toBeLessThan(spec.percent * expected);
}

function play(seed: number): void {
  const chance = new Chance(seed);
  const spec = randomSpec(chance);
  const drive = new Drive(spec, chance.int(1, 12));
  const names = Array.from({ length: drive.expected }, (_, i) => `n${i}`);
  let seen = 0;
  const check = () => {
    for (const one of drive.releases.slice(seen)) checkRelease(spec, drive, one);
    seen = drive.releases.length;
    if (spec.type === 'semaphore' && spec.adaptive === undefined)
      expect(drive.barrier.inside.size).toBeLessThanOrEqual(roomOf(drive.barrier.pace));
    expect(drive.barrier.entries.size).toBeLessThanOrEqual(names.length);
  };
  for (let i = 0; i < 30; i += 1) {
    drive.until(drive.nowMs + chance.delay(4000));
    check();
    const name = chance.pick(names);
    if (chance.is(0.8)) drive.enter(name);
    else drive.leave(name, chance.pick(['left', 'lost']));
    check();
  }
  drive.toTheEnd();
  check();
  checkRest(spec, drive);
  const fences = [...drive.barrier.entries.values()].flatMap(({ fence }) => fence ?? []);
  expect(new Set(fences).size).toBe(fences.length);
}

describe('a barrier of any kind, whatever happens to it', () => {
  it(`never releases early, comes to rest, and keeps nobody for ever, for ${SEEDS} seeds`, () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      try {
        play(seed);
      } catch (cause) {
        throw new Error(`Seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
    }
  });

  it('costs the same for each of 20,000 entries as for few', () => {
    for (const knee of ['ewma', 'kneedle'] as const) {
      const drive = new Drive({ name: 'x', type: 'early', knee, percent: 100 }, 20_001);
      for (let i = 0; i < 20_000; i += 1) {
        drive.nowMs += 1;
        drive.enter(`n${i}`);
      }
      expect(drive.barrier.knee.points?.length ?? 0).toBeLessThanOrEqual(128);
    }
  });
});
