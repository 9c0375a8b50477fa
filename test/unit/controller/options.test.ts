import { writeFileSync } from 'node:fs';
import { OptionError, readOptions } from '../../../src/controller/options.ts';
import { withScratch } from '../../harness/scratch.ts';

const read = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  readOptions(args, { HOME: '/home/x', ...env }, '/tmp');

describe('readOptions', () => {
  test('has the documented defaults', () => {
    expect(read([])).toMatchObject({
      host: '127.0.0.1',
      port: 4880,
      state: '/home/x/.local/state/plush',
      apps: '/tmp',
      sshHostKeys: 'strict',
      insecureListen: false,
      corsOrigins: [],
      rateLimit: 2_000,
      maxBodyBytes: 1_048_576,
      plcUrl: 'https://www.planet-lab.org/PLCAPI/',
      plcInterval: 300,
      nodeRules: { failedMs: 600_000, failedShortMs: 10_000, dropCount: 3, dropWindowMs: 600_000 },
    });
    expect(read([])).toMatchObject({ nodeRules: { holdMs: 600_000, holdPercent: 80 } });
    expect(read(['--hold-time', '0'])).toMatchObject({ nodeRules: { holdMs: 0 } });
    expect(read([], { XDG_STATE_HOME: '/s' })).toMatchObject({ state: '/s/plush' });
  });

  test('takes how nodes are judged in seconds, from everywhere options come from', async () => {
    await withScratch(async (scratch) => {
      const file = scratch.path('config.json');
      writeFileSync(file, JSON.stringify({ 'failed-time': 60, 'drop-count': 5 }));
      const options = read(['--failed-time-short', '3', '--config', file], { PLUSH_DROP_WINDOW: '90' });
      expect(options).toMatchObject({
        nodeRules: { failedMs: 60_000, failedShortMs: 3_000, dropCount: 5, dropWindowMs: 90_000 },
      });
    });
  });

  test('takes the command line over the environment over the file', async () => {
    await withScratch(async (scratch) => {
      const file = scratch.path('config.json');
      writeFileSync(file, JSON.stringify({ listen: '127.0.0.1:1', state: 'of-file', 'log-level': 'debug' }));
      const options = read(['--listen', '127.0.0.1:3', '--config', file], {
        PLUSH_LISTEN: '127.0.0.1:2',
        PLUSH_STATE: 'of-env',
      });
      expect(options).toMatchObject({ port: 3, state: '/tmp/of-env', logLevel: 'debug' });
    });
  });

  test.each([
    [['--lisen', 'x'], 'There is no option --lisen; did you mean --listen?'],
    [['run'], 'plushd takes no argument "run"'],
    [['--state'], '--state needs a value: --state DIR'],
    [['--help=yes'], '--help takes no value'],
    [['--listen', 'nowhere'], '--listen nowhere is not HOST:PORT'],
    [['--listen', '127.0.0.1:70000'], 'a port from 0 to 65535'],
    [
      ['--listen', '0.0.0.0:0'],
      'is open to the network: give --tls-cert and --tls-key, or --insecure-listen',
    ],
    [['--ssh-host-keys', 'maybe'], '--ssh-host-keys is one of strict, accept-new, not "maybe"'],
    [['--apps', '/does/not/exist'], '--apps /does/not/exist is not a folder'],
    [['--directory', '/does/not/exist'], '--directory /does/not/exist is not a readable file'],
    [
      ['--plc-password-file', '/does/not/exist'],
      '--plc-password-file /does/not/exist is not a readable file',
    ],
    [['--plc-url', 'http://plc.example.org/PLCAPI/'], 'would send the password in clear'],
    [['--plc-url', 'https://me:secret@plc.example.org/'], '--plc-url takes no user and password'],
    [['--plc-url', 'ftp://plc.example.org/'], 'a URL such as https://www.planet-lab.org/PLCAPI/, not'],
    [['--plc-interval', '1'], '--plc-interval is a number from 10 to 86400, not "1"'],
    [['--failed-time', '0'], '--failed-time is a number from 1 to 2592000, not "0"'],
    [['--failed-time-short', '10s'], '--failed-time-short is a number from 1 to 2592000, not "10s"'],
    [['--drop-count', '1.5'], '--drop-count is a number from 1 to 100, not "1.5"'],
    [['--drop-window', '1e9'], '--drop-window is a number from 10 to 86400, not "1e9"'],
    [['--hold-time', '-1'], '--hold-time is a number from 0 to 86400, not "-1"'],
    [['--hold-percent', '49'], '--hold-percent is a number from 50 to 100, not "49"'],
    [['--tls-cert', '/etc/hostname'], '--tls-cert and --tls-key go together'],
    [['--topology', 'tree'], '--topology tree is not in this version'],
    [['--cors-origin', '*'], '--cors-origin takes origins such as https://console.example, and "*" is none'],
    [['--cors-origin', 'https://a.example,null'], 'and "null" is none'],
    [['--cors-origin', 'https://a.example/path'], 'and "https://a.example/path" is none'],
    [['--cors-origin', 'file:///a'], 'and "file:///a" is none'],
    ...['*', '*.example', '.example', 'http://x', '10.0.0.0/8', 'a:1', '[::1]:1', '300.1.1.1', 'a b'].flatMap(
      (text): [string[], string][] => [
        [['--callback-hosts', `ok.example,${text}`], `and "${text}" is none`],
        [['--allowed-hosts', text], '--allowed-hosts takes names or addresses such as console.example'],
      ],
    ),
    [['--rate-limit', '-1'], '--rate-limit is a number from 0 to 1000000, not "-1"'],
    [['--rate-limit', '1e9'], '--rate-limit is a number'],
    [['--max-body', '1'], '--max-body is a number from 65536 to 67108864, not "1"'],
    [['--config', '/does/not/exist'], 'The configuration file /does/not/exist cannot be used'],
  ])('refuses %j with one sentence', (args, sentence) => {
    expect(() => read(args)).toThrow(OptionError);
    expect(() => read(args)).toThrow(sentence);
  });

  test('takes hosts as URLs have them', () => {
    const hosts = 'Console.Example, 10.0.0.1,[2001:DB8::1],::1,bücher.example';
    const read_as = ['console.example', '10.0.0.1', '2001:db8::1', '::1', 'xn--bcher-kva.example'];
    expect(read(['--callback-hosts', hosts, '--allowed-hosts', hosts])).toMatchObject({
      callbackHosts: read_as,
      allowedHosts: read_as,
    });
  });

  test('takes origins as browsers write them', () => {
    const given = 'HTTPS://Console.Example:443/, http://localhost:8080';
    expect(read(['--cors-origin', given])).toMatchObject({
      corsOrigins: ['https://console.example', 'http://localhost:8080'],
    });
  });

  test('listens beyond the loopback when told to do without TLS', () => {
    expect(read(['--listen', '0.0.0.0:4880', '--insecure-listen'])).toMatchObject({
      host: '0.0.0.0',
      insecureListen: true,
    });
    expect(read(['--listen', '[::1]:0'])).toMatchObject({ host: '::1', port: 0 });
  });

  test('names an unknown option of the file with the file', async () => {
    await withScratch(async (scratch) => {
      const file = scratch.path('config.json');
      writeFileSync(file, '{"stat": "x"}');
      expect(() => read(['--config', file])).toThrow(
        `There is no option ${file}: stat; did you mean ${file}: state?`,
      );
    });
  });
});
