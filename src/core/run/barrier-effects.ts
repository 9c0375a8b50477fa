/** What facts about barriers make the world do: timers, news for agents, and transfers that may begin. */
import { wakeAt } from '../barrier/rules.ts';
import type { Effect } from '../effect.ts';
import type { Run, State } from '../state.ts';
import { standingAt } from './barrier-state.ts';
import { planOf } from './plan.ts';

/** The timer that a barrier needs now; none for one that time does not change. */
export function barrierTimer(run: Run, name: string, nowMs: number): Effect[] {
  return timerAfter(run, name, nowMs, nowMs);
}

/** Timers of all barriers of a run after a restart; what fell due meanwhile is due at once. */
export function resumeBarriers(run: Run, nowMs: number): Effect[] {
  if (run.ending !== undefined) return [];
  return [...run.barriers.keys()].flatMap((name) => timerAfter(run, name, Number.NEGATIVE_INFINITY, nowMs));
}

function timerAfter(run: Run, name: string, afterMs: number, nowMs: number): Effect[] {
  const planned = planOf(run.spec).barriers.get(name);
  const barrier = run.barriers.get(name);
  if (planned === undefined || barrier === undefined) return [];
  const wake = wakeAt(planned.spec, barrier, afterMs);
  if (wake === undefined) return [];
  const timer = { kind: 'barrier', run_id: run.run_id, barrier: name } as const;
  return [{ type: 'timer', timer, delayMs: Math.max(0, wake - nowMs) }];
}

/** Tells the agents of tasks that wait that they do so no longer. */
export function tellReleased(
  state: State,
  run: Run,
  name: string,
  participants: readonly string[],
): Effect[] {
  const planned = planOf(run.spec).barriers.get(name);
  const barrier = run.barriers.get(name);
  if (planned === undefined || barrier === undefined) return [];
  return participants.flatMap((participant): Effect[] => {
    const { hostname, task_id } = barrier.entries.get(participant) ?? {};
    if (hostname === undefined || task_id === undefined) return [];
    if (state.nodes.get(hostname)?.link !== 'connected') return [];
    return [{ type: 'tell_barrier', hostname, news: { standing: standingAt(run, planned, participant) } }];
  });
}
