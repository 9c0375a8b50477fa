/** Random applications: every element of the specification that the engine runs occurs in some of them. */
import type {
  AppSpec,
  BarrierSpec,
  BlockSpec,
  ComponentBlockSpec,
  ComponentSpec,
  ProcessSpec,
  Requirement,
  ResourceRequest,
  SoftwareSpec,
} from '../../api/spec.ts';
import { makeBlock, makeComponent } from '../scenario/application.ts';
import { addBarriers } from './barriers.ts';
import type { Chance } from './chance.ts';
import { makePolicies } from './policies.ts';
import { addWorkflows } from './workflows.ts';

export const GROUPS = ['left', 'right'];

/** What the machines of a simulation are like. */
export interface Surroundings {
  readonly nodes: number;
  /** No process may take longer than its time, since nothing is to go wrong. */
  readonly isCalm: boolean;
}

export function makeApp(chance: Chance, name: string, around: Surroundings): AppSpec {
  const software = makeSoftware(chance);
  const components = Array.from({ length: Math.min(around.nodes, chance.pick([1, 1, 2, 3])) }, (_, i) =>
    makeOne(chance, `c${i}`, software, around),
  );
  const process = (spec: ProcessSpec) => ({ ...spec, ...makeProcess(chance, around) });
  const component_blocks: ComponentBlockSpec[] = [];
  const earlier: string[] = [];
  for (const component of components) {
    for (let i = chance.int(1, 2); i > 0; i -= 1) {
      const parent = `b${component_blocks.length}`;
      const blocks = Array.from({ length: chance.int(1, 3) }, (_, j) => {
        const block = makeBlock(`${parent}-${j}`, chance.shuffle(earlier).slice(0, chance.delay(3)));
        earlier.push(block.name);
        return { ...block, process: { ...process(block.process), ...makePolicies(chance) } };
      });
      const before = component_blocks.map((one) => one.name);
      const predecessors = chance.shuffle(before).slice(0, chance.delay(3));
      const cleanup = chance.is(0.8) ? { command: './tidy', remove: chance.is(0.5) } : { remove: true };
      component_blocks.push({
        ...{ name: parent, component: component.name, predecessors, blocks },
        ...(chance.is(0.2) ? { cleanup } : {}),
        ...(chance.is(0.1) ? { outputs: ['out'] } : {}),
      });
    }
  }
  const policies = () => ({ ...process({} as ProcessSpec), ...makePolicies(chance) });
  const inside = chance.is(0.5) ? addWorkflows(chance, component_blocks, policies) : [];
  const between = chance.is(0.5) ? addBarriers(chance, component_blocks) : [];
  const reconnect = chance.is(0.8) ? { reconnect_interval_ms: chance.int(1, 90) * 1000 } : {};
  return {
    ...{ name, project: name, software, components, component_blocks },
    barriers: [...inside, ...boundBarriers(chance, between, components, component_blocks)],
    ...makePolicies(chance),
    ...(chance.is(0.3) ? { service: true, ...reconnect } : {}),
    ...(chance.is(0.1) ? { cleanup: { command: './tidy-all' } } : {}),
    ...(chance.is(0.1) ? { outputs: ['all'] } : {}),
  };
}

/** Makes the component blocks of some components clusters that share its nodes; the first has them all. */
export function withClusters(chance: Chance, app: AppSpec): AppSpec {
  const shared = new Map(app.components.filter(() => chance.is(0.3)).map((one) => [one.name, one]));
  const seen = new Set<string>();
  const component_blocks = app.component_blocks.map((block) => {
    const { max = 1, software = [] } = shared.get(block.component) ?? {};
    if (!shared.has(block.component)) return block;
    const hosts = seen.has(block.component) ? { hosts: chance.int(1, max) } : {};
    seen.add(block.component);
    return { ...block, cluster: { name: 'part', ...hosts, software: software.filter(() => chance.is(0.6)) } };
  });
  return { ...app, component_blocks };
}

/** Whether how a run ends depends on the application alone: not on measured loads, nor on who comes late by chance. */
export function isSteady({ components, barriers = [] }: AppSpec): boolean {
  const measures = components.some(({ requirements }) => requirements !== undefined);
  return !measures && !barriers.some(({ late = 'pass' }) => late !== 'pass');
}

