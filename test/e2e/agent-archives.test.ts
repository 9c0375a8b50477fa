import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PackageSpec, SoftwareSpec } from '../../api/spec.ts';
import type { AgentClient, TestNode } from '../harness/agent.ts';
import { eachTestOnANode } from '../harness/agent-suite.ts';
import { type Entry, tarOf } from '../harness/archive.ts';
import { type PackageServer, startPackageServer } from '../harness/packages.ts';

let node: TestNode;
let server: PackageServer;

eachTestOnANode((fresh) => {
  node = fresh;
});
beforeEach(async () => {
  server = await startPackageServer();
});
afterEach(async () => {
  await server.close();
});

function serve(path: string, bytes: Buffer): void {
  server.serve(path.slice(1), bytes);
}

function web(path: string, changes: Partial<PackageSpec> = {}): PackageSpec {
  return { name: 'p', type: 'web', path: server.url + path, dest_path: 'pack.tar', ...changes };
}

function software(one: Partial<SoftwareSpec>): { run_id: string; software: SoftwareSpec[] } {
  return { run_id: 'run', software: [{ name: 's', type: 'tar', ...one }] };
}

function work(...names: string[]): string {
  return join(node.dir, 'runs/run/work', ...names);
}

async function started(env: Record<string, string> = {}): Promise<AgentClient> {
  await node.start({ env });
  return node.dial();
}

const ESCAPES: readonly (readonly [string, readonly Entry[]])[] = [
  ['an absolute name', [{ name: '/tmp/plush-escaped' }]],
  ['a name with ..', [{ name: 'a/../../escaped' }]],
  ['a link to an absolute path', [{ name: 'l', type: 'symlink', linkname: '/etc' }]],
  ['a link that leads out', [{ name: 'a/l', type: 'symlink', linkname: '../../x' }]],
  [
    'a member below a link',
    [
      { name: 'l', type: 'symlink', linkname: '.' },
      { name: 'l/f', body: 'x' },
    ],
  ],
  [
    'a link that climbs through another',
    [
      { name: 'd/s', type: 'symlink', linkname: '..' },
      { name: 'd/t', type: 'symlink', linkname: 's/..' },
    ],
  ],
  ['a hard link that leads out', [{ name: 'h', type: 'link', linkname: '../../agent.json' }]],
  [
    'a hard link that lifts a link',
    [
      { name: 'd/s', type: 'symlink', linkname: '..' },
      { name: 't', type: 'link', linkname: 'd/s' },
    ],
  ],
  ['a device', [{ name: 'dev', type: 'character-device', devmajor: 1, devminor: 3 }]],
];

test.each(ESCAPES)('refuses an archive with %s', async (_what, entries) => {
  serve('/a.tar', await tarOf({ name: 'good', body: 'x' }, ...entries));
  const client = await started();
  const failure = await client.refusal('install', software({ package: web('/a.tar') }));
  expect(failure.code).toBe('archive_escapes');
  expect(failure.message).toContain(JSON.stringify(entries.at(-1)?.name.split('/')[0]).slice(0, -1));
  expect(fs.readdirSync(work())).toEqual(['pack.tar']);
});

test('refuses an archive whose folder is a link on the disk', async () => {
  serve('/a.tar', await tarOf({ name: 'out/f', body: 'x' }));
  const client = await started();
  await client.request('install', software({ install: `ln -s ${node.scratch.dir} out` }));
  expect((await client.refusal('install', software({ package: web('/a.tar') }))).code).toBe(
    'archive_escapes',
  );
});

