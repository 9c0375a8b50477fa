/**
 * The engine alone at size: matching 1,000 of 100,000 nodes, and decide and evolve for whole runs on 1,000 and 10,000 simulated
 * nodes, from the match until all are clean. No network, no journal; what the drivers would report is given to it as it would
 * come, one input a report. Times are processor time. There is no peer.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AppSpec, ComponentSpec } from '../api/spec.ts';
import { decide } from '../src/core/decide.ts';
import type { Effect, EffectOf } from '../src/core/effect.ts';
import type { Input } from '../src/core/input.ts';
import { match } from '../src/core/pool/match.ts';
import { randomFrom } from '../src/core/random.ts';
import { newRun } from '../src/core/run/evolve.ts';
import { emptyState, type State } from '../src/core/state.ts';
import { median, printFigures } from './support/figures.ts';

const ROUNDS = 5;
/** Matches of a round, of which the median counts. */
const MATCHES = 5;
const POOL = 100_000;
const WANTED = 1_000;
const SMALL = 1_000;
const LARGE = 10_000;
const MIB = 1 << 20;
const START_MS = Date.UTC(2026, 0, 1);

interface Costs {
  readonly ms: number;
  /** Heap that the state holds while all nodes work. */
  readonly bytes: number;
  readonly facts: number;
}

function component(nodes: number): ComponentSpec {
  const rest = { static_hosts: [], preferred_hosts: [], software: [], requests: [] };
  return { name: 'all', min: nodes, max: nodes, resources: [{ group: 'lab' }], ...rest };
}

/** Two blocks one after the other on each node. */
function application(nodes: number): AppSpec {
  const process = { name: 'p', path: './p', args: ['--here'], env: { A: 'b' } };
  return {
    name: 'scale',
    project: 'scale',
    software: [],
    components: [component(nodes)],
    component_blocks: [
      {
        name: 'on-all',
        component: 'all',
        predecessors: [],
        blocks: [
          { kind: 'process', name: 'first', predecessors: [], process },
          { kind: 'process', name: 'second', predecessors: ['first'], process },
        ],
      },
    ],
  };
}

class Engine {
  readonly state: State = emptyState();
  facts = 0;
  #nowMs = START_MS;

