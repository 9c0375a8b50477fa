import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { EXIT } from '../../../clients/shell/failure.ts';
import { daemonOptions } from '../../../clients/shell/options.ts';
import { runProgram } from '../../../clients/shell/program.ts';
import { makeTerminal } from '../../../clients/shell/terminal.ts';

describe('the options about the daemon', () => {
  it('take the state folder from XDG_STATE_HOME, which must be absolute', () => {
    expect(daemonOptions({}, { XDG_STATE_HOME: '/x' }).stateDir).toBe('/x/plush');
    const fallback = join(homedir(), '.local/state/plush');
    expect(daemonOptions({}, { XDG_STATE_HOME: 'x' }).stateDir).toBe(fallback);
    expect(daemonOptions({}, {}).stateDir).toBe(fallback);
    expect(daemonOptions({ state: 'here' }, {}).stateDir).toBe(resolve('here'));
  });

  it.each([
    ['http://127.0.0.1:4880', 'http://127.0.0.1:4880', undefined],
    ['http://plush:t%2Fk@127.0.0.1:4880/RPC2', 'http://127.0.0.1:4880', 't/k'],
    ['https://host/plush/rpc/', 'https://host/plush', undefined],
    ['http://[::1]:4880/', 'http://[::1]:4880', undefined],
  ])('take %s as a URL', (given, url, urlToken) => {
    expect(daemonOptions({ url: given }, {})).toMatchObject({ url, ...(urlToken && { urlToken }) });
  });

  it.each(['ftp://host', '127.0.0.1:4880', '', 'http://'])('refuse %j as a URL', (url) => {
    expect(() => daemonOptions({ url }, {})).toThrow(/takes an http or https URL/);
  });

  it('make the paths absolute that are handed on', () => {
    const given = { directory: 'd.xml', sshHostKeys: 'accept-new', plcPasswordFile: 'p', plcInterval: '10' };
    expect(daemonOptions(given, {}).passed).toEqual({
      '--directory': resolve('d.xml'),
      '--ssh-host-keys': 'accept-new',
      '--plc-password-file': resolve('p'),
      '--plc-interval': '10',
    });
  });
});

describe('the command line', () => {
  async function plush(...words: string[]): Promise<{ code: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const code = await runProgram(words, {
      terminal: makeTerminal({ write: (text) => (out += text) }, { write: (text) => (err += text) }),
      interrupts: { listen: () => () => undefined, leave: () => process.exit() },
      daemonProgram: '/nowhere/plushd',
      version: '1.2.3',
    });
    return { code, out, err };
  }

  it.each([
    [[], /Usage: plush/],
    [['frob'], /unknown command 'frob'/],
    [['run'], /missing required argument 'FILE'/],
    [['nodes', 'surplus'], /too many arguments/],
    [['nodes', '--colour'], /unknown option '--colour'/],
    [['--state'], /argument missing/],
  ])('answers wrong usage %j with exit code 2 and a sentence', async (words, sentence) => {
    const { code, out, err } = await plush(...words);
    expect({ code, out }).toEqual({ code: EXIT.usage, out: '' });
    expect(err).toMatch(sentence);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it.each([[['--help']], [['run', '--help']], [['help', 'logs']]])('prints help for %j', async (words) => {
    const { code, out } = await plush(...words);
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/^Usage: plush/);
  });

  it('prints its version', async () => {
    expect(await plush('--version')).toEqual({ code: EXIT.ok, out: '1.2.3\n', err: '' });
  });

  it('tells a state of nodes from a state folder', async () => {
    await expect(plush('nodes', '--state', '/tmp/x')).rejects.toThrow(
      /The state folder goes before the command/,
    );
  });

  it('refuses options for a daemon that is not started', async () => {
    const words = ['--url', 'http://plush:t@127.0.0.1:1', '--directory', 'd.xml', 'nodes'];
    await expect(plush(...words)).rejects.toThrow(/--directory is for a plushd that plush starts/);
  });
});
