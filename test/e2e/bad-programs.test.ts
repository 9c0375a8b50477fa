/** Programs that cannot be started, fail, or talk without end, and arguments that a shell would take apart. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { applicationXml, type ProcessText, shellApplication } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { undisturbed } from '../harness/undisturbed.ts';
import { waitFor } from '../harness/wait.ts';

const NODES = 2;
/** Kept of one stream. */
const MAX_OUTPUT_BYTES = 64 << 20;

let scratch: Scratch;
let plushd: Plushd;
let names: string[];

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  names = await plushd.addLocalNodes(NODES);
  writeFileSync(scratch.path('plain'), 'no program', { mode: 0o644 });
  writeFileSync(scratch.path('orphan'), '#!/no/such/interpreter\n');
  chmodSync(scratch.path('orphan'), 0o755);
  writeFileSync(scratch.path('garbage'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0]));
  chmodSync(scratch.path('garbage'), 0o755);
  mkdirSync(scratch.path('folder'));
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

const application = (process: Omit<ProcessText, 'name'>) =>
  applicationXml({
    components: [{ name: 'workers', hosts: NODES }],
    blocks: [{ name: 'all', component: 'workers', processes: [{ name: 'main', ...process }] }],
  });

describe('a program', () => {
  const path = (name: string) => () => ({ path: scratch.path(name) });

  it.each([
    [
      'that is not there',
      () => ({ path: '/no/such/program' }),
      'program_not_found',
      /^There is no program \/no\/such\/program$/,
    ],
    [
      'that is not in its folder',
      () => ({ path: './run.sh' }),
      'program_not_found',
      /^There is no program "\.\/run\.sh" in the run's folder$/,
    ],
    [
      'that is not in PATH',
      () => ({ path: 'no-such-program' }),
      'program_not_found',
      /"no-such-program" is in no folder of PATH/,
    ],
    [
      'that may not be executed',
      path('plain'),
      'program_not_executable',
      /may not be executed; chmod \+x it$/,
    ],
    ['that is a folder', path('folder'), 'program_not_executable', /is not a file$/],
    [
      'whose interpreter is missing',
      path('orphan'),
      'program_not_found',
      /^There is no interpreter \/no\/such\/interpreter, which the script/,
    ],
    [
      'whose folder is missing',
      () => ({ path: '/bin/true', cwd: 'a/b' }),
      'cwd_missing',
      /^There is no folder "a\/b" to run the program in$/,
    ],
    [
      'that is no program of this machine',
      path('garbage'),
      'exit_code',
      /^The program exited with code \d+$/,
    ],
    [
      'that fails',
      () => ({ path: '/bin/sh', args: ['-c', 'echo why >&2; exit 3'] }),
      'exit_code',
      /^The program exited with code 3$/,
    ],
    [
      'that ends itself by a signal',
      () => ({ path: '/bin/sh', args: ['-c', 'kill -SEGV $$'] }),
      'signal',
      /^The program was ended by SIGSEGV$/,
    ],
  ] as const)('%s fails the run with the reason', async (_what, process, cause, message) => {
    const explanation = await undisturbed(plushd, scratch, async () => {
      const run = await plushd.run(application(process()));
      await plushd.waitRun(run, ['failed']);
      expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
      return plushd.call('plushExplain', run);
    });
    const [first] = explanation.causes;
    expect(first).toMatchObject({ cause, hint: expect.stringMatching(/./), failure: { block: 'main' } });
    expect(first?.message).toMatch(message);
    expect(first?.phase).toBe(cause === 'exit_code' || cause === 'signal' ? 'watch' : 'start');
    expect(explanation.summary).toContain('block "main" failed on node-');
    expect(explanation.nodes.map((node) => node.state)).not.toContain('waiting');
    const { nodes } = await plushd.call('plushListNodes', { group: 'lab' });
    expect(nodes.filter((node) => node.state === 'failed')).toEqual([]);
  });
});

it('hands arguments and variables over as they are', async () => {
  const mark = scratch.path('injected');
  const args = [
    `$(touch ${mark})`,
    `; touch ${mark}`,
    `\`touch ${mark}\``,
    `' ; touch ${mark} ; '`,
    `" && touch ${mark} "`,
    '$HOME',
    '*',
    '~',
    '-rf',
    '--',
    'two  spaces',
    'back\\slash\\n',
    '%s',
    'ünïcödé 𝕏',
    '<tag>&amp;',
  ];
  const run = await plushd.run(
    application({
      path: '/bin/sh',
      // The script is the program's own; what comes after it is data.
      args: ['-c', 'for word; do printf "%s|" "$word"; done; printf "%s" "$ODD"', 'sh', ...args],
      env: { ODD: `$(touch ${mark}) "quoted" 'too'` },
    }),
  );
  await plushd.waitRun(run);
  for (const node of names) {
    expect(await plushd.output(run, node)).toBe(
      `${args.map((arg) => `${arg}|`).join('')}$(touch ${mark}) "quoted" 'too'`,
    );
  }
  expect(existsSync(mark)).toBe(false);
});

