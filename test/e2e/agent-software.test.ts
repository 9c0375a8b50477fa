/** Kinds of packages and of software, as a real agent installs them with the machine's own tools and from real servers. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PackageSpec, SoftwareSpec } from '../../api/spec.ts';
import type { AgentClient, TestNode } from '../harness/agent.ts';
import { eachTestOnANode } from '../harness/agent-suite.ts';
import { makeZip, tarOf, type ZipEntry } from '../harness/archive.ts';
import { startFtpServer, startRsyncServer } from '../harness/file-servers.ts';
import { type PackageServer, startPackageServer } from '../harness/packages.ts';
import { pathOf } from '../harness/programs.ts';

jest.setTimeout(60_000);

let node: TestNode;
let built = '';
let server: PackageServer;

eachTestOnANode((fresh, dir) => {
  node = fresh;
  built = dir;
});
beforeEach(async () => {
  server = await startPackageServer();
});
afterEach(async () => {
  await server.close();
  fs.rmSync(join(built, 'packages'), { recursive: true, force: true });
});

async function started(env: Record<string, string> = {}): Promise<AgentClient> {
  await node.start({ env });
  return node.dial();
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
const work = (name: string, run = 'run') => join(node.dir, 'runs', run, 'work', name);
const read = (name: string, run?: string) => fs.readFileSync(work(name, run), 'utf8');

function ask(one: Partial<SoftwareSpec>, run_id = 'run'): { run_id: string; software: SoftwareSpec[] } {
  return { run_id, software: [{ name: 's', type: 'none', ...one }] };
}

function pack(type: PackageSpec['type'], path: string, changes: Partial<PackageSpec> = {}): PackageSpec {
  return { name: 'p', type, path, dest_path: 'p', ...changes };
}

const zipOf = (...entries: ZipEntry[]): Buffer => makeZip(node.scratch, entries);

async function bzip2(bytes: Buffer): Promise<Buffer> {
  return execFileSync('bzip2', ['-c'], { input: bytes });
}

describe('software of type tbz2', () => {
  test('is unpacked', async () => {
    const path = server.serve('a.tbz2', await bzip2(await tarOf({ name: 'bin/run', body: 'x' })));
    const client = await started();
    await client.request('install', ask({ type: 'tbz2', package: pack('web', path) }));
    expect(read('bin/run')).toBe('x');
  });

  test('is refused when a member leads out of the folder, or the bytes are broken', async () => {
    const whole = await bzip2(await tarOf({ name: 'f', body: 'y'.repeat(100_000) }));
    const out = server.serve('out', await bzip2(await tarOf({ name: '../f', body: 'x' })));
    const cut = server.serve('cut', whole.subarray(0, whole.length / 2));
    const client = await started();
    const refused = (path: string) =>
      client.refusal('install', ask({ type: 'tbz2', package: pack('web', path) }));
    expect((await refused(out)).code).toBe('archive_escapes');
    expect((await refused(cut)).code).toBe('archive_damaged');
    expect(fs.existsSync(work('f'))).toBe(false);
  });

  test('names the program that is missing', async () => {
    const path = server.serve('a', await bzip2(await tarOf({ name: 'f', body: 'x' })));
    const client = await started(pathOf(node.scratch, 'tar'));
    expect(await client.refusal('install', ask({ type: 'tbz2', package: pack('web', path) }))).toMatchObject({
      code: 'tool_missing',
      message: 'There is no bzip2 on this node; install it',
    });
  });
});

describe('software of type zip', () => {
  test('is unpacked with permissions and links, without a program of the node', async () => {
    const path = server.serve(
      'a.zip',
      zipOf(
        { name: 'app/', mode: 0o040755 },
        { name: 'app/run', body: '#!/bin/sh\n', mode: 0o100755 },
        { name: 'app/latest', body: 'run', mode: 0o120777 },
        { name: 'größe.txt', body: 'ü' },
      ),
    );
    const client = await started(pathOf(node.scratch));
    await client.request('install', ask({ type: 'zip', package: pack('web', path) }));
    expect(fs.statSync(work('app/run')).mode & 0o777).toBe(0o755);
    expect(fs.readlinkSync(work('app/latest'))).toBe('run');
    expect(read('größe.txt')).toBe('ü');
  });

  test.each<[string, ZipEntry[]]>([
    ['a name with ..', [{ name: '../f', body: 'x' }]],
    ['an absolute name', [{ name: '/tmp/plush-zip', body: 'x' }]],
    ['a link out of the folder', [{ name: 'l', body: '../..', mode: 0o120777 }]],
    [
      'a file behind a link',
      [
        { name: 'd', body: '.', mode: 0o120777 },
        { name: 'd/f', body: 'x' },
      ],
    ],
    ['a device', [{ name: 'dev', mode: 0o020666 }]],
  ])('is refused for %s, and nothing is written', async (_what, entries) => {
    const path = server.serve('a.zip', zipOf({ name: 'first', body: 'x' }, ...entries));
    const client = await started();
    const failure = await client.refusal('install', ask({ type: 'zip', package: pack('web', path) }));
    expect(failure.code).toBe('archive_escapes');
    expect(fs.readdirSync(work('.'))).toEqual(['p']);
  });

  test('is refused when it is cut off, or no archive', async () => {
    const whole = zipOf({ name: 'f', body: 'x'.repeat(10_000) });
    const cut = server.serve('cut', whole.subarray(0, whole.length - 20));
    const none = server.serve('none', 'nonsense');
    const client = await started();
    for (const path of [cut, none]) {
      const failure = await client.refusal('install', ask({ type: 'zip', package: pack('web', path) }));
      expect(failure.code).toBe('archive_damaged');
    }
  });
});

describe('software of type gz', () => {
  test('loses its ending and can be executed', async () => {
    const path = server.serve('tool.gz', gzipSync('#!/bin/sh\necho tool\n'));
    const client = await started();
    const spec = pack('web', path, { dest_path: 'bin/tool.gz' });
    await client.request('install', ask({ type: 'gz', package: spec, install: 'bin/tool >said' }));
    expect(read('said')).toBe('tool\n');
  });

  test('is refused when it is cut off', async () => {
    const path = server.serve('tool.gz', gzipSync('x'.repeat(10_000)).subarray(0, 30));
    const client = await started();
    const failure = await client.refusal('install', ask({ type: 'gz', package: pack('web', path) }));
    expect(failure.code).toBe('archive_damaged');
  });
});

describe('a package', () => {
  test('of type inline is the text itself', async () => {
    const client = await started();
    const spec = pack('inline', '', { content: 'a = "ü"\n', dest_path: 'etc/app.conf' });
    expect((await client.request('install', ask({ package: spec }))).ok).toEqual({ bytes: 9 });
    expect(read('etc/app.conf')).toBe('a = "ü"\n');
  });

  test.each(['curl', 'wget'])(
    'of type ftp comes by %s, with the password on no command line',
    async (tool) => {
      fs.writeFileSync(node.scratch.path('f.txt'), 'by ftp');
      const ftp = await startFtpServer(node.scratch.dir);
      try {
        const client = await started(pathOf(node.scratch, tool));
        const url = `ftp://me:s3cret@127.0.0.1:${ftp.port}`;
        await client.request('install', ask({ package: pack('ftp', `${url}/f.txt`) }));
        expect(read('p')).toBe('by ftp');
        const failure = await client.refusal('install', ask({ package: pack('ftp', `${url}/none`) }));
        expect(failure.code).toBe('download_refused');
        expect(JSON.stringify(failure)).not.toContain('s3cret');
        expect(fs.readdirSync(work('.'))).toEqual(['p']);
      } finally {
        await ftp.close();
      }
    },
  );

  test('of type rsync comes from a daemon, a file or a folder', async () => {
    fs.mkdirSync(node.scratch.path('tree', 'inner'), { recursive: true });
    fs.writeFileSync(node.scratch.path('tree', 'inner', 'f'), 'by rsync');
    const rsync = await startRsyncServer(node.scratch.path('tree'), node.scratch.dir);
    try {
      const client = await started();
      const url = `rsync://127.0.0.1:${rsync.port}/files`;
      const file = pack('rsync', `${url}/inner/f`, { sha256: sha256('by rsync') });
      expect((await client.request('install', ask({ package: file }))).ok).toEqual({ bytes: 8 });
      await client.request(
        'install',
        ask({ package: pack('rsync', `${url}/inner/`, { dest_path: 'd' }) }, 'two'),
      );
      expect(read('d/f', 'two')).toBe('by rsync');
      const failure = await client.refusal(
        'install',
        ask({ package: pack('rsync', `${url}/none`) }, 'three'),
      );
      expect(failure.code).toBe('download_refused');
    } finally {
      await rsync.close();
    }
  });

  test.each(['ftp', 'rsync'] as const)('of type %s fails where nobody listens', async (type) => {
    const client = await started();
    const path = `${type}://127.0.0.1:1/files/f`;
    expect((await client.refusal('install', ask({ package: pack(type, path) }))).code).toBe(
      'download_failed',
    );
  });

  test.each(['ftp', 'rsync'] as const)(
    'of type %s is given up when its server says nothing',
    async (type) => {
      const silent = createServer(() => undefined);
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = silent.address() as AddressInfo;
        const client = await started({ PLUSH_STALL_MS: '1000' });
        const path = `${type}://127.0.0.1:${port}/files/f`;
        const failure = await client.refusal('install', ask({ package: pack(type, path) }));
        expect(failure).toMatchObject({ code: 'download_stalled' });
      } finally {
        silent.close();
      }
    },
  );

  test.each([
    ['ftp', 'curl or wget'],
    ['rsync', 'rsync'],
  ] as const)('of type %s names the program that is missing', async (type, program) => {
    const client = await started(pathOf(node.scratch));
    expect(
      await client.refusal('install', ask({ package: pack(type, `${type}://127.0.0.1/f`) })),
    ).toMatchObject({
      code: 'tool_missing',
      message: `There is no ${program} on this node; install it`,
    });
  });

  test('with a hash moves once, whatever the number of runs', async () => {
    const path = server.serve('f', 'bytes');
    const spec = pack('web', path, { sha256: sha256('bytes') });
    const client = await started();
    for (const run of ['one', 'two', 'three']) {
      await client.request('install', ask({ package: spec }, run));
      expect(read('p', run)).toBe('bytes');
    }
    expect(server.requests).toEqual(['/f']);
  });

  test('whose kept copy was damaged is fetched again', async () => {
    const path = server.serve('f', 'bytes');
    const spec = pack('web', path, { sha256: sha256('bytes') });
    const client = await started();
    await client.request('install', ask({ package: spec }, 'one'));
    fs.writeFileSync(join(built, 'packages', sha256('bytes')), 'other');
    await client.request('install', ask({ package: spec }, 'two'));
    expect(read('p', 'two')).toBe('bytes');
    expect(server.requests).toEqual(['/f', '/f']);
  });
});

describe('a version check', () => {
  test('must print what is expected', async () => {
    const client = await started();
    const check = { command: 'cat v', expect: '1.2' };
    await client.request('install', ask({ install: 'echo 1.2 >v', version_check: check }));
    const wrong = ask({ install: 'echo 1.3 >v', version_check: check }, 'two');
    expect(await client.refusal('install', wrong)).toMatchObject({
      code: 'version_mismatch',
      message: 'The version check printed "1.3" where "1.2" is expected',
      command: 'cat v',
    });
  });

  test('that fails is a failure, with its last words', async () => {
    const client = await started();
    const check = { command: 'echo not here >&2; exit 3' };
    expect(await client.refusal('install', ask({ version_check: check }))).toMatchObject({
      code: 'version_mismatch',
      exit_code: 3,
      stderr_tail: ['not here'],
    });
  });
});

describe('uninstall commands', () => {
  test('run before the folder goes, the last first, also after an installation that failed', async () => {
    const client = await started();
    const log = node.scratch.path('log');
    const one = (name: string, install = 'true'): SoftwareSpec => ({
      name,
      type: 'none',
      install,
      uninstall: `echo ${name} >>${log}; test -d .`,
    });
    const software = [one('a'), one('b', 'false'), one('c')];
    expect((await client.refusal('install', { run_id: 'run', software })).code).toBe('install_failed');
    await client.request('clean', { run_id: 'run', grace_ms: 0 });
    expect(fs.readFileSync(log, 'utf8')).toBe('b\na\n');
    expect(fs.existsSync(work('.'))).toBe(false);
  });

  test('that fail stop nothing', async () => {
    const client = await started();
    await client.request('install', ask({ uninstall: 'exit 1' }));
    await client.request('clean', { run_id: 'run', grace_ms: 0 });
    expect(fs.existsSync(work('.'))).toBe(false);
  });
});
