/** plushPlanApp: what a run would do if it were started now. Works on the matcher alone and changes nothing. */
import type { ResultOf } from '../../../api/methods.ts';
import type { MemberRef } from '../../../api/schemas.ts';
import type { AppSpec, BlockSpec, ComponentSpec, ProcessSpec } from '../../../api/spec.ts';
import { isCandidate, meets, preferenceFor, refersTo } from '../pool/match.ts';
import { type HostReadings, NO_READINGS } from '../pool/requirements.ts';
import { toldShortfall } from '../pool/shortfall.ts';
import { randomFrom } from '../random.ts';
import { Rejection } from '../rejection.ts';
import { hostsOf, softwareCounts } from '../run/clusters.ts';
import { newRun } from '../run/evolve.ts';
import { firstMatching } from '../run/first-matching.ts';
import { type Plan, type PlannedBlock, planOf, stepsInOrder } from '../run/plan.ts';
import type { PoolNode, State } from '../state.ts';
import { ruleOf } from './barriers.ts';
import { inOrder, neededWaits } from './plan-order.ts';
import { requestsIn } from './plan-requests.ts';
import { reallocationRule } from './workflows.ts';

type AppPlan = ResultOf<'plushPlanApp'>;
type Placement = AppPlan['components'][number];
type Step = AppPlan['steps'][number];

/** The same pool gives the same plan. */
const SEED = 0;
/** Nodes that a plan lists, of all components together. */
const MAX_NODES = 1000;
const MAX_COMMAND_CHARACTERS = 200;

/** A name under which no run can be. */
const NO_RUN = '';

/** The application a name means; without one, that loaded last. @throws Rejection NO_APP_LOADED, APP_NOT_FOUND */
export function plannedApp(state: State, name: string | undefined): AppSpec {
  const wanted = name ?? state.loaded;
  if (wanted === undefined) throw new Rejection('NO_APP_LOADED', 'No application has been loaded yet');
  const app = state.apps.get(wanted);
  if (app === undefined)
    throw new Rejection('APP_NOT_FOUND', `No application "${wanted}" is loaded`, { app: wanted });
  return app.spec;
}

/** @throws Rejection APP_NOT_RUNNABLE */
export function planApp(state: State, app: AppSpec, hosts: HostReadings = NO_READINGS): AppPlan {
  if (app.component_blocks.length === 0) {
    throw new Rejection('APP_NOT_RUNNABLE', `Application "${app.name}" has no blocks to run`, {
      app: app.name,
    });
  }
  const run = newRun(NO_RUN, app.name, app, '');
  const { members, shortfalls } = firstMatching(state, run, randomFrom(SEED), hosts);
  const used = app.components.filter(({ name }) => run.components.has(name));
  const components = placements(state, used, members, hosts);
  return {
    app: app.name,
    can_run: shortfalls.length === 0,
    note: noteOf(components),
    components,
    transfers: transfersOf(app, components),
    requests: requestsIn(state, app, used),
    steps: stepsOf(state, app, components, members),
    shortfalls: shortfalls.map(toldShortfall),
  };
}

function noteOf(components: readonly Placement[]): string {
  const hasTies = components.some(({ nodes }) => nodes.some(({ chosen }) => chosen === 'tie'));
  const ties = hasTies
    ? ' Among nodes of equal preference a run chooses by chance, and may take others than these.'
    : '';
  return `The plan holds for the pool as it is now.${ties}`;
}

function placements(
  state: State,
  components: readonly ComponentSpec[],
  members: readonly MemberRef[],
  hosts: HostReadings,
): Placement[] {
  const placed = new Set(members.map(({ hostname }) => hostname));
  let room = MAX_NODES;
  return components.map((component) => {
    const own = members.filter((member) => member.component === component.name);
    const { candidates, bestLeft } = survey(state, component, placed, hosts);
    const preferenceOf = preferenceFor(component);
    const shown = own.toSorted((a, b) => a.index - b.index).slice(0, room);
    room -= shown.length;
    return {
      name: component.name,
      min: component.min,
      max: component.max,
      candidates,
      count: own.length,
      nodes: shown.flatMap(({ hostname, index }) => {
        const node = state.nodes.get(hostname);
        if (node === undefined) return [];
        const preference = preferenceOf(node);
        const chosen = whyChosen(component, node, preference, bestLeft);
        return [{ hostname, index, preference, chosen, state: node.link }];
      }),
    };
  });
}

/** How many nodes a component could choose from, and the highest preference among those that nobody took. */
function survey(
  state: State,
  component: ComponentSpec,
  placed: ReadonlySet<string>,
  hosts: HostReadings,
): { candidates: number; bestLeft: number } {
  const preferenceOf = preferenceFor(component);
  let candidates = 0;
  let bestLeft = Number.NEGATIVE_INFINITY;
  for (const hostname of state.free) {
    const node = state.nodes.get(hostname);
    if (node === undefined || !isCandidate(component, node) || !meets(component, node, hosts)) continue;
    candidates += 1;
    if (!placed.has(hostname)) bestLeft = Math.max(bestLeft, preferenceOf(node));
  }
  return { candidates, bestLeft };
}

