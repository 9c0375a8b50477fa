/** How a service's state changes: nodes that come back, and those that are gone for good. */
import type { AppSpec } from '../../../api/spec.ts';
import type { Evolver } from '../evolve.ts';
import { MAX_PAST_MEMBERS } from '../limits.ts';
import type { Member, Run, State } from '../state.ts';
import { planOf } from './plan.ts';

export const serviceEvolvers: { readonly run_refreshed: Evolver<'run_refreshed'> } = {
  run_refreshed: (state, { run_id }, time) => {
    const service = state.runs.get(run_id)?.service;
    if (service !== undefined) service.refreshed = time;
  },
};

export function newService(spec: AppSpec, time: string): Pick<Run, 'service'> {
  if (spec.service !== true) return {};
  return { service: { refreshed: time, generation: 1, spent: 0, forgotten: 0 } };
}

/** What a member begins with that has been in the run before. */
export function comesBack(run: Run, generation: number | undefined): Partial<Member> {
  if (run.service === undefined || generation === undefined) return {};
  run.service.generation = Math.max(run.service.generation, generation);
  const { spent } = run.service;
  const blocks = planOf(run.spec).blocks.keys();
  return { generation, attempts: new Map([...blocks].map((block) => [block, spent])) };
}

/** Notes that a run has lost a member, which its component is without already. */
export function rememberLost(run: Run, member: Member, time: string): void {
  const { hostname } = member;
  const component = run.components.get(member.component);
  const { service } = run;
  if (service !== undefined) {
    if (component !== undefined && component.members.size < component.min) component.below ??= time;
    service.spent = Math.max(service.spent, highestAttempt(member));
    if (run.ended === undefined) forget(run, service, hostname);
  }
  run.past.push(member);
  run.lost.add(hostname);
}

function highestAttempt({ tasks, attempts }: Member): number {
  let highest = 0;
  for (const attempt of attempts?.values() ?? []) highest = Math.max(highest, attempt);
  for (const { attempt } of tasks.values()) highest = Math.max(highest, attempt);
  return highest;
}

/** Makes room for one more lost member: one of each name is enough, and so are the newest. */
function forget(run: Run, service: NonNullable<Run['service']>, hostname: string): void {
  if (run.lost.has(hostname)) {
    const before = run.past.length;
    run.past = run.past.filter((past) => past.hostname !== hostname);
    service.forgotten += before - run.past.length;
  }
  while (run.past.length >= MAX_PAST_MEMBERS) {
    const oldest = run.past.shift();
    if (oldest === undefined) return;
    run.lost.delete(oldest.hostname);
    service.forgotten += 1;
    service.forgot_names = true;
  }
}

/** Nobody looked for nodes while there was no controller: that time does not count as below the minimum. */
export function stopShortfalls(state: State, time: string): void {
  for (const run_id of state.active) {
    for (const component of state.runs.get(run_id)?.components.values() ?? [])
      if (component.below !== undefined) component.below = time;
  }
}
