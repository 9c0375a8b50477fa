/** Barriers inside workflows, and what their processes ask of barriers, with real processes on real nodes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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

const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

const processBlock = (name: string, script: string, after = '') =>
  `<process_block name="${name}">${after && `<predecessor name="${after}"/>`}<process name="${name}"><path>/bin/sh</path>
    <cmdline><arg>-c</arg><arg>${escaped(script)}</arg></cmdline></process></process_block>`;

const application = (group: string, hosts: string, blocks: string) =>
  `<plush><project name="test">
    <component name="workers"><rspec>${hosts}</rspec><resources><resource group="${group}"/></resources></component>
    <application_block name="app"><execution><component_block name="all"><component name="workers"/>${blocks}
    </component_block></execution></application_block></project></plush>`;

async function finished(run: string): Promise<number[]> {
  const events = await plushd.events();
  return events
    .filter((event) => event.type === 'workflow_task_finished' && event.run_id === run)
    .map((event) => event.number as number)
    .sort((a, b) => a - b);
}

it('lets all of seven tasks on three nodes meet, though controller and a node with waiting tasks are killed', async () => {
  await plushd.addLocalNodes(3, 'meet', 'meet');
  const made = scratch.path('made');
  const used = scratch.path('used');
  const go = scratch.path('go');
  // The last one is held up until everything that may go wrong has gone wrong.
  const make = `[ $PLUSH_WORKFLOW_TASK = 7 ] && until [ -e ${go} ]; do sleep 0.05; done
    echo $PLUSH_WORKFLOW_TASK >part-$PLUSH_WORKFLOW_TASK; echo $PLUSH_WORKFLOW_TASK >>${made}`;
  const use = `sort -u ${made} | wc -l >>${used}; exec cat part-$PLUSH_WORKFLOW_TASK`;
  const workflow = `<workflow_block name="flow" num_tasks="7"><reallocation knee="none"/>
    ${processBlock('make', make)}
    <barrier_block name="gate"><predecessor name="make"/><barrier name="all made"/></barrier_block>
    ${processBlock('use', use, 'gate')}</workflow_block>`;
  const run = await plushd.run(application('meet', '<num_hosts min="1" max="3"/>', workflow));
  const detail = () => plushd.call('plushGetBarrier', run, 'all made');
  await waitFor('six tasks to wait', async () => (await detail()).waiting === 6);
  const before = await detail();
  expect(before).toMatchObject({ state: 'closed', entered: 6, expected: 7, missing: [] });
  const [straggler = ''] = before.missing_tasks?.[0]?.nodes ?? [];
  expect(before.missing_tasks).toEqual([{ block: 'flow', number: 7, nodes: [straggler] }]);
  const { workflow: progress } = await plushd.call('plushGetBlock', run, 'flow');
  expect(progress).toMatchObject({ total: 7, done: 0, running: 1, queued: 0, waiting: 6, idle: 2 });
  const { waiting } = await plushd.call('plushExplain', run);
  expect(waiting.map(({ waits_for }) => waits_for)).toContain(
    `barrier "all made" (6 of 7 have entered): task 7 (${straggler}) is missing`,
  );
  const victim = before.entries.find(({ hostname }) => hostname !== straggler)?.hostname ?? '';
  const { summary } = await plushd.call('plushExplain', victim);
  expect(summary).toMatch(/waits for (a task|\d tasks) of workflow "flow" at barrier "all made"/);
  const lost = before.entries.filter(({ hostname }) => hostname === victim).length;
  await plushd.kill();
  await plushd.restart();
  await plushd.call('plushFailHost', victim);
  await waitFor('its tasks to be back', async () => {
    const { waiting: now, entries } = await detail();
    return now === 6 && entries.every(({ hostname }) => hostname !== victim);
  });
  expect(linesOf(used)).toEqual([]);
  expect(linesOf(made)).toHaveLength(6 + lost);
  writeFileSync(go, '');
  await plushd.waitRun(run);
  expect(linesOf(used).map(Number)).toEqual([7, 7, 7, 7, 7, 7, 7]);
  expect(await finished(run)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  const { results = [] } = await plushd.call('plushGetBlock', run, 'flow');
  for (const { number, hostname } of results) {
    const { data } = await plushd.call('plushGetOutput', run, hostname, { task: `flow/${number}` });
    expect(data.trim()).toBe(String(number));
  }
  expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
});

it('answers what the process of a task asks: for its task, for itself, and what it may not', async () => {
  await plushd.addLocalNodes(2, 'ask', 'ask');
  const ask = `plush-barrier enter met --label early --json
    plush-barrier enter door --own --wait --json && plush-barrier leave door --own --json
    plush-barrier enter nodes --own; echo refused with $?`;
  const blocks = `<workflow_block name="flow" num_tasks="4"><reallocation knee="none"/>
    ${processBlock('ask', `exec 2>&1; ${ask}`)}
    <barrier_block name="gate"><predecessor name="ask"/><barrier name="met"/></barrier_block></workflow_block>
    <barrier_block name="after"><predecessor name="flow"/><barrier name="nodes"/></barrier_block>
    <barrier_block name="inside"><predecessor name="after"/><barrier name="door" type="semaphore" concurrency="1"/></barrier_block>`;
  const run = await plushd.run(application('ask', '<num_hosts>2</num_hosts>', blocks));
  await plushd.waitRun(run);
  const { results = [] } = await plushd.call('plushGetBlock', run, 'flow');
  expect(results).toHaveLength(4);
  for (const { number, hostname } of results) {
    const { data } = await plushd.call('plushGetOutput', run, hostname, { task: `flow/${number}` });
    const [entered, inside, left, ...refused] = data.trim().split('\n');
    expect(JSON.parse(entered ?? '')).toMatchObject({ ok: true, participant: `flow#${number}`, expected: 4 });
    expect(JSON.parse(inside ?? '')).toMatchObject({
      state: 'inside',
      participant: expect.stringContaining('/ask'),
    });
    expect(JSON.parse(left ?? '')).toMatchObject({ state: 'left' });
    expect(refused.join('\n')).toMatch(/give it a max[\s\S]*refused with 1$/);
  }
  const { entries } = await plushd.call('plushGetBarrier', run, 'met');
  expect(entries.map(({ participant, label }) => `${participant} ${label}`).sort()).toEqual(
    [1, 2, 3, 4].map((number) => `flow#${number} early`),
  );
});
