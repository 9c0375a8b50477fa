/** plushd as a program: ready line, options, directory, signals, token. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { type Plushd, runPlushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(60_000);

let scratch: Scratch;
let plushd: Plushd | undefined;

beforeEach(() => {
  scratch = makeScratch();
});

afterEach(async () => {
  await plushd?.close();
  plushd = undefined;
  await scratch.remove();
});

/** Runs plushd with options that it must refuse: exit code 2, nothing on standard output. */
async function refusal(...args: string[]): Promise<string> {
  const end = await runPlushd(['--state', scratch.path('state'), ...args]);
  expect(end).toMatchObject({ code: 2, signal: null, stdout: '' });
  return end.stderr;
}

function directory(nodes: string): string {
  const file = scratch.path('directory.xml');
  writeFileSync(file, `<?xml version="1.0"?>\n<plush>\n${nodes}\n</plush>\n`);
  return file;
}

async function names(daemon: Plushd): Promise<string[]> {
  return (await daemon.call('plushListNodes')).nodes.map((node) => node.hostname);
}

describe('the ready line', () => {
  it('names where the daemon serves, its token and its process', async () => {
    plushd = await startPlushd({ scratch });
    const { ready } = plushd;
    expect(ready).toEqual({
      ready: true,
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/?$/),
      token_file: scratch.path('state', 'token'),
      pid: plushd.pid,
    });
    const health = await fetch(new URL('/readyz', ready.url));
    expect(health.status).toBe(200);
    expect(statSync(ready.token_file).mode & 0o777).toBe(0o600);
    expect(statSync(scratch.path('state')).mode & 0o777).toBe(0o700);
    expect(readFileSync(ready.token_file, 'utf8')).toMatch(/^\S{32,}\n$/);
  });

  it('comes again with the same token after a restart', async () => {
    plushd = await startPlushd({ scratch });
    const { token } = plushd;
    expect(await plushd.kill('SIGINT')).toEqual({ code: 0, signal: null });
    await plushd.restart();
    expect(plushd.token).toBe(token);
  });

  it('comes with the token file that was asked for', async () => {
    const file = scratch.path('secrets', 'mine');
    plushd = await startPlushd({ scratch, args: ['--token-file', file] });
    expect(plushd.ready.token_file).toBe(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(scratch.path('state', 'token'))).toBe(false);
    expect(await plushd.call('plushTestConnection')).toBe('Hello World');
  });
});

