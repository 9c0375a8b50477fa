/**
 * The matcher (section 4.2 of plush-toit.2011): from the pool, drop nodes outside the component's groups, failed ones and
 * those another run uses; put static hosts in; take the highest preference first, ties by chance.
 */
import type { MemberRef, Shortfall } from '../../../api/schemas.ts';
import type { ComponentSpec, HostReference } from '../../../api/spec.ts';
import type { Random } from '../random.ts';
import type { PoolNode, Run, State } from '../state.ts';
import { isFree } from './free.ts';
import { hostPart } from './hostname.ts';
import { type HostReadings, judge, NO_READINGS, requirementText } from './requirements.ts';
import { takeLeast } from './select.ts';
import { staticRequirement } from './shortfall.ts';

/** Added to a preferred host's preference: above anything learned, below nothing the operator set higher on purpose. */
const PREFERRED_BONUS = 1000;

/** A place of a component to fill, with the node that had it before. */
interface Place {
  readonly index: number;
  readonly replaces?: string;
}

export interface MatchOptions {
  /** Nodes already chosen for other components by the same decision. @default none */
  readonly taken?: ReadonlySet<string>;
  /** Put the component's static hosts in first. @default false */
  readonly withStatic?: boolean;
  /** Nodes the component has already. @default 0 */
  readonly have?: number;
  /** What nodes measure. @default nothing is known */
  readonly hosts?: HostReadings;
}

export interface Match {
  readonly members: readonly MemberRef[];
  /** Set when the component would have fewer than its minimum; `members` is then what there was. */
  readonly shortfall?: Shortfall;
}

/** Whether a node is one the component chooses from. */
export function isEligible(component: ComponentSpec, node: PoolNode): boolean {
  const { resources } = component;
  if (resources.length === 0) return true;
  const { spec } = node;
  for (const { type, group } of resources) {
    if (group !== undefined && group !== spec.group) continue;
    if (type === undefined || type === spec.type || (type === 'planetlab' && spec.type === 'ssh'))
      return true;
  }
  return false;
}

/** Whether the component may be given the node at all: it chooses from it, or names it. */
export function isCandidate(component: ComponentSpec, node: PoolNode): boolean {
  return isEligible(component, node) || isStatic(component, node);
}

function isStatic({ static_hosts }: ComponentSpec, node: PoolNode): boolean {
  return static_hosts.length > 0 && static_hosts.some((host) => refersTo(host, node));
}

/** Whether the node meets the component's requirements as far as is known. A static host must be used, whatever it measures. */
export function meets(component: ComponentSpec, node: PoolNode, hosts: HostReadings): boolean {
  if (component.requirements === undefined) return true;
  if (typeof judge(component, hosts(node.spec.hostname)) === 'string') return true;
  return isStatic(component, node);
}

/** Whether a name in a specification means this node: its whole name, or its host, and the user where one is given. */
export function refersTo(reference: HostReference, node: PoolNode): boolean {
  if (reference.user !== undefined && node.spec.user !== undefined && reference.user !== node.spec.user)
    return false;
  return reference.hostname === node.spec.hostname || reference.hostname === hostPart(node.spec.hostname);
}

/**
 * Whether the run may take the node, where it is free: it had no part in the run before, since its tasks' identities are spent.
 * A service takes it again once nothing of its earlier part is left there.
 */
export function mayJoin(run: Run, { spec: { hostname }, owed }: PoolNode): boolean {
  if (run.members.has(hostname)) return false;
  return run.service === undefined ? !run.lost.has(hostname) : !owed.has(run.run_id);
}

/**
 * Free nodes for the given places of a component, best first.
 * @throws never; too few nodes are told in the answer
 */
