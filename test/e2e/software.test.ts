/** Software of an application from its file to its nodes: requirements, packages of the controller, substitutions. */

import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(60_000);

let scratch: Scratch;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  await plushd.addLocalNodes(2);
});

afterAll(async () => {
  await plushd?.close();
  await scratch.remove();
});

function application(software: string, uses: readonly string[], args: string): string {
  return `<plush><project name="p">${software}
    <component name="workers"><rspec><num_hosts>2</num_hosts></rspec>
      ${uses.map((name) => `<software name="${name}"/>`).join('')}</component>
    <application_block name="app"><execution><component_block name="all"><component name="workers"/>
      <process_block name="main"><process name="main"><path>/bin/sh</path><cmdline>${args}</cmdline></process></process_block>
    </component_block></execution></application_block></project></plush>`;
}

const script = (text: string) => `<arg>-c</arg><arg>${text}</arg>`;

async function outputs(run: string): Promise<string[]> {
  return Promise.all(['node-1', 'node-2'].map((node) => plushd.output(run, node)));
}

test('what software requires is installed before it, and inline text and files of the controller reach every node', async () => {
  mkdirSync(scratch.path('apps', 'data'), { recursive: true });
  writeFileSync(scratch.path('apps', 'data', 'words.txt'), 'from the controller\n');
  const software = `
    <software name="tool" type="none"><require name="words"/><install>cat words.txt note.txt >all.txt</install></software>
    <software name="words" type="none"><package name="words" type="file"><path>data/words.txt</path></package><require name="note"/></software>
    <software name="note" type="none"><package name="note" type="inline"><content>from the specification</content><dest_path>note.txt</dest_path></package></software>`;
  const run = await plushd.run(application(software, ['tool'], script('cat all.txt')));
  await plushd.waitRun(run);
  const both = 'from the controller\nfrom the specification';
  expect(await outputs(run)).toEqual([both, both]);
});

test('a file that the nodes have from before is not sent again', async () => {
  const bytes = 'kept\n';
  const file = scratch.path('apps', 'kept.txt');
  writeFileSync(file, bytes);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const software = `<software name="k" type="none"><package name="k" type="file"><path>kept.txt</path><sha256>${hash}</sha256></package></software>`;
  for (let i = 0; i < 2; i += 1) {
    const run = await plushd.run(application(software, ['k'], script('cat kept.txt')));
    await plushd.waitRun(run);
    expect(await outputs(run)).toEqual([bytes, bytes]);
  }
});

test.each([
  ['../secret.txt', 'path'],
  ['link.txt', 'outside'],
  ['none.txt', 'there is no file '],
])(
  'a package of type file may be nothing but a file of the folder of applications: %s',
  async (path, word) => {
    writeFileSync(scratch.path('secret.txt'), 'secret');
    if (path === 'link.txt') symlinkSync(scratch.path('secret.txt'), scratch.path('apps', 'link.txt'));
    const software = `<software name="s" type="none"><package name="s" type="file"><path>${path}</path><dest_path>s</dest_path></package></software>`;
    const xml = application(software, ['s'], script('cat s'));
    if (path.startsWith('..')) {
      await expect(plushd.run(xml)).rejects.toThrow(word);
      return;
    }
    const run = await plushd.run(xml);
    const { message } = await plushd.waitRun(run, ['failed']);
    expect(message).toContain(word);
  },
);

test('arguments that are known only at the start are the node, its place and their number', async () => {
  const args = `${script('echo "$@"')}<arg>sh</arg>
    <substitution name="n" type="node"/><substitution name="i" type="index" flag="--index"/><substitution name="c" type="count"/>`;
  const run = await plushd.run(application('', [], args));
  await plushd.waitRun(run);
  expect((await outputs(run)).sort()).toEqual([
    expect.stringMatching(/^node-1 --index [01] 2\n$/),
    expect.stringMatching(/^node-2 --index [01] 2\n$/),
  ]);
});

test('an argument may be the label with which its node entered a barrier', async () => {
  const sh = (name: string, args: string, after: string) =>
    `<process_block name="${name}">${after}<process name="${name}"><path>/bin/sh</path><cmdline>${args}</cmdline></process></process_block>`;
  const enter = script('plush-barrier enter meet --label "of $PLUSH_NODE" --wait');
  const say = `${script('echo "$@"')}<arg>sh</arg><substitution name="l" type="barrier" id="meet" flag="--label"/>`;
  const run = await plushd.run(
    `<plush><project name="p"><component name="workers"><rspec><num_hosts>2</num_hosts></rspec></component>
    <application_block name="app"><execution><component_block name="all"><component name="workers"/>
      ${sh('enter', enter, '')}
      <barrier_block name="gate"><predecessor name="enter"/><barrier name="meet" type="0" max="2"/></barrier_block>
      ${sh('say', say, '<predecessor name="gate"/>')}
    </component_block></execution></application_block></project></plush>`,
  );
  await plushd.waitRun(run);
  const said = await Promise.all(
    ['node-1', 'node-2'].map((node) => plushd.call('plushGetOutput', run, node, { task: 'say' })),
  );
  expect(said.map(({ data }) => data)).toEqual(['--label of node-1\n', '--label of node-2\n']);
});

test('ModelNet’s virtual address and number reach the tasks of a node, and of no other', async () => {
  await plushd.call('plushAddNode', {
    hostname: 'emulated',
    type: 'local',
    group: 'modelnet',
    vip: '10.0.0.1',
    vn: '7',
  });
  const tell = script('echo "$PLUSH_VIP $SRCIP $PLUSH_VN"');
  const group = '</rspec><resources><resource group="modelnet"/></resources>';
  const xml = application('', [], tell).replace('<num_hosts>2', '<num_hosts>1').replace('</rspec>', group);
  const run = await plushd.run(xml);
  await plushd.waitRun(run);
  expect(await plushd.output(run, 'emulated')).toBe('10.0.0.1 10.0.0.1 7\n');
  const other = await plushd.run(application('', [], tell).replace('<num_hosts>2', '<num_hosts>3'));
  await plushd.waitRun(other);
  expect(await outputs(other)).toEqual(['  \n', '  \n']);
});

test('a node says how much of a package it has while it comes', async () => {
  const waiting: (() => void)[] = [];
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': 10_000_000 }).write(Buffer.alloc(2_500_000));
    waiting.push(() => response.end(Buffer.alloc(7_500_000)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tool`;
    const software = `<software name="tool" type="none"><package name="tool" type="web"><path>${url}</path></package></software>`;
    const run = await plushd.run(application(software, ['tool'], script('wc -c &lt;tool')));
    const words = 'software to be installed: tool (2.5 of 10 MB have come)';
    await waitFor('a node to say what has come', async () => {
      return (await plushd.call('plushGetNode', 'node-1')).waits_for === words;
    });
    expect((await plushd.call('plushExplain', 'node-1')).waiting[0]?.waits_for).toBe(words);
    await waitFor('both nodes to fetch', () => waiting.length === 2);
    for (const goOn of waiting) goOn();
    await plushd.waitRun(run);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
