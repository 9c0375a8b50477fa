/** Applications one after another in one file (plush-osr.2006, section 4.1), on nodes that they share. */
import { readFileSync } from 'node:fs';
import { escaped } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

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

/** Software that notes on which node it was installed. */
const software = (name: string, content: string) =>
  `<software name="${name}" type="none">
    <package name="${name}" type="inline"><content>${content}</content><dest_path>tool</dest_path></package>
    <install>echo ${name} "$(cat tool)" "$PLUSH_AGENT" >>${scratch.path('installed')}</install></software>`;

const configuration = (name: string, cluster: string, hosts: number, wanted: string, script: string) =>
  `<configuration name="${name}"><cluster name="${cluster}"><software name="${wanted}"/>
    <rspec><num_hosts>${hosts}</num_hosts></rspec>
    <execution><process name="${name}"><path>/bin/sh</path><cmdline><arg>-c</arg><arg>${escaped(script)}</arg></cmdline></process></execution>
  </cluster><resources><resource group="row"/></resources></configuration>`;

const applicationOf = (name: string) =>
  `<application name="app-${name}"><execution><configuration name="${name}"/></execution></application>`;

const linesOf = (name: string) => readFileSync(scratch.path(name), 'utf8').trim().split('\n');

it('runs three of them with other sizes, names and software on three nodes, and installs nothing twice', async () => {
  await plushd.addLocalNodes(3, 'row', 'row');
  const tell = (name: string) =>
    `echo $PLUSH_COMPONENT $PLUSH_INDEX of $PLUSH_COUNT with "$(cat tool)" >>${scratch.path(name)}; touch left; ls`;
  const xml = `<plush><project name="row">${software('old', 'first tool')}${software('new', 'second tool')}
    ${configuration('one', 'all', 3, 'old', tell('one'))}
    ${configuration('two', 'few', 2, 'new', tell('two'))}
    ${configuration('three', 'all', 3, 'new', tell('three'))}
    ${applicationOf('one')}${applicationOf('two')}${applicationOf('three')}</project></plush>`;
  const plan = await plushd.call('plushPlanApp', xml);
  expect(plan.can_run).toBe(true);
  expect(plan.transfers.map(({ software: name, nodes }) => `${name} ${nodes}`)).toEqual(['old 3', 'new 3']);
  const run = await plushd.run(xml);
  await plushd.waitRun(run);
  expect(linesOf('one').sort()).toEqual([0, 1, 2].map((i) => `all ${i} of 3 with first tool`));
  expect(linesOf('two').sort()).toEqual([0, 1].map((i) => `few ${i} of 2 with second tool`));
  expect(linesOf('three').sort()).toEqual([0, 1, 2].map((i) => `all ${i} of 3 with second tool`));
  const installed = linesOf('installed');
  expect(installed.filter((line) => line.startsWith('old first tool'))).toHaveLength(3);
  expect(installed.filter((line) => line.startsWith('new second tool'))).toHaveLength(3);
  expect(new Set(installed).size).toBe(6);
  const { all = [] } = await plushd.call('plushGetMatching', run);
  expect(all).toHaveLength(3);
  const block = await plushd.call('plushGetBlock', run, 'two');
  expect(block).toMatchObject({ state: 'completed', completed: 2, waiting: 0, running: 0 });
  // What one application has left is there for the next.
  const { data } = await plushd.call('plushGetOutput', run, all[0] ?? '', { task: 'two' });
  expect(data.split('\n')).toContain('left');
});
