import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PackageSpec, SoftwareSpec } from '../../api/spec.ts';
import { type AgentClient, buildAgentBundle, order, TestNode } from '../harness/agent.ts';
import { tarOf } from '../harness/archive.ts';
import { makeScratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

const built = makeScratch();
let bundle = '';
let node: TestNode;
let server: Server;
let base = '';
let routes: Record<string, RequestListener>;
let requests: string[];

beforeAll(() => {
  bundle = buildAgentBundle(built.dir);
});
afterAll(() => built.remove());
beforeEach(async () => {
  node = new TestNode(bundle);
  routes = {};
  requests = [];
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const route = routes[request.url ?? ''];
    if (route !== undefined) route(request, response);
    else response.writeHead(404).end('no such thing');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await node.remove();
});

function serve(path: string, bytes: Buffer): void {
  routes[path] = (_request, response) =>
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
}

function web(path: string, changes: Partial<PackageSpec> = {}): PackageSpec {
  return { name: 'p', type: 'web', path: base + path, dest_path: 'pack.tar', ...changes };
}

function software(one: Partial<SoftwareSpec>): { run_id: string; software: SoftwareSpec[] } {
  return { run_id: 'run', software: [{ name: 's', type: 'tar', ...one }] };
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function work(...names: string[]): string {
  return join(node.dir, 'runs/run/work', ...names);
}

async function started(env: Record<string, string> = {}): Promise<AgentClient> {
  await node.start({ env });
  return node.dial();
}

test('fetches, checks, unpacks and installs, and answers at once when asked again', async () => {
  const bytes = gzipSync(
    await tarOf({ name: 'app/', type: 'directory' }, { name: 'app/run', body: '#!/bin/sh\necho ran\n' }),
  );
  serve('/app.tgz', bytes);
  const client = await started();
  const ask = software({
    type: 'tgz',
    package: web('/app.tgz', { dest_path: 'downloads/app.tgz', sha256: sha256(bytes), size: bytes.length }),
    install: 'cp app/run "$HOME_OF_APP" 2>/dev/null || cp app/run installed; echo once >>installs',
  });
  expect((await client.request('install', ask)).ok).toEqual({ bytes: bytes.length });
  expect((await client.request('install', ask)).ok).toEqual({ bytes: bytes.length });
  expect(requests).toEqual(['/app.tgz']);
  expect(fs.readFileSync(work('installs'), 'utf8')).toBe('once\n');
  expect(fs.readdirSync(work('downloads'))).toEqual(['app.tgz']);
  await client.start(order('a', '', { path: './run', args: [], cwd: 'app' }));
  expect(await client.output('run/a/n1/1')).toBe('ran\n');
  expect((await node.dial()).state.installed).toEqual(['run']);
});

test('joins an installation under way', async () => {
  const bytes = await tarOf({ name: 'f', body: 'x' });
  serve('/a.tar', bytes);
  const client = await started();
  const ask = software({
    package: web('/a.tar'),
    install: 'echo once >>installs; while [ ! -e go ]; do sleep 0.02; done',
  });
  const both = [client.request('install', ask), (await node.dial()).request('install', ask)];
  await waitFor('the install command', () => fs.existsSync(work('installs')));
  fs.writeFileSync(work('go'), '');
  expect((await Promise.all(both)).map(({ ok }) => ok)).toEqual([
    { bytes: bytes.length },
    { bytes: bytes.length },
  ]);
  expect(fs.readFileSync(work('installs'), 'utf8')).toBe('once\n');
  expect(requests).toEqual(['/a.tar']);
});

test('follows redirects, relative ones too, and not without end', async () => {
  const bytes = await tarOf({ name: 'f', body: 'x' });
  serve('/a.tar', bytes);
  routes['/one'] = (_request, response) => response.writeHead(302, { location: `${base}/two` }).end();
  routes['/two'] = (_request, response) => response.writeHead(307, { location: 'a.tar' }).end();
  routes['/round'] = (_request, response) => response.writeHead(301, { location: '/round' }).end();
  const client = await started();
  expect((await client.request('install', software({ package: web('/one') }))).ok).toEqual({
    bytes: bytes.length,
  });
  expect(await client.refusal('install', software({ package: web('/round') }))).toMatchObject({
    code: 'download_refused',
  });
  expect(requests.filter((path) => path === '/round')).toHaveLength(6);
});

test('says what the server answered, without the password', async () => {
  const client = await started();
  const path = `${base}/none`.replace('//', '//me:secret@');
  const failure = await client.refusal('install', software({ package: { ...web(''), path } }));
  expect(failure).toEqual({ code: 'download_refused', message: `404 Not Found for ${base}/none` });
  expect(fs.readdirSync(work())).toEqual([]);
});

test.each([
  ['a port where nobody listens', 'http://127.0.0.1:1/x'],
  ['a name that does not resolve', 'http://plush.invalid/x'],
  ['another protocol', 'ftp://127.0.0.1/x'],
  ['no URL', 'nonsense'],
])('fails to download from %s', async (_what, path) => {
  const client = await started();
  expect((await client.refusal('install', software({ package: { ...web(''), path } }))).code).toBe(
    'download_failed',
  );
});

test('tells a download that was cut off, and starts anew the next time', async () => {
  const bytes = await tarOf({ name: 'f', body: 'x'.repeat(5000) });
  routes['/a.tar'] = (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 1000), () => (response.socket as Socket).destroy());
  };
  const client = await started();
  const ask = software({ package: web('/a.tar') });
  const failure = await client.refusal('install', ask);
  expect(failure.code).toBe('download_incomplete');
  expect(failure.message).toContain(` of ${bytes.length} bytes`);
  expect(fs.readdirSync(work())).toEqual([]);
  serve('/a.tar', bytes);
  expect((await client.request('install', ask)).ok).toEqual({ bytes: bytes.length });
  expect(fs.readFileSync(work('f'), 'utf8')).toBe('x'.repeat(5000));
});

