/** `plush token` as a process of its own, with a plushd that runs and without one. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { callAs } from '../harness/as-token.ts';
import { buildPlush, type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess, processesOf } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const ROOT = join(__dirname, '..', '..');
let scratch: Scratch;
let plushd: Plushd | undefined;

beforeAll(buildPlush);

beforeEach(() => {
  scratch = makeScratch();
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

function plush(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const { PLUSH_URL: _url, PLUSH_TOKEN_FILE: _token, ...inherited } = process.env;
  const env = { ...inherited, PLUSH_STATE: join(scratch.dir, 'state') };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, 'bin/plush'), ...words], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

describe('plush token', () => {
  it('makes, lists and revokes tokens of a plushd that runs', async () => {
    plushd = await startPlushd({ scratch });
    const words = ['--scope', 'broker,read', '--expires', '30d', '--rate', '100'];
    const made = await plush('token', 'create', 'shirako', ...words);
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^plush_[\w-]{43}\n$/) });
    expect(made.err).toContain('shown only now');
    expect((await callAs(plushd, made.out.trim(), 'plushListNodes')).status).toBe(200);
    const list = await plush('token', 'list');
    expect(list.out).toMatch(
      /^TOKEN +SCOPES +CREATED +EXPIRES +CALLS\/S\nshirako +broker,read +\S+ \S+ +\S+ \S+ +100\n$/,
    );
    expect(await plush('token', 'revoke', 'shirako')).toEqual({ code: 0, out: '', err: '' });
    expect(await plush('token', 'revoke', 'shirako')).toMatchObject({
      code: 1,
      err: expect.stringContaining('TOKEN_NOT_FOUND'),
    });
    expect((await plush('token', 'list')).err).toContain("No tokens beside the owner's");
  });

  it('makes one where no plushd runs, which the next one knows', async () => {
    const made = await plush('token', 'create', 'early', '--scope', 'read', '--json');
    expect(made.code).toBe(0);
    const { token } = JSON.parse(made.out) as { token: string };
    expect(readFileSync(scratch.path('state', 'tokens.json'), 'utf8')).not.toContain(token);
    plushd = await startPlushd({ scratch });
    expect((await callAs(plushd, token, 'plushTestConnection')).result).toBe('Hello World');
  });

  it.each([
    [['create', 'x'], /--scope takes some of read, broker, operate, admin/],
    [['create', 'x', '--scope', 'read,all'], /--scope takes some of/],
    [['create', 'x', '--scope', 'read', '--expires', '2001-01-01'], /--expires takes a span/],
    [['create', 'x', '--scope', 'read', '--expires', 'soon'], /--expires takes a span/],
    [['create', 'x', '--scope', 'read', '--rate', '-1'], /--rate takes calls a second/],
    [['create', '--scope', 'read'], /missing required argument/],
    [['revoke'], /missing required argument/],
  ])('refuses %j', async (words, sentence) => {
    expect(await plush('token', ...words)).toMatchObject({ code: 2, err: expect.stringMatching(sentence) });
  });
});
