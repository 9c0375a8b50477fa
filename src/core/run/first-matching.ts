/**
 * The first matching of a run: every component gets its minimum before any gets more. Those with static hosts choose first,
 * then those with the fewest nodes to choose from, so that nobody takes away what only they can use.
 */
import type { MemberRef, Shortfall } from '../../../api/schemas.ts';
import type { ComponentSpec } from '../../../api/spec.ts';
import { isEligible, match } from '../pool/match.ts';
import type { HostReadings } from '../pool/requirements.ts';
import type { Random } from '../random.ts';
import type { Run, State } from '../state.ts';

export interface FirstMatching {
  /** With shortfalls: what there was. */
  readonly members: readonly MemberRef[];
  /** Components that would have fewer nodes than they cannot be without; empty when the run can start. */
  readonly shortfalls: readonly Shortfall[];
}

/** Chooses the nodes for a run that has none yet. Changes nothing. */
export function firstMatching(state: State, run: Run, random: Random, hosts?: HostReadings): FirstMatching {
  const readings = hosts === undefined ? {} : { hosts };
  const specs = inOrderOfChoice(
    state,
    run.spec.components.filter((c) => run.components.has(c.name)),
  );
  const taken = new Set<string>();
  const members: MemberRef[] = [];
  const shortfalls: Shortfall[] = [];
  const choose = (spec: ComponentSpec, from: number, to: number, withStatic: boolean) => {
    const places = Array.from({ length: Math.max(0, to - from) }, (_, i) => ({ index: from + i }));
    const found = match(state, run, spec, places, random, { taken, withStatic, have: from, ...readings });
    for (const member of found.members) taken.add(member.hostname);
    members.push(...found.members);
    if (found.shortfall !== undefined) shortfalls.push(found.shortfall);
  };
  for (const spec of specs) choose(spec, 0, leastOf(spec), true);
  if (shortfalls.length > 0) return { members, shortfalls };
  for (const spec of specs) {
    const least = leastOf(spec);
    choose(spec, least, Math.min(spec.max, least + state.free.size), false);
  }
  return { members, shortfalls };
}

/** Nodes a component cannot be without: its minimum, and all its static hosts. */
function leastOf(spec: ComponentSpec): number {
  return Math.min(spec.max, Math.max(spec.min, spec.static_hosts.length));
}

function inOrderOfChoice(state: State, specs: readonly ComponentSpec[]): ComponentSpec[] {
  const choices = new Map(specs.map((spec) => [spec, 0]));
  for (const hostname of specs.length > 1 ? state.free : []) {
    const node = state.nodes.get(hostname);
    for (const spec of specs) {
      if (node !== undefined && isEligible(spec, node)) choices.set(spec, (choices.get(spec) ?? 0) + 1);
    }
  }
  return [...specs].sort(
    (a, b) => b.static_hosts.length - a.static_hosts.length || (choices.get(a) ?? 0) - (choices.get(b) ?? 0),
  );
}