  submit(input: Input): readonly Effect[] {
    this.#nowMs += 1;
    const { facts, effects } = decide(this.state, input, { nowMs: this.#nowMs, seed: this.#nowMs });
    this.facts += facts.length;
    return effects;
  }

  addNodes(count: number): void {
    const nodes = Array.from({ length: count }, (_, i) => ({
      hostname: `node-${i}.example.org`,
      type: 'ssh' as const,
      group: i % 4 === 0 ? 'other' : 'lab',
      preference: i % 7,
    }));
    this.submit({ type: 'load_directory', nodes });
  }
}

function matchOnce(state: State, seed: number): number {
  const spec = component(WANTED);
  const run = newRun('', 'scale', { ...application(WANTED), components: [spec] }, '');
  const places = Array.from({ length: WANTED }, (_, index) => ({ index }));
  const beganMs = processorMs();
  const { members } = match(state, run, spec, places, randomFrom(seed));
  const tookMs = processorMs() - beganMs;
  if (members.length !== WANTED) throw new Error(`${members.length} nodes were chosen`);
  return tookMs;
}

/** Everything that happens to a run in which nothing goes wrong. */
function wholeRun(nodes: number): Costs {
  const engine = new Engine();
  engine.addNodes(Math.ceil((nodes * 4) / 3) + 3);
  engine.submit({ type: 'load_app', app: application(nodes), file: 'scale.xml' });
  const before = heap();
  let spentMs = 0;
  const timed = (inputs: readonly Input[]): Effect[] => {
    const beganMs = processorMs();
    const effects = inputs.flatMap((input) => [...engine.submit(input)]);
    spentMs += processorMs() - beganMs;
    return effects;
  };
  const connects = of(timed([{ type: 'start_run' }]), 'connect');
  const installs = of(timed(connects.map(({ node }) => up(node.hostname))), 'install');
  let starts = of(
    timed(installs.map(({ hostname, run_id }) => ({ type: 'installed', hostname, run_id, bytes: 0 }))),
    'start_task',
  );
  timed(starts.map((start) => report(start, 'running')));
  const bytes = heap() - before;
  let cleans: EffectOf<'clean'>[] = [];
  while (starts.length > 0) {
    const effects = timed(starts.map((start) => report(start, 'exited')));
    starts = of(effects, 'start_task');
    cleans = of(effects, 'clean');
  }
  timed(cleans.map(({ hostname, run_id }) => ({ type: 'cleaned', hostname, run_id })));
  const [run] = engine.state.runs.values();
  if (run?.state !== 'succeeded') throw new Error(`The run is ${run?.state}`);
  return { ms: spentMs, bytes, facts: engine.facts };
}

function of<T extends Effect['type']>(effects: readonly Effect[], type: T): EffectOf<T>[] {
  return effects.filter((effect): effect is EffectOf<T> => effect.type === type);
}

function up(hostname: string): Input {
  const who = {
    bundle: 'b',
    instance: `i-${hostname}`,
    boot_id: 'b',
    node_version: 'v20',
    platform: 'linux',
  };
  const host = { load1: 0, cpus: 4, memory_free_bytes: 2 * MIB, memory_total_bytes: 4 * MIB };
  const agent = {
    protocol: 1,
    pid: 1,
    ...who,
    installed: [],
    tasks: [],
    host: { ...host, disk_free_bytes: 1 },
  };
  return { type: 'node_up', hostname, agent };
}

function report({ hostname, order }: EffectOf<'start_task'>, state: 'running' | 'exited'): Input {
  const { task_id, run_id } = order;
  const end = state === 'exited' ? { exit_code: 0 } : {};
  return { type: 'task_report', hostname, task: { task_id, run_id, state, pid: 1, ...end } };
}

/** Processor time: nothing waits here, and what else the machine does is not ours to measure. Garbage collection is in it. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

function main(): void {
  const pool = new Engine();
  pool.addNodes(POOL);
  const matching: number[] = [];
  let firstMs: number | undefined;
  const small: Costs[] = [];
  const large: Costs[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const matches = Array.from({ length: MATCHES }, (_, i) => matchOnce(pool.state, round * MATCHES + i));
    firstMs ??= matches[0];
    matching.push(median(matches));
    small.push(wholeRun(SMALL));
    large.push(wholeRun(LARGE));
    const [matched, few, many] = [matching.at(-1), small.at(-1)?.ms, large.at(-1)?.ms].map((ms = 0) =>
      ms.toFixed(1),
    );
    process.stderr.write(
      `round ${round + 1}  match ${matched} ms, ${SMALL} nodes ${few} ms, ${LARGE} nodes ${many} ms\n`,
    );
  }
  const smallNode = (median(small.map(({ ms }) => ms)) / SMALL) * 1000;
  const largeNode = (median(large.map(({ ms }) => ms)) / LARGE) * 1000;
  const common = { bench: 'scale', peer: null, target: null };
  printFigures([
    { ...common, figure: 'match_1000_of_100000', value: median(matching), unit: 'ms', target: '<= 20' },
    { ...common, figure: 'match_1000_of_100000_first', value: firstMs ?? 0, unit: 'ms' },
    { ...common, figure: 'run_10000', value: median(large.map(({ ms }) => ms)), unit: 'ms' },
    { ...common, figure: 'run_1000_each_node', value: smallNode, unit: 'us' },
    { ...common, figure: 'run_10000_each_node', value: largeNode, unit: 'us' },
    { ...common, figure: 'growth_each_node', value: largeNode / smallNode, unit: 'x', target: '<= 1.2' },
    { ...common, figure: 'facts_10000', value: large[0]?.facts ?? 0, unit: 'facts' },
    {
      ...common,
      figure: 'memory_10000_each_node',
      value: median(large.map(({ bytes }) => bytes)) / LARGE,
      unit: 'bytes',
    },
  ]);
}

main();
