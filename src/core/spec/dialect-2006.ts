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
import { isReserved } from './reserved-names.ts';
import { type Placed, shareNodes } from './shared-nodes.ts';
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
  const applications = childrenNamed(project, 'application');
  const used = new Set(applications.flatMap(usesOf).map(nameOf));
  // What is not run asks for no nodes; without an application nothing is, and all are looked at as if they were.
  const isRun = ([name]: readonly [string, unknown]) => applications.length === 0 || used.has(name);
  const configurations = shareNodes(new Map([...read].filter(isRun)));
  const components = new Map<string, ReadComponent>();
  for (const { component, label: name, cluster } of [...configurations.values()].flat()) {
    checkLength(name, cluster.element, problems);
    if (!components.has(component.spec.name)) components.set(component.spec.name, component);
  }
  for (const one of [...read].filter((entry) => !isRun(entry))) addUnused(one, components);
  const all = [...components.values()];
  if (applications.length === 0) return { components: all };
  return { components: all, blocks: readApplications(project, applications, configurations, problems) };
}

/** The places where an application names the configurations that it runs. */
function usesOf(application: XmlElement): readonly XmlElement[] {
  const execution = child(application, 'execution');
  return execution ? childrenNamed(execution, 'configuration') : [];
}

function nameOf(element: XmlElement): string | undefined {
  return attributeSetting(element, 'name')?.value;
}

/** The clusters of a configuration that nothing runs are there to be checked. */
function addUnused(
  [configuration, clusters]: readonly [string, readonly Cluster[]],
  components: Map<string, ReadComponent>,
): void {
  for (const { component } of clusters) {
    const own = component.spec.name;
    const name = components.has(own) ? `${configuration}.${own}` : own;
    components.set(name, { ...component, spec: { ...component.spec, name } });
  }
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
      if (!process || isReserved(process.spec.name, found, problems)) return [];
      return [{ element: found, process }];
    });
    if (!component || isReserved(component.spec.name, element, problems)) return [];
    if (!names.claim(component.spec.name, element, 'name')) return [];
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
  add(clusters: readonly Placed<Cluster>[], place: XmlElement): boolean {
    const processes = clusters.reduce((sum, { cluster }) => sum + cluster.processes.length, 0);
    this.made += processes + clusters.length * (1 + this.last.length);
    if (this.made > MAX_MADE) return false;
    const { last } = this;
    this.last = clusters.map((cluster) => this.addCluster(cluster, last, place));
    return true;
  }

  private addCluster(placed: Placed<Cluster>, before: readonly string[], place: XmlElement): string {
    const { component, label: own, part } = placed;
    const { element, processes } = placed.cluster;
    const name = this.uniqueName(own);
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
      ...(part && { cluster: part }),
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
  configurations: ReadonlyMap<string, readonly Placed<Cluster>[]>,
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
    for (const element of usesOf(application)) {
      const wanted = nameOf(element);
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
