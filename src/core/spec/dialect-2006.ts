/**
 * The dialect of plush-osr.2006, section 4.1 and figure 3: an `application` lists `configuration`s that run one after
 * another, a configuration has `cluster`s that run at the same time, and a cluster is a component with its processes, which
 * run one after another. Read here into the same components and blocks as the dialect of 2011.
 */
import type { ComponentBlockSpec, ProcessBlockSpec } from '../../../api/spec.ts';
import { Barriers } from './barrier.ts';
import type { Block, PlacedSubstitution, ReadBlocks } from './blocks.ts';
import { type ReadComponent, type Reference, readComponent } from './component.ts';
import { Names } from './names.ts';
import type { Problems } from './problems.ts';
import { type ReadProcess, readProcess } from './process.ts';
import { checkKnown } from './references.ts';
import { attributeSetting, child, childrenNamed, definedName, label } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** Most blocks and most predecessors that configurations, used again and again, may come to. */
const MAX_MADE = 100_000;

/** Longest name of a cluster with its configuration's, and of a process with its cluster's. */
const MAX_MADE_NAME = 240;

interface Cluster {
  readonly element: XmlElement;
  readonly component: ReadComponent;
  readonly processes: readonly { readonly element: XmlElement; readonly process: ReadProcess }[];
}

/** What the project has in this dialect. */
export interface Read2006 {
  readonly components: readonly ReadComponent[];
  /** Absent without an `application`: there is nothing to run. */
  readonly blocks?: ReadBlocks;
}

/** Reads the configurations and applications of a project; problems of references to software are left to the caller. */
export function read2006(project: XmlElement, problems: Problems): Read2006 {
  const names = new Names('configuration', problems);
  const elements = childrenNamed(project, 'configuration');
  const read = new Map<string, readonly Cluster[]>();
  for (const element of elements) {
    const name = definedName(element, problems);
    const clusters = readClusters(element, name ?? '', problems);
    if (name !== undefined && names.claim(name, element, 'name')) read.set(name, clusters);
  }
  const configurations = nameApart(read, problems);
  const components = new Map<string, ReadComponent>();
  for (const { component } of [...configurations.values()].flat()) {
    if (!components.has(component.spec.name)) components.set(component.spec.name, component);
  }
  const applications = childrenNamed(project, 'application');
  const all = [...components.values()];
  if (applications.length === 0) return { components: all };
  return { components: all, blocks: readApplications(project, applications, configurations, problems) };
}

/**
 * Configurations run one after another, so that clusters of one name that ask for the same are one group of nodes, used again
 * by each. Those that ask for something else are groups of their own and get their configuration's name in front.
 */
function nameApart(
  configurations: ReadonlyMap<string, readonly Cluster[]>,
  problems: Problems,
): Map<string, readonly Cluster[]> {
  const wanted = new Map<string, Set<string>>();
  for (const { component } of [...configurations.values()].flat()) {
    const { name } = component.spec;
    wanted.set(name, (wanted.get(name) ?? new Set()).add(JSON.stringify(component.spec)));
  }
  const apart = ([configuration, clusters]: readonly [string, readonly Cluster[]]) => {
    const named = clusters.map((cluster): Cluster => {
      const own = cluster.component.spec.name;
      const name = (wanted.get(own)?.size ?? 0) > 1 ? `${configuration}.${own}` : own;
      checkLength(name, cluster.element, problems);
      const { component } = cluster;
      return { ...cluster, component: { ...component, spec: { ...component.spec, name } } };
    });
    return [configuration, named] as const;
  };
  return new Map([...configurations].map(apart));
}

function readClusters(configuration: XmlElement, configurationName: string, problems: Problems): Cluster[] {
  const names = new Names('cluster', problems);
  const shared = child(configuration, 'resources');
  return childrenNamed(configuration, 'cluster').flatMap((element) => {
    const component = readComponent(element, problems, shared);
    const execution = child(element, 'execution');
    const processes = (execution ? childrenNamed(execution, 'process') : []).flatMap((found) => {
      const process = readProcess(found, problems);
      if (process && component) {
        checkLength(`${configurationName}.${component.spec.name}.${process.spec.name}`, found, problems);
      }
      return process ? [{ element: found, process }] : [];
    });
    if (!component || !names.claim(component.spec.name, element, 'name')) return [];
    return [{ element, component, processes }];
  });
}

