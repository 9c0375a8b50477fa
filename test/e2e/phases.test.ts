/** Phases of a run one after another on the same nodes, with what cleans up in between. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { escaped } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(60_000);

let scratch: Scratch;
let plushd: Plushd;
let nodes: string[];

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  nodes = await plushd.addLocalNodes(2);
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

const TOOL = `<software name="tool" type="none"><package name="tool" type="inline"><content>as it came</content><dest_path>tool</dest_path></package></software>`;

const phase = (name: string, script: string, more = ''): string =>
  `<component_block name="${name}"><component name="workers"/>${more}<process_block name="${name}-main"><process name="${name}-main"><path>/bin/sh</path><cmdline><arg>-c</arg><arg>${escaped(script)}</arg></cmdline></process></process_block></component_block>`;

const application = (...phases: string[]): string =>
  `<plush><project name="p">${TOOL}<component name="workers"><rspec><num_hosts>2</num_hosts></rspec><software name="tool"/></component><application_block name="phases"><execution>${phases.join('')}</execution></application_block></project></plush>`;

const after = (name: string) => `<predecessor name="${name}"/>`;
const brought = (run: string, node: string, path: string) =>
  readFileSync(join(scratch.dir, 'state', 'outputs', run, node, 'files', path), 'utf8');

it('brings files back, runs the command, and gives the next phase the folder as it was at the beginning', async () => {
  const first = 'echo "$PLUSH_NODE" >result; echo changed >tool; mkdir -p deep/er; echo x >deep/er/x';
  const cleanup = `<cleanup remove="true">cat result >>${scratch.dir}/cleaned; rm result</cleanup><output>result</output>`;
  const second = 'cat tool; ls; ls -A | wc -l';
  const run = await plushd.run(application(phase('one', first, cleanup), phase('two', second, after('one'))));
  await plushd.waitRun(run);
  for (const node of nodes) {
    expect(brought(run, node, 'result')).toBe(`${node}\n`);
    expect(await plushd.output(run, node, { task: `${run}/two-main/${node}/1` })).toBe('as it cametool\n1\n');
  }
  const cleaned = readFileSync(join(scratch.dir, 'cleaned'), 'utf8').trim().split('\n');
  expect(cleaned.sort()).toEqual([...nodes].sort());
});

it('plans what cleans up before anything is touched', async () => {
  const xml = application(
    phase('one', 'true', '<cleanup remove="true">./tidy</cleanup>'),
    phase('two', 'true', after('one')),
  );
  const { steps } = await plushd.call('plushPlanApp', xml);
  const told = steps.map(({ action, block = '', command = '', waits_for }) => [
    action,
    block,
    command,
    waits_for.map((one) => `${one.block} on ${one.on}`).join(),
  ]);
  expect(told.slice(-5)).toEqual([
    ['run', 'one-main', '/bin/sh -c true', ''],
    ['cleanup', 'one#cleanup', '/bin/sh -c ./tidy', 'one-main on node'],
    ['reinstall', 'one#reinstall', '/bin/sh -c :', 'one#cleanup on node'],
    ['run', 'two-main', '/bin/sh -c true', 'one#reinstall on all'],
    ['clean', '', '', ''],
  ]);
});

it('plans the transfers of all that software requires, and the cleanup of the application', async () => {
  const base = TOOL.replaceAll('tool', 'base');
  const xml = application(phase('one', 'true'))
    .replace(TOOL, `${base}${TOOL.replace('</software>', '<require name="base"/></software>')}`)
    .replace('</application_block>', '<cleanup>./leave</cleanup></application_block>');
  const { transfers, steps } = await plushd.call('plushPlanApp', xml);
  expect(transfers.map(({ software, nodes: count, size }) => [software, count, size])).toEqual([
    ['base', 2, 10],
    ['tool', 2, 10],
  ]);
  expect(steps.at(-1)).toMatchObject({ action: 'clean', command: './leave' });
});

it('goes on between phases after the controller was killed there', async () => {
  const go = scratch.path('go');
  const cleanup = `<cleanup remove="true">until [ -e ${go} ]; do sleep 0.05; done</cleanup>`;
  const run = await plushd.run(
    application(phase('one', 'rm tool', cleanup), phase('two', 'cat tool', after('one'))),
  );
  await waitFor('the cleanup to run', async () => {
    const { waiting } = await plushd.call('plushGetRun', run);
    return waiting.some(
      ({ waits_for, nodes: count }) =>
        count === 2 && waits_for === 'its cleanup behind component block "one" to end',
    );
  });
  await plushd.kill();
  writeFileSync(go, '');
  await plushd.restart();
  await plushd.waitRun(run);
  for (const node of nodes)
    expect(await plushd.output(run, node, { task: `${run}/two-main/${node}/1` })).toBe('as it came');
});

it('ends the run when the command fails, and says so', async () => {
  const cleanup = '<cleanup>echo no way >&amp;2; exit 4</cleanup>';
  const run = await plushd.run(
    application(phase('one', 'true', cleanup), phase('two', `touch ${scratch.dir}/never`, after('one'))),
  );
  await plushd.waitRun(run, ['failed']);
  const { summary, causes } = await plushd.call('plushExplain', run);
  expect(summary).toMatch(/failed: block "one#cleanup" failed on node-\d: the program exited with code 4/i);
  expect(causes[0]).toMatchObject({ cause: 'exit_code', failure: { exit_code: 4, stderr_tail: ['no way'] } });
  expect(existsSync(join(scratch.dir, 'never'))).toBe(false);
});

it('refuses to empty a folder in which another phase may still run', async () => {
  const xml = application(phase('one', 'true', '<cleanup remove="true"/>'), phase('two', 'true'));
  const [problem] = await plushd.call('plushValidateApp', xml);
  expect(problem).toMatchObject({ code: 'CONTRADICTION' });
  expect(problem?.message).toBe(
    'component_block "one" empties the working folder of component "workers", where component_block "two" may still run: make one of the two a predecessor of the other',
  );
});
