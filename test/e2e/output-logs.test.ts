/** What a log manager says becomes of output, and the files that come back. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applicationXml, type ProcessText } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

let scratch: Scratch;
let plushd: Plushd;
let node: string;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  [node = ''] = await plushd.addLocalNodes(1);
});
afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

function application(text: string, xml: string, more: Partial<ProcessText> = {}, outer = ''): string {
  const main = { name: 'main', path: '/bin/sh', args: ['-c', text], xml, ...more };
  const components = [{ name: 'workers', hosts: 1 }];
  return applicationXml({
    components,
    blocks: [{ name: 'all', component: 'workers', processes: [main] }],
    xml: outer,
  });
}

const log = (fds: string, more = '') => `<log_manager ${more}>${fds}</log_manager>`;

/** The controller's folder of what came back from the node. */
const copies = (run: string) => join(scratch.dir, 'state', 'outputs', run, node);

describe('a file with a name of its own', () => {
  it('is written on the node as the program goes on, and comes back under that name', async () => {
    const go = scratch.path('go');
    const fds = '<fd fd="1" type="file" path_prefix="logs/out-" path_postfix=".txt"/>';
    const text = `echo one; while ! test -e ${go}; do sleep 0.02; done; cat logs/out-*.txt >&2`;
    const run = await plushd.run(application(text, log(fds)));
    await waitFor('the first line', async () => (await page(run)).data === 'one\n');
    writeFileSync(go, '');
    await plushd.waitRun(run);
    expect(await plushd.output(run, node, { stream: 'stderr' })).toBe('one\n');
    const file = `logs/out-${node}.txt`;
    expect(readFileSync(join(copies(run), 'files', file), 'utf8')).toBe('one\n');
    expect(await plushd.call('plushGetOutput', run, node, { file })).toMatchObject({
      data: 'one\n',
      eof: true,
    });
  });

  it('is bounded: the newest output is kept', async () => {
    const fds = '<fd fd="1" type="file" path_postfix=".log" max_bytes="64KiB"/>';
    const text = 'i=0; while test $i -lt 40; do i=$((i+1)); printf "%08000d\\n" $i; sleep 0.02; done';
    const run = await plushd.run(application(text, log(fds)));
    await plushd.waitRun(run);
    const size = readFileSync(join(copies(run), 'files', `${node}.log`)).length;
    expect(size).toBeGreaterThan(20_000);
    expect(size).toBeLessThan(160_000);
    expect((await plushd.output(run, node)).slice(-8001)).toMatch(/^0+40\n$/);
  });
});

it('discards what nobody wants', async () => {
  const run = await plushd.run(application('echo out; echo err >&2', log('<fd fd="1" type="discard"/>')));
  await plushd.waitRun(run);
  expect(await plushd.output(run, node)).toBe('');
  expect(await plushd.output(run, node, { stream: 'stderr' })).toBe('err\n');
});

it('keeps output from the API where use_api says so, and brings it back all the same', async () => {
  const run = await plushd.run(application('echo secret', log('', 'use_api="0"')));
  await plushd.waitRun(run);
  await expect(page(run)).rejects.toMatchObject({ symbol: 'NO_OUTPUT' });
  expect(readFileSync(join(copies(run), 'main.1.stdout'), 'utf8')).toBe('secret\n');
});