/** Made names become folder names as written ones do; a number behind them needs some room. */
function checkLength(name: string, element: XmlElement, problems: Problems): void {
  if (name.length <= MAX_MADE_NAME) return;
  const message = `The name of ${label(element)} with those of what it is in has more than ${MAX_MADE_NAME} characters`;
  problems.error('TOO_LARGE', element, message);
}

/** What is made of the applications, one configuration after the other. */
class Making {
  readonly blocks: Block[] = [];
  readonly componentBlocks: ComponentBlockSpec[] = [];
  readonly components: { user: XmlElement; reference: Reference }[] = [];
  readonly substitutions: PlacedSubstitution[] = [];
  private readonly uses = new Map<string, number>();
  private readonly taken = new Set<string>();
  private made = 0;
  /** The component blocks of the configuration before. */
  private last: readonly string[] = [];

  /** Adds a configuration after all that was added before. False when that would be too much. */
  add(clusters: readonly Cluster[], place: XmlElement): boolean {
    const processes = clusters.reduce((sum, cluster) => sum + cluster.processes.length, 0);
    this.made += processes + clusters.length * (1 + this.last.length);
    if (this.made > MAX_MADE) return false;
    const { last } = this;
    this.last = clusters.map((cluster) => this.addCluster(cluster, last, place));
    return true;
  }

  private addCluster(cluster: Cluster, before: readonly string[], place: XmlElement): string {
    const { component, element, processes } = cluster;
    const name = this.uniqueName(component.spec.name);
    const predecessors = before.map((predecessor) => ({ name: predecessor, element: place }));
    const block: Block = { name, element, predecessors, component: component.spec.name };
    this.blocks.push(block);
    this.components.push({ user: element, reference: { name: component.spec.name, element } });
    const inner = this.addProcesses(processes, block);
    this.componentBlocks.push({
      name,
      component: component.spec.name,
      predecessors: [...before],
      blocks: inner,
    });
    return name;
  }

  private addProcesses(processes: Cluster['processes'], container: Block): ProcessBlockSpec[] {
    let before: readonly string[] = [];
    return processes.map(({ element, process }) => {
      const name = this.uniqueName(process.spec.name, `${container.name}.${process.spec.name}`);
      const predecessors = before.map((predecessor) => ({ name: predecessor, element }));
      const block: Block = { name, element, predecessors, container };
      this.blocks.push(block);
      for (const substitution of process.substitutions) this.substitutions.push({ ...substitution, block });
      const spec: ProcessBlockSpec = { kind: 'process', name, predecessors: before, process: process.spec };
      before = [name];
      return spec;
    });
  }

  /** The first of the names that is free, else the last with a number. */
  private uniqueName(...wanted: readonly string[]): string {
    const free = wanted.find((name) => !this.taken.has(name));
    const base = wanted.at(-1) ?? '';
    let name = free ?? base;
    for (let use = this.uses.get(base) ?? 2; this.taken.has(name); use += 1) {
      name = `${base}.${use}`;
      this.uses.set(base, use + 1);
    }
    this.taken.add(name);
    return name;
  }
}

function readApplications(
  project: XmlElement,
  applications: readonly XmlElement[],
  configurations: ReadonlyMap<string, readonly Cluster[]>,
  problems: Problems,
): ReadBlocks {
  const making = new Making();
  const names = new Names('application', problems);
  const known = new Set(
    childrenNamed(project, 'configuration').map((each) => attributeSetting(each, 'name')?.value ?? ''),
  );
  for (const application of applications) {
    const name = definedName(application, problems);
    if (name !== undefined) names.claim(name, application, 'name');
    const execution = child(application, 'execution');
    for (const element of execution ? childrenNamed(execution, 'configuration') : []) {
      const wanted = attributeSetting(element, 'name')?.value;
      if (wanted === undefined) continue;
      const start = () => `${label(application)} runs configuration`;
      if (!checkKnown('UNKNOWN_CONFIGURATION', known, { name: wanted, element }, start, problems)) continue;
      if (making.add(configurations.get(wanted) ?? [], element)) continue;
      const message = `The configurations come to more than ${MAX_MADE} blocks and predecessors`;
      problems.error('TOO_LARGE', element, message);
      return blocksOf(making, undefined, problems);
    }
  }
  const only = applications.length === 1 ? applications[0] : project;
  return blocksOf(making, only && attributeSetting(only, 'name')?.value, problems);
}

function blocksOf(making: Making, name: string | undefined, problems: Problems): ReadBlocks {
  const { blocks, componentBlocks, components, substitutions } = making;
  return {
    name,
    members: {},
    componentBlocks,
    components,
    blocks,
    barriers: new Barriers(problems),
    substitutions,
  };
}