it('bounds output without end, and can be stopped in it', async () => {
  await undisturbed(plushd, scratch, async () => {
    const run = await plushd.run(shellApplication('yes "line after line"', NODES));
    await plushd.waitRun(run, ['running']);
    const [node = ''] = names;
    await waitFor('the beginning of the output to be dropped', async () => {
      const page = await plushd.call('plushGetOutput', run, node, { offset: 0, limit: 100 });
      return page.offset > 0 && page.data.includes('line after line') && !page.eof;
    });
    await plushd.call('plushAbortRun', run);
    await plushd.waitRun(run, ['aborted']);
    expect(plushd.processes({ PLUSH_RUN: run })).toEqual([]);
    const first = await plushd.call('plushGetOutput', run, node, { offset: 0, limit: 10 });
    const last = await plushd.call('plushGetOutput', run, node, { offset: Number.MAX_SAFE_INTEGER });
    expect(last).toMatchObject({ data: '', eof: true });
    expect(last.end - first.offset).toBeLessThanOrEqual(2 * MAX_OUTPUT_BYTES);
  });
});

describe('plushGetOutput', () => {
  let run: string;
  const text = 'The quick brown fox jumps over the lazy dog\n';

  beforeAll(async () => {
    run = await plushd.run(shellApplication(`printf '%s' '${text}'; echo oops >&2`, 1, { name: 'output' }));
    await plushd.waitRun(run);
  });

  const node = async () => Object.values(await plushd.call('plushGetMatching', run)).flat()[0] ?? '';

  it.each([
    ['the whole', {}, { data: text, offset: 0, end: text.length, eof: true }],
    ['a part', { offset: 4, limit: 5 }, { data: 'quick', offset: 4, end: 9, eof: false }],
    ['the end', { offset: text.length }, { data: '', offset: text.length, end: text.length, eof: true }],
    [
      'nothing beyond the end',
      { offset: 10 ** 12 },
      { data: '', offset: text.length, end: text.length, eof: true },
    ],
    ['a limit larger than all', { limit: 262144 }, { data: text, eof: true }],
    ['the other stream', { stream: 'stderr' as const }, { data: 'oops\n', eof: true }],
    ['a block by its name', { task: 'main' }, { data: text, eof: true }],
  ])('gives %s', async (_what, page, expected) => {
    expect(await plushd.call('plushGetOutput', run, await node(), page)).toMatchObject(expected);
  });

  it('gives a task by its id and refuses another', async () => {
    const { tasks } = await plushd.call('plushGetBlock', run, 'main');
    const task = tasks[0]?.task_id ?? '';
    expect(await plushd.call('plushGetOutput', run, await node(), { task })).toMatchObject({
      data: text,
      task,
    });
    await expect(
      plushd.call('plushGetOutput', run, await node(), { task: `${task}9` }),
    ).rejects.toMatchObject({
      symbol: 'NO_OUTPUT',
      message: expect.stringMatching(/has no task ".*9" in run "/),
    });
  });

  it('refuses a node that has no part in the run, and one that is not there', async () => {
    const mine = await node();
    for (const name of [names.find((one) => one !== mine) ?? '', 'no-such-node']) {
      await expect(plushd.call('plushGetOutput', run, name)).rejects.toMatchObject({
        symbol: 'NOT_IN_RUN',
        message: expect.stringContaining(`"${name}"`),
      });
    }
  });

  it('refuses a run that ended before the node had a task', async () => {
    const wanting = await plushd.run(shellApplication('true', 50, { name: 'wanting' }));
    await plushd.waitRun(wanting, ['failed']);
    await expect(plushd.call('plushGetOutput', wanting, names[0] ?? '')).rejects.toMatchObject({
      symbol: 'NOT_IN_RUN',
    });
    await expect(plushd.call('plushGetBlock', wanting, 'no-such-block')).rejects.toMatchObject({
      symbol: 'BLOCK_NOT_FOUND',
      message: expect.stringContaining('plushGetRun() lists its blocks'),
    });
    await expect(plushd.call('plushAbortRun', wanting)).rejects.toMatchObject({ symbol: 'RUN_ENDED' });
  });

  it('gives output that is no text as text that every client takes', async () => {
    const odd = await plushd.run(
      shellApplication(`printf 'a\\000b\\033[1mc\\377d\\r\\n'`, 1, { name: 'odd' }),
    );
    await plushd.waitRun(odd);
    const [where = ''] = Object.values(await plushd.call('plushGetMatching', odd)).flat();
    expect(await plushd.output(odd, where)).toBe('a\ufffdb\ufffd[1mc\ufffdd\r\n');
  });
});
