/**
 * Clusters of configurations that run one after another (plush-osr.2006, section 4.1) on nodes that they share: a smaller cluster
 * has the first places of the group, and what a cluster needs beside what is there already is installed before it begins.
 */
import type { AppSpec, ComponentBlockSpec, SoftwareSpec } from '../../../api/spec.ts';
import type { Member, Run } from '../state.ts';
import { planOf } from './plan.ts';
import { softwareNamed, softwareOf } from './software.ts';

/** A place that needs software from some component block on. */
interface Need {
  readonly software: string;
  /** Places below this one have it from that block on. */
  readonly hosts: number;
  /** Which component block of the component, from 0. */
  readonly part: number;
}

interface Part {
  readonly part: number;
  readonly hosts: number;
  readonly name?: string;
}

interface Group {
  /** Name of a component block → which one of its component it is, and how many places take part. */
  readonly parts: ReadonlyMap<string, Part>;
  readonly needs: readonly Need[];
  /** Component blocks before which something is to be installed. */
  readonly installs: ReadonlySet<string>;
}

const groups = new WeakMap<AppSpec, Map<string, Group>>();

/** The clusters of a component; undefined where it is no group that several share. */
function groupOf(app: AppSpec, component: string): Group | undefined {
  let known = groups.get(app);
  if (known === undefined) {
    known = new Map();
    groups.set(app, known);
    const blocks = new Map<string, ComponentBlockSpec[]>();
    for (const block of app.component_blocks) {
      const own = blocks.get(block.component);
      if (own === undefined) blocks.set(block.component, [block]);
      else own.push(block);
    }
    for (const [name, own] of blocks)
      if (own.some(({ cluster }) => cluster !== undefined)) known.set(name, makeGroup(app, name, own));
  }
  return known.get(component);
}

function makeGroup(app: AppSpec, component: string, blocks: readonly ComponentBlockSpec[]): Group {
  const all = app.components.find(({ name }) => name === component)?.software ?? [];
  const parts = new Map<string, Part>();
  const needs: Need[] = [];
  const installs = new Set<string>();
  const covered = new Map<string, number>();
  let most = 0;
  blocks.forEach(({ name, cluster }, part) => {
    const hosts = cluster?.hosts ?? Number.POSITIVE_INFINITY;
    parts.set(name, { part, hosts, ...(cluster && { name: cluster.name }) });
    for (const software of cluster?.software ?? all) {
      const before = covered.get(software) ?? 0;
      if (before >= hosts) continue;
      covered.set(software, hosts);
      needs.push({ software, hosts, part });
      // Places that no cluster has had before install it at their beginning.
      if (before < Math.min(hosts, most)) installs.add(name);
    }
    most = Math.max(most, hosts);
  });
  return { parts, needs, installs };
}

/** How many places of its component take part in a component block. */
export function hostsOf(
  app: AppSpec,
  { component, name }: Pick<ComponentBlockSpec, 'component' | 'name'>,
): number {
  return groupOf(app, component)?.parts.get(name)?.hosts ?? Number.POSITIVE_INFINITY;
}

/** Whether something is to be installed before a component block, on some nodes that have worked for others. */
export function installsBefore(app: AppSpec, { component, name }: ComponentBlockSpec): boolean {
  return groupOf(app, component)?.installs.has(name) ?? false;
}

/**
 * What is to be installed on the node of a place.
 * @param block the component block that is about to begin; without it the first that the place takes part in
 */
export function softwareAt(
  app: AppSpec,
  component: string,
  index: number,
  block?: string,
): readonly SoftwareSpec[] {
  const group = groupOf(app, component);
  if (group === undefined) return softwareOf(app, component);
  let upTo = group.parts.get(block ?? '')?.part;
  for (const { part, hosts } of upTo === undefined ? group.parts.values() : []) {
    if (hosts <= index) continue;
    upTo = part;
    break;
  }
  const wanted = group.needs.filter(({ part, hosts }) => part <= (upTo ?? 0) && hosts > index);
  return softwareNamed(app, [...new Set(wanted.map(({ software }) => software))]);
}

/** The software of a component, each with how many of its first places need it. @param count places that there are */
export function softwareCounts(
  app: AppSpec,
  component: string,
  count: number,
): ReadonlyMap<SoftwareSpec, number> {
  const group = groupOf(app, component);
  if (group === undefined) return new Map(softwareOf(app, component).map((one) => [one, count]));
  const counts = new Map<SoftwareSpec, number>();
  const bounds = [...new Set(group.needs.map(({ hosts }) => hosts))].sort((a, b) => b - a);
  for (const bound of bounds) {
    const names = group.needs.filter(({ hosts }) => hosts === bound).map(({ software }) => software);
    for (const one of softwareNamed(app, [...new Set(names)]))
      if (!counts.has(one)) counts.set(one, Math.min(bound, count));
  }
  return counts;
}

/** The member goes on without what is for places below its own. */
export function skipOthersParts(run: Run, member: Member): void {
  if (groupOf(run.spec, member.component) === undefined) return;
  for (const { spec, component, component_block } of planOf(run.spec).ofComponent.get(member.component) ??
    []) {
    if (member.index < hostsOf(run.spec, { component, name: component_block })) continue;
    member.skipped ??= new Set();
    member.skipped.add(spec.name);
    const block = run.blocks.get(spec.name);
    if (block !== undefined) block.skipped = (block.skipped ?? 0) + 1;
  }
}

/** What the processes of a block are told of their component. */
export function clusterOf(app: AppSpec, block: string): { readonly name?: string; readonly hosts: number } {
  const { blocks, steps } = planOf(app);
  const planned = blocks.get(block) ?? blocks.get(steps.get(block)?.workflow.name ?? '');
  if (planned === undefined) return { hosts: Number.POSITIVE_INFINITY };
  const { component, component_block: name } = planned;
  return groupOf(app, component)?.parts.get(name) ?? { hosts: Number.POSITIVE_INFINITY };
}
