import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseApplication } from '../../src/core/spec/application.ts';
import { applicationXml, shellApplication } from '../harness/application.ts';
import { buildPlush, type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess, processesOf } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const ROOT = join(__dirname, '..', '..');
const DIRECTORY = '<plush><resource_manager type="local" count="3" group="lab"/></plush>';

jest.setTimeout(120_000);

/** `plush` as a process of its own. */
class Cli {
  out = '';
  err = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(scratch: Scratch, words: readonly string[]) {
    const { PLUSH_URL: _url, PLUSH_TOKEN_FILE: _token, NO_COLOR: _colour, ...inherited } = process.env;
    this.child = spawn(process.execPath, [join(ROOT, 'bin/plush'), ...words], {
      env: { ...inherited, PLUSH_STATE: stateOf(scratch) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  async end(): Promise<{ code: number | null; out: string; err: string }> {
    const code = await this.ended;
    expect(`${this.out}${this.err}`).not.toMatch(/\n\s+at .*:\d+/);
    return { code, out: this.out, err: this.err };
  }

  async says(text: string | RegExp): Promise<void> {
    await waitFor(`plush to say ${text}`, () => new RegExp(text).test(this.out + this.err), 60_000);
  }
}

const stateOf = (scratch: Scratch) => join(scratch.dir, 'state');
const runtimeOf = (scratch: Scratch) => join(stateOf(scratch), 'plushd.json');

describe('plush', () => {
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

  const start = (...words: string[]) => new Cli(scratch, words);
  const plush = (...words: string[]) => start(...words).end();
  const directory = () => ['--directory', scratch.path('directory.xml')];
  const serve = async () => {
    plushd = await startPlushd({ scratch, args: directory() });
    return plushd;
  };

  function application(script: string, hosts = 1): string {
    const file = scratch.path('app.xml');
    writeFileSync(file, shellApplication(script, hosts));
    return file;
  }

  it('runs an application with a daemon of its own, which stays and answers', async () => {
    const file = application('echo "hello from $PLUSH_NODE"; echo "and this" >&2; printf last', 2);
    const { code, out, err } = await plush('run', file, ...directory(), '--output');
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringMatching(
        /^Started plushd \(pid \d+\) .*; it keeps running\. Stop it with: plush call plushQuit\n$/,
      ),
    });
    const run = /run (\S+) of "app" started/.exec(out)?.[1] ?? '';
    const hosts = /workers: (\S+), (\S+)\n/.exec(out)?.slice(1) ?? [];
    expect(hosts).toHaveLength(2);
    for (const host of hosts) {
      expect(out).toMatch(new RegExp(`^${host} \\| hello from ${host}$`, 'm'));
      expect(out).toMatch(new RegExp(`^${host} \\| and this$`, 'm'));
      expect(out).toMatch(new RegExp(`^${host} \\| last$`, 'm'));
    }
    expect(out).toMatch(new RegExp(`Run ${run} succeeded after \\d\\d:\\d\\d on 2 nodes\n`));

    const again = await plush('run', file, ...directory());
    expect(again).toMatchObject({ code: 0, err: '' });
    const other = await plush('run', file, '--directory', scratch.path('other.xml'));
    expect(other).toMatchObject({ code: 2, err: expect.stringMatching(/started with another --directory/) });

    const [host = ''] = hosts;
    expect(await plush('logs', run, host)).toEqual({ code: 0, out: `hello from ${host}\nlast`, err: '' });
    expect((await plush('logs', run, '--stderr')).out).toBe(
      [...hosts]
        .sort()
        .map((name) => `${name} | and this\n`)
        .join(''),
    );
    expect(await plush('logs', run, 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/NOT_IN_RUN/),
    });
    expect(JSON.parse((await plush('nodes', '--json')).out)).toHaveLength(3);
    expect((await plush('runs')).out).toMatch(new RegExp(`^${run} +app +succeeded `, 'm'));
    expect((await plush('explain', run)).out).toMatch(new RegExp(`^Run ${run}: succeeded\n`));
    expect((await plush('status')).out).toMatch(/^runs +2 runs: 2 succeeded$/m);
    expect((await plush('call', 'plushGetRun', run)).out).toMatch(/"state": "succeeded"/);

    expect(await plush('call', 'plushQuit')).toEqual({ code: 0, out: 'true\n', err: '' });
    await waitFor('plushd to leave', () => !existsSync(runtimeOf(scratch)));
    expect(await plush('status')).toMatchObject({ code: 1, err: expect.stringMatching(/No plushd runs/) });
  });

  it('shows what is wrong with a specification, and where', async () => {
    const file = scratch.path('bad.xml');
    writeFileSync(file, shellApplication('true').replace('<path>', '<pth>').replace('</path>', '</pth>'));
    for (const command of ['run', 'check']) {
      const { code, out, err } = await plush(command, file);
      expect(code).toBe(2);
      expect(out + err).toContain(`${file}:`);
      expect(out + err).toMatch(/:\d+:\d+: error [A-Z_]+: /);
    }
  });

  it('says of a specification what the parser says of it', async () => {
    const file = join(__dirname, '../unit/spec/fixtures/errors/barriers.xml');
    const { code, out } = await plush('check', '--json', file);
    const { diagnostics } = parseApplication(readFileSync(file), 'application.xml');
    expect({ code, checked: JSON.parse(out) }).toEqual({ code: 2, checked: [{ file, diagnostics }] });
  });

  it('stops a daemon that it started only to look', async () => {
    expect(await plush('check', application('true'))).toMatchObject({ code: 0, err: '' });
    expect(await plush('nodes', ...directory())).toMatchObject({ code: 0, err: '' });
    expect(existsSync(runtimeOf(scratch))).toBe(false);
  });

  it('starts one daemon when two commands need one at the same time', async () => {
    const file = application('true');
    const both = await Promise.all([plush('run', file, ...directory()), plush('run', file, ...directory())]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.map(({ err }) => err.match(/Started plushd/g)?.length ?? 0).sort()).toEqual([0, 1]);
  });

  it('reads a directory again that has changed since it started the daemon', async () => {
    const file = application('true', 4);
    expect(await plush('run', file, ...directory())).toMatchObject({ code: 1 });
    writeFileSync(scratch.path('directory.xml'), DIRECTORY.replace('count="3"', 'count="4"'));
    expect(await plush('run', file, ...directory())).toMatchObject({ code: 0 });
  });

  it('says in a sentence why no daemon could be started', async () => {
    const { code, err } = await plush('run', application('true'), '--directory', scratch.path('missing.xml'));
    expect(code).toBe(2);
    expect(err).toMatch(/^plush: .*missing\.xml.* \(its log: .*plushd\.log\)\n$/);
  });

  it('ends with 1 and an explanation when a task fails', async () => {
    await serve();
    const { code, out } = await plush('run', application('echo "no such thing" >&2; exit 7'));
    expect(code).toBe(1);
    expect(out).toMatch(/main failed: .*7.*no such thing/);
    const run = /Run (\S+) failed after/.exec(out)?.[1];
    expect(out).toContain(`Run ${run}: failed`);
  });

  it('aborts the run at Ctrl-C and waits until it is over', async () => {
    const daemon = await serve();
    const cli = start('run', application('sleep 600'));
    await cli.says('started main');
    cli.child.kill('SIGINT');
    const { code, out, err } = await cli.end();
    expect({ code, err }).toMatchObject({ code: 130, err: expect.stringMatching(/^Aborting the run/) });
    expect(out).toMatch(/Run \S+ was aborted/);
    const { runs } = await daemon.call('plushListRuns');
    expect(runs).toMatchObject([{ state: 'aborted' }]);
  });

  it('goes on where it was when the daemon dies and comes back elsewhere', async () => {
    const daemon = await serve();
    const gate = join(scratch.dir, 'gate');
    const cli = start(
      'run',
      application(`echo begun; until [ -e ${gate} ]; do sleep 0.05; done; echo over`),
      '--output',
    );
    await cli.says('begun');
    const before = daemon.url;
    await daemon.kill('SIGKILL');
    await cli.says('does not answer any more');
    await daemon.restart();
    writeFileSync(gate, '');
    const { code, out } = await cli.end();
    expect(code).toBe(0);
    expect(daemon.url).not.toBe(before);
    expect(out.match(/\| (begun|over)$/gm)).toEqual(['| begun', '| over']);
    expect(out.match(/ started main$/gm)).toHaveLength(1);
  });

  it('follows output while it grows, and ends with the run', async () => {
    const daemon = await serve();
    const gate = join(scratch.dir, 'gate');
    const run = await daemon.run(
      shellApplication(`echo begun; until [ -e ${gate} ]; do sleep 0.05; done; echo over`),
    );
    const cli = start('logs', run, '--follow');
    await cli.says('begun');
    writeFileSync(gate, '');
    const { code, out } = await cli.end();
    expect(code).toBe(0);
    expect(out).toMatch(/^(\S+) \| begun\n\1 \| over\n$/);
  });

  it('gives bytes out as they are, and says what is missing of an output', async () => {
    const daemon = await serve();
    const script = 'printf "\\0\\377bin"; printf "\\200\\n" >raw; seq 1 20000 >&2';
    const main = {
      name: 'main',
      path: '/bin/sh',
      args: ['-c', script],
      xml: '<log_manager><fd fd="2" type="file" max_bytes="64KiB"/></log_manager><output>raw</output><output>none</output>',
    };
    const blocks = [{ name: 'all', component: 'workers', processes: [main] }];
    const run = await daemon.run(applicationXml({ components: [{ name: 'workers', hosts: 1 }], blocks }));
    await daemon.waitRun(run);
    const [host = ''] = Object.values(await daemon.call('plushGetMatching', run)).flat();
    const target = scratch.path('bytes');
    const bytesOf = async (...words: string[]) => {
      expect(await plush('logs', run, host, ...words, '--output', target)).toEqual({
        code: 0,
        out: '',
        err: '',
      });
      return readFileSync(target);
    };
    expect(await bytesOf()).toEqual(Buffer.from([0, 255, 0x62, 0x69, 0x6e]));
    expect(await bytesOf('--file', 'raw')).toEqual(Buffer.from([0x80, 0x0a]));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(ROOT, 'bin/plush'), 'logs', run, host, '--raw'],
      { encoding: 'buffer', env: { ...process.env, PLUSH_STATE: stateOf(scratch) } },
    );
    expect(stdout).toEqual(Buffer.from([0, 255, 0x62, 0x69, 0x6e]));

    const { code, out, err } = await plush('logs', run, host, '--stderr');
    expect({ code, end: out.slice(-12) }).toEqual({ code: 0, end: '19999\n20000\n' });
    expect(err).toMatch(
      /^The first \d+ bytes of the stderr of main on \S+ are not kept: it is longer than max_bytes of its log_manager allows\n$/,
    );
    const page = await daemon.call('plushGetOutput', run, host, { stream: 'stderr', limit: 10 });
    expect(page.skipped_bytes).toBe(page.offset);
    expect(Number(/\d+/.exec(err)?.[0])).toBe(page.offset);
    const next = { stream: 'stderr', limit: 10, offset: page.end } as const;
    expect(await daemon.call('plushGetOutput', run, host, next)).not.toHaveProperty('skipped_bytes');

    rmSync(target);
    const none = await plush('logs', run, host, '--file', 'none', '--output', target);
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('was not there when it was to') });
    expect(existsSync(target)).toBe(false);
    const nowhere = await plush('logs', run, host, '--output', join(target, 'file'));
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining('cannot be written: ENOENT') });
    expect(await plush('logs', run, '--raw')).toMatchObject({
      code: 2,
      err: expect.stringContaining('need the name of a node'),
    });
    const mixed = await plush('logs', run, host, '--file', 'raw', '--stderr', '--follow');
    expect(mixed).toMatchObject({ code: 2, err: expect.stringContaining('leave --stderr and --follow out') });
  });

  it('ends quietly when nobody reads its output any more', async () => {
    const daemon = await serve();
    const run = await daemon.run(shellApplication('yes "a line of output" | head -n 200000'));
    await daemon.waitRun(run);
    const cli = start('logs', run);
    cli.child.stdout?.once('data', () => cli.child.stdout?.destroy());
    expect(await cli.end()).toMatchObject({ code: 141, err: '' });
  });

  it('says that a token is refused, and that a URL leads to something else', async () => {
    const daemon = await serve();
    const wrong = scratch.path('wrong-token');
    writeFileSync(wrong, 'wrong\n');
    const named = await plush('--token-file', wrong, 'nodes');
    expect(named).toMatchObject({
      code: 1,
      err: expect.stringMatching(/rejects the token of .*wrong-token/),
    });
    const url = daemon.url.replace('//', `//plush:${daemon.token}@`);
    expect(await plush('--url', `${url}/RPC2`, 'call', 'plushTestConnection')).toMatchObject({
      code: 0,
      out: '"Hello World"\n',
    });
    expect(await plush('--url', `${url}/nowhere`, 'status')).toMatchObject({ code: 1, out: '' });
    expect(await plush('--url', 'ftp://host', 'status')).toMatchObject({ code: 2, out: '' });
  });

  it('shows the help on a method as a page', async () => {
    await serve();
    const { code, out } = await plush('call', 'system.methodHelp', 'plushFailHost');
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, 2)).toEqual(['plushFailHost(hostname)', '']);
  });

  it('tells the sentence of a fault', async () => {
    await serve();
    const { code, err } = await plush('call', 'plushFailHost', 'nobody');
    expect(code).toBe(1);
    expect(err).toMatch(/^plush: NODE_NOT_FOUND: .*\n$/);
    expect(await plush('logs', 'no-such-run')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/RUN_NOT_FOUND/),
    });
  });

  it('ignores what a daemon left behind that was killed', async () => {
    const daemon = await serve();
    await daemon.kill('SIGKILL');
    expect(JSON.parse(readFileSync(runtimeOf(scratch), 'utf8'))).toHaveProperty('pid');
    expect(await plush('status')).toMatchObject({ code: 1, err: expect.stringMatching(/No plushd runs/) });
    expect(await plush('nodes', ...directory())).toMatchObject({ code: 0 });
  });
});
