/** What a line of a scenario does. */
import { missedCauses } from '../../api/output-events.ts';
import type { Input } from '../../src/core/input.ts';
import { shortfallSentence } from '../../src/core/pool/shortfall.ts';
import { barrierNamed } from '../../src/core/run/barrier-calls.ts';
import { barrierDetail } from '../../src/core/views/barriers.ts';
import { explain } from '../../src/core/views/explain.ts';
import { nodeInfo } from '../../src/core/views/nodes.ts';
import { planApp, plannedApp } from '../../src/core/views/plan.ts';
import { runDetail } from '../../src/core/views/runs.ts';
import { readApplication, readWords } from './application.ts';
import { readSlice, slicesOf } from './slices.ts';
import {
  actor,
  failureOf,
  generationOn,
  hostOf,
  nodeSpec,
  readReports,
  report,
  rulesFrom,
  runFor,
  sampleOf,
  taskOf,
  taskOn,
} from './words.ts';
import type { World } from './world.ts';

interface Line {
  readonly words: readonly string[];
  readonly settings: ReadonlyMap<string, string>;
  /** Further, indented lines. */
  readonly more: readonly string[];
}

type Command = (world: World, line: Line) => string[];

/** A command that is one input for each of its words, in order. */
const forEach =
  (input: (word: string, world: World, line: Line) => Input): Command =>
  (world, line) =>
    line.words.flatMap((word) => world.submit(input(word, world, line)));

const single =
  (input: (world: World, line: Line) => Input): Command =>
  (world, line) =>
    world.submit(input(world, line));

function barrierAt(
  world: World,
  barrier: string,
  hostname: string,
  settings: ReadonlyMap<string, string>,
): { run_id: string; barrier: string; hostname: string; block?: string; label?: string; fence?: number } {
  const label = settings.get('label');
  const block = settings.get('own');
  const fence = settings.get('fence');
  return {
    run_id: runFor(world, hostname, settings.get('run')),
    barrier,
    hostname,
    ...(block === undefined ? {} : { block }),
    ...(label === undefined ? {} : { label }),
    ...(fence === undefined ? {} : { fence: Number(fence) }),
  };
}