test('unpacks links that stay inside, long names and empty folders', async () => {
  const long = `${'long'.repeat(40)}/${'name'.repeat(40)}`;
  const archive = await tarOf(
    { name: 'd/', type: 'directory' },
    { name: 'd/f', body: 'text' },
    { name: 'd/up', type: 'symlink', linkname: '../d/f' },
    { name: 'hard', type: 'link', linkname: 'd/f' },
    { name: `${long}ü`, body: 'deep' },
  );
  serve('/a.tar', archive);
  const client = await started();
  await client.request('install', software({ package: web('/a.tar') }));
  expect(fs.readFileSync(work('d/up'), 'utf8')).toBe('text');
  expect(fs.readFileSync(work('hard'), 'utf8')).toBe('text');
  expect(fs.readFileSync(work(`${long}ü`), 'utf8')).toBe('deep');
});

test('tells a damaged archive', async () => {
  const good = await tarOf({ name: 'f', body: 'x'.repeat(3000) });
  const client = await started();
  const damaged = [
    Buffer.from('no archive at all'),
    Buffer.alloc(0),
    good.subarray(0, 1500),
    gzipSync(good).subarray(0, 40),
  ];
  damaged.push(Buffer.from(good).fill(0xff, 0, 100));
  for (const [index, bytes] of damaged.entries()) {
    serve('/a.tar', bytes);
    const failure = await client.refusal('install', software({ package: web('/a.tar') }));
    expect([index, failure.code]).toEqual([index, 'archive_damaged']);
  }
});

test('says when there is no tar', async () => {
  serve('/a.tar', await tarOf({ name: 'f', body: 'x' }));
  const client = await started({ PATH: node.scratch.path('empty') });
  expect((await client.refusal('install', software({ package: web('/a.tar') }))).code).toBe('tool_missing');
});

/** A node whose disk has room for about 64 KiB: a small file system for root, a limit on file sizes for others. */
async function startedSmall(): Promise<AgentClient> {
  if (process.getuid?.() === 0 && mounted()) {
    await node.start();
  } else {
    await node.start({ maxFileBytes: 64 << 10 });
  }
  return node.dial();
}

function mounted(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'none', node.dir], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // A container that may not mount.
  }
}

function unmount(): void {
  if (fs.readFileSync('/proc/mounts', 'utf8').includes(` ${node.dir} `))
    execFileSync('umount', ['-l', node.dir]);
}

test('tells a full disk while it downloads, takes chunks and unpacks', async () => {
  try {
    const client = await startedSmall();
    serve('/big', Buffer.alloc(200_000));
    serve('/bomb.tgz', gzipSync(await tarOf({ name: 'zeros', body: '\0'.repeat(200_000) })));
    const fetched = await client.refusal(
      'install',
      software({ type: 'none', package: web('/big', { dest_path: 'big' }) }),
    );
    expect(fetched).toMatchObject({ code: 'disk_full' });
    expect(fetched.stderr_tail?.[0]).toMatch(
      /^No room on the file system of .*200000 bytes needed.*bytes free/,
    );
    const bomb = await client.refusal('install', software({ package: web('/bomb.tgz') }));
    expect(bomb).toMatchObject({ code: 'disk_full' });
    fs.rmSync(work('zeros'), { force: true });
    const put = { run_id: 'run', name: 'p', offset: 0, last: true };
    expect((await client.refusal('put', put, Buffer.alloc(200_000))).code).toBe('disk_full');
    expect((await client.request('ping', {})).ok).toEqual({});
    expect((await client.request('clean', { run_id: 'run', grace_ms: 0 })).ok).toEqual({ killed: 0 });
  } finally {
    unmount();
  }
});

test('tells a full disk where files may not grow', async () => {
  await node.start({ maxFileBytes: 64 << 10 });
  const client = await node.dial();
  serve('/big', Buffer.alloc(200_000));
  serve('/bomb.tgz', gzipSync(await tarOf({ name: 'zeros', body: '\0'.repeat(200_000) })));
  const big = software({ type: 'none', package: web('/big', { dest_path: 'big' }) });
  expect((await client.refusal('install', big)).code).toBe('disk_full');
  expect((await client.refusal('install', software({ package: web('/bomb.tgz') }))).code).toBe('disk_full');
});
