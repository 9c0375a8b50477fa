/** `plush shell` and `plush plan` as processes of their own. */
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shellApplication } from '../harness/application.ts';
import { buildPlush, type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess, processesOf } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const ROOT = join(__dirname, '..', '..');
const DIRECTORY = '<plush><resource_manager type="local" count="3" group="lab"/></plush>';

jest.setTimeout(90_000);

let scratch: Scratch;
let plushd: Plushd | undefined;

beforeAll(buildPlush);

beforeEach(() => {
  scratch = makeScratch();
  writeFileSync(scratch.path('directory.xml'), DIRECTORY);
});

afterEach(async () => {
  await plushd?.close();
  plushd = undefined;
  await waitFor('all processes of the test to end', () => {
    const left = processesOf(scratch.dir);
    for (const pid of left) killProcess(pid);
    return left.length === 0;
  });
  await scratch.remove();
});

async function serve(): Promise<Plushd> {
  plushd = await startPlushd({ scratch, args: ['--directory', scratch.path('directory.xml')] });
  return plushd;
}

function plush(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const { PLUSH_URL: _url, PLUSH_TOKEN_FILE: _token, ...inherited } = process.env;
  const env = { ...inherited, PLUSH_STATE: join(scratch.dir, 'state') };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, 'bin/plush'), ...words], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

describe('plush shell', () => {
  it('prints what is the same once, and ends with 0 when every node succeeded', async () => {
    await serve();
    const { code, out, err } = await plush('shell', 'echo', 'one', '--two');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^3 nodes \(\S+, \S+, \S+\): exit code 0\none --two\n$/);
  });

  it('ends with 1 when one node did not, and shows each result', async () => {
    const daemon = await serve();
    const [first = ''] = (await daemon.call('plushListNodes')).nodes.map(({ hostname }) => hostname);
    const { code, out } = await plush(
      'shell',
      `[ $PLUSH_NODE = ${first} ] && { echo "so bad" >&2; exit 7; }; echo fine`,
    );
    expect(code).toBe(1);
    expect(out).toMatch(
      /^2 nodes \(.*\): exit code 0\nfine\n\n1 node \(.*\): exit code 7\nstderr \| so bad\n/,
    );
    expect(out).toMatch(/\n2 of 3 nodes succeeded\n$/);
  });

  it('takes nodes, a group and a time, and says what is wrong with them', async () => {
    const daemon = await serve();
    const [first = ''] = (await daemon.call('plushListNodes')).nodes.map(({ hostname }) => hostname);
    const one = await plush('shell', '--nodes', first, '--json', 'true');
    expect(JSON.parse(one.out)).toMatchObject({
      state: 'succeeded',
      total: 1,
      results: [{ nodes: [first] }],
    });
    const late = await plush('shell', '--group', 'lab', '--timeout', '1', 'sleep 1000');
    expect(late).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^3 nodes .*within 1 s.*\(timeout\)\n/),
    });
    expect(await plush('shell', '--timeout', 'soon', 'true')).toMatchObject({ code: 2 });
    expect(await plush('shell', '--nodes', first, '--group', 'lab', 'true')).toMatchObject({ code: 2 });
    expect(await plush('shell')).toMatchObject({ code: 2 });
    const nobody = await plush('shell', '--nodes', 'nobody', 'true');
    expect(nobody).toMatchObject({ code: 1, err: expect.stringMatching(/^plush: NODE_NOT_FOUND/) });
  });

  it('shows nothing that a terminal would act on', async () => {
    await serve();
    const { out } = await plush('shell', 'printf "a\\033[31mb\\n"');
    expect(out).toContain('a\ufffd[31mb');
  });
});

describe('plush plan', () => {
  function application(hosts: number): string {
    const file = scratch.path('app.xml');
    writeFileSync(file, shellApplication('true', hosts));
    return file;
  }

  it('shows placement and steps of a file that is not loaded, nor is by this', async () => {
    const daemon = await serve();
    const { code, out, err } = await plush('plan', application(2));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Application app: could run now\n/);
    expect(out).toMatch(/\nworkers +0 +\S+ +idle +0 +chance among equals\n/);
    expect(out).toMatch(
      /\n1\. connect to 2 nodes\n2\. run main of workers on 2 nodes: \/bin\/sh -c true\n3\. clean 2 nodes\n/,
    );
    expect((await daemon.call('plushListApps')).apps).toEqual([]);
    expect(await plush('plan', 'app')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/APP_NOT_FOUND/),
    });
  });

  it('ends with 1 when nodes are missing, with 2 when the specification has errors', async () => {
    const { code, out } = await plush('plan', application(4), '--directory', scratch.path('directory.xml'));
    expect(code).toBe(1);
    expect(out).toMatch(
      /cannot run now\n\nComponent workers needs 4 nodes and can have 3 of the 3 in the pool/,
    );
    expect(existsSync(join(scratch.dir, 'state', 'plushd.json'))).toBe(false);
    writeFileSync(scratch.path('bad.xml'), '<plush>');
    expect(await plush('plan', scratch.path('bad.xml'))).toMatchObject({ code: 2 });
    expect(await plush('plan', scratch.path('none.xml'))).toMatchObject({ code: 2 });
  });
});