describe('options', () => {
  it.each([
    [['--lisen', '127.0.0.1:0'], 'There is no option --lisen; did you mean --listen?'],
    [['--listen', 'nowhere'], '--listen nowhere is not HOST:PORT with a port from 0 to 65535'],
    [['--listen'], '--listen needs a value: --listen HOST:PORT'],
    [['start'], 'plushd takes no argument "start"; plushd --help lists the options'],
    [['--ssh-host-keys', 'never'], '--ssh-host-keys is one of strict, accept-new, not "never"'],
    [['--topology', 'ring'], '--topology ring is not in this version, which has star'],
    [['--tls-cert', 'package.json'], '--tls-cert and --tls-key go together'],
    [
      ['--listen', '0.0.0.0:0'],
      '--listen 0.0.0.0:0 is open to the network: give --tls-cert and --tls-key, or --insecure-listen to do without',
    ],
  ])('%j are refused with one sentence', async (args, sentence) => {
    expect(await refusal(...args)).toBe(`plushd: ${sentence}\n`);
    expect(existsSync(scratch.path('state'))).toBe(false);
  });

  it('that name folders and files are refused when those are not there', async () => {
    const file = scratch.path('file');
    writeFileSync(file, '');
    expect(await refusal('--apps', file)).toBe(`plushd: --apps ${file} is not a folder\n`);
    const missing = scratch.path('missing');
    for (const option of ['--directory', '--ssh-identity'])
      expect(await refusal(option, missing)).toBe(`plushd: ${option} ${missing} is not a readable file\n`);
    const config = scratch.path('config.json');
    writeFileSync(config, '{"listen": ');
    expect(await refusal('--config', config)).toContain(`The configuration file ${config} cannot be used`);
  });

  it('come from the environment and from a file as well, the command line first', async () => {
    const config = scratch.path('config.json');
    writeFileSync(config, JSON.stringify({ 'log-level': 'loud', topology: 'ring' }));
    expect(await refusal('--config', config, '--topology', 'star')).toContain('not "loud"');
    const env = { PLUSH_LOG_LEVEL: 'warn', PLUSH_CONFIG: config };
    expect((await runPlushd(['--state', scratch.path('state')], env)).stderr).toContain('--topology ring');
  });

  it('that ask for help or the version are answered on standard output', async () => {
    const help = await runPlushd(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--listen HOST:PORT');
    expect(await runPlushd(['--version'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^plushd \d+\.\d+\.\d+\n$/),
    });
  });
});

describe('a daemon that cannot begin', () => {
  it('ends with exit code 1 and a sentence when its port is in use', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    const args = ['--listen', `127.0.0.1:${port}`, '--state', scratch.path('state')];
    const end = await runPlushd(args);
    await new Promise((resolve) => holder.close(resolve));
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toBe(
      `plushd: Another program listens on 127.0.0.1:${port}. Stop it, or choose another port.\n`,
    );
  });

  it.each([
    ['its token file is empty', ['--token-file', 'empty'], /^plushd: The token file \S+ is empty\. .*\n$/],
    [
      'its certificate is none',
      ['--tls-cert', 'empty', '--tls-key', 'empty'],
      /^plushd: The TLS certificate and key cannot be used .*\n$/,
    ],
    [
      'its state folder cannot be made',
      ['--state', '/proc/x/y'],
      /^plushd: The state folder \/proc\/x\/y cannot be made \(.*\)\. Give --state another folder\.\n$/,
    ],
    [
      'its state folder cannot be written',
      ['--state', '/proc'],
      /^plushd: The state folder \/proc cannot be written \(.*\)\. Make it writable for this user, or give --state another folder\.\n$/,
    ],
    [
      'a callback host is a pattern',
      ['--callback-hosts', '*'],
      /^plushd: --callback-hosts takes names .*\n$/,
    ],
  ])('ends with exit code 2 and one sentence when %s', async (_what, args, sentence) => {
    writeFileSync(scratch.path('empty'), '');
    const given = args.map((word) => (word === 'empty' ? scratch.path(word) : word));
    const usual = ['--listen', '127.0.0.1:0', '--state', scratch.path('state')];
    const end = await runPlushd([...usual, ...given]);
    expect(end).toMatchObject({ code: 2, stdout: '' });
    expect(end.stderr).toMatch(sentence);
  });

  it('ends with exit code 2 and a sentence when its state folder is a file', async () => {
    const file = scratch.path('file');
    writeFileSync(file, '');
    const end = await runPlushd(['--listen', '127.0.0.1:0', '--state', file]);
    expect(end).toMatchObject({ code: 2, stdout: '' });
    expect(end.stderr).toBe(
      `plushd: The state folder ${file} is a file, or lies below one. Give --state a folder.\n`,
    );
  });

  it('says all that is wrong in its directory, each with its place', async () => {
    const file = directory(
      [
        '<resource_manager type="ssh">',
        '  <node hostname="a b" ssh_port="0"/>',
        '  <node hostnam="c"/>',
        '</resource_manager>',
        '<resource_manager type="lokal"/>',
      ].join('\n'),
    );
    const lines = (await refusal('--listen', '127.0.0.1:0', '--directory', file)).trimEnd().split('\n');
    expect(lines[0]).toMatch(/^plushd: /);
    expect(lines.length).toBeGreaterThanOrEqual(4);
    const places = lines.map((line) => line.replace(/^plushd: /, ''));
    for (const place of places) {
      expect(place.startsWith(`${file}:`)).toBe(true);
      expect(place.slice(file.length)).toMatch(/^:\d+:\d+: error [A-Z_]+: /);
    }
    expect(existsSync(scratch.path('state', 'plushd.json'))).toBe(false);
  });
});