test('tells a chunked download that was cut off', async () => {
  routes['/a.tar'] = (_request, response) => {
    response.write('some', () => (response.socket as Socket).destroy());
  };
  const client = await started();
  expect((await client.refusal('install', software({ package: web('/a.tar') }))).code).toBe(
    'download_incomplete',
  );
});

test.each([
  ['before the answer', (): void => undefined],
  [
    'in the middle',
    (_request: unknown, response: { write(text: string): void }): void => response.write('some'),
  ],
])('gives up a download that stalls %s', async (_when, route) => {
  routes['/a.tar'] = route as RequestListener;
  const client = await started({ PLUSH_STALL_MS: '200' });
  const failure = await client.refusal('install', software({ package: web('/a.tar') }));
  expect(failure).toMatchObject({
    code: 'download_stalled',
    message: `No byte for 0.2 s from ${base}/a.tar`,
  });
});

test('refuses wrong bytes and keeps none of them', async () => {
  serve('/a.tar', Buffer.from('wrong'));
  const client = await started();
  const hash = web('/a.tar', { sha256: sha256('right') });
  const small = web('/a.tar', { size: 3 });
  const large = web('/a.tar', { size: 300 });
  expect((await client.refusal('install', software({ package: hash }))).code).toBe('hash_mismatch');
  expect((await client.refusal('install', software({ package: small }))).code).toBe('size_mismatch');
  expect((await client.refusal('install', software({ package: large }))).code).toBe('size_mismatch');
  expect(fs.readdirSync(work())).toEqual([]);
});

test('does not fetch again what is there with the right hash', async () => {
  const bytes = Buffer.from('data');
  serve('/d', bytes);
  const client = await started();
  const one = web('/d', { dest_path: 'd', sha256: sha256(bytes) });
  await client.request('install', software({ type: 'none', package: one }));
  await client.request('install', software({ type: 'none', package: one, install: 'true' }));
  expect(requests).toEqual(['/d']);
});

test('refuses a dest_path that leads out of the folder, also through a link', async () => {
  serve('/d', Buffer.from('data'));
  const client = await started();
  await client.request('install', software({ install: `ln -s ${node.scratch.dir} out` }));
  for (const dest_path of ['../x', '/tmp/x', 'a/../../x', '', '.', 'out/x']) {
    const ask = software({ type: 'none', package: web('/d', { dest_path }) });
    expect([dest_path, (await client.refusal('install', ask)).code]).toEqual([dest_path, 'path_escapes']);
  }
  expect(fs.existsSync(join(node.scratch.dir, 'x'))).toBe(false);
});

test('tells how an install command failed, and runs it again the next time', async () => {
  const client = await started();
  const install = 'echo out; echo bad >&2; [ -e again ] || { touch again; exit 3; }';
  expect(await client.refusal('install', software({ install }))).toEqual({
    code: 'install_failed',
    message: 'The install command ended with exit code 3',
    command: install,
    exit_code: 3,
    stderr_tail: expect.arrayContaining(['out', 'bad']),
  });
  expect((await client.request('install', software({ install }))).ok).toEqual({ bytes: 0 });
  expect((await client.refusal('install', software({ install: 'kill -KILL $$' }))).signal).toBe('SIGKILL');
});

