/** What goes wrong, and what people do: machines and links break, commands come at any time, and the daemon is killed. */
import type { NodeSpec } from '../../api/spec.ts';
import { GROUPS } from './applications.ts';
import { meddle } from './barriers.ts';
import { Chance } from './chance.ts';
import type { Clock } from './clock.ts';
import type { Controller } from './controller.ts';
import type { Machine } from './machine.ts';
import type { Scene } from './scene.ts';

export interface TroublesOptions {
  readonly seed: number;
  readonly scene: Scene;
  readonly clock: Clock;
  readonly controller: Controller;
  readonly machines: ReadonlyMap<string, Machine>;
  /** Whether the daemon is killed, and told to quit. */
  readonly isFatal: boolean;
  /** Absent: everything happens when the seed says. */
  readonly timing?: Chance;
  /** What happens is moved by so much at most. */
  readonly shiftMs?: number;
  /** A machine's agent has lost what it knew. */
  readonly forget: (machine: Machine) => void;
}

export class Troubles {
  readonly #specs: readonly NodeSpec[];
  #count = 0;

  constructor(private readonly options: TroublesOptions) {
    this.#specs = options.scene.nodes.map(({ spec }) => spec);
  }

  /** Makes trouble until that time. */
  begin(untilMs: number): void {
    const { scene, timing, clock } = this.options;
    if (scene.trouble > 0) this.#plan(5000, untilMs);
    // To the nodes that is all that there is to see of a daemon that is killed and started again.
    if (timing?.is(0.7)) clock.after(timing.delay(untilMs - clock.nowMs), () => this.#breakLinks());
  }

  #breakLinks(): void {
    const { controller, machines } = this.options;
    for (const hostname of machines.keys()) controller.breakLink(hostname);
  }

  /** Each trouble has its own dice, so that what comes of one changes nothing about the next. */
  #plan(mostMs: number, untilMs: number): void {
    const { seed, clock, timing, shiftMs = 0, scene } = this.options;
    this.#count += 1;
    const chance = Chance.of(seed, `trouble ${this.#count}`);
    const delayMs = chance.delay(mostMs);
    clock.after(delayMs, () => {
      if (clock.nowMs >= untilMs) return;
      const work = () => this.#happen(chance);
      if (timing === undefined) work();
      else clock.after(Math.min(timing.delay(shiftMs), untilMs - clock.nowMs), work);
      this.#plan(2000 / scene.trouble, untilMs);
    });
  }

  #happen(chance: Chance): void {
    const { isFatal, scene } = this.options;
    const kill = isFatal ? this.#kill : this.#operate;
    const troubles = [this.#breakMachine, this.#breakMachine, this.#operate, this.#operate, kill];
    if (scene.hasOutages) troubles.push(this.#cutNetwork);
    chance.pick(troubles).call(this, chance);
  }

  /** All nodes fall silent, and nothing is wrong with them. */
  #cutNetwork(chance: Chance): void {
    const { controller, clock } = this.options;
    controller.isOffline = true;
    clock.after(chance.delay(30_000), () => {
      controller.isOffline = false;
    });
  }

  #breakMachine(chance: Chance): void {
    const { controller, machines, clock, timing, shiftMs = 0, forget } = this.options;
    const machine = chance.pick([...machines.values()]);
    const isLinkOnly = chance.is(0.4);
    // A daemon that is just being started does not notice that a link was broken.
    const isUnnoticed = isLinkOnly && timing?.is(0.1) === true;
    if (!isUnnoticed) controller.breakLink(machine.hostname);
    if (isLinkOnly) return;
    machine.isUp = false;
    machine.downCause = chance.is(0.1) ? 'auth_failed' : 'refused';
    if (chance.is(0.3)) machine.reboot(chance.is(0.3));
    else if (chance.is(0.4)) forget(machine);
    const lasts = chance.delay(30_000);
    const sooner = timing === undefined ? 0 : timing.delay(shiftMs);
    clock.after(Math.max(0, lasts - sooner), () => {
      machine.isUp = true;
    });
  }

  /** Between two decisions, or as soon as the next facts are durable and nothing has come of them yet. */
  #kill(chance: Chance): void {
    const { controller } = this.options;
    if (chance.is(0.5)) controller.restart();
    else controller.dieAfter = controller.durable.length + 1;
  }

  #operate(chance: Chance): void {
    const { controller, clock, scene, isFatal } = this.options;
    const node = chance.pick(this.#specs);
    const { hostname } = node;
    const acts: (() => unknown)[] = [
      () => controller.submit({ type: 'fail_host', hostname }),
      () => meddle(chance, controller, hostname),
      () => meddle(chance, controller, hostname),
      () => controller.submit({ type: 'remove_node', hostname }),
      () => controller.submit({ type: 'add_node', node }),
      () => controller.submit({ type: 'add_node', node: { ...node, group: chance.pick(GROUPS) } }),
      // A daemon that is started again connects to what runs wait for, whoever closed the connection to it.
      () => isFatal && controller.submit({ type: 'disconnect', hostname: chance.is(0.2) ? '' : hostname }),
      () => controller.submit({ type: 'connect', hostname }),
      () => {
        const expires = new Date(clock.nowMs + chance.delay(60_000)).toISOString();
        controller.submit({ type: 'add_node', node: { ...node, lease: { id: 'l', expires } } });
      },
      () => controller.submit({ type: 'load_directory', nodes: chance.shuffle([...this.#specs]).slice(1) }),
      () => controller.submit({ type: 'start_run', app: chance.pick(scene.apps).name }),
      () => controller.submit({ type: 'start_run', app: chance.pick(scene.apps).name, request_id: 'once' }),
      () => controller.submit({ type: 'create_resources' }),
      () => {
        const { name } = chance.pick(scene.apps);
        const runs = [...controller.state.runs.values()].filter((run) => run.app === name);
        const { run_id } = runs[chance.int(0, 1)] ?? {};
        if (run_id !== undefined) controller.submit({ type: 'abort_run', run_id });
      },
      () => {
        if (chance.is(0.1) && isFatal) controller.submit({ type: 'quit' });
      },
    ];
    chance.pick(acts)();
  }
}
