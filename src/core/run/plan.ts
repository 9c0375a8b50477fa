/**
 * The order of an application's blocks, worked out once for each specification: what a block waits for and what waits
 * for it. Inside a component block an order holds node by node; across component blocks it holds for whole blocks.
 */
import type {
  AppSpec,
  BarrierBlockSpec,
  BarrierSpec,
  BlockSpec,
  ComponentBlockSpec,
  ProcessBlockSpec,
  ProcessSpec,
  WorkflowBlockSpec,
} from '../../../api/spec.ts';
import { STOP_GRACE_MS } from '../limits.ts';
import { type CleanupKind, cleanupBlocks, installBlock } from './cleanup.ts';
import { installsBefore } from './clusters.ts';

type Policies = Pick<ProcessSpec, 'exit_policies' | 'liveness'>;

export interface PlannedBlock {
  readonly spec: BlockSpec;
  readonly component: string;
  readonly component_block: string;
  /** Blocks of the same component block that the same node must have completed. */
  readonly before: readonly string[];
  /** Blocks that must be complete on all their nodes. */
  readonly gates: readonly string[];
  /**
   * It cleans up behind its component block, also on a node that goes on without some of its blocks; or it installs what the
   * component block needs.
   */
  readonly cleanup?: CleanupKind;
}

/** A barrier with those who meet there. */
export interface PlannedBarrier {
  readonly spec: BarrierSpec;
  /** Components whose nodes take part: those with a block of the barrier beside workflows, or all where no block names it. */
  readonly components: ReadonlySet<string>;
  readonly blocks: readonly PlannedBlock[];
  /** Workflows whose tasks take part, since they have a block of the barrier inside; by the names of their blocks. */
  readonly workflows: ReadonlyMap<string, WorkflowBlockSpec>;
}

export type StepSpec = ProcessBlockSpec | BarrierBlockSpec;

/** A block inside a workflow: a step of each of its tasks. */
export interface PlannedStep {
  readonly spec: StepSpec;
  readonly workflow: WorkflowBlockSpec;
  readonly component: string;
  /** The step after it; absent for the last. */
  readonly next?: string;
  /** It is begun by a node that has nothing else to do: a process, and the line of a semaphore. */
  readonly onNode: boolean;
  /** Of a process right behind the block of a semaphore: the semaphore that it is done inside of. */
  readonly inside?: string;
}

export interface Plan {
  /** Steps of all workflows, by the names of their blocks. */
  readonly steps: ReadonlyMap<string, PlannedStep>;
  readonly barriers: ReadonlyMap<string, PlannedBarrier>;
  readonly blocks: ReadonlyMap<string, PlannedBlock>;
  /** Component → its blocks in document order. */
  readonly ofComponent: ReadonlyMap<string, readonly PlannedBlock[]>;
  /** Block → blocks of the same component block that wait for it. */
  readonly after: ReadonlyMap<string, readonly PlannedBlock[]>;
  /** Block → blocks that wait for it as a whole. */
  readonly gated: ReadonlyMap<string, readonly PlannedBlock[]>;
  /** Whether an exit may begin the application again: finished nodes then keep their files until the run ends. */
  readonly mayRestart: boolean;
  /** Longest time that a process may take to obey its stop signal. */
  readonly graceMs: number;
}

/**
 * The semaphore that transfers of packages pass (section 5.3 of plush-toit.2011), one in each run. No specification can name
 * it. A lease is longer than any transfer that still gets somewhere.
 */
export const INSTALL_BARRIER: BarrierSpec = {
  name: '#install',
  type: 'semaphore',
  adaptive: 'gradient2',
  hold_timeout_ms: 10 * 60_000,
};

const plans = new WeakMap<AppSpec, Plan>();

/** The plan of an application; the same object for the same specification. */
export function planOf(app: AppSpec): Plan {
  const known = plans.get(app);
  if (known !== undefined) return known;
  const plan = makePlan(app);
  plans.set(app, plan);
  return plan;
}