describe('a stream', () => {
  it('is at the controller as it is written, goes on over a restart, and survives the loss of its node', async () => {
    const go = scratch.path('stream');
    const text = `echo one; while ! test -e ${go}; do sleep 0.02; done; echo two; exec sleep 1000`;
    const run = await plushd.run(application(text, log('<fd fd="1" type="stream" max_bytes="1MiB"/>')));
    const folder = join(copies(run), 'main.1.stdout.stream');
    const copied = () =>
      existsSync(folder) &&
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('');
    await waitFor('the first line at the controller', () => copied() === 'one\n');
    await plushd.kill();
    writeFileSync(go, '');
    await plushd.restart();
    await waitFor('the second line at the controller', () => copied() === 'one\ntwo\n');
    process.kill(plushd.agentPid(node) as number, 'SIGSTOP');
    try {
      expect(await page(run)).toMatchObject({ data: 'one\ntwo\n', eof: false });
    } finally {
      process.kill(plushd.agentPid(node) as number, 'SIGCONT');
    }
    await plushd.call('plushAbortRun', run);
    await plushd.waitRun(run, ['aborted']);
    expect(await page(run)).toMatchObject({ data: 'one\ntwo\n', eof: true });
  });

  it('of a fast program is bounded, and keeps its end', async () => {
    const script = 'i=0; while test $i -lt 4000; do i=$((i+1)); printf "%0999d\\n" $i; done';
    const run = await plushd.run(application(script, log('<fd fd="1" type="stream" max_bytes="256KiB"/>')));
    await plushd.waitRun(run);
    const folder = join(copies(run), 'main.1.stdout.stream');
    const names = readdirSync(folder).filter((name) => name !== 'end');
    const bytes = names.reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
    expect(bytes).toBeLessThanOrEqual(256 << 10);
    const text = await plushd.output(run, node);
    expect(text.slice(-1000)).toMatch(/^0+4000\n$/);
    expect(text.length).toBeLessThanOrEqual(256 << 10);
    expect((await page(run)).offset).toBeGreaterThan(0);
  });
});

describe('a follower', () => {
  it('gets the next line as soon as it is written, and an empty page when the time is up', async () => {
    const go = scratch.path('follow');
    const text = `echo one; while ! test -e ${go}; do sleep 0.02; done; echo two; sleep 0.1`;
    const run = await plushd.run(application(text, ''));
    await waitFor('the first line', async () => (await page(run).catch(() => undefined))?.data === 'one\n');
    expect(await page(run, { offset: 4, wait_ms: 100 })).toMatchObject({ data: '', end: 4, eof: false });
    const next = page(run, { offset: 4, wait_ms: 30_000 });
    writeFileSync(go, '');
    expect(await next).toMatchObject({ data: 'two\n', end: 8 });
    expect(await page(run, { offset: 8, wait_ms: 30_000 })).toMatchObject({ data: '', eof: true });
    await plushd.waitRun(run);
  });
});

describe('files named by output', () => {
  it('come back from the process, its component block and the application', async () => {
    const go = scratch.path('files');
    mkdirSync(scratch.path('outside'));
    writeFileSync(scratch.path('outside', 'secret'), 'secret');
    const text = `mkdir sub; echo own >own; printf "\\0\\377" >sub/raw; echo app >app; mkfifo pipe; ln -s ${scratch.path('outside')} out`;
    const names = ['own', 'sub/raw', 'out/secret', 'none', 'sub', 'pipe']
      .map((name) => `<output>${name}</output>`)
      .join('');
    const later = {
      name: 'later',
      path: '/bin/sh',
      args: ['-c', `while ! test -e ${go}; do sleep 0.02; done`],
      after: ['main'],
    };
    const main = { name: 'main', path: '/bin/sh', args: ['-c', text], xml: names };
    const run = await plushd.run(
      applicationXml({
        components: [{ name: 'workers', hosts: 1 }],
        blocks: [{ name: 'all', component: 'workers', processes: [main, later] }],
        xml: '<output>app</output>',
      }),
    );
    const file = (name: string) => join(copies(run), 'files', name);
    // The process has ended, the run has not.
    await waitFor('the files of the process', () => existsSync(file('sub/raw')));
    expect(readFileSync(file('sub/raw'))).toEqual(Buffer.from([0, 255]));
    writeFileSync(go, '');
    await plushd.waitRun(run);
    expect(await plushd.call('plushGetOutput', run, node, { file: 'own' })).toMatchObject({
      data: 'own\n',
      eof: true,
    });
    expect(await plushd.call('plushGetOutput', run, node, { file: 'app' })).toMatchObject({ data: 'app\n' });
    for (const name of ['out/secret', 'none', '../../../token', '/etc/passwd', 'sub', '']) {
      await expect(plushd.call('plushGetOutput', run, node, { file: name })).rejects.toMatchObject({
        symbol: 'NO_OUTPUT',
      });
    }
    await expect(plushd.call('plushGetOutput', run, node, { file: 'none' })).rejects.toMatchObject({
      message: expect.stringContaining('was not there when it was to come back'),
    });
    const found = readdirSync(join(copies(run), 'files'), { recursive: true });
    expect(found.sort()).toEqual(['app', 'own', 'sub', 'sub/raw']);
    const missing = [
      { path: 'out/secret', cause: 'output_unsafe' },
      { path: 'none', cause: 'output_missing' },
      { path: 'sub', cause: 'output_not_a_file' },
      { path: 'pipe', cause: 'output_not_a_file' },
    ];
    const { missing_outputs = [] } = await plushd.call('plushGetRun', run);
    expect(missing_outputs).toMatchObject(missing.map((one) => ({ ...one, nodes: 1, examples: [node] })));
    const { causes, summary } = await plushd.call('plushExplain', run);
    expect(causes.map(({ cause }) => cause)).toEqual(missing.map(({ cause }) => cause));
    expect(summary).toBe(
      `The node completed; 4 output files did not come back, such as "out/secret" from ${node}.`,
    );
    const { events } = await plushd.call('plushGetEvents', { limit: 1000, topics: ['run'] });
    const told = events.filter(({ type, run_id }) => type === 'outputs_missed' && run_id === run);
    // Once, though the node was asked when the process had ended and when it was cleaned.
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ hostname: node, files: missing });
  });
});