/** Some that come over the network, and so pass the semaphore of the transfers, and some that do not. */
function makeSoftware(chance: Chance): SoftwareSpec[] {
  if (chance.is(0.5)) return [];
  return Array.from({ length: chance.int(1, 3) }, (_, i): SoftwareSpec => {
    const name = `s${i}`;
    if (chance.is(0.3)) return { name, type: 'none', install: './configure' };
    const type = chance.pick(['tgz', 'zip', 'apt', 'none'] as const);
    const fetched = { name, type: 'web', path: `http://packages/${name}`, dest_path: name } as const;
    const requires = i > 0 && chance.is(0.3) ? { requires: ['s0'] } : {};
    return { name, type, package: fetched, ...requires };
  });
}

function makeOne(
  chance: Chance,
  name: string,
  software: readonly SoftwareSpec[],
  { nodes }: Surroundings,
): ComponentSpec {
  const min = chance.int(1, Math.max(1, Math.floor(nodes / 4)));
  const host = () => ({ hostname: `n${chance.int(0, nodes - 1)}` });
  return {
    ...makeComponent(name, min, min + chance.int(0, 2)),
    software: software.filter(() => chance.is(0.6)).map((one) => one.name),
    resources: chance.is(0.12) ? [{ group: chance.pick(GROUPS) }] : chance.is(0.1) ? [{ type: 'ssh' }] : [],
    static_hosts: chance.is(0.05) ? [{ hostname: 'n0' }] : [],
    preferred_hosts: chance.is(0.2) ? [host(), host()] : [],
    requests: chance.is(0.15) ? [makeRequest(chance)] : [],
    ...(chance.is(0.15) ? { requirements: [makeRequirement(chance)] } : {}),
    ...(chance.is(0.1) ? { authentication: { user: 'plush' } } : {}),
  };
}

function makeRequest(chance: Chance): ResourceRequest {
  const service = chance.pick(['sword', 'shirako', 'usher'] as const);
  const server = chance.is(0.8) ? { server: `http://${service}.example/` } : {};
  return { service, ...server, attributes: {} };
}

function makeRequirement(chance: Chance): Requirement {
  return chance.pick<Requirement>([
    { metric: 'load', max: chance.int(0, 4) },
    { metric: 'load', max: chance.int(0, 4) },
    { metric: 'load_per_cpu', max: 1 },
    { metric: 'cpus', min: 2 },
    { metric: 'free_memory', min: 1 },
  ]);
}

/** What a process has beside its program and its policies. */
function makeProcess(chance: Chance, { isCalm }: Surroundings): Partial<ProcessSpec> {
  if (chance.is(0.6)) return {};
  const some = <K extends keyof ProcessSpec>(key: K, value: ProcessSpec[K]) =>
    chance.is(0.2) ? { [key]: value } : {};
  return {
    ...some('timeout_ms', isCalm ? 3_600_000 : chance.int(1, 60) * 1000),
    ...some('stop_grace_ms', chance.int(0, 30) * 1000),
    ...some('stop_signal', 'SIGINT'),
    ...some('cwd', 'data'),
    ...some('user', 'worker'),
    ...some('stdin', 'go\n'),
    ...some('outputs', ['result', 'trace']),
    ...some('args', [
      '-v',
      { name: 'i', type: 'index', flag: '--i' },
      { name: 'n', type: 'count' },
      { name: 'w', type: 'workflow', id: 'w' },
      { name: 'l', type: 'barrier', id: 'meet' },
    ]),
    ...some('log', {
      type: 'default',
      use_api: chance.is(0.5),
      fds: [
        { fd: 1, type: chance.pick(['file', 'stream', 'discard']) },
        { fd: 2, type: 'file', path_prefix: 'err-', path_postfix: '.log' },
      ],
    }),
  };
}

/** Some barriers have a number of participants, which those that come at least are enough for, and some a barrier to catch up at. */
function boundBarriers(
  chance: Chance,
  barriers: readonly BarrierSpec[],
  components: readonly ComponentSpec[],
  parents: readonly ComponentBlockSpec[],
): BarrierSpec[] {
  const names = (block: BlockSpec, barrier: string) => block.kind === 'barrier' && block.barrier === barrier;
  return barriers.map((barrier) => {
    const own = parents.filter(({ blocks }) => blocks.some((block) => names(block, barrier.name)));
    const least = new Set(own.map((parent) => parent.component));
    const nodes = components.filter(({ name }) => least.has(name)).reduce((sum, { min }) => sum + min, 0);
    const others = barriers.filter((other) => other !== barrier && chance.is(0.7));
    const catchup =
      barrier.late === 'catchup' && others.length > 0 ? { catchup: chance.pick(others).name } : {};
    const isBound = barrier.type !== 'semaphore' && nodes > 0 && chance.is(0.2);
    return { ...barrier, ...catchup, ...(isBound ? { max: chance.int(1, nodes) } : {}) };
  });
}
