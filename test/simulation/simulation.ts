/** One simulation from one seed: an application, a pool, and what happens to them. */
import { strict as assert } from 'node:assert';
import type { Fact } from '../../api/events.ts';
import { planOf } from '../../src/core/run/plan.ts';
import { policyFor } from '../../src/core/run/policy.ts';
import type { State } from '../../src/core/state.ts';
import type { TaskOrder, TaskReport } from '../../src/core/task.ts';
import { isSteady } from './applications.ts';
import { checkBarriers, checkReleases, releaseAll } from './barriers.ts';
import { Chance } from './chance.ts';
import { checkAnswers, checkEnd, checkProcesses, checkState } from './checks.ts';
import { Clock } from './clock.ts';
import { Controller, type ResourceAnswer } from './controller.ts';
import { Machine } from './machine.ts';
import { checkContact, checkOutages } from './outages.ts';
import { checkPolicies } from './policies.ts';
import { makeScene, type Scene } from './scene.ts';
import { Troubles } from './troubles.ts';
import { checkInside } from './workflow-barriers.ts';
import { checkResults, checkWorkflows } from './workflows.ts';

const START_MS = Date.UTC(2026, 0, 1);
/** Trouble is made for this long; then everything that is broken is mended, and all must come to an end. */
const TROUBLE_MS = 60_000;
const LIMIT_MS = 6 * 3_600_000;
/** Whoever starts applications one after the other looks this often whether the last one is over, and gives up after that time. */
const TURN_MS = 3000;
const TURNS_MS = 3_600_000;

/** A timing moves what happens by at most so much, or two or three times that. */
const SHIFT_MS = 4000;
/** How many times as long as usual messages take, in one timing after the other. */
const LATENCIES = [1, 0.1, 1, 3];

export interface Outcome {
  readonly facts: readonly Fact[];
  /** How many facts there were after each decision. */
  readonly cuts: readonly number[];
  readonly restarts: number;
  readonly runs: Readonly<Record<string, number>>;
  /** How each run ended: "app0#1" → "failed exit_code". */
  readonly ends: ReadonlyMap<string, string>;
  readonly outages: number;
  /** Nothing went wrong but what belongs to the application itself. */
  readonly isCalm: boolean;
}

/** How a simulation differs from that of its seed alone. */
export interface Variation {
  /** Numbers of facts: as soon as so many are durable the daemon is killed, without any effect of the last of them. */
  readonly dieAfter?: readonly number[];
  /** Nothing else kills the daemon, and whatever it forgets by that is asked for again. */
  readonly isCut?: boolean;
  /** Other than 0: the same machines and people, but messages take another time, and all happens a little later or ends a little sooner. */
  readonly timing?: number;
}

/** @throws AssertionError when something does not hold */
export function simulate(seed: number, variation: Variation = {}): Outcome {
  return new Simulation(seed, variation).run();
}

class Simulation {
  readonly #seed: number;
  readonly #scene: Scene;
  /** How long messages take, and what else depends on no machine and no person. */
  readonly #chance: Chance;
  readonly #clock = new Clock(START_MS);
  readonly #machines = new Map<string, Machine>();
  readonly #controller: Controller;
  readonly #troubles: Troubles;
  readonly #names = new Map<string, string>();
  readonly #started = new Set<string>();
  readonly #succeeded = new Set<string>();
  readonly #isCut: boolean;
  readonly #isRetimed: boolean;

