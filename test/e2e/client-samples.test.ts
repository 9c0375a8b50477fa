/** The samples of both client libraries, as a user would start them, against a real plushd. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shellApplication } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { Program } from '../harness/program.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const CLIENTS = join(__dirname, '..', '..', 'clients');

const samples = {
  typescript: (name: string) => [process.execPath, join(CLIENTS, 'typescript', 'samples', `${name}.mjs`)],
  python: (name: string) => [
    'python3',
    join(CLIENTS, 'python', 'samples', `${name.replaceAll('-', '_')}.py`),
  ],
};

jest.setTimeout(120_000);

let scratch: Scratch;
let plushd: Plushd;

beforeAll(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
  await plushd.addLocalNodes(2);
});

afterAll(async () => {
  await plushd.close();
  await scratch.remove();
});

describe.each(Object.entries(samples))('of %s', (language, commandOf) => {
  let programs: Program[] = [];

  afterEach(async () => {
    await Promise.all(programs.map((program) => program.end('SIGKILL')));
    programs = [];
  });

  const startWith = (env: Readonly<Record<string, string>>, name: string, ...words: string[]) => {
    const program = new Program([...commandOf(name), ...words], env);
    programs.push(program);
    return program;
  };
  const start = (name: string, ...words: string[]) =>
    startWith({ PLUSH_STATE: scratch.path('state') }, name, ...words);

  const application = (script: string) => {
    const file = scratch.path('app.xml');
    writeFileSync(file, shellApplication(script, 2));
    return file;
  };

  test('run-and-wait prints what the tasks printed, and its exit code tells the outcome', async () => {
    const good = start('run-and-wait', application('echo "hello from $PLUSH_NODE"'));
    expect(await good.ended).toBe(0);
    expect(good.lines.sort()).toEqual(['node-1 | hello from node-1', 'node-2 | hello from node-2']);
    expect(good.err).toMatch(/^Run \S+ of app succeeded\n$/);

    const bad = start('run-and-wait', application('echo to no avail; exit 3'));
    expect(await bad.ended).toBe(1);
    expect(bad.out).toContain('| to no avail');
    expect(bad.err).toMatch(/exit.* 3.*of app failed\n$/s);

    const long = start('run-and-wait', application('sleep 300'));
    const run = await waitFor('the run', async () => {
      const { runs } = await plushd.call('plushListRuns', { state: 'running' });
      return runs[0]?.run_id;
    });
    await plushd.call('plushAbortRun', run);
    expect(await long.ended).toBe(2);
    expect(long.err).toMatch(/was aborted\n$/);
  });

  test('run-and-wait says in a sentence why it could not run anything', async () => {
    const broken = scratch.path('broken.xml');
    writeFileSync(broken, '<plush><project name="x"></plush>');
    for (const [words, sentence] of [
      [[broken], /^APP_INVALID: [^\n]+\n/],
      [[scratch.path('missing.xml')], /no such file/i],
      [[], /^Usage: \w+ run.and.wait\.\w+ FILE\n$/],
      [['--verbose'], /^Usage: /],
    ] as const) {
      const program = start('run-and-wait', ...words);
      expect(await program.ended).toBe(3);
      expect(program.err).toMatch(sentence);
      expect(program.err).not.toMatch(/Traceback|\n\s+at /);
    }
    const alone = startWith({ PLUSH_STATE: scratch.path('nothing') }, 'run-and-wait', broken);
    expect(await alone.ended).toBe(3);
    expect(alone.err).toMatch(/^No plushd runs on the state folder \S+\n$/);
  });

  test.each(['broker', 'run-and-wait', 'monitor'])('%s tells its usage', async (name) => {
    const helped = start(name, '--help');
    expect(await helped.ended).toBe(0);
    expect(helped.out).toMatch(/^usage: /i);
    const wrong = start(name, '--nonsense');
    expect(await wrong.ended).not.toBe(0);
    expect(wrong.err).toMatch(/usage: /i);
    expect(helped.err + wrong.err).not.toMatch(/Traceback|\n\s+at /);
  });

  test('monitor follows a plushd over SIGKILL and another port, without a hole and without a repetition', async () => {
    const { last: first } = await plushd.call('plushGetEvents', { after: -1 });
    const monitor = start('monitor', '--after', `${first}`);
    const nodes = start('monitor', '--after', `${first}`, 'node');
    await plushd.call('plushAddNode', { hostname: 'before', type: 'local' });
    await monitor.says('node_added before');
    await plushd.kill('SIGKILL');
    await monitor.says('looking for it');
    await plushd.restart();
    await plushd.call('plushAddNode', { hostname: 'between', type: 'local' });
    await monitor.says('node_added between');
    await plushd.kill('SIGKILL');
    await plushd.restart();
    await plushd.call('plushRemoveNode', 'before');
    const { last } = await plushd.call('plushGetEvents', { after: -1 });
    await waitFor('the last event', () => monitor.lines.some((line) => line.startsWith(`${last} `)));
    await nodes.says('node_removed before');

    expect(monitor.lines.map((line) => Number(line.split(' ')[0]))).toEqual(
      Array.from({ length: last - first }, (_, index) => first + index + 1),
    );
    expect(monitor.lines.filter((line) => line.includes('controller_started'))).toHaveLength(2);
    expect(
      nodes.lines.map((line) => line.replace(/^\d+ /, '')).filter((line) => /before|between/.test(line)),
    ).toEqual(['node_added before', 'node_added between', 'node_removed before']);
    expect(await Promise.all([monitor.end('SIGTERM'), nodes.end('SIGINT')])).toEqual([0, 0]);
    expect(monitor.err).not.toMatch(/Traceback/);
    await plushd.call('plushRemoveNode', 'between');
  });

  test('broker lends, renews, and takes back what it no longer offers, what failed, and all when it ends', async () => {
    const offer = scratch.path('offer.json');
    const machines = ['one', 'two', 'three'].map((hostname) => ({ hostname, type: 'local', group: 'lent' }));
    writeFileSync(offer, JSON.stringify(machines));
    const words = ['--offer', offer, '--lease', '1.5', '--name', 'lender'];
    const broker = start('broker', ...words);
    await broker.says('lent three until');
    const lent = await plushd.call('plushGetNode', 'one');
    expect(lent.lease).toEqual({ id: 'lender/one', expires: expect.stringMatching(/Z$/) });

    await broker.says('renewed one until');
    const renewed = await plushd.call('plushGetNode', 'one');
    expect(Date.parse(renewed.lease?.expires ?? '')).toBeGreaterThan(Date.parse(lent.lease?.expires ?? ''));

    writeFileSync(offer, JSON.stringify(machines.slice(0, 2)));
    await plushd.call('plushFailHost', 'two');
    await broker.says('took back two: failed');
    await broker.says('took back three: no longer offered');
    await broker.says(/took back two.*lent two until/s);

    // What it holds outlives both it and plushd.
    await broker.end('SIGKILL');
    await plushd.kill('SIGKILL');
    await plushd.restart();
    const again = start('broker', ...words);
    await again.says('renewed one until');
    expect(again.out).not.toContain('lent one');
    expect(await again.end('SIGTERM')).toBe(0);
    expect(again.out).toContain('took back one: the broker ends');
    const { nodes } = await plushd.call('plushListNodes');
    expect(nodes.map(({ hostname }) => hostname)).toEqual(['node-1', 'node-2']);
  });

  test('broker needs a token with the scope broker alone', async () => {
    const { token } = await plushd.call('plushCreateToken', {
      name: `lender-${language}`,
      scopes: ['broker'],
    });
    const offer = scratch.path('offer.json');
    writeFileSync(
      offer,
      JSON.stringify([{ hostname: 'lent.example', group: 'lent' }, { hostname: 'node-1' }]),
    );
    const env = { PLUSH_URL: plushd.url.replace('//', `//plush:${token}@`) };
    const broker = startWith(env, 'broker', '--offer', offer);
    await broker.says(/lent lent\.example until/);
    await broker.says(/node-1: [A-Z_]+: /);
    expect((await plushd.call('plushGetNode', 'lent.example')).owner).toBe(`lender-${language}`);
    expect(await broker.end('SIGTERM')).toBe(0);
    expect(broker.out).toContain('took back lent.example: the broker ends');

    const revoked = `lender-${language}`;
    await plushd.call('plushRevokeToken', revoked);
    const refused = startWith(env, 'broker', '--offer', offer);
    expect(await refused.ended).toBe(1);
    expect(refused.err).toMatch(/^plushd at \S+ rejects the token.*\n$/);
    expect(refused.err).not.toContain(token);
  });
});