export function match(
  state: State,
  run: Run,
  component: ComponentSpec,
  places: readonly Place[],
  random: Random,
  options: MatchOptions = {},
): Match {
  const { taken, withStatic = false, have = 0, hosts = NO_READINGS } = options;
  const isOpen = (node: PoolNode) =>
    state.free.has(node.spec.hostname) && taken?.has(node.spec.hostname) !== true && mayJoin(run, node);
  const { fixed, missing } = withStatic
    ? findStatic(state, component, isOpen)
    : { fixed: new Set<PoolNode>(), missing: [] };
  const chosen = [...fixed].slice(0, places.length);
  if (chosen.length < places.length) {
    const candidates = candidatesIn(state, run, component, hosts, (node) => {
      return fixed.has(node) || taken?.has(node.spec.hostname) === true;
    });
    chosen.push(...best(candidates, places.length - chosen.length, random));
  }
  const members = chosen.map((node, i) => ({
    hostname: node.spec.hostname,
    component: component.name,
    ...(places[i] as Place),
  }));
  const found = have + members.length;
  if (found >= component.min && missing.length === 0) return { members };
  return {
    members,
    shortfall: {
      component: component.name,
      wanted: component.min,
      found,
      pool: state.nodes.size,
      removed: whatRemoved(state, run, component, missing, taken, hosts),
    },
  };
}

/** The component's static hosts among the nodes it may take, and those that cannot be had. */
function findStatic(
  state: State,
  component: ComponentSpec,
  isOpen: (node: PoolNode) => boolean,
): { fixed: Set<PoolNode>; missing: HostReference[] } {
  const fixed = new Set<PoolNode>();
  const missing: HostReference[] = [];
  const isFit = (host: HostReference, node: PoolNode | undefined): node is PoolNode =>
    node !== undefined && !fixed.has(node) && refersTo(host, node) && isOpen(node);
  for (const host of component.static_hosts) {
    const named = state.nodes.get(host.hostname);
    const found = isFit(host, named) ? named : firstOf(state.nodes.values(), (node) => isFit(host, node));
    if (found === undefined) missing.push(host);
    else fixed.add(found);
  }
  return { fixed, missing };
}

function firstOf(nodes: Iterable<PoolNode>, isWanted: (node: PoolNode) => boolean): PoolNode | undefined {
  for (const node of nodes) if (isWanted(node)) return node;
  return undefined;
}

/** How much a node is preferred, whatever the component: as given, as learned, and as SWORD rates it. */
export function ownPreference({ spec, credit, rating }: PoolNode): number {
  return (spec.preference ?? 0) + credit + (rating?.value ?? 0);
}

/** How much a component prefers a node: as given, as learned, and more where the specification prefers the host. */
export function preferenceFor(component: ComponentSpec): (node: PoolNode) => number {
  // A static host that comes back to a service is preferred too.
  const wanted = [...component.static_hosts, ...component.preferred_hosts];
  const names = new Set(wanted.map((host) => host.hostname));
  const isPreferred = (node: PoolNode) =>
    names.size > 0 &&
    (names.has(node.spec.hostname) || names.has(hostPart(node.spec.hostname))) &&
    wanted.some((host) => refersTo(host, node));
  return (node) => ownPreference(node) + (isPreferred(node) ? PREFERRED_BONUS : 0);
}

/** Nodes to choose from, with what decides the choice: flat numbers, since the pool may be large. */
interface Candidates {
  readonly nodes: readonly PoolNode[];
  readonly preference: Float64Array;
  /** 1 for those that are not known to meet the requirements; they come after the others. */
  readonly unknown: Uint8Array;
}

/** The free nodes that the component may take. Each is looked at once, in a pool of 100,000 in some milliseconds. */
function candidatesIn(
  state: State,
  run: Run,
  component: ComponentSpec,
  hosts: HostReadings,
  isTaken: (node: PoolNode) => boolean,
): Candidates {
  const { free } = state;
  const nodes: PoolNode[] = [];
  const preference = new Float64Array(free.size);
  const unknown = new Uint8Array(free.size);
  const preferenceOf = preferenceFor(component);
  const isChoosy = component.requirements !== undefined;
  eachFree(state, (node) => {
    if (!isCandidate(component, node) || !mayJoin(run, node) || isTaken(node)) return;
    const sample = isChoosy ? hosts(node.spec.hostname) : undefined;
    if (sample !== undefined && !meets(component, node, () => sample)) return;
    if (isChoosy && (sample === undefined || judge(component, sample) !== 'known')) unknown[nodes.length] = 1;
    preference[nodes.length] = preferenceOf(node);
    nodes.push(node);
  });
  return { nodes, preference, unknown };
}