const commands: Readonly<Record<string, Command>> = {
  start: single(() => ({ type: 'start_controller', controller: 'here', version: '1' })),
  restart: (world) => world.restart(),
  wait: (world, { words }) => {
    world.wait(Number(words[0]) * 1000);
    return [];
  },
  app: single((_world, { words, more }) => ({
    type: 'load_app',
    app: readApplication(words[0] ?? '', more),
    file: 'app.xml',
  })),
  directory: single((_world, { words, settings }) => ({
    type: 'load_directory',
    nodes: words.map((hostname) => nodeSpec(hostname, settings)),
    ...slicesOf(settings),
  })),
  planetlab: single((_world, { words }) => ({
    type: 'planetlab_answered',
    slices: words.map(readSlice),
  })),
  add: forEach((hostname, _world, { settings }) => ({
    type: 'add_node',
    node: nodeSpec(hostname, settings),
    ...actor(settings),
  })),
  remove: forEach((hostname, _world, { settings }) => ({
    type: 'remove_node',
    hostname,
    ...actor(settings),
  })),
  shell: single((_world, { words, settings }) => ({
    type: 'start_shell',
    hostnames: words,
    request: { request_id: settings.get('request_id') ?? '', digest: settings.get('digest') ?? '' },
  })),
  fail: forEach((hostname) => ({ type: 'fail_host', hostname })),
  connect: forEach((hostname) => ({ type: 'connect', hostname })),
  disconnect: forEach((hostname) => ({ type: 'disconnect', hostname: hostname === 'all' ? '' : hostname })),
  run: single((_world, { words: [app], settings }) => {
    const request_id = settings.get('request_id');
    return {
      type: 'start_run',
      ...(app === undefined ? {} : { app }),
      ...(request_id === undefined ? {} : { request_id }),
    };
  }),
  abort: forEach((name, world) => ({ type: 'abort_run', run_id: world.runId(name) })),
  quit: single(() => ({ type: 'quit' })),
  up: forEach((hostname, world, { settings }) => ({
    type: 'node_up',
    hostname,
    agent: {
      protocol: 1,
      bundle: 'b',
      instance: `agent-${hostname}`,
      pid: 1,
      boot_id: 'boot',
      node_version: 'v20',
      platform: 'linux-x64',
      ...hostOf(world, hostname),
      installed: (settings.get('installed')?.split(',') ?? []).map((name) => world.runId(name)),
      tasks: readReports(world, hostname, settings.get('tasks')),
    },
  })),
  down: single((world, { words: [hostname = '', cause = 'closed'] }) => {
    const phase = world.state.nodes.get(hostname)?.link === 'connected' ? 'watch' : 'bootstrap';
    return { type: 'node_down', hostname, failure: failureOf(hostname, cause, phase) };
  }),
  installed: forEach((hostname, world, { settings }) => ({
    type: 'installed',
    hostname,
    run_id: runFor(world, hostname, settings.get('run')),
    bytes: 0,
    ...generationOn(world, hostname),
  })),
  install_failed: single((world, { words: [hostname = '', cause = 'failed'] }) => ({
    type: 'install_failed',
    hostname,
    run_id: runFor(world, hostname, undefined),
    failure: failureOf(hostname, cause, 'install'),
    ...generationOn(world, hostname),
  })),
  /** task work exit=0 on n1 n2 */
  task: (world, { words, settings }) => {
    const on = words.indexOf('on');
    const [block = '', word = ''] = words;
    const setting = [...settings].map(([key, value]) => `${key}=${value}`)[0];
    return words.slice(on + 1).flatMap((hostname) =>
      world.submit({
        type: 'task_report',
        hostname,
        task: report(world, hostname, block, setting ?? word),
      }),
    );
  },
  /** What the node still has of tasks of workflows is brought back. */
  collected: (world, { words }) =>
    words.flatMap((hostname) => {
      const run = world.state.runs.get(runFor(world, hostname, undefined));
      const ids = [...(run?.members.get(hostname)?.uncollected?.keys() ?? [])];
      return ids.flatMap((task_id) =>
        world.submit({ type: 'task_collected', hostname, run_id: run?.run_id ?? '', task_id }),
      );
    }),
  /** outputs n1 output_missing=a,b output_unsafe=c back=d */
  outputs: forEach((hostname, world, { settings }) => ({
    type: 'outputs_collected',
    hostname,
    run_id: runFor(world, hostname, settings.get('run')),
    missed: missedCauses.flatMap((cause) =>
      (settings.get(cause)?.split(',') ?? []).map((path) => ({ path, cause })),
    ),
    returned: settings.get('back')?.split(',') ?? [],
  })),
  /** untidy n1 n2 code=3 */
  untidy: forEach((hostname, world, { settings }) => ({
    type: 'cleanup_failed',
    hostname,
    run_id: runFor(world, hostname, settings.get('run')),
    trouble: `the command exited with code ${settings.get('code') ?? '1'}`,
  })),
  cleaned: forEach((hostname, world, { settings }) => ({
    type: 'cleaned',
    hostname,
    run_id: runFor(world, hostname, settings.get('run')),
  })),
  /** enter meet n1 n2 label=a own=block */
  enter: (world, { words: [barrier = '', ...hostnames], settings }) =>
    hostnames.flatMap((hostname) =>
      world.submit({ type: 'enter_barrier', ...barrierAt(world, barrier, hostname, settings) }),
    ),
  leave: (world, { words: [barrier = '', ...hostnames], settings }) =>
    hostnames.flatMap((hostname) =>
      world.submit({ type: 'leave_barrier', ...barrierAt(world, barrier, hostname, settings) }),
    ),
  /** measured app#1 20:1e7 26:1.2e7 (number inside, and bytes a second) */
  measured: single((world, { words: [run = '', ...measures] }) => ({
    type: 'transfers_measured',
    run_id: world.runId(run),
    measures: measures.map((measure) => {
      const [inside, rate] = measure.split(':');
      return { inside: Number(inside), bytes_per_second: Number(rate) };
    }),
    progress: 0.1,
    unevenness: 0,
  })),
  /** release app#1 meet n1 n2 */
  release: single((world, { words: [run = '', barrier = '', ...hostnames] }) => ({
    type: 'release_barrier',
    run_id: world.runId(run),
    barrier,
    ...(hostnames.length === 0 ? {} : { hostnames }),
  })),
  /** ask enter meet work on n1 n2: the task of block work asks through its agent */
  ask: (world, { words, settings }) => {
    const [op = '', barrier = '', block = '', , ...hostnames] = words;
    const label = settings.get('label');
    return hostnames.flatMap((hostname) =>
      world.submit({
        type: 'barrier_ask',
        hostname,
        ask: {
          id: 1,
          op: op as 'enter',
          task_id: taskOn(world, hostname, block)?.task_id ?? `?/${block}/${hostname}/1`,
          barrier,
          ...(label === undefined ? {} : { label }),
          ...(settings.has('own') ? { own: true } : {}),
          ...(settings.has('fence') ? { fence: Number(settings.get('fence')) } : {}),
        },
      }),
    );
  },
  /** due app#1 meet: its timer rings */
  due: single((world, { words: [run = '', barrier = ''] }) => ({
    type: 'timer',
    timer: { kind: 'barrier', run_id: world.runId(run), barrier },
  })),
  /** knee app#1 crunch: the timer of the workflow rings */
  knee: single((world, { words: [run = '', block = ''] }) => ({
    type: 'timer',
    timer: { kind: 'workflow', run_id: world.runId(run), block },
  })),
  barrier: (world, { words: [name = '', barrier = ''] }) => {
    const run = world.state.runs.get(world.runId(name));
    if (run === undefined) return [];
    const detail = barrierDetail(run, barrierNamed(run, barrier));
    const { state, rule, entered, expected, waiting, inside, cause, entries, missing } = detail;
    const tasks = (detail.missing_tasks ?? []).map(
      ({ block, number, nodes }) => `${block}#${number}${nodes.map((node) => ` on ${node}`).join('')}`,
    );
    return [
      `${barrier}: ${[state, cause].filter(Boolean).join(' by ')}; ${entered} of ${expected} entered, ${waiting} waiting, ${inside} inside`,
      rule,
      ...entries.map((e) =>
        [e.participant, e.hostname, e.state, e.label, e.late, e.fence, e.cause]
          .filter((x) => x !== undefined)
          .join(' '),
      ),
      ...(missing.length === 0 ? [] : [`missing ${missing.join(' ')}`]),
      ...(tasks.length === 0 ? [] : [`missing ${tasks.join(', ')}`]),
    ];
  },
  left: forEach((hostname) => ({ type: 'left', hostname })),
  timer: single((world, { words: [kind = '', subject = ''] }) => ({
    type: 'timer',
    timer:
      kind === 'lease' || kind === 'outage'
        ? { kind }
        : kind === 'end' || kind === 'begin_again' || kind === 'refresh'
          ? { kind, run_id: world.runId(subject) }
          : kind === 'restart_task'
            ? { kind, task_id: taskOf(world, subject) }
            : { kind: kind as 'reconnect' | 'restore', hostname: subject },
  })),
  /** What services say to all requests that wait: answered ok */
  answered: (world, { words: [how = ''] }) =>
    [...world.state.operations.values()].flatMap(({ operation_id, parts }) =>
      parts
        .filter(({ state }) => state === 'pending')
        .flatMap(({ component, request }) =>
          world.submit({
            type: 'resources_answered',
            operation_id,
            component,
            request,
            ok: how === 'ok',
            message: `It answered ${how}`,
          }),
        ),
    ),
  /** What the host monitors of nodes tell, or told too long ago when nothing follows: sample n1 n2 load=1 free_memory=4 */
  sample: (world, { words, settings }) => {
    for (const hostname of words) world.samples.set(hostname, sampleOf(settings));
    return [];
  },
  /** Options of the daemon from now on, times in seconds; without words the usual ones: rules failed_time=60 drop_count=2 */
  rules: (world, { settings }) => {
    world.rules = rulesFrom(settings);
    return [];
  },
  plan: (world, { words: [app = ''] }) => {
    const { can_run, components, shortfalls } = planApp(
      world.state,
      plannedApp(world.state, app),
      world.hosts,
    );
    return [
      `${app}: ${can_run ? 'can run' : 'cannot run'}`,
      ...components.map(
        ({ name, candidates, nodes }) => `${name}: ${nodes.map((n) => n.hostname)} of ${candidates}`,
      ),
      ...shortfalls.map((one) => shortfallSentence(one)),
    ];
  },
  node: (world, { words }) =>
    words.map((hostname) => {
      const node = world.state.nodes.get(hostname);
      if (node === undefined) return `${hostname} is not in the pool`;
      const { state, waits_for, run_id, failure } = nodeInfo(world.state, node);
      return [
        `${hostname}: ${state}`,
        run_id && `in ${run_id}`,
        waits_for && `waits for ${waits_for}`,
        failure && `failure ${failure.cause}`,
      ]
        .filter(Boolean)
        .join(', ');
    }),
  waiting: (world, { words }) =>
    words.flatMap((name) => {
      const run = world.state.runs.get(world.runId(name));
      if (run === undefined) return [];
      const { state, waiting } = runDetail(run, world.state);
      return [
        `${name}: ${state}`,
        ...waiting.map((w) => `${w.nodes} wait for ${w.waits_for} (${w.examples})`),
      ];
    }),
  explain: (world, { words }) => words.flatMap((name) => printExplanation(world, world.runId(name))),
};

