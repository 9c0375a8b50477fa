import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const directory = readFileSync(join(root, 'docker/directory.xml'), 'utf8');

const COMPOSE_TIMEOUT_MS = 25_000;

/** The keys directly under a top-level key, read by their indent: the file keeps to two spaces. */
function namesUnder(section: string): string[] {
  const body = new RegExp(`^${section}:\\n((?:[ #].*\\n|\\n)*)`, 'm').exec(`${text}\n`)?.[1] ?? '';
  return [...body.matchAll(/^ {2}([\w-]+):/gm)].map((match) => match[1] ?? '');
}

/** Runs compose's own check of the file; undefined on a machine without compose. */
function askCompose(
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } | undefined {
  for (const [program, ...before] of [['docker-compose'], ['docker', 'compose']]) {
    if (program === undefined) continue;
    const options = { cwd: root, encoding: 'utf8' as const, timeout: COMPOSE_TIMEOUT_MS };
    if (spawnSync(program, [...before, 'version'], options).status !== 0) continue;
    return spawnSync(program, [...before, '-f', 'docker-compose.yml', ...args], options);
  }
  return undefined;
}

describe('the compose file', () => {
  it('is taken by compose, where there is one, with the services it names', () => {
    const answer = askCompose('config', '--services');
    const services = answer === undefined ? namesUnder('services') : answer.stdout.trim().split('\n');
    expect(answer?.stderr ?? '').not.toMatch(/error|invalid/i);
    expect(answer?.status ?? 0).toBe(0);
    expect(services.sort()).toEqual(['controller', 'keys', 'node1', 'node2', 'node3', 'node4']);
  });

  it('names every volume it mounts', () => {
    const mounted = [...text.matchAll(/^ +- ([\w-]+):\//gm)].map((match) => match[1]);
    expect(new Set(mounted)).toEqual(new Set(namesUnder('volumes')));
  });

  it('refers to files that are there', () => {
    const dockerfiles = [...text.matchAll(/context: (\S+)\n +dockerfile: (\S+)/g)].map(([, context, file]) =>
      join(context ?? '', file ?? ''),
    );
    const inImage = [...text.matchAll(/=\/plush\/(\S+)/g)].map((match) => match[1] ?? '');
    const copied = [
      ...readFileSync(join(root, 'docker/node.Dockerfile'), 'utf8').matchAll(/^COPY (\S+)/gm),
    ].map((match) => join('docker', match[1] ?? ''));
    const files = [...dockerfiles, ...inImage, ...copied];
    expect(files).toEqual(
      expect.arrayContaining(['docker/node.Dockerfile', 'docker/directory.xml', 'examples']),
    );
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('starts, and makes keys for, the nodes of its directory', () => {
    const nodes = [...directory.matchAll(/hostname="([^"]+)"/g)].map((match) => match[1]);
    expect(nodes).toEqual(namesUnder('services').filter((name) => name.startsWith('node')));
    const named = /command: \["make-keys", (.*)\]/.exec(text)?.[1] ?? '';
    expect(named.split(', ').map((name) => name.slice(1, -1))).toEqual(nodes);
  });

  it('publishes the controller on loopback only', () => {
    const ports = [...text.matchAll(/^ +- "([\d.:]+)"$/gm)].map((match) => match[1]);
    expect(ports).toEqual(['127.0.0.1:4880:4880']);
  });
});
