/** One simulation from one seed: an application, a pool, and what happens to them. */
import { strict as assert } from 'node:assert';
import type { Fact } from '../../api/events.ts';
import type { AppSpec, ComponentBlockSpec, NodeSpec } from '../../api/spec.ts';
import { planOf } from '../../src/core/run/plan.ts';
import { policyFor } from '../../src/core/run/policy.ts';
import type { TaskOrder, TaskReport } from '../../src/core/task.ts';
import { makeBlock, makeComponent } from '../scenario/application.ts';
import { addBarriers, checkBarriers, checkReleases, meddle, releaseAll } from './barriers.ts';
import { Chance } from './chance.ts';
import { checkAnswers, checkEnd, checkProcesses, checkState } from './checks.ts';
import { Clock } from './clock.ts';
import { Controller } from './controller.ts';
import { Machine } from './machine.ts';
import { checkContact, checkOutages, makeRules } from './outages.ts';
import { checkPolicies, makePolicies } from './policies.ts';
import { checkInside } from './workflow-barriers.ts';
import { addWorkflows, checkResults, checkWorkflows } from './workflows.ts';

const START_MS = Date.UTC(2026, 0, 1);
/** Trouble is made for this long; then everything that is broken is mended, and all must come to an end. */
const TROUBLE_MS = 60_000;
const LIMIT_MS = 6 * 3_600_000;
const GROUPS = ['left', 'right'];

export interface Outcome {
  readonly facts: readonly Fact[];
  readonly restarts: number;
  readonly runs: Readonly<Record<string, number>>;
  /** How each run ended, in the order of their beginnings. */
  readonly ends: readonly string[];
  readonly outages: number;
  /** Nothing went wrong but what belongs to the application itself. */
  readonly isCalm: boolean;
}

/**
 * @param dieAfter facts after which the daemon is killed, without any effect of the last of them
 * @throws AssertionError when something does not hold
 */
export function simulate(seed: number, dieAfter?: number): Outcome {
  return new Simulation(seed, dieAfter).run();
}

class Simulation {
  readonly #chance: Chance;
  readonly #clock = new Clock(START_MS);
  readonly #machines = new Map<string, Machine>();
  readonly #specs = new Map<string, NodeSpec>();
  readonly #controller: Controller;
  readonly #started = new Set<string>();
  readonly #succeeded = new Set<string>();
  /** Trouble a second, a number from 0 (a quarter of the seeds) up. */
  readonly #trouble: number;
  /** Whether the controller's network is cut now and then. */
  readonly #cuts: boolean;
  readonly #apps: AppSpec[];