function isStatic(component: ComponentSpec, node: PoolNode): boolean {
  return component.static_hosts.some((host) => refersTo(host, node));
}

function whyChosen(
  component: ComponentSpec,
  node: PoolNode,
  preference: number,
  bestLeft: number,
): 'static' | 'preference' | 'tie' {
  if (isStatic(component, node)) return 'static';
  return preference > bestLeft ? 'preference' : 'tie';
}

/** Packages in the order of installation, each once, with how many nodes need it. */
function transfersOf(app: AppSpec, components: readonly Placement[]): AppPlan['transfers'] {
  const byName = new Map(app.software.map((software) => [software.name, software]));
  const needs = new Map<string, number>();
  for (const { name, count } of components) {
    for (const [software, nodes] of softwareCounts(app, name, count))
      needs.set(software.name, (needs.get(software.name) ?? 0) + nodes);
  }
  return [...needs].flatMap(([name, nodes]) => {
    const spec = byName.get(name)?.package;
    if (spec === undefined) return [];
    const inline = spec.content === undefined ? undefined : new TextEncoder().encode(spec.content).length;
    const bytes = spec.size ?? inline;
    const size = bytes === undefined ? {} : { size: bytes };
    return [{ package: spec.name, software: name, type: spec.type, path: spec.path, ...size, nodes }];
  });
}

function stepsOf(
  state: State,
  app: AppSpec,
  components: readonly Placement[],
  members: readonly MemberRef[],
): Step[] {
  const counts = new Map(components.map(({ name, count }) => [name, count]));
  const unconnected = members.filter(({ hostname }) => state.nodes.get(hostname)?.link !== 'connected');
  const all = members.length;
  const { barriers } = planOf(app);
  const blocks = inOrder(app);
  const needed = neededWaits(blocks);
  return [
    ...(unconnected.length === 0 ? [] : [step('connect', unconnected.length)]),
    ...components
      .filter(({ name }) => (app.components.find((c) => c.name === name)?.software.length ?? 0) > 0)
      .map(({ name, count }) => ({ ...step('install', count), component: name })),
    ...blocks.map((block) => {
      const { component, component_block } = block;
      const nodes = Math.min(counts.get(component) ?? 0, hostsOf(app, { component, name: component_block }));
      return runStep(block, nodes, barriers, needed(block));
    }),
    { ...step('clean', all), ...(app.cleanup?.command && { command: cut(app.cleanup.command) }) },
  ];
}

type Action = 'connect' | 'install' | 'run' | 'barrier' | 'cleanup' | 'reinstall' | 'clean';

function step(action: Action, nodes: number): Step {
  return { action, nodes, waits_for: [] };
}

function runStep(
  { spec, component, before, cleanup }: PlannedBlock,
  nodes: number,
  barriers: Plan['barriers'],
  waits: readonly string[],
): Step {
  const own = new Set(before);
  return {
    ...step(actionOf(spec, cleanup), nodes),
    component,
    block: spec.name,
    command: cut(commandOf(barriers, spec)),
    ...(spec.kind === 'workflow' ? { rule: reallocationRule(spec) } : {}),
    waits_for: waits.map((block) => ({ block, on: own.has(block) ? 'node' : 'all' })),
  };
}

function cut(command: string): string {
  const isLong = command.length > MAX_COMMAND_CHARACTERS;
  return isLong ? `${command.slice(0, MAX_COMMAND_CHARACTERS - 1)}…` : command;
}

function actionOf({ kind }: BlockSpec, cleanup: PlannedBlock['cleanup']): Action {
  if (cleanup !== undefined) return cleanup === 'command' ? 'cleanup' : cleanup;
  return kind === 'barrier' ? 'barrier' : 'run';
}

function commandOf(barriers: Plan['barriers'], spec: BlockSpec): string {
  if (spec.kind === 'process') return commandLine(spec.process);
  if (spec.kind === 'workflow') {
    const commands = stepsInOrder(spec).map((inside) => commandOf(barriers, inside));
    return `${spec.num_tasks} ${spec.num_tasks === 1 ? 'task' : 'tasks'}: ${commands.join('; ')}`;
  }
  const barrier = spec.kind === 'barrier' ? barriers.get(spec.barrier)?.spec : undefined;
  return barrier === undefined ? '' : `barrier "${barrier.name}" ${ruleOf(barrier)}`;
}

/** A command as a person would write it; what is known only later stands as {name}. */
function commandLine({ path, args }: ProcessSpec): string {
  const words = args.flatMap((arg) => {
    if (typeof arg === 'string') return [arg];
    return [...(arg.flag === undefined ? [] : [arg.flag]), `{${arg.name}}`];
  });
  return [path, ...words].join(' ');
}
