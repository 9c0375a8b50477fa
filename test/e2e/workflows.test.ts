/** Workflows from the specification to real processes on real nodes, in the shapes of the papers. */
import { existsSync, readFileSync } from 'node:fs';
import { escaped } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

let scratch: Scratch;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
});
afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

interface Step {
  readonly name: string;
  readonly script: string;
  readonly after?: string;
}

/** Scripts find the task's number, or its file, in $2. */
function application(hosts: number, workflow: string, steps: readonly Step[], group: string): string {
  const blocks = steps.map(({ name, script, after }) => {
    const words = `<arg>-c</arg><arg>${escaped(script)}</arg><arg>task</arg>`;
    const number = '<substitution name="sub" id="wf" type="workflow" flag="--i"/>';
    const process = `<process name="${name}"><path>/bin/sh</path><cmdline>${words}${number}</cmdline></process>`;
    const predecessor = after === undefined ? '' : `<predecessor name="${after}"/>`;
    return `<process_block name="${name}">${predecessor}${process}</process_block>`;
  });
  return `<plush><project name="test">
    <component name="workers"><rspec><num_hosts>${hosts}</num_hosts></rspec><resources><resource group="${group}"/></resources></component>
    <application_block name="app"><execution><component_block name="all"><component name="workers"/>
      ${workflow.replace('…', blocks.join(''))}
    </component_block></execution></application_block></project></plush>`;
}

const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

async function finished(run: string): Promise<number[]> {
  const events = await plushd.events();
  return events
    .filter((event) => event.type === 'workflow_task_finished' && event.run_id === run)
    .map((event) => event.number as number);
}

/** What each task printed, as the API has it. */
async function outputsOf(run: string, block: string): Promise<string[]> {
  const { results = [] } = await plushd.call('plushGetBlock', run, block);
  return Promise.all(
    results.map(async ({ number, hostname }) => {
      const { data } = await plushd.call('plushGetOutput', run, hostname, { task: `${block}/${number}` });
      return data.trim();
    }),
  );
}

it('starts the tasks of a slow node again elsewhere, takes the first result and stops the other (figure 18)', async () => {
  await plushd.addLocalNodes(6, 'eman', 'eman');
  const script = '[ "$PLUSH_INDEX" = 2 ] && exec sleep 600; sleep 0.$2; echo "task $2"';
  const workflow = '<workflow_block name="eman_workflow_block" id="wf" num_tasks="6">…</workflow_block>';
  const run = await plushd.run(application(6, workflow, [{ name: 'eman', script }], 'eman'));
  await plushd.waitRun(run);
  expect(await outputsOf(run, 'eman_workflow_block')).toEqual([1, 2, 3, 4, 5, 6].map((i) => `task ${i}`));
  expect((await finished(run)).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  const { workflow: progress, tasks } = await plushd.call('plushGetBlock', run, 'eman_workflow_block');
  expect(progress).toMatchObject({ total: 6, done: 6, running: 0, queued: 0, reallocated: 1 });
  expect(tasks.find((task) => task.number === 3 && task.attempt === 1)?.state).toBe('stopped');
  expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
});

it('does each of many tasks once on few nodes, though controller and a node are killed meanwhile', async () => {
  const hosts = await plushd.addLocalNodes(4, 'few', 'few');
  const file = scratch.path('done');
  const files = Array.from({ length: 24 }, (_, i) => `<file>part ${i + 1}.dat</file>`).join('');
  const workflow = `<workflow_block name="many" id="wf"><files>${files}</files><reallocation knee="none"/>…</workflow_block>`;
  const steps = [
    { name: 'work', script: `sleep 0.2; echo "work $2 $PLUSH_WORKFLOW_FILE"`, after: 'load' },
    { name: 'load', script: `echo "$2" >>${file}; echo "$PLUSH_WORKFLOW_TASK of $PLUSH_WORKFLOW_TASKS"` },
  ];
  const run = await plushd.run(application(3, workflow, steps, 'few'));
  await waitFor('some results', async () => (await finished(run)).length >= 4);
  await plushd.kill();
  await plushd.restart();
  await waitFor('more results', async () => (await finished(run)).length >= 9);
  const [victim = ''] = (await plushd.call('plushGetMatching', run)).workers ?? [];
  await plushd.call('plushFailHost', victim);
  await plushd.waitRun(run);
  expect((await finished(run)).sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
  const names = Array.from({ length: 24 }, (_, i) => `part ${i + 1}.dat`);
  expect(await outputsOf(run, 'many')).toEqual(names.map((name) => `work ${name} ${name}`));
  await expect(plushd.call('plushGetBlock', run, 'load')).rejects.toThrow(
    'Block "load" is a part of workflow "many": ask for that',
  );
  const { results = [] } = await plushd.call('plushGetBlock', run, 'many', 24);
  const [{ hostname, tasks }] = results as [(typeof results)[number]];
  const first = await plushd.call('plushGetOutput', run, hostname, { task: String(tasks[0]) });
  expect(first.data).toBe('24 of 24\n');
  expect(new Set(linesOf(file))).toEqual(new Set(names));
  // Only what the failed node had was done again.
  expect(linesOf(file).length).toBeLessThanOrEqual(25);
  expect(hosts).toContain(victim);
});

it('says while it runs how far it is and what each node does', async () => {
  await plushd.addLocalNodes(3, 'said', 'said');
  const workflow = '<workflow_block name="said" id="wf" num_tasks="2">…</workflow_block>';
  const run = await plushd.run(application(3, workflow, [{ name: 'nap', script: 'exec sleep 600' }], 'said'));
  await waitFor('both tasks to run', async () => {
    const { tasks } = await plushd.call('plushGetBlock', run, 'said');
    return tasks.filter((task) => task.state === 'running').length === 2;
  });
  const { workflow: progress } = await plushd.call('plushGetBlock', run, 'said');
  expect(progress).toEqual({ total: 2, done: 0, running: 2, queued: 0, reallocated: 0, ignored: 0, idle: 1 });
  const { waiting } = await plushd.call('plushGetRun', run);
  expect(waiting.map(({ waits_for, nodes }) => `${nodes}: ${waits_for}`)).toEqual([
    '2: its task of workflow "said" to end',
    '1: workflow "said" to end: it is idle, no task is left (0 of 2 are done)',
  ]);
  const [hostname = ''] = (await plushd.call('plushGetMatching', run)).workers ?? [];
  const { summary } = await plushd.call('plushExplain', hostname);
  expect(summary).toContain('It waits for task 1 of workflow "said" to end.');
  const output = plushd.call('plushGetOutput', run, hostname, { task: 'said/7' });
  await expect(output).rejects.toThrow('has no task "said/7"');
  await plushd.call('plushAbortRun', run);
  await plushd.waitRun(run, ['aborted']);
});