test('is not held up by a daemon that an install command leaves, and cleans it away', async () => {
  const client = await started();
  await client.request('install', software({ install: 'sleep 1000 & setsid sleep 1000 &' }));
  await waitFor('the daemons', () => node.processes().length === 2);
  expect((await client.request('clean', { run_id: 'run', grace_ms: 5000 })).ok).toEqual({ killed: 2 });
  expect(node.processes()).toEqual([]);
});

test('breaks an installation off when its run is cleaned', async () => {
  const client = await started();
  const installing = client.refusal('install', software({ install: 'touch begun; sleep 1000' }));
  await waitFor('the install command', () => fs.existsSync(work('begun')));
  await client.request('clean', { run_id: 'run', grace_ms: 0 });
  expect((await installing).code).toBe('failed');
  expect(node.processes()).toEqual([]);
});

test('takes a package in chunks, with chunks that come again', async () => {
  const bytes = await tarOf({ name: 'f', body: 'x'.repeat(2000) });
  const client = await started();
  const put = (from: number, to: number, last = false) =>
    client.request(
      'put',
      { run_id: 'run', name: 'in/p.tar', offset: from, last, sha256: sha256(bytes) },
      bytes.subarray(from, to),
    );
  const scp: PackageSpec = {
    name: 'p',
    type: 'scp',
    path: 'host:/p.tar',
    dest_path: 'in/p.tar',
    size: bytes.length,
  };
  expect((await client.refusal('install', software({ package: scp }))).code).toBe('failed');
  expect((await put(0, 700)).ok).toEqual({ size: 700 });
  expect((await put(700, 1500)).ok).toEqual({ size: 1500 });
  expect((await put(700, 1500)).ok).toEqual({ size: 1500 });
  expect((await put(1500, bytes.length, true)).ok).toEqual({ size: bytes.length });
  expect((await put(1500, bytes.length, true)).ok).toEqual({ size: bytes.length });
  expect((await client.request('install', software({ package: scp }))).ok).toEqual({ bytes: bytes.length });
  expect(fs.readFileSync(work('f'), 'utf8')).toBe('x'.repeat(2000));
  expect(fs.readdirSync(work('in'))).toEqual(['p.tar']);
});

test('refuses chunks with a gap, a wrong hash or a name that leads out', async () => {
  const client = await started();
  const put = { run_id: 'run', name: 'p', offset: 0, last: false };
  const chunk = Buffer.from('abc');
  expect((await client.refusal('put', { ...put, offset: 5 }, chunk)).code).toBe('BAD_REQUEST');
  expect((await client.refusal('put', { ...put, last: true, sha256: sha256('other') }, chunk)).code).toBe(
    'hash_mismatch',
  );
  expect((await client.refusal('put', { ...put, name: '../p' }, chunk)).code).toBe('path_escapes');
  expect(fs.readdirSync(work())).toEqual([]);
  expect((await client.request('put', { ...put, last: true, sha256: sha256('abc') }, chunk)).ok).toEqual({
    size: 3,
  });
});

test('tells how far it has come while it does, where that is wanted, and of the end', async () => {
  const bytes = Buffer.alloc(100_000);
  let rest = () => {};
  routes['/slow'] = (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 40_000));
    rest = () => response.end(bytes.subarray(40_000));
  };
  const client = await started();
  const ask = software({ type: 'none', package: web('/slow', { dest_path: 'file' }) });
  const installing = client.request('install', { ...ask, tell: true });
  const told = () => client.reports.filter(({ report }) => report === 'transfer');
  const [first] = await waitFor('a report of what has come', () => (told().length > 0 ? told() : undefined));
  expect(first).toEqual({
    report: 'transfer',
    run_id: 'run',
    bytes: 40_000,
    total: 100_000,
    ms: expect.any(Number),
  });
  rest();
  await installing;
  expect(told().at(-1)).toMatchObject({ bytes: 100_000, total: 100_000, done: true });
});

test('tells nothing of what comes where nobody has asked for it', async () => {
  serve('/file', Buffer.alloc(1000));
  const client = await started();
  await client.request('install', software({ type: 'none', package: web('/file', { dest_path: 'file' }) }));
  expect(client.reports.filter(({ report }) => report === 'transfer')).toEqual([]);
});