  constructor(seed: number, { dieAfter = [], isCut = false, timing = 0 }: Variation) {
    this.#seed = seed;
    this.#isCut = isCut;
    this.#isRetimed = timing !== 0;
    const scene = makeScene(seed);
    this.#scene = scene;
    this.#chance = Chance.of(seed, `timing ${timing}`);
    for (const node of scene.nodes) this.#addMachine(node);
    const checks = Chance.of(seed, 'checks');
    const { latencyMs, doubling, rules } = scene;
    // What is before a cut has been looked at without it.
    const isQuiet = this.#isRetimed || (isCut && dieAfter.length > 0);
    this.#controller = new Controller({
      ...{ clock: this.#clock, chance: this.#chance, machines: this.#machines, doubling },
      latencyMs: latencyMs * (LATENCIES[timing % LATENCIES.length] ?? 1),
      rules,
      installFailure: (machine, run_id) => this.#installFailure(machine, run_id),
      answer: ({ component, index }) => this.#answer(Chance.of(seed, `answer ${component} ${index}`)),
      isRepeated: isCut,
      dieAfter,
      check: (state) => {
        if (!isQuiet || this.#controller.restarts > 0) this.#check(state, checks);
      },
    });
    this.#troubles = new Troubles({
      ...{ seed, scene, clock: this.#clock, controller: this.#controller, machines: this.#machines },
      isFatal: !isCut,
      forget: (machine) => this.#forget(machine),
      ...(timing === 0 ? {} : { timing: this.#chance, shiftMs: SHIFT_MS * (1 + (timing % 3)) }),
    });
  }

  run(): Outcome {
    const controller = this.#controller;
    const { apps, isInTurn, nodes } = this.#scene;
    controller.start();
    controller.submit({ type: 'load_directory', nodes: nodes.map(({ spec }) => spec) });
    for (const app of apps) {
      controller.submit({ type: 'load_app', app, file: 'app.xml' });
      if (!isInTurn) controller.submit({ type: 'start_run', app: app.name });
    }
    if (isInTurn) this.#startNext();
    this.#troubles.begin(START_MS + TROUBLE_MS);
    while (this.#clock.step(START_MS + TROUBLE_MS));
    this.#mend();
    while (this.#clock.step(START_MS + LIMIT_MS));
    this.#checkEnd();
    const { durable: facts, cuts, restarts, state } = controller;
    const runs: Record<string, number> = {};
    const ends = new Map<string, string>();
    for (const run of state.runs.values()) {
      runs[run.state] = (runs[run.state] ?? 0) + 1;
      ends.set(this.#nameOf(run.run_id), `${run.state} ${run.ending?.cause}`);
    }
    const outages = checkOutages(facts);
    return { facts, cuts, restarts, runs, ends, outages, isCalm: this.#isCalm() };
  }

  #addMachine({ spec: { hostname }, host, slowness, lying }: Scene['nodes'][number]): void {
    const options = {
      ...{ clock: this.#clock, taskFailure: this.#scene.taskFailure, host, slowness, lying },
      started: this.#started,
      chanceOf: (task_id: string) => {
        const [run_id = '', ...task] = task_id.split('/');
        return Chance.of(this.#seed, `${this.#nameOf(run_id)} ${task.join(' ')}`);
      },
      onEnd: (order: TaskOrder, end: Partial<TaskReport>) => this.#ended(order, end),
      checkOrder: (order: TaskOrder) => this.#checkOrder(order),
    };
    const machine = new Machine(hostname, options, (task) =>
      this.#controller.report(hostname, { type: 'task_report', hostname, task }),
    );
    // What it says depends on how often it is asked, and who was killed asks more often.
    machine.isHonest = this.#isCut;
    this.#machines.set(hostname, machine);
  }

  #installFailure(machine: Machine, run_id: string): string | undefined {
    // Asked again, it fails or succeeds as before.
    const name = `install ${machine.hostname} ${this.#nameOf(run_id)} ${machine.generation(run_id)}`;
    const chance = Chance.of(this.#seed, name);
    if (!chance.is(this.#scene.installFailure)) return undefined;
    return chance.pick(['disk_full', 'download_stalled', 'download_refused', 'download_failed', 'exit_code']);
  }

  /** What a resource service says: SWORD judges some of the nodes. */
  #answer(chance: Chance): ResourceAnswer {
    if (chance.is(0.3)) return { ok: false, message: 'It has none' };
    const names = chance.shuffle([...this.#machines.keys()]).slice(1);
    const judged = names.map((hostname) => ({ hostname, penalty: chance.int(0, 5) }));
    return { ok: true, message: 'It is done', ...(chance.is(0.7) ? { judged } : {}) };
  }

  /** Which application it is of, and the how many-th run of that: a run's id is chosen by chance. */
  #nameOf(run_id: string): string {
    const known = this.#names.get(run_id);
    if (known !== undefined) return known;
    const { runs } = this.#controller.state;
    const app = runs.get(run_id)?.app;
    let place = 0;
    for (const run of runs.values()) {
      if (run.app === app) place += 1;
      if (run.run_id === run_id) break;
    }
    const name = `${app}#${place}`;
    this.#names.set(run_id, name);
    return name;
  }

  /** Somebody starts each application once the one before is over. */
  #startNext(): void {
    const { runs, active } = this.#controller.state;
    const begun = new Set([...runs.values()].map((run) => run.app));
    const next = this.#scene.apps.find(({ name }) => !begun.has(name));
    if (next === undefined || this.#clock.nowMs > START_MS + TURNS_MS) return;
    if (active.size === 0) this.#controller.submit({ type: 'start_run', app: next.name });
    this.#clock.after(TURN_MS, () => this.#startNext());
  }

  #check(state: State, chance: Chance): void {
    checkState(state);
    if (chance.is(0.3)) checkContact(state);
    if (chance.is(0.2)) checkBarriers(state);
    if (chance.is(0.3)) checkWorkflows(state);
    checkProcesses(state, this.#machines.values());
    if (chance.is(0.01)) checkAnswers(state);
  }

  #checkEnd(): void {
    const controller = this.#controller;
    checkReleases(controller);
    checkInside(controller);
    checkPolicies(controller);
    checkResults(controller, this.#succeeded);
    checkEnd(controller, this.#machines.values(), this.#succeeded, this.#seed % 5 === 0);
    if (this.#seed % 3 === 0) checkAnswers(controller.state);
    if (this.#isCalm()) this.#checkSuccess();
  }

  #isCalm(): boolean {
    return this.#scene.trouble === 0 && this.#scene.apps.every(isSteady);
  }

  /** Where nothing went wrong, only a lack of nodes may have; and no node is given up, or left as it is. */
  #checkSuccess(): void {
    for (const { type, body } of this.#controller.durable) {
      const isGivenUp = type === 'node_failed' || (type === 'member_cleaned' && body.owed);
      assert(!isGivenUp, `${type} ${JSON.stringify(body)}`);
    }
    for (const run of this.#controller.state.runs.values()) {
      assert(
        run.state === 'succeeded' || run.restarts !== undefined || run.ending?.cause === 'not_enough_nodes',
        `${run.run_id} ${run.state}: ${run.ending?.message}`,
      );
    }
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
    // A service does not remember all who were through with a block.
    const gates = run.service !== undefined && run.service.forgotten > 0 ? [] : planned.gates;
    for (const gate of gates) {
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

  /** Whoever is to release barriers by hand does so, again and again. */
  #releaseByHand(): void {
    releaseAll(this.#controller);
    const isGoingOn = this.#controller.state.active.size > 0 || this.#clock.nowMs < START_MS + TURNS_MS;
    if (isGoingOn) this.#clock.after(30_000, () => this.#releaseByHand());
  }

  #mend(): void {
    const controller = this.#controller;
    this.#releaseByHand();
    controller.isOffline = false;
    for (const machine of this.#machines.values()) {
      machine.isUp = true;
      machine.isHonest = true;
    }
    if (controller.hasQuit || (!this.#isCut && this.#chance.is(0.3))) controller.restart();
    // What the daemon does not try again of its own accord.
    for (const { held, trouble, spec } of controller.state.nodes.values()) {
      if (held || trouble?.cause === 'auth_failed')
        controller.submit({ type: 'connect', hostname: spec.hostname });
    }
  }
}
