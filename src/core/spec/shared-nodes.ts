/**
 * Which clusters of configurations that run one after another use the same nodes (plush-osr.2006, section 4.1: several
 * applications "executed sequentially at runtime"). Clusters of one configuration run at the same time and never share; two of
 * different configurations do where any node that is good for the one is good for the other.
 */
import type { ClusterSpec, ComponentSpec } from '../../../api/spec.ts';
import type { ReadComponent, Reference } from './component.ts';

/** Free groups that are looked at for a cluster of another name. */
const LOOKED_AT = 100;

/** The nodes that a cluster uses. */
export interface Placed<C> {
  readonly cluster: C;
  /** Its name, with the configuration's in front where others of the name ask for something else. */
  readonly label: string;
  readonly component: ReadComponent;
  /** Where not all that share the nodes are alike. */
  readonly part?: ClusterSpec;
}

interface Group<C> {
  readonly users: { readonly configuration: string; readonly cluster: C }[];
  /** Name of the newest configuration that uses it. */
  last: string;
  min: number;
  max: number;
}

interface Bucket<C> {
  readonly groups: Group<C>[];
  readonly byName: Map<string, Group<C>>;
}

/** The clusters of each configuration with the nodes that they use, in the order of the file. */
export function shareNodes<C extends { readonly component: ReadComponent }>(
  configurations: ReadonlyMap<string, readonly C[]>,
): Map<string, Placed<C>[]> {
  const buckets = new Map<string, Bucket<C>>();
  const groupOf = new Map<C, Group<C>>();
  for (const [configuration, clusters] of configurations)
    for (const [key, own] of byKey(clusters)) {
      const bucket = buckets.get(key) ?? { groups: [], byName: new Map<string, Group<C>>() };
      buckets.set(key, bucket);
      place(bucket, configuration, own, groupOf);
    }
  return name(configurations, groupOf);
}

function byKey<C extends { readonly component: ReadComponent }>(clusters: readonly C[]): Map<string, C[]> {
  const found = new Map<string, C[]>();
  for (const cluster of clusters) {
    const key = keyOf(cluster);
    const list = found.get(key);
    if (list === undefined) found.set(key, [cluster]);
    else list.push(cluster);
  }
  return found;
}

/** What nodes of two clusters must have in common. A range of sizes shares with the same range alone. */
function keyOf({ component }: { readonly component: ReadComponent }): string {
  const { name: _name, software: _software, min, max, ...where } = component.spec;
  return JSON.stringify([where, min === max ? 'exact' : [min, max]]);
}

/** First those of the same name, then the largest beside the largest. */
function place<C extends { readonly component: ReadComponent }>(
  { groups, byName }: Bucket<C>,
  configuration: string,
  clusters: readonly C[],
  groupOf: Map<C, Group<C>>,
): void {
  const use = (cluster: C, group: Group<C>) => {
    const { name, min, max } = cluster.component.spec;
    group.users.push({ configuration, cluster });
    group.last = configuration;
    group.min = Math.max(group.min, min);
    group.max = Math.max(group.max, max);
    if (!byName.has(name)) byName.set(name, group);
    groupOf.set(cluster, group);
  };
  const others = clusters.filter((cluster) => {
    const known = byName.get(cluster.component.spec.name);
    if (known === undefined || known.last === configuration) return true;
    use(cluster, known);
    return false;
  });
  const free: Group<C>[] = [];
  for (const group of groups) {
    if (free.length >= others.length + LOOKED_AT) break;
    if (group.last !== configuration) free.push(group);
  }
  free.sort((a, b) => b.max - a.max);
  others.sort((a, b) => b.component.spec.max - a.component.spec.max);
  for (const cluster of others) {
    const group = free.shift() ?? { users: [], last: '', min: 0, max: 0 };
    if (group.users.length === 0) groups.push(group);
    use(cluster, group);
  }
}

function name<C extends { readonly component: ReadComponent }>(
  configurations: ReadonlyMap<string, readonly C[]>,
  groupOf: ReadonlyMap<C, Group<C>>,
): Map<string, Placed<C>[]> {
  const named = new Map<string, Set<unknown>>();
  for (const [cluster, group] of groupOf) {
    const { name: own } = cluster.component.spec;
    named.set(own, (named.get(own) ?? new Set()).add(group));
  }
  const labelOf = (configuration: string, { component }: C) => {
    const own = component.spec.name;
    return (named.get(own)?.size ?? 0) > 1 ? `${configuration}.${own}` : own;
  };
  const components = new Map<Group<C>, ReadComponent>();
  const mixed = new Set<Group<C>>();
  for (const group of new Set(groupOf.values())) {
    const [first] = group.users as [(typeof group.users)[number]];
    const label = labelOf(first.configuration, first.cluster);
    components.set(group, merged(group, label));
    const isAlike = ({ configuration, cluster }: (typeof group.users)[number]) =>
      labelOf(configuration, cluster) === label && sameNeeds(cluster, first.cluster);
    if (!group.users.every(isAlike)) mixed.add(group);
  }
  const placed = ([configuration, clusters]: readonly [string, readonly C[]]) => {
    const all = clusters.map((cluster): Placed<C> => {
      const group = groupOf.get(cluster) as Group<C>;
      const label = labelOf(configuration, cluster);
      const component = components.get(group) as ReadComponent;
      const { max, software } = cluster.component.spec;
      const hosts = max < group.max ? { hosts: max } : {};
      return {
        cluster,
        label,
        component,
        ...(mixed.has(group) ? { part: { name: label, ...hosts, software } } : {}),
      };
    });
    return [configuration, all] as const;
  };
  return new Map([...configurations].map(placed));
}

function sameNeeds(
  a: { readonly component: ReadComponent },
  b: { readonly component: ReadComponent },
): boolean {
  const needsOf = ({ min, max, software }: ComponentSpec) => JSON.stringify([min, max, software]);
  return needsOf(a.component.spec) === needsOf(b.component.spec);
}

/** One component for all clusters of a group: as many nodes as the largest wants, and all software. */
function merged<C extends { readonly component: ReadComponent }>(
  { users, min, max }: Group<C>,
  label: string,
): ReadComponent {
  const [first] = users as [(typeof users)[number]];
  const references = new Map<string, Reference>();
  for (const { cluster } of users)
    for (const reference of cluster.component.software) {
      if (!references.has(reference.name)) references.set(reference.name, reference);
    }
  const { spec } = first.cluster.component;
  const software = [...new Set(users.flatMap(({ cluster }) => cluster.component.spec.software))];
  return {
    ...first.cluster.component,
    software: [...references.values()],
    spec: { ...spec, name: label, min, max, software },
  };
}