describe('the cleanup of the application', () => {
  const cleanup = (command: string) => `<cleanup>${command}</cleanup>`;

  it('runs when the tasks are stopped, before files come back, also where the run failed', async () => {
    const outer = `${cleanup('cat mine >made; echo $PLUSH_RUN >>made')}<output>made</output>`;
    const run = await plushd.run(application('echo x >mine; exit 3', '', {}, outer));
    await plushd.waitRun(run, ['failed']);
    expect(readFileSync(join(copies(run), 'files', 'made'), 'utf8')).toBe(`x\n${run}\n`);
  });

  it('that fails, or leaves processes behind, keeps no node from being cleaned', async () => {
    const run = await plushd.run(application('true', '', {}, cleanup('setsid sleep 1000 &amp; exit 9')));
    await plushd.waitRun(run);
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
    const { summary, causes } = await plushd.call('plushExplain', run);
    expect(summary).toMatch(/the cleanup command did not succeed on one node\.$/);
    const message = 'The cleanup command of the application did not succeed: the command exited with code 9';
    expect(causes).toMatchObject([{ cause: 'cleanup_failed', phase: 'clean', message, examples: [node] }]);
  });
});

it('does not follow a link that a program put where a log file is to be', async () => {
  const outside = scratch.path('trap');
  mkdirSync(outside);
  symlinkSync(outside, scratch.path('link'));
  const first = { name: 'first', path: '/bin/sh', args: ['-c', `ln -s ${outside} logs`] };
  const xml = log('<fd fd="1" type="file" path_prefix="logs/x"/>');
  const second = { name: 'second', path: '/bin/echo', args: ['hello'], xml, after: ['first'] };
  const run = await plushd.run(
    applicationXml({
      components: [{ name: 'workers', hosts: 1 }],
      blocks: [{ name: 'all', component: 'workers', processes: [first, second] }],
    }),
  );
  await plushd.waitRun(run, ['failed']);
  expect(readdirSync(outside)).toEqual([]);
  const { causes } = await plushd.call('plushExplain', run);
  expect(causes[0]).toMatchObject({
    cause: 'start_failed',
    message: expect.stringMatching(/out of the run's folder/),
  });
});

function page(run: string, more: object = {}) {
  return plushd.call('plushGetOutput', run, node, { ...more });
}
