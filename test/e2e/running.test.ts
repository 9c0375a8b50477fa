/** What a run does on its nodes: order of blocks, programs exactly as specified, output, failures, and what is left. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applicationXml, shellApplication } from '../harness/application.ts';
import { makeTar, type PackageServer, startPackageServer } from '../harness/packages.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(90_000);

/** Kept of each output stream of a task (core/limits.ts). */
const KEPT_BYTES = 64 << 20;

let scratch: Scratch;
let web: PackageServer;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  web = await startPackageServer();
  plushd = await startPlushd({ scratch });
  await plushd.addLocalNodes(4);
});

afterAll(async () => {
  await plushd?.close();
  await web?.close();
  await scratch.remove();
});

afterEach(() => {
  // Whatever a test did, its run has left nothing on the nodes.
  const all = readdirSync(scratch.path('state', 'local'), { recursive: true, encoding: 'utf8' });
  expect(all.filter((name) => /\/runs\/[^/]+$/.test(name))).toEqual([]);
});

/** A process block with a shell script. */
function shell(name: string, script: string, after: readonly string[] = []) {
  return { name, path: '/bin/sh', args: ['-c', script], after };
}

describe('a run', () => {
  it('runs component blocks side by side, and those with predecessors after them', async () => {
    const log = join(scratch.dir, 'order');
    const meet = (mine: string, theirs: string) =>
      `: >${scratch.dir}/at-${mine}; until [ -e ${scratch.dir}/at-${theirs} ]; do sleep 0.05; done; echo ${mine} >>${log}`;
    const run = await plushd.run(
      applicationXml({
        components: [
          { name: 'left', hosts: 1 },
          { name: 'right', hosts: 1 },
          { name: 'last', hosts: 2 },
        ],
        blocks: [
          { name: 'a', component: 'left', processes: [shell('meet-right', meet('left', 'right'))] },
          { name: 'b', component: 'right', processes: [shell('meet-left', meet('right', 'left'))] },
          {
            name: 'c',
            component: 'last',
            processes: [shell('close', `echo last >>${log}`)],
            after: ['a', 'b'],
          },
        ],
      }),
    );
    await plushd.waitRun(run);
    const order = readFileSync(log, 'utf8').trim().split('\n');
    expect(order.slice(0, 2).sort()).toEqual(['left', 'right']);
    expect(order.slice(2)).toEqual(['last', 'last']);
  });

  it('runs the process blocks of a chain one after another on every node', async () => {
    const log = join(scratch.dir, 'chain');
    const step = (name: string, after: readonly string[]) =>
      shell(name, `echo "$PLUSH_NODE ${name}" >>${log}`, after);
    const run = await plushd.run(
      applicationXml({
        components: [{ name: 'workers', hosts: 3 }],
        blocks: [
          {
            name: 'chain',
            component: 'workers',
            processes: [step('three', ['two']), step('two', ['one']), step('one', [])],
          },
        ],
      }),
    );
    await plushd.waitRun(run);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    const { workers = [] } = await plushd.call('plushGetMatching', run);
    for (const node of workers) {
      const own = lines.filter((line) => line.startsWith(`${node} `)).map((line) => line.split(' ')[1]);
      expect(own).toEqual(['one', 'two', 'three']);
    }
  });

  it('gives a program its arguments, environment and folder exactly as they are written', async () => {
    const args = [
      'two words',
      ` it's "quoted" `,
      'ünïcødé 漢字 😀',
      '',
      '$HOME * `id` \\n',
      '<&>',
      'a\tb\nc',
    ];
    const env = { GREETING: 'grüß "Gott" $PATH', EMPTY: '', LINES: 'one\ntwo' };
    const program = `#!/bin/sh\nfor arg; do printf '<%s>\\n' "$arg"; done\nprintf '%s|%s|%s\\n' "$GREETING" "$EMPTY" "$LINES"\npwd\n`;
    web.serve('tool.tar', makeTar(scratch, 'tool', { 'bin/show me.sh': program, 'work here/keep': '' }));
    const run = await plushd.run(
      applicationXml({
        software: { tool: `${web.url}/tool.tar` },
        components: [{ name: 'workers', hosts: 1, software: ['tool'] }],
        blocks: [
          {
            name: 'all',
            component: 'workers',
            processes: [{ name: 'show', path: '../bin/show me.sh', cwd: 'tool/work here', args, env }],
          },
        ],
      }),
    );
    await plushd.waitRun(run);
    const [node = ''] = (await plushd.call('plushGetMatching', run)).workers ?? [];
    const shown = await plushd.output(run, node);
    const words = args.map((arg) => `<${arg}>\n`).join('');
    expect(shown).toMatch(/\/tool\/work here\n$/);
    expect(shown.startsWith(`${words}${env.GREETING}||${env.LINES}\n/`)).toBe(true);
  });

  it('fails with the exit code and the last lines of stderr when a program does', async () => {
    const run = await plushd.run(shellApplication('echo some; echo "no more ink" >&2; exit 7', 2));
    await plushd.waitRun(run, ['failed']);
    const { causes, summary, nodes } = await plushd.call('plushExplain', run);
    expect(summary).toContain('exited with code 7');
    expect(causes[0]).toMatchObject({
      cause: 'exit_code',
      phase: 'watch',
      failure: { exit_code: 7, stderr_tail: ['no more ink'] },
    });
    expect(nodes.find((node) => node.state === 'failed')).toMatchObject({ exit_code: 7 });
    const failed = nodes.find((node) => node.state === 'failed')?.hostname ?? '';
    expect(await plushd.output(run, failed)).toBe('some\n');
    expect(await plushd.output(run, failed, { stream: 'stderr' })).toBe('no more ink\n');
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  });

  it('names the signal that ended a program', async () => {
    const run = await plushd.run(shellApplication('kill -SEGV $$'));
    await plushd.waitRun(run, ['failed']);
    expect((await plushd.call('plushExplain', run)).causes[0]).toMatchObject({
      cause: 'signal',
      failure: { signal: 'SIGSEGV' },
    });
  });

  it('says which program is not there', async () => {
    const processes = [{ name: 'main', path: './missing.sh' }];
    const run = await plushd.run(
      applicationXml({
        components: [{ name: 'workers', hosts: 1 }],
        blocks: [{ name: 'all', component: 'workers', processes }],
      }),
    );
    await plushd.waitRun(run, ['failed']);
    const { causes } = await plushd.call('plushExplain', run);
    expect(causes[0]).toMatchObject({ cause: 'program_not_found', phase: 'start' });
    expect(causes[0]?.message).toContain('missing.sh');
  });

  it('keeps a bounded part of output that does not end, page by page', async () => {
    const blocks = 100;
    const script = `i=0; while [ $i -lt ${blocks} ]; do i=$((i+1)); head -c 999999 /dev/zero | tr '\\0' x; echo; done; echo the end`;
    const run = await plushd.run(shellApplication(script));
    await plushd.waitRun(run);
    const [node = ''] = (await plushd.call('plushGetMatching', run)).workers ?? [];
    const limit = 262_144;
    let page = await plushd.call('plushGetOutput', run, node, { offset: 0, limit });
    const first = page.offset;
    // What is written faster than it can be copied may be dropped too, so the exact place is open.
    expect(first).toBeGreaterThan(0);
    while (!page.eof) {
      const next = await plushd.call('plushGetOutput', run, node, { offset: page.end, limit });
      expect(next.offset).toBe(page.end);
      page = next;
    }
    expect(page.data.endsWith('x\nthe end\n')).toBe(true);
    // A copy that had to begin anew has half of what is moved, which is half of the bound.
    expect(page.end - first).toBeGreaterThanOrEqual(KEPT_BYTES / 4);
    expect(page.end - first).toBeLessThanOrEqual(KEPT_BYTES);
  });

  it('is over within seconds when it is aborted while a node downloads', async () => {
    const url = web.serveStalled(
      'slow.tar',
      makeTar(scratch, 'slow', { 'a.sh': '#!/bin/sh\n'.repeat(1000) }),
    );
    const run = await plushd.run(
      applicationXml({
        software: { slow: url },
        components: [{ name: 'workers', hosts: 2, software: ['slow'] }],
        blocks: [{ name: 'all', component: 'workers', processes: [shell('never', 'exit 0')] }],
      }),
    );
    await waitFor('two downloads', () => web.requests.filter((path) => path === '/slow.tar').length >= 2);
    expect(await plushd.call('plushAbortRun', run)).toBe(true);
    await plushd.waitRun(run, ['aborted'], 15_000);
    web.release();
  });

  it('ends processes that its programs left behind, also those that left their session', async () => {
    const away = `setsid sh -c 'echo $$ >>${scratch.dir}/pids; exec sleep 1000' & sleep 1001 & echo $! >>${scratch.dir}/pids`;
    const run = await plushd.run(
      shellApplication(`${away}; until [ -e ${scratch.dir}/enough ]; do sleep 0.05; done`),
    );
    const pids = await waitFor('two processes', () => {
      const lines = readFileSync(scratch.path('pids'), 'utf8').trim().split('\n');
      return lines.length === 2 ? lines.map(Number) : undefined;
    });
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual(expect.arrayContaining(pids));
    writeFileSync(scratch.path('enough'), '');
    await plushd.waitRun(run);
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
  });
});