  constructor(seed: number, dieAfter = Number.POSITIVE_INFINITY) {
    this.#chance = new Chance(seed);
    const chance = this.#chance;
    this.#trouble = chance.is(0.25) ? 0 : chance.delay(100) / 100;
    this.#cuts = chance.is(0.3);
    const count = chance.int(2, 9);
    const taskFailure = this.#trouble === 0 ? 0 : chance.delay(30) / 100;
    const installFailure = this.#trouble === 0 ? 0 : chance.delay(20) / 100;
    for (let i = 0; i < count; i += 1) {
      const hostname = `n${i}`;
      const options = {
        clock: this.#clock,
        chance,
        taskFailure,
        host: {
          load1: chance.int(0, 4),
          memory_free_bytes: 1,
          memory_total_bytes: 1,
          disk_free_bytes: 1,
        },
        slowness: chance.is(0.2) ? chance.int(2, 20) : 1,
        started: this.#started,
        onEnd: (order: TaskOrder, end: Partial<TaskReport>) => this.#ended(order, end),
        checkOrder: (order: TaskOrder) => this.#checkOrder(order),
      };
      const machine: Machine = new Machine(hostname, options, (task) =>
        this.#controller.report(hostname, { type: 'task_report', hostname, task }),
      );
      this.#machines.set(hostname, machine);
      this.#specs.set(hostname, { hostname, type: 'ssh', group: chance.pick(GROUPS) });
    }
    this.#controller = new Controller({
      clock: this.#clock,
      chance,
      machines: this.#machines,
      latencyMs: chance.int(1, 500),
      doubling: chance.is(0.5) ? 0.1 : 0,
      rules: makeRules(chance),
      installFailure: () =>
        chance.is(installFailure)
          ? chance.pick(['disk_full', 'download_stalled', 'download_refused'])
          : undefined,
      check: (state) => {
        checkState(state);
        if (chance.is(0.3)) checkContact(state);
        if (chance.is(0.2)) checkBarriers(state);
        if (chance.is(0.3)) checkWorkflows(state);
        checkProcesses(state, this.#machines.values());
        if (chance.is(0.01)) checkAnswers(state);
      },
    });
    this.#controller.dieAfter = dieAfter;
    this.#apps = Array.from({ length: chance.int(1, 2) }, (_, i) => makeApp(chance, `app${i}`, count));
  }

  run(): Outcome {
    const controller = this.#controller;
    controller.start();
    controller.submit({ type: 'load_directory', nodes: [...this.#specs.values()] });
    for (const app of this.#apps) {
      controller.submit({ type: 'load_app', app, file: 'app.xml' });
      controller.submit({ type: 'start_run', app: app.name });
    }
    if (this.#trouble > 0) this.#clock.after(this.#chance.delay(5000), () => this.#makeTrouble());
    while (this.#clock.step(START_MS + TROUBLE_MS));
    this.#mend();
    while (this.#clock.step(START_MS + LIMIT_MS));
    checkReleases(controller);
    checkInside(controller);
    const outages = checkOutages(controller.durable);
    checkPolicies(controller);
    checkResults(controller, this.#succeeded);
    checkEnd(controller, this.#machines.values(), this.#succeeded, this.#chance.is(0.2));
    checkAnswers(controller.state);
    const isCalm = this.#trouble === 0 && this.#apps.every(isSteady);
    if (isCalm) this.#checkSuccess();
    const runs: Record<string, number> = {};
    for (const run of controller.state.runs.values()) runs[run.state] = (runs[run.state] ?? 0) + 1;
    const ends = [...controller.state.runs.values()].map(
      ({ app, state, ending }) => `${app} ${state} ${ending?.cause}`,
    );
    const { durable: facts, restarts } = controller;
    return { facts, restarts, runs, ends, isCalm, outages };
  }

  /** Where nothing went wrong, only a lack of nodes may have. */
  #checkSuccess(): void {
    for (const run of this.#controller.state.runs.values()) {
      assert(
        run.state === 'succeeded' || run.restarts !== undefined || run.ending?.cause === 'not_enough_nodes',
        `${run.run_id} ${run.state}`,
      );
    }
  }

  #makeTrouble(): void {
    if (this.#clock.nowMs > START_MS + TROUBLE_MS) return;
    const troubles = [
      this.#breakMachine,
      this.#breakMachine,
      this.#operate,
      this.#operate,
      this.#kill,
      ...(this.#cuts ? [this.#cutNetwork] : []),
    ];
    this.#chance.pick(troubles).call(this);
    this.#clock.after(this.#chance.delay(2000 / this.#trouble), () => this.#makeTrouble());
  }

  /** All nodes fall silent, and nothing is wrong with them. */
  #cutNetwork(): void {
    this.#controller.isCut = true;
    this.#clock.after(this.#chance.delay(30_000), () => {
      this.#controller.isCut = false;
    });
  }

  #breakMachine(): void {
    const chance = this.#chance;
    const machine = chance.pick([...this.#machines.values()]);
    this.#controller.breakLink(machine.hostname);
    if (chance.is(0.4)) return;
    machine.isUp = false;
    if (chance.is(0.3)) machine.reboot(chance.is(0.3));
    else if (chance.is(0.4)) this.#forget(machine);
    this.#clock.after(chance.delay(30_000), () => {
      machine.isUp = true;
    });
  }

  /** What the controller never heard of it cannot know to be lost: such a task may start anew under its old identity. */
  #forget(machine: Machine): void {
    for (const task_id of machine.forget()) {
      const isKnown = this.#controller.durable.some(
        (fact) => fact.type === 'task_started' && fact.body.task_id === task_id,
      );
      if (!isKnown) this.#started.delete(task_id);
    }
  }

  /** Whether all that the block waits for has ended well: on this node, or on enough nodes of the other component. */
  #checkOrder({ task_id, run_id, block }: TaskOrder): void {
    const [, , hostname = ''] = task_id.split('/');
    const run = this.#controller.state.runs.get(run_id);
    const planned = run && planOf(run.spec).blocks.get(block);
    if (run === undefined || planned === undefined) return;
    const member = run.members.get(hostname) ?? run.past.findLast((past) => past.hostname === hostname);
    for (const name of planned.before) {
      const isDone =
        this.#succeeded.has(`${run_id}/${name}/${hostname}`) ||
        member?.completed.has(name) ||
        (planned.cleanup !== undefined && member?.skipped?.has(name));
      assert(isDone, `${task_id} did not wait for ${name}`);
    }
    for (const gate of planned.gates) {
      const least = run.components.get(planOf(run.spec).blocks.get(gate)?.component ?? '')?.min ?? 0;
      const done = [...this.#machines.keys()].filter(
        (name) =>
          this.#succeeded.has(`${run_id}/${gate}/${name}`) ||
          [...run.members.values(), ...run.past].some(
            (m) => m.hostname === name && (m.completed.has(gate) || m.skipped?.has(gate)),
          ),
      );
      assert(done.length >= least, `${task_id} did not wait for ${gate} on all nodes`);
    }
  }

  /** Notes what counts as done: exit code 0, and what the policies say is as good. */
  #ended({ task_id, run_id, block }: TaskOrder, end: Partial<TaskReport>): void {
    const run = this.#controller.state.runs.get(run_id);
    const [, , hostname = '', , number] = task_id.split('/');
    const policy = run && policyFor(run.spec, block, end)?.policy;
    const isSuccess = end.exit_code === 0 && (policy === undefined || policy === 'end_application');
    if (!isSuccess && policy !== 'continue') return;
    this.#succeeded.add(`${run_id}/${block}/${hostname}${number === undefined ? '' : `/${number}`}`);
  }

  #operate(): void {
    const chance = this.#chance;
    const controller = this.#controller;
    const hostname = chance.pick([...this.#machines.keys()]);
    const node = this.#specs.get(hostname) as NodeSpec;
    const acts: (() => void)[] = [
      () => controller.submit({ type: 'fail_host', hostname }),
      () => meddle(chance, controller, hostname),
      () => meddle(chance, controller, hostname),
      () => controller.submit({ type: 'remove_node', hostname }),
      () => controller.submit({ type: 'add_node', node }),
      () => controller.submit({ type: 'add_node', node: { ...node, group: chance.pick(GROUPS) } }),
      () => controller.submit({ type: 'disconnect', hostname: chance.is(0.2) ? '' : hostname }),
      () => controller.submit({ type: 'connect', hostname }),
      () => {
        const expires = new Date(this.#clock.nowMs + chance.delay(60_000)).toISOString();
        controller.submit({ type: 'add_node', node: { ...node, lease: { id: 'l', expires } } });
      },
      () =>
        controller.submit({
          type: 'load_directory',
          nodes: chance.shuffle([...this.#specs.values()]).slice(1),
        }),
      () => controller.submit({ type: 'start_run', app: chance.pick(this.#apps).name }),
      () => controller.submit({ type: 'start_run', app: chance.pick(this.#apps).name, request_id: 'once' }),
      () => {
        const run_id = [...controller.state.active][0];
        if (run_id !== undefined) controller.submit({ type: 'abort_run', run_id });
      },
      () => {
        if (chance.is(0.1)) controller.submit({ type: 'quit' });
      },
    ];
    chance.pick(acts)();
  }

  /** Between two decisions, or as soon as the next facts are durable and nothing has come of them yet. */
  #kill(): void {
    const controller = this.#controller;
    if (this.#chance.is(0.5)) controller.restart();
    else controller.dieAfter = controller.durable.length + 1;
  }

  /** Whoever is to release barriers by hand does so, again and again. */
  #releaseByHand(): void {
    releaseAll(this.#controller);
    if (this.#controller.state.active.size > 0) this.#clock.after(30_000, () => this.#releaseByHand());
  }

  #mend(): void {
    this.#releaseByHand();
    this.#controller.isCut = false;
    for (const machine of this.#machines.values()) machine.isUp = true;
    if (this.#controller.hasQuit || this.#chance.is(0.3)) this.#controller.restart();
    // What the daemon does not try again of its own accord.
    for (const { held, trouble, spec } of this.#controller.state.nodes.values()) {
      if (held || trouble?.cause === 'auth_failed')
        this.#controller.submit({ type: 'connect', hostname: spec.hostname });
    }
  }
}

/** Whether how a run ends depends on the application alone: not on measured loads, nor on who comes late by chance. */
function isSteady({ components, barriers = [] }: AppSpec): boolean {
  const measures = components.some(({ requirements }) => requirements !== undefined);
  return !measures && !barriers.some(({ late }) => late === 'remove' || late === 'replace');
}

function makeApp(chance: Chance, name: string, nodes: number): AppSpec {
  const components = Array.from({ length: chance.pick([1, 1, 2, 3]) }, (_, i) => {
    const min = chance.int(1, Math.max(1, Math.floor(nodes / 4)));
    return {
      ...makeComponent(`c${i}`, min, min + chance.int(0, 2)),
      resources: chance.is(0.2) ? [{ group: chance.pick(GROUPS) }] : [],
      static_hosts: chance.is(0.05) ? [{ hostname: 'n0' }] : [],
      ...(chance.is(0.15) ? { requirements: [{ metric: 'load' as const, max: chance.int(0, 4) }] } : {}),
    };
  });
  const component_blocks: ComponentBlockSpec[] = [];
  const earlier: string[] = [];
  for (const component of components) {
    for (let i = chance.int(1, 2); i > 0; i -= 1) {
      const parent = `b${component_blocks.length}`;
      const blocks = Array.from({ length: chance.int(1, 3) }, (_, j) => {
        const block = makeBlock(`${parent}-${j}`, chance.shuffle(earlier).slice(0, chance.delay(3)));
        earlier.push(block.name);
        return { ...block, process: { ...block.process, ...makePolicies(chance) } };
      });
      const before = component_blocks.map((one) => one.name);
      const predecessors = chance.shuffle(before).slice(0, chance.delay(3));
      const cleanup = { command: './tidy', remove: chance.is(0.5) };
      const more = chance.is(0.2) ? { cleanup } : {};
      // A smaller cluster of another configuration on the same nodes; the first has them all.
      const hosts = { hosts: chance.int(1, component.max) };
      const isPart = component_blocks.some((one) => one.component === component.name) && chance.is(0.4);
      const part = isPart ? { cluster: { name: 'part', software: [], ...hosts } } : {};
      component_blocks.push({
        name: parent,
        component: component.name,
        predecessors,
        blocks,
        ...more,
        ...part,
      });
    }
  }
  const inside = chance.is(0.5) ? addWorkflows(chance, component_blocks, () => makePolicies(chance)) : [];
  const barriers = [...inside, ...(chance.is(0.5) ? addBarriers(chance, component_blocks) : [])];
  const policies = makePolicies(chance);
  const service = chance.is(0.3) ? { service: true, reconnect_interval_ms: chance.int(1, 90) * 1000 } : {};
  return {
    name,
    project: name,
    software: [],
    components,
    component_blocks,
    barriers,
    ...policies,
    ...service,
  };
}
