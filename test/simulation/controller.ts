/**
 * The core with drivers that only pretend: effects take their time, reports are lost, doubled and late, and the daemon may be
 * killed between any two decisions, with those not yet durable forgotten.
 */
import { strict as assert } from 'node:assert';
import type { Fact } from '../../api/events.ts';
import type { NodeSpec } from '../../api/spec.ts';
import { type Answer, decide } from '../../src/core/decide.ts';
import type { Effect, EffectOf } from '../../src/core/effect.ts';
import { resume } from '../../src/core/effects.ts';
import { evolve } from '../../src/core/evolve.ts';
import type { Input, InputOf } from '../../src/core/input.ts';
import type { NodeRules } from '../../src/core/pool/rules.ts';
import { Rejection } from '../../src/core/rejection.ts';
import { decodeState, encodeState } from '../../src/core/snapshot.ts';
import { emptyState, type State } from '../../src/core/state.ts';
import type { Chance } from './chance.ts';
import type { Clock } from './clock.ts';
import type { Machine } from './machine.ts';
import { checkTimers, type Due, keyOf } from './timers.ts';

/** Attempts to have an agent leave. */
const DISMISSALS = 5;

export interface ControllerOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly machines: ReadonlyMap<string, Machine>;
  /** Longest time a message takes, in ms. */
  readonly latencyMs: number;
  /** Probability that a report comes twice, or an effect is carried out twice. */
  readonly doubling: number;
  /** How nodes are judged. */
  readonly rules: NodeRules;
  /** Why an install fails this time, if it does. */
  readonly installFailure: (machine: Machine, run_id: string) => string | undefined;
  /** What a resource service answers to a request. */
  readonly answer: (request: EffectOf<'request_resources'>) => ResourceAnswer;
  /** Whoever gave a command that the daemon forgot when it died gives it again. */
  readonly isRepeated: boolean;
  /** As `dieAfter` of the controller, one after the other. */
  readonly dieAfter: readonly number[];
  /** Called after each decision that changed something. */
  readonly check: (state: State) => void;
}

export type ResourceAnswer = Pick<InputOf<'resources_answered'>, 'ok' | 'message' | 'judged'>;

/** What a person or a program asks for, and is not sure of before it is answered. */
const COMMANDS: ReadonlySet<Input['type']> = new Set([
  'load_directory',
  'add_node',
  'remove_node',
  'fail_host',
  'connect',
  'disconnect',
  'load_app',
  'create_resources',
  'start_run',
  'abort_run',
  'enter_barrier',
  'leave_barrier',
  'release_barrier',
  'quit',
]);

/** A decision that is not yet durable. */
interface Waiting {
  readonly input?: Input;
  readonly facts: readonly Fact[];
  readonly effects: readonly Effect[];
}

interface Link {
  /** When the last request arrives: requests on one link do not overtake each other. */
  busyUntilMs: number;
  /** Nothing gets through any more, but the driver has not noticed yet. */
  isBroken: boolean;
}

export class Controller {
  state: State = emptyState();
  readonly durable: Fact[] = [];
  /** How many facts were durable after each decision: between those of one nothing can come. */
  readonly cuts: number[] = [];
  /** The daemon is killed once so many facts are durable, before any effect of the last of them. */
  dieAfter: number;
  hasQuit = false;
  #isOffline = false;
  restarts = 0;
  readonly #deaths: number[];
  #waiting: Waiting[] = [];
  /** Grows with each life of the daemon; whatever belongs to an earlier one is dropped. */
  #life = 0;
  readonly #links = new Map<string, Link>();
  readonly #attempts = new Set<string>();
  readonly #timers = new Map<string, Due>();

  constructor(private readonly options: ControllerOptions) {
    this.#deaths = [...options.dieAfter];
    this.dieAfter = this.#nextDeath();
  }

