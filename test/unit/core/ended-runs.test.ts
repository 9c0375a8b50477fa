import type { Fact } from '../../../api/events.ts';
import { evolve } from '../../../src/core/evolve.ts';
import { emptyState, MAX_ENDED_MEMBERS, MAX_ENDED_RUNS, type State } from '../../../src/core/state.ts';
import { readApplication } from '../../scenario/application.ts';

const time = '2026-01-01T00:00:00.000Z';

function fold(state: State, facts: readonly { type: Fact['type']; body: unknown }[]): void {
  for (const { type, body } of facts) evolve(state, { type, time, body } as Fact);
}

function withApp(): State {
  const state = emptyState();
  fold(state, [
    { type: 'app_loaded', body: { app: readApplication('x', ['component c 1']), file: 'x.xml' } },
  ]);
  return state;
}

/** A run with so many members that has ended; the first of them was lost. */
function endedRun(state: State, run_id: string, count: number): void {
  const members = Array.from({ length: count }, (_, index) => ({
    hostname: `n${index}`,
    component: 'c',
    index,
  }));
  const failure = { phase: 'watch', cause: 'lost', message: 'It is lost', attempt: 1 };
  fold(state, [
    { type: 'run_started', body: { run_id, app: 'x', request_id: `of-${run_id}` } },
    { type: 'run_matched', body: { run_id, members } },
    ...(count > 0 ? [{ type: 'member_failed', body: { run_id, hostname: 'n0', failure } } as const] : []),
    { type: 'run_ended', body: { run_id, outcome: 'succeeded' } },
  ]);
}

describe('ended runs', () => {
  it('are forgotten oldest first once there are too many', () => {
    const state = withApp();
    for (let index = 0; index <= MAX_ENDED_RUNS; index += 1) endedRun(state, `r${index}`, 0);
    expect(state.ended.length).toBe(MAX_ENDED_RUNS);
    expect([state.runs.has('r0'), state.runs.has('r1'), state.requests.has('of-r0')]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('are forgotten oldest first once they have too many members together, lost ones too', () => {
    const state = withApp();
    const third = Math.ceil(MAX_ENDED_MEMBERS / 3);
    for (const run_id of ['a', 'b']) endedRun(state, run_id, third);
    expect(state.ended_members).toBe(2 * third);
    endedRun(state, 'c', third);
    expect([...state.runs.keys()]).toEqual(['b', 'c']);
    expect(state.ended_members).toBe(2 * third);
  });

  it('keep the newest, however many members it has', () => {
    const state = withApp();
    endedRun(state, 'small', 1);
    endedRun(state, 'large', MAX_ENDED_MEMBERS + 1);
    expect(state.ended).toEqual(['large']);
    endedRun(state, 'next', 1);
    expect(state.ended).toEqual(['next']);
    expect(state.ended_members).toBe(1);
  });
});