describe('the failed flag', () => {
  it('stands for as long as the options say', async () => {
    plushd = await startPlushd({ scratch, args: ['--failed-time', '1'] });
    const daemon = plushd;
    await daemon.call('plushAddNode', { hostname: 'mine', type: 'local' });
    await daemon.call('plushFailHost', 'mine');
    const state = async () => (await daemon.call('plushGetNode', 'mine')).state;
    expect(await state()).toBe('failed');
    await waitFor('the end of the flag', async () => (await state()) === 'idle');
  });
});

describe('the directory', () => {
  it('is read at the start and again on SIGHUP', async () => {
    const file = directory('<resource_manager type="local" count="2" group="lab"/>');
    plushd = await startPlushd({ scratch, args: ['--directory', file] });
    await plushd.call('plushAddNode', { hostname: 'mine', type: 'local' });
    expect(await names(plushd)).toEqual(['local-1', 'local-2', 'mine']);
    const daemon = plushd;
    directory('<resource_manager type="local" count="1" name="other"/>');
    process.kill(plushd.pid, 'SIGHUP');
    await waitFor('the other nodes', async () => (await names(daemon)).join() === 'mine,other-1');
  });

  it('is what was last read, also where a former one took longer to read', async () => {
    const file = directory('<resource_manager type="local" count="1"/>');
    plushd = await startPlushd({ scratch, args: ['--directory', file] });
    const daemon = plushd;
    const isReading = async () => {
      const headers = { authorization: `Bearer ${daemon.token}` };
      const response = await fetch(`${daemon.url}/metrics`, { headers });
      return (await response.text()).includes('\nplush_specifications_pending 1\n');
    };
    directory(`${'\n'.repeat(9_000_000)}<resource_manager type="local" count="1" name="former"/>`);
    process.kill(daemon.pid, 'SIGHUP');
    await waitFor('the thread to read', isReading);
    directory('<resource_manager type="local" count="1" name="latter"/>');
    process.kill(daemon.pid, 'SIGHUP');
    await waitFor('both', () => daemon.logText().split('The directory was read again').length === 3);
    expect(await names(daemon)).toEqual(['latter-1']);
  });

  it('keeps the pool as it is when the file has errors on SIGHUP', async () => {
    const file = directory('<resource_manager type="local" count="2"/>');
    plushd = await startPlushd({ scratch, args: ['--directory', file] });
    const daemon = plushd;
    directory('<resource_manager type="local" count="many"/>');
    process.kill(plushd.pid, 'SIGHUP');
    await waitFor('the complaint', () => daemon.logText().includes(`${file}:3:`));
    expect(await names(plushd)).toEqual(['local-1', 'local-2']);
  });
});

describe('the state folder', () => {
  it('is made with all folders above it, for its owner only', async () => {
    const deep = scratch.path('deep');
    mkdirSync(deep);
    const end = runPlushd(['--listen', '127.0.0.1:0', '--state', `${deep}/a/b`, '--insecure-listen']);
    await waitFor('the daemon to serve', () => existsSync(`${deep}/a/b/plushd.json`));
    const { pid } = JSON.parse(readFileSync(`${deep}/a/b/plushd.json`, 'utf8')) as { pid: number };
    process.kill(pid, 'SIGTERM');
    expect(await end).toMatchObject({ code: 0 });
    expect(statSync(`${deep}/a/b`).mode & 0o777).toBe(0o700);
    expect(existsSync(`${deep}/a/b/plushd.json`)).toBe(false);
  });
});