  #nextDeath(): number {
    return this.#deaths.shift() ?? Number.POSITIVE_INFINITY;
  }

  /** Answers what it does again of what was under way. */
  start(): readonly Effect[] {
    this.submit({ type: 'start_controller', controller: 'c', version: '1' });
    const effects = resume(this.state, this.options.clock.nowMs);
    this.#waiting.push({ facts: [], effects });
    return effects;
  }

  /** SIGKILL, and a new daemon on the same journal. */
  restart(): void {
    const forgotten = this.#waiting;
    const asked = [...this.#timers.values()];
    this.restarts += 1;
    this.#life += 1;
    this.hasQuit = false;
    this.#waiting = [];
    this.#links.clear();
    this.#attempts.clear();
    this.#timers.clear();
    const folded = emptyState();
    for (const fact of this.durable) evolve(folded, fact);
    this.state = this.options.chance.is(0.05) ? decodeState(encodeState(folded)) : folded;
    const effects = this.start();
    const { clock, rules } = this.options;
    checkTimers(this.state, asked, effects, { nowMs: clock.nowMs, hosts: this.#hosts, rules });
    if (!this.options.isRepeated) return;
    for (const { input } of forgotten)
      if (input !== undefined && COMMANDS.has(input.type)) this.submit(input);
  }

  /** @throws whatever the core throws, but for a Rejection */
  submit(input: Input): Answer {
    const { clock, chance, check, rules } = this.options;
    try {
      const moment = { nowMs: clock.nowMs, seed: chance.int(0, 2 ** 32 - 1), hosts: this.#hosts, rules };
      const { facts, effects, answer } = decide(this.state, input, moment);
      this.#waiting.push({ input, facts, effects });
      if (this.#waiting.length === 1) this.#later(chance.delay(5), () => this.#commit());
      if (facts.length > 0) check(this.state);
      return answer;
    } catch (error) {
      if (error instanceof Rejection) return undefined;
      throw error;
    }
  }

  /** The newest sample of a node, where the link is there that it came over. */
  readonly #hosts = (hostname: string) =>
    this.#links.has(hostname) ? this.options.machines.get(hostname)?.host : undefined;

  /** The link breaks, and the driver notices some time later. */
  breakLink(hostname: string): void {
    const link = this.#links.get(hostname);
    if (link === undefined || link.isBroken) return;
    link.isBroken = true;
    this.#later(this.options.chance.delay(3000), () => {
      if (this.#links.get(hostname) !== link) return;
      this.#links.delete(hostname);
      this.submit(down(hostname, 'watch', 'link_lost'));
    });
  }

  /** The controller's own network ends, or is there again. */
  set isOffline(isOffline: boolean) {
    this.#isOffline = isOffline;
    if (isOffline) for (const hostname of [...this.#links.keys()]) this.breakLink(hostname);
  }

  /** An unasked report from a node. */
  report(hostname: string, input: Input): void {
    const link = this.#links.get(hostname);
    if (link !== undefined) this.#deliver(hostname, link, input);
  }

  #commit(): void {
    const batch = this.#waiting;
    for (let done = 0; done < batch.length; done += 1) {
      const facts = batch[done]?.facts ?? [];
      if (facts.length === 0) continue;
      this.durable.push(...facts);
      this.cuts.push(this.durable.length);
      if (this.durable.length < this.dieAfter) continue;
      this.dieAfter = this.#nextDeath();
      this.#waiting = batch.slice(done + 1);
      this.restart();
      return;
    }
    this.#waiting = [];
    for (const { effects } of batch) {
      // Every effect may be carried out twice with the result of once.
      for (const effect of effects) {
        this.#carryOut(effect);
        if (this.options.chance.is(this.options.doubling)) this.#carryOut(effect);
      }
    }
  }

  #later(delayMs: number, work: () => void): void {
    const life = this.#life;
    this.options.clock.after(delayMs, () => {
      if (this.#life === life) work();
    });
  }

  #deliver(hostname: string, link: Link, input: Input): void {
    const { chance, doubling, latencyMs } = this.options;
    for (let copies = chance.is(doubling) ? 2 : 1; copies > 0; copies -= 1) {
      this.#later(chance.delay(latencyMs), () => {
        if (this.#links.get(hostname) === link && !link.isBroken) this.submit(input);
      });
    }
  }

  /** Has a request arrive at the node, after the earlier ones on its link. */
  #request(hostname: string, work: (machine: Machine, link: Link) => void): void {
    const link = this.#links.get(hostname);
    const machine = this.options.machines.get(hostname);
    if (link === undefined || machine === undefined) return;
    const { clock, chance, latencyMs } = this.options;
    link.busyUntilMs = Math.max(link.busyUntilMs, clock.nowMs + chance.delay(latencyMs));
    this.#later(link.busyUntilMs - clock.nowMs, () => {
      if (this.#links.get(hostname) === link && !link.isBroken) work(machine, link);
    });
  }

  readonly #dismissals = new Map<string, object>();

  readonly #carriers: { readonly [T in Effect['type']]: (effect: EffectOf<T>) => void } = {
    connect: ({ node }) => this.#connect(node),
    disconnect: ({ hostname }) => {
      this.#links.delete(hostname);
    },
    dismiss: ({ node }) => this.#dismiss(node),
    install: ({ hostname, run_id, generation }) =>
      this.#request(hostname, (machine, link) => {
        machine.join(run_id, generation ?? 1);
        this.#later(this.options.chance.delay(5000), () => this.#install(machine, link, run_id, generation));
      }),
    start_task: ({ hostname, order, reinstall }) =>
      this.#request(hostname, (machine, link) => {
        const task = machine.start(order, reinstall !== undefined);
        this.#deliver(hostname, link, { type: 'task_report', hostname, task });
      }),
    stop_task: ({ hostname, run_id, task_id }) =>
      this.#request(hostname, (machine, link) => {
        const task = machine.stop(run_id, task_id);
        this.#deliver(hostname, link, { type: 'task_report', hostname, task });
      }),
    collect_task: ({ hostname, run_id, task_id }) =>
      this.#request(hostname, (machine, link) => {
        machine.collect(task_id);
        this.#deliver(hostname, link, { type: 'task_collected', hostname, run_id, task_id });
      }),
    clean: ({ hostname, run_id, generation }) =>
      this.#request(hostname, (machine, link) => {
        machine.clean(run_id, generation);
        const upTo = generation === undefined ? {} : { generation };
        this.#deliver(hostname, link, { type: 'cleaned', hostname, run_id, ...upTo });
      }),
    tell_barrier: () => undefined,
    stream_output: () => undefined,
    collect: () => undefined,
    release: () => undefined,
    timer: ({ timer, delayMs }) => {
      const key = keyOf(timer);
      const due = { timer, atMs: this.options.clock.nowMs + delayMs };
      this.#timers.set(key, due);
      this.#later(delayMs, () => {
        if (this.#timers.get(key) !== due) return;
        this.#timers.delete(key);
        this.submit({ type: 'timer', timer });
      });
    },
    request_resources: (request) => {
      const { operation_id, component, index } = request;
      this.#later(this.options.chance.delay(20_000), () =>
        this.submit({
          ...{ type: 'resources_answered', operation_id, component, request: index },
          ...this.options.answer(request),
        }),
      );
    },
    quit: () => {
      assert.equal(this.state.active.size, 0, 'the daemon ends while a run is under way');
      this.hasQuit = true;
    },
  };

  #carryOut(effect: Effect): void {
    (this.#carriers[effect.type] as (effect: Effect) => void)(effect);
  }

  #connect({ hostname }: NodeSpec): void {
    if (this.#attempts.has(hostname)) return;
    this.#attempts.add(hostname);
    const { clock, chance, machines } = this.options;
    this.#later(chance.delay(3000), () => {
      this.#attempts.delete(hostname);
      const machine = machines.get(hostname);
      if (this.#isOffline || machine?.isUp !== true) {
        this.#links.delete(hostname);
        const gone = machine?.downCause ?? 'refused';
        this.submit(down(hostname, 'bootstrap', this.#isOffline ? 'unreachable' : gone));
        return;
      }
      if (this.#links.get(hostname)?.isBroken !== false)
        this.#links.set(hostname, { busyUntilMs: clock.nowMs, isBroken: false });
      this.submit({ type: 'node_up', hostname, agent: machine.hello() });
    });
  }

  /** As the driver does it: the newest order counts, and a machine that is down is asked again, a bounded number of times. */
  #dismiss({ hostname }: NodeSpec): void {
    const mark = {};
    this.#dismissals.set(hostname, mark);
    const attempt = (left: number) => {
      this.#later(this.options.chance.delay(5000), () => {
        if (this.#dismissals.get(hostname) !== mark) return;
        const machine = this.options.machines.get(hostname);
        if (machine !== undefined && !machine.isUp && left > 0) {
          attempt(left - 1);
          return;
        }
        if (machine?.isUp) machine.wipe();
        else if (machine !== undefined) machine.isOrphan = true;
        this.#dismissals.delete(hostname);
        this.#links.delete(hostname);
        this.submit({ type: 'left', hostname });
      });
    };
    attempt(DISMISSALS);
  }

  #install(machine: Machine, link: Link, run_id: string, generation: number | undefined): void {
    const { hostname } = machine;
    if (!machine.isUp || !machine.folders.has(run_id) || machine.generation(run_id) !== (generation ?? 1))
      return;
    const again = generation === undefined ? {} : { generation };
    const cause = machine.installed.has(run_id) ? undefined : this.options.installFailure(machine, run_id);
    if (cause === undefined) machine.installed.add(run_id);
    this.#deliver(
      hostname,
      link,
      cause === undefined
        ? { type: 'installed', hostname, run_id, bytes: 1, ...again }
        : {
            type: 'install_failed',
            hostname,
            run_id,
            ...again,
            failure: { phase: 'install', cause, message: `It failed: ${cause}`, attempt: 1 },
          },
    );
  }
}

function down(hostname: string, phase: 'bootstrap' | 'watch', cause: string): Input {
  return {
    type: 'node_down',
    hostname,
    failure: { phase, cause, message: `${cause} at ${hostname}`, attempt: 1 },
  };
}