/** Where most of the pool is free, to go through it is much less than to look up each name. */
function eachFree(state: State, consider: (node: PoolNode) => void): void {
  if (state.free.size * 8 > state.nodes.size) {
    for (const node of state.nodes.values()) if (isFree(state, node)) consider(node);
    return;
  }
  for (const hostname of state.free) {
    const node = state.nodes.get(hostname);
    if (node !== undefined) consider(node);
  }
}

/** Takes the `count` best, best first. */
function best({ nodes, preference, unknown }: Candidates, count: number, random: Random): PoolNode[] {
  // Flat numbers: an object for each node would cost several times the choice itself in a pool of 100,000.
  const places = new Uint32Array(nodes.length);
  const tie = new Float64Array(nodes.length);
  for (let i = 0; i < nodes.length; i += 1) {
    places[i] = i;
    tie[i] = random();
  }
  const order = (a: number, b: number) =>
    (unknown[a] as number) - (unknown[b] as number) ||
    (preference[b] as number) - (preference[a] as number) ||
    (tie[a] as number) - (tie[b] as number);
  return Array.from(takeLeast(places, count, order), (i) => nodes[i] as PoolNode);
}

/** Which requirement removed how many nodes of the pool; each node counts at the first that it does not meet. */
function whatRemoved(
  state: State,
  run: Run,
  component: ComponentSpec,
  missing: readonly HostReference[],
  taken: ReadonlySet<string> | undefined,
  hosts: HostReadings,
): Shortfall['removed'] {
  const counts = new Map<string, number>();
  for (const node of state.nodes.values()) {
    const requirement = measured(component, node, hosts) ?? unmet(state, run, component, node, taken);
    if (requirement !== undefined) counts.set(requirement, (counts.get(requirement) ?? 0) + 1);
  }
  return [
    ...[...counts].map(([requirement, nodes]) => ({ requirement, nodes })),
    ...missing.map((host) => ({
      requirement: staticRequirement(
        state,
        host,
        (node) => refersTo(host, node),
        (node) => unmet(state, run, component, node, taken),
      ),
      nodes: 0,
    })),
  ];
}

/** What the node measures too much or too little of, where the component could have it else. */
function measured(component: ComponentSpec, node: PoolNode, hosts: HostReadings): string | undefined {
  if (!isCandidate(component, node) || meets(component, node, hosts)) return undefined;
  const verdict = judge(component, hosts(node.spec.hostname));
  return typeof verdict === 'string' ? undefined : requirementText(verdict);
}

function unmet(
  state: State,
  run: Run,
  component: ComponentSpec,
  node: PoolNode,
  taken: ReadonlySet<string> | undefined,
): string | undefined {
  const { hostname } = node.spec;
  if (!isCandidate(component, node)) return describe(component);
  if (run.service === undefined && run.lost.has(hostname)) return 'not lost to this run';
  if (node.failed !== undefined) return 'not marked failed';
  if (node.lease_over !== undefined) return 'not past the end of their lease';
  if (node.run_id === run.run_id || taken?.has(hostname)) return 'not in this run already';
  if (node.run_id !== undefined) return 'not in use by another run';
  if (node.owed.has(run.run_id)) return 'not still to be cleaned of their earlier part in this run';
  return state.leaving.has(hostname) ? 'not still being cleaned after their removal' : undefined;
}

function describe(component: ComponentSpec): string {
  const groups = component.resources.map(({ type, group }) =>
    [group === undefined ? '' : `group "${group}"`, type === undefined ? '' : `type "${type}"`]
      .filter(Boolean)
      .join(' and '),
  );
  return `in ${groups.join(', or in ')}`;
}
