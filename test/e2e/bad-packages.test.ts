/** Packages that cannot be had, or are not what they should be: the run ends with the reason, and no node is blamed. */
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type Header, pack } from 'tar-stream';
import { applicationXml, escaped } from '../harness/application.ts';
import { makeTar } from '../harness/packages.ts';
import { nodeBase, type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { type Sshd, startSshd } from '../harness/sshd.ts';
import { undisturbed } from '../harness/undisturbed.ts';

const NODES = 2;

let scratch: Scratch;
let plushd: Plushd;
let sshd: Sshd;
let server: Server;
let base: string;
let good: Buffer;
const archives = new Map<string, Buffer>();

beforeAll(async () => {
  scratch = makeScratch();
  sshd = await startSshd(scratch, { subnet: '127.0.56', config: [nodeBase(scratch)] });
  plushd = await startPlushd({ scratch, sshd });
  await plushd.addLocalNodes(NODES);
  good = makeTar(scratch, 'stuff', { 'hello.sh': '#!/bin/sh\necho hello\n' });
  server = createServer((request, response) => {
    const url = request.url ?? '';
    const archive = archives.get(url);
    if (url === '/half') {
      response.writeHead(200, { 'content-length': good.length });
      response.write(good.subarray(0, 600), () => response.destroy());
    } else if (url === '/round') response.writeHead(302, { location: '/round' }).end();
    else if (url === '/secret') response.writeHead(403).end('no');
    else if (url === '/broken') response.writeHead(500).end();
    else if (archive !== undefined) response.end(archive);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await plushd.close();
  await sshd.kill();
  server.closeAllConnections();
  server.close();
  await scratch.remove();
});

interface PackageText {
  readonly path: string;
  readonly type?: 'web' | 'scp';
  readonly sha256?: string;
  readonly dest?: string;
}

/** An application whose software is a tar from there. */
function application({ path, type = 'web', sha256, dest = 'stuff.tar' }: PackageText): string {
  const hash = sha256 === undefined ? '' : `<sha256>${sha256}</sha256>`;
  const software = `<software name="stuff" type="tar"><package name="stuff.tar" type="${type}"><path>${escaped(path)}</path><dest_path>${dest}</dest_path>${hash}</package></software>`;
  const text = applicationXml({
    components: [{ name: 'workers', hosts: NODES, software: ['stuff'] }],
    blocks: [
      { name: 'all', component: 'workers', processes: [{ name: 'main', path: './hello.sh', cwd: 'stuff' }] },
    ],
  });
  return text.replace('<component name="workers"><rspec>', `${software}<component name="workers"><rspec>`);
}

const tarOf = (entries: readonly Partial<Header>[]): Promise<Buffer> => {
  const tar = pack();
  for (const { name = '', ...entry } of entries) {
    if (entry.type === 'file') tar.entry({ name, ...entry }, 'x');
    else tar.entry({ name, ...entry });
  }
  tar.finalize();
  return buffer(tar);
};

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

/** The run fails; its nodes take part in the next one as if nothing had been. */
async function refused(text: PackageText, cause: string, message: RegExp): Promise<void> {
  const explanation = await undisturbed(plushd, scratch, async () => {
    const run = await plushd.run(application(text));
    await plushd.waitRun(run, ['failed']);
    return plushd.call('plushExplain', run);
  });
  const [first] = explanation.causes;
  expect(first).toMatchObject({ cause, phase: 'install' });
  expect(first?.message).toMatch(message);
  expect(first?.hint).not.toBe('');
  expect(explanation.summary).toMatch(/^Run .* failed: .*[.?]$/s);
  expect(explanation.nodes.map((node) => node.state)).not.toContain('waiting');
  const { nodes } = await plushd.call('plushListNodes', { group: 'lab' });
  expect(nodes.filter((node) => node.state === 'failed')).toEqual([]);
}

describe('a package from the web', () => {
  it.each([
    ['404', '/none', 'download_refused', /^404 Not Found for http:.*\/none$/],
    ['403', '/secret', 'download_refused', /^403 Forbidden for/],
    ['500', '/broken', 'download_refused', /^500 Internal Server Error for/],
    ['redirects without end', '/round', 'download_refused', /^More than 5 redirects/],
  ])('is told of that is answered with %s', async (_what, path, cause, message) => {
    await refused({ path: base + path }, cause, message);
  });

  it('is told of that has another hash', async () => {
    archives.set('/stuff.tar', good);
    const wrong = sha256('something else');
    await refused(
      { path: `${base}/stuff.tar`, sha256: wrong },
      'hash_mismatch',
      new RegExp(`^The package stuff.tar has SHA-256 ${sha256(good)} where ${wrong} is expected$`),
    );
  });

  it.each([
    ['a member above its folder', { name: '../evil', type: 'file' }],
    ['an absolute member', { name: '/tmp/plush-evil', type: 'file' }],
    ['a link that leads out', { name: 'stuff/up', type: 'symlink', linkname: '../../..' }],
    ['a device', { name: 'stuff/null', type: 'character-device' }],
  ] as const)('is told of whose archive has %s', async (_what, entry) => {
    archives.set('/evil.tar', await tarOf([{ name: 'stuff/a', type: 'file' }, entry]));
    await refused({ path: `${base}/evil.tar` }, 'archive_escapes', /the archive was not unpacked$/);
    expect(existsSync('/tmp/plush-evil')).toBe(false);
  });

  it.each([
    ['is no archive', () => Buffer.from('<html>Not what you expected</html>'.repeat(100))],
    ['is empty', () => Buffer.alloc(0)],
    ['ends in the middle', () => good.subarray(0, 700)],
  ])('is told of that %s', async (_what, bytes) => {
    archives.set('/stuff.tar', bytes());
    await refused({ path: `${base}/stuff.tar` }, 'archive_damaged', /^stuff\.tar is not a whole tar archive/);
  });

  it('is told of that would be written elsewhere', async () => {
    archives.set('/stuff.tar', good);
    const xml = application({ path: `${base}/stuff.tar`, dest: '../stuff.tar' });
    await expect(plushd.call('plushLoadAppXml', xml)).rejects.toMatchObject({ symbol: 'APP_INVALID' });
  });

  it.each([
    ['whose server breaks off', '/half', 'download_incomplete'],
    ['whose server is not there', 'http://127.0.0.1:1/x', 'download_failed'],
  ])('%s ends the run before it has cost all nodes', async (_what, path, cause) => {
    const spares = await plushd.addLocalNodes(6, 'lab', 'spare');
    const run = await plushd.run(application({ path: path.startsWith('/') ? base + path : path }));
    await plushd.waitRun(run, ['failed']);
    const { causes } = await plushd.call('plushExplain', run);
    expect(causes[0]).toMatchObject({ cause, phase: 'install' });
    const { nodes } = await plushd.call('plushListNodes', { group: 'lab' });
    expect(nodes.filter((node) => node.state === 'failed').length).toBeLessThanOrEqual(NODES);
    for (const hostname of spares) await plushd.call('plushRemoveNode', hostname);
    // Describing them anew clears the failed flags.
    await plushd.addLocalNodes(NODES);
  });
});

describe('a package over scp', () => {
  const address = () => sshd.addresses[0] ?? '';

  beforeAll(async () => {
    writeFileSync(scratch.path('files', 'stuff.tar'), good);
    // The pool knows the port for the form without one.
    await plushd.addSshNodes(sshd, 'files');
  });

  it.each([
    ['user@host:path', () => `${sshd.user}@${address()}:${scratch.path('files', 'stuff.tar')}`],
    [
      'scp://user@host:port/path',
      () => `scp://${sshd.user}@${address()}:${sshd.port}${scratch.path('files', 'stuff.tar')}`,
    ],
    ['scp://host:port/path', () => `scp://${address()}:${sshd.port}${scratch.path('files', 'stuff.tar')}`],
  ])('comes from %s', async (_what, path) => {
    const run = await plushd.run(application({ path: path(), type: 'scp', sha256: sha256(good) }));
    await plushd.waitRun(run);
    expect(await plushd.output(run, 'node-1')).toBe('hello\n');
  });

  it.each([
    ['is not there', () => `${sshd.user}@${address()}:/no/such/file`, /No such file/],
    ['is a folder', () => `${sshd.user}@${address()}:/tmp`, /[Ii]s a directory/],
    [
      'is on a host that is not there',
      () => 'scp://127.0.56.9:1/x',
      /Nothing listens on 127\.0\.56\.9 port 1/,
    ],
    [
      'is on a host without a name',
      () => 'scp://no-such-host.invalid/x',
      /no-such-host\.invalid does not resolve/,
    ],
    ['is another account’s', () => `nobody-of-that-name@${address()}:/etc/hostname`, /nobody-of-that-name/],
  ])('that %s is told of', async (_what, path, message) => {
    await refused({ path: path(), type: 'scp' }, 'package_unreadable', message);
  });

  it('that has another hash is told of', async () => {
    const path = `${sshd.user}@${address()}:${scratch.path('files', 'stuff.tar')}`;
    await refused({ path, type: 'scp', sha256: sha256('x') }, 'hash_mismatch', /where .* is expected$/);
  });

  it('with a name that a shell would take apart is taken as it is', async () => {
    const name = `a b;$(touch ${scratch.path('injected')})'"\\.tar`.replaceAll('/', '_');
    writeFileSync(scratch.path('files', name), good);
    const run = await plushd.run(
      application({ path: `${sshd.user}@${address()}:${scratch.path('files')}/${name}`, type: 'scp' }),
    );
    await plushd.waitRun(run);
    expect(await plushd.output(run, 'node-1')).toBe('hello\n');
  });
});
