/**
 * A workflow of 98 tasks on 98 nodes, 20 of them slow, with and without reallocation: the shape of EMAN (figure 19 of
 * plush-toit.2011), 60 times as fast as there. Nodes are real agents on this machine, tasks are processes that sleep as long as
 * their node would take.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { withScratch } from '../test/harness/scratch.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { median, printFigures } from './support/figures.ts';

const ROUNDS = 3;
const NODES = 98;
const SPEEDUP = 60;
const LIMIT_MS = 180_000;
const POLL_MS = 250;

/** Nodes as the figure has them: how many, and the first and last time, in s, at which they finish their first task. */
const GROUPS = [
  { nodes: 21, first: 60, last: 110 },
  { nodes: 57, first: 330, last: 750 },
  { nodes: 20, first: 1000, last: 2850 },
] as const;

interface Event {
  readonly seq: number;
  readonly type: string;
  readonly time: string;
  readonly run_id?: string;
  readonly again?: number;
  readonly number?: number;
}

interface Outcome {
  readonly seconds: number;
  /** From the release to the knee that had tasks started again; absent without one. */
  readonly knee?: number;
  readonly again: number;
  readonly results: number;
}

async function main(): Promise<void> {
  await withScratch(async (scratch) => {
    const daemon = await startDaemon(scratch);
    try {
      for (let i = 0; i < NODES; i += 1)
        await daemon.call('plushAddNode', [{ hostname: `n${i}`, type: 'local', group: 'eman' }]);
      await measure(daemon);
    } finally {
      await daemon.quit();
    }
  });
}

async function measure(daemon: Daemon): Promise<void> {
  const plain: Outcome[] = [];
  const again: Outcome[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    plain.push(await work(daemon, '<reallocation knee="none"/>'));
    again.push(await work(daemon, ''));
    const [before, after] = [plain.at(-1) as Outcome, again.at(-1) as Outcome];
    process.stderr.write(
      `round ${round}  without ${before.seconds.toFixed(1)} s, with ${after.seconds.toFixed(1)} s (knee at ${after.knee?.toFixed(1)} s, ${after.again} tasks again)\n`,
    );
  }
  const secondsOf = (outcomes: readonly Outcome[]) => median(outcomes.map(({ seconds }) => seconds));
  const peer = { name: 'no reallocation', value: secondsOf(plain) };
  const common = { bench: 'workflow', target: null };
  printFigures([
    { ...common, figure: 'with_reallocation', value: secondsOf(again), unit: 's', peer },
    {
      ...common,
      figure: 'knee',
      value: median(again.map(({ knee }) => knee ?? Number.NaN)),
      unit: 's',
      peer: null,
    },
    {
      ...common,
      figure: 'times_as_fast',
      value: peer.value / secondsOf(again),
      unit: 'x',
      peer,
      target: '>= 3',
    },
  ]);
}

/** Runs the workflow once, from the release of the run to its last result. */
async function work(daemon: Daemon, reallocation: string): Promise<Outcome> {
  const app = await daemon.call('plushLoadAppXml', [application(reallocation)]);
  const run = (await daemon.call('plushStartRun', [{ app }])) as string;
  const began = performance.now();
  let events: Event[] = [];
  do {
    if (performance.now() - began > LIMIT_MS) throw new Error(`Run ${run} takes too long`);
    await pause(POLL_MS);
    events = [...events, ...(await eventsAfter(daemon, events.at(-1)?.seq ?? 0))];
  } while (!events.some((event) => event.type === 'run_ended' && event.run_id === run));
  return outcomeOf(events.filter((event) => event.run_id === run));
}

async function eventsAfter(daemon: Daemon, after: number): Promise<Event[]> {
  const found: Event[] = [];
  for (;;) {
    const page = (await daemon.call('plushGetEvents', [{ after: found.at(-1)?.seq ?? after }])) as {
      events: Event[];
    };
    if (page.events.length === 0) return found;
    found.push(...page.events);
  }
}

function outcomeOf(events: readonly Event[]): Outcome {
  const results = events.filter(({ type }) => type === 'workflow_task_finished');
  if (new Set(results.map(({ number }) => number)).size !== NODES || results.length !== NODES)
    throw new Error(`${results.length} results for ${NODES} tasks`);
  const released = at(events.find(({ type }) => type === 'run_released'));
  const knee = events.find(({ type, again = 0 }) => type === 'workflow_knee' && again > 0);
  return {
    seconds: at(results.at(-1)) - released,
    ...(knee === undefined ? {} : { knee: at(knee) - released }),
    again: knee?.again ?? 0,
    results: results.length,
  };
}

function at(event: Event | undefined): number {
  if (event === undefined) throw new Error('An event is missing');
  return Date.parse(event.time) / 1000;
}

function application(reallocation: string): string {
  const times = GROUPS.flatMap(({ nodes, first, last }) =>
    Array.from({ length: nodes }, (_, i) =>
      ((first + ((last - first) * i) / (nodes - 1)) / SPEEDUP).toFixed(3),
    ),
  );
  const script = 'set -- $TIMES; shift "$PLUSH_INDEX"; exec sleep "$1"';
  const process = `<process name="eman"><path>/bin/sh</path><cmdline><arg>-c</arg><arg>${script}</arg></cmdline><env name="TIMES">${times.join(' ')}</env></process>`;
  return `<plush><project name="eman"><component name="nodes"><rspec><num_hosts>${NODES}</num_hosts></rspec><resources><resource group="eman"/></resources></component>
    <application_block name="eman"><execution><component_block name="all"><component name="nodes"/>
      <workflow_block name="refine" id="refine" num_tasks="${NODES}">${reallocation}
        <process_block name="eman">${process}</process_block>
      </workflow_block></component_block></execution></application_block></project></plush>`;
}

await main();
