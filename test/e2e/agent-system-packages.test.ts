/** Software of types rpm, apt and yum, as a real agent installs it with the machine's own package managers. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { PackageSpec, SoftwareSpec } from '../../api/spec.ts';
import type { AgentClient, TestNode } from '../harness/agent.ts';
import { eachTestOnANode } from '../harness/agent-suite.ts';
import { type PackageServer, startPackageServer } from '../harness/packages.ts';
import { pathOf, pathWithoutSudo } from '../harness/programs.ts';
import { aptRoot, buildDeb, buildRpm, dnfRoot, mayRunDnf } from '../harness/system-packages.ts';

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

function ask(one: Partial<SoftwareSpec>, run_id = 'run'): { run_id: string; software: SoftwareSpec[] } {
  return { run_id, software: [{ name: 's', type: 'none', ...one }] };
}

function pack(type: PackageSpec['type'], path: string, changes: Partial<PackageSpec> = {}): PackageSpec {
  return { name: 'p', type, path, dest_path: 'p', ...changes };
}

/** For root, where it is installed. */
const dnfs = mayRunDnf() ? ['dnf'] : [];

describe('a system package', () => {
  const version = (root: string) => fs.readFileSync(join(root, 'opt/plush-probe/version'), 'utf8');

  test('of type apt is installed by name, and again only when its version is not right', async () => {
    const root = node.scratch.path('root');
    const repository = node.scratch.path('repository');
    fs.mkdirSync(repository);
    buildDeb(repository, '1.0');
    const client = await started({ ...pathWithoutSudo(node.scratch), ...aptRoot(root, repository) });
    const probe = { command: `cat ${root}/opt/plush-probe/version`, expect: '1.0' };
    const known = pack('inline', '', { name: 'plush-probe', dest_path: '' });
    const software: Partial<SoftwareSpec> = { type: 'apt', package: known, version_check: probe };
    await client.request('install', ask(software));
    expect(version(root)).toBe('1.0\n');
    fs.rmSync(repository, { recursive: true });
    await client.request('install', ask(software, 'two'));
  });

  test('of type apt that is unknown tells what apt said', async () => {
    const repository = node.scratch.path('repository');
    fs.mkdirSync(repository);
    const client = await started({
      ...pathWithoutSudo(node.scratch),
      ...aptRoot(node.scratch.path('root'), repository),
    });
    const failure = await client.refusal('install', ask({ type: 'apt', name: 'plush-none' }));
    expect(failure).toMatchObject({ code: 'install_failed', message: 'apt-get ended with exit code 100' });
    expect(failure.stderr_tail?.join('\n')).toContain('Unable to locate package plush-none');
  });

  test('of type rpm is installed from its file', async () => {
    const home = node.scratch.dir;
    const target = node.scratch.path('opt', 'version');
    const path = server.serve('probe.rpm', fs.readFileSync(buildRpm(home, target)));
    fs.rmSync(target, { force: true });
    const client = await started({ ...pathWithoutSudo(node.scratch), HOME: home });
    await client.request(
      'install',
      ask({ type: 'rpm', package: pack('web', path, { dest_path: 'probe.rpm' }) }),
    );
    expect(fs.readFileSync(target, 'utf8')).toBe('1.0\n');
  });

  for (const tool of dnfs)
    test(`of type yum is installed by name with ${tool}, or tells what it said`, async () => {
      const root = node.scratch.path('root');
      const path = pathWithoutSudo(node.scratch, 'dnf');
      dnfRoot(path.PATH, root, [buildRpm(node.scratch.dir, '/opt/plush-probe/version')]);
      const client = await started(path);
      await client.request('install', ask({ type: 'yum', name: 'plush-probe' }));
      expect(version(root)).toBe('1.0\n');
      const failure = await client.refusal('install', ask({ type: 'yum', name: 'plush-none' }, 'two'));
      expect(failure).toMatchObject({ code: 'install_failed', message: 'dnf ended with exit code 1' });
      expect(failure.stderr_tail?.join('\n')).toContain('Unable to find a match: plush-none');
    });

  test.each([
    ['apt', 'apt-get'],
    ['rpm', 'rpm'],
    ['yum', 'dnf or yum'],
  ] as const)('of type %s names the package manager that is missing', async (type, program) => {
    const client = await started(pathOf(node.scratch));
    expect(await client.refusal('install', ask({ type, name: 'x' }))).toMatchObject({
      code: 'tool_missing',
      message: `There is no ${program} on this node; install it`,
    });
  });
});
