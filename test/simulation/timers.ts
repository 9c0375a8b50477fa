/** No timer is lost with the daemon that had set it: whatever it would have changed, the next daemon asks for at the same time. */
import { strict as assert } from 'node:assert';
import { decide } from '../../src/core/decide.ts';
import type { Effect } from '../../src/core/effect.ts';
import type { Moment, Timer } from '../../src/core/input.ts';
import { splitTaskId } from '../../src/core/run/evolve.ts';
import { decodeState, encodeState } from '../../src/core/snapshot.ts';
import type { State } from '../../src/core/state.ts';

/** A timer that has been asked for. */
export interface Due {
  readonly timer: Timer;
  readonly atMs: number;
}

/** A daemon that was started anew connects at once, and gives the nodes of an ending run the whole time again. */
const BEGUN_ANEW: ReadonlySet<Timer['kind']> = new Set(['reconnect', 'end']);

export function keyOf(timer: Timer): string {
  return Object.values(timer).join(' ');
}

/** What a timer is for is over. Most are; the others are tried on a copy, which costs more than all else here. */
function isMoot(state: State, timer: Timer): boolean {
  if (timer.kind === 'restore') return state.nodes.get(timer.hostname)?.failed === undefined;
  if (timer.kind === 'outage') return state.outage === undefined;
  if (timer.kind === 'lease') return false;
  const run_id = 'task_id' in timer ? splitTaskId(timer.task_id)[0] : 'run_id' in timer ? timer.run_id : '';
  return !state.active.has(run_id);
}

/**
 * @param state after the new start, which must not change
 * @param asked the timers of the daemon that died
 * @param effects what the new one does
 */
export function checkTimers(
  state: State,
  asked: readonly Due[],
  effects: readonly Effect[],
  moment: Omit<Moment, 'seed'>,
): void {
  const again = new Map<string, number>();
  for (const effect of effects)
    if (effect.type === 'timer') again.set(keyOf(effect.timer), moment.nowMs + effect.delayMs);
  for (const { timer, atMs } of asked) {
    if (BEGUN_ANEW.has(timer.kind)) continue;
    const dueMs = Math.max(atMs, moment.nowMs);
    const againMs = again.get(keyOf(timer)) ?? Number.POSITIVE_INFINITY;
    // The last thing that became durable may have been that a node failed once more, which has the flag stand longer.
    if (againMs <= (timer.kind === 'restore' ? Number.MAX_VALUE : dueMs)) continue;
    if (isMoot(state, timer)) continue;
    const copy = decodeState(encodeState(state));
    const { facts } = decide(copy, { type: 'timer', timer }, { ...moment, nowMs: dueMs, seed: 1 });
    assert.deepEqual(facts, [], `the timer ${keyOf(timer)} is forgotten by a restart`);
  }
}