function printExplanation(world: World, subject: string): string[] {
  const { kind, state, summary, causes, waiting, nodes } = explain(world.state, subject);
  return [
    `${kind} ${subject}: ${state}`,
    summary,
    ...causes.map(
      (c) =>
        `${c.nodes}× ${c.phase}/${c.cause} (${c.examples})${c.numbers === undefined ? '' : ` tasks ${c.numbers}`}: ${c.message} | ${c.action} | ${c.hint}`,
    ),
    ...waiting.map((w) => `${w.nodes} wait for ${w.waits_for} (${w.examples})`),
    ...nodes.map((n) =>
      [
        n.hostname,
        n.component,
        n.state,
        n.phase,
        n.cause,
        n.exit_code,
        n.signal,
        ...(n.number === undefined ? [] : [`task ${n.number}`]),
      ]
        .join(' ')
        .trimEnd(),
    ),
  ];
}

/** Carries out a paragraph: its first line is the command; what is indented belongs to it. @throws Error for an unknown one */
export function carryOut(world: World, lines: readonly string[]): string[] {
  const trace: string[] = [];
  for (let i = 0; i < lines.length; i += 1) {
    const [name = ''] = lines[i]?.split(/\s+/) ?? [];
    const command = commands[name];
    if (command === undefined) throw new Error(`There is no command ${name}`);
    const { words, settings } = readWords(lines[i]?.slice(name.length) ?? '');
    const more: string[] = [];
    while (lines[i + 1]?.startsWith(' ')) more.push(lines[(i += 1)] as string);
    trace.push(...world.shorten(command(world, { words, settings, more })));
  }
  return trace;
}