function makePlan(app: AppSpec): Plan {
  const cleanups = new Map(app.component_blocks.map((parent) => [parent.name, cleanupBlocks(parent)]));
  const inside = new Map(
    app.component_blocks.map(({ name, blocks }) => [
      name,
      [...blocks, ...(cleanups.get(name) ?? []).map(({ spec }) => spec)].map((block) => block.name),
    ]),
  );
  const home = new Map<string, ComponentBlockSpec>();
  for (const parent of app.component_blocks) for (const block of parent.blocks) home.set(block.name, parent);

  /** A predecessor's name → the blocks it stands for. */
  const expand = (name: string): readonly string[] => inside.get(name) ?? [name];

  const blocks = new Map<string, PlannedBlock>();
  const ofComponent = new Map<string, PlannedBlock[]>();
  const after = new Map<string, PlannedBlock[]>();
  const gated = new Map<string, PlannedBlock[]>();
  const add = (block: PlannedBlock) => {
    blocks.set(block.spec.name, block);
    append(ofComponent, block.component, block);
    for (const name of block.before) append(after, name, block);
    for (const name of block.gates) append(gated, name, block);
  };
  for (const parent of app.component_blocks) {
    const outer = parent.predecessors.flatMap(expand);
    const install = installsBefore(app, parent) ? installBlock(parent, [...new Set(outer)]) : undefined;
    if (install !== undefined) add(install);
    for (const spec of parent.blocks) {
      const inner = spec.predecessors.filter((name) => home.get(name) === parent);
      const before = inner.length === 0 && install !== undefined ? [install.spec.name] : inner;
      const outside = spec.predecessors.filter((name) => home.get(name) !== parent).flatMap(expand);
      add({
        spec,
        component: parent.component,
        component_block: parent.name,
        before,
        // What waits inside the component block waits for the outer gates through its first blocks.
        gates: [...new Set([...(before.length === 0 ? outer : []), ...outside])],
      });
    }
    for (const block of cleanups.get(parent.name) ?? []) add(block);
  }
  const processes = processesOf(app);
  const graces = processes.map((process) => process.stop_grace_ms ?? STOP_GRACE_MS);
  return {
    steps: stepsOf(app, [...blocks.values()]),
    blocks,
    ofComponent,
    after,
    gated,
    barriers: barriersOf(app, [...blocks.values()]),
    mayRestart: [app, ...processes].some(restartsApplication),
    graceMs: Math.max(STOP_GRACE_MS, ...graces),
  };
}

/** All processes of an application, those inside workflows too. */
function processesOf(app: AppSpec): ProcessSpec[] {
  const inside = (blocks: readonly BlockSpec[]): ProcessSpec[] =>
    blocks.flatMap((block) => {
      if (block.kind === 'process') return [block.process];
      return block.kind === 'workflow' ? inside(block.blocks) : [];
    });
  return app.component_blocks.flatMap((parent) => inside(parent.blocks));
}

function stepsOf(app: AppSpec, blocks: readonly PlannedBlock[]): Map<string, PlannedStep> {
  const steps = new Map<string, PlannedStep>();
  const semaphores = new Set(
    (app.barriers ?? []).flatMap(({ type, name }) => (type === 'semaphore' ? name : [])),
  );
  for (const { spec: workflow, component } of blocks) {
    if (workflow.kind !== 'workflow') continue;
    const order = stepsInOrder(workflow);
    order.forEach((spec, i) => {
      const next = order[i + 1]?.name;
      const before = order[i - 1];
      const isInside =
        spec.kind === 'process' && before?.kind === 'barrier' && semaphores.has(before.barrier);
      steps.set(spec.name, {
        spec,
        workflow,
        component,
        onNode: spec.kind === 'process' || semaphores.has(spec.barrier),
        ...(next === undefined ? {} : { next }),
        ...(isInside ? { inside: before.barrier } : {}),
      });
    });
  }
  return steps;
}

/** The blocks of a workflow, each behind its predecessors, else as in the document. */
export function stepsInOrder({ blocks }: WorkflowBlockSpec): StepSpec[] {
  const left = [...blocks];
  const waiting = new Set(left.map((block) => block.name));
  const order: StepSpec[] = [];
  while (left.length > 0) {
    const at = left.findIndex((block) => !block.predecessors.some((name) => waiting.has(name)));
    // The parser lets no cycle through.
    const [step] = left.splice(Math.max(0, at), 1) as [StepSpec];
    waiting.delete(step.name);
    order.push(step);
  }
  return order;
}

function restartsApplication({ exit_policies = [], liveness = [] }: Policies): boolean {
  return [...exit_policies, ...liveness].some(({ policy }) => policy === 'restart_application');
}

function barriersOf(app: AppSpec, blocks: readonly PlannedBlock[]): Map<string, PlannedBarrier> {
  const own = new Map<string, PlannedBlock[]>();
  const inside = new Map<string, Map<string, WorkflowBlockSpec>>();
  for (const block of blocks) {
    const { spec } = block;
    if (spec.kind === 'barrier') append(own, spec.barrier, block);
    for (const step of spec.kind === 'workflow' ? spec.blocks : []) {
      if (step.kind !== 'barrier' || spec.kind !== 'workflow') continue;
      const workflows = inside.get(step.barrier) ?? new Map<string, WorkflowBlockSpec>();
      inside.set(step.barrier, workflows.set(spec.name, spec));
    }
  }
  const all = new Set(blocks.map((block) => block.component));
  const barriers = new Map<string, PlannedBarrier>();
  for (const spec of app.barriers ?? []) {
    const named = own.get(spec.name) ?? [];
    const workflows = inside.get(spec.name) ?? NO_WORKFLOWS;
    const isAnybodys = named.length === 0 && workflows.size === 0;
    const components = isAnybodys ? all : new Set(named.map((block) => block.component));
    barriers.set(spec.name, { spec, components, blocks: named, workflows });
  }
  const { name } = INSTALL_BARRIER;
  barriers.set(name, { spec: INSTALL_BARRIER, components: all, blocks: [], workflows: NO_WORKFLOWS });
  return barriers;
}

const NO_WORKFLOWS: ReadonlyMap<string, WorkflowBlockSpec> = new Map();

function append(map: Map<string, PlannedBlock[]>, key: string, block: PlannedBlock): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [block]);
  else list.push(block);
}
