/** Nodes that cannot be reached: each for its own reason, told so that equal reasons fold. */
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { ResultOf } from '../../api/methods.ts';
import { shellApplication } from '../harness/application.ts';
import { nodeBase, type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { makeKey, type Sshd, startSshd } from '../harness/sshd.ts';
import { undisturbed } from '../harness/undisturbed.ts';

type NodeInput = Parameters<typeof addAll>[1][number];

let scratch: Scratch;
let plushd: Plushd;
let sshd: Sshd;
let chatter: Server;

beforeAll(async () => {
  scratch = makeScratch();
  sshd = await startSshd(scratch, { subnet: '127.0.51', addresses: 3, config: [nodeBase(scratch)] });
  plushd = await startPlushd({ scratch, sshd });
  chatter = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  await new Promise<void>((resolve) => chatter.listen(0, '127.0.51.9', resolve));
});

afterAll(async () => {
  await plushd?.close();
  chatter?.close();
  await sshd?.kill();
  await scratch.remove();
});

async function addAll(
  group: string,
  nodes: readonly { hostname: string; ssh_port?: number; ssh_identity?: string; user?: string }[],
): Promise<void> {
  for (const node of nodes) await plushd.call('plushAddNode', { ...node, group });
}

/** A run that needs all nodes of a group, and what is told of its end. */
async function failedRun(group: string, hosts: number): Promise<ResultOf<'plushExplain'>> {
  const xml = shellApplication('true', hosts, {
    name: group,
    components: [{ name: 'workers', hosts, group }],
  });
  const run = await plushd.run(xml);
  await plushd.waitRun(run, ['failed']);
  return plushd.call('plushExplain', run);
}

const three =
  (port: () => number, more: Partial<NodeInput> = {}) =>
  () =>
    sshd.addresses.map((hostname) => ({ hostname, ssh_port: port(), ...more }));

const TROUBLES: readonly {
  readonly what: string;
  readonly nodes: () => readonly NodeInput[];
  readonly cause: string;
  readonly message: string;
  readonly seen: RegExp;
}[] = [
  {
    what: 'nothing listens',
    nodes: three(() => 1),
    cause: 'refused',
    message: "Nothing listens on the node's SSH port",
    seen: /port 1\b/,
  },
  {
    what: 'the name does not resolve',
    nodes: () => ['a.invalid', 'b.invalid', 'c.invalid'].map((hostname) => ({ hostname })),
    cause: 'unresolved',
    message: "The node's name does not resolve",
    seen: /[abc]\.invalid/,
  },
  {
    what: 'the server takes another key',
    nodes: () => three(() => sshd.port, { ssh_identity: makeKey(scratch.path('stranger')) })(),
    cause: 'auth_failed',
    message: 'The node lets us in with none of our SSH keys',
    seen: /stranger/,
  },
  {
    what: 'the account is not there',
    nodes: () => three(() => sshd.port, { user: 'nobody-of-that-name' })(),
    cause: 'auth_failed',
    message: 'The node lets us in with none of our SSH keys',
    seen: /nobody-of-that-name/,
  },
  {
    what: 'the key file is not there',
    nodes: () => three(() => sshd.port, { ssh_identity: '/no/such/key' })(),
    cause: 'no_identity',
    message: 'There is no SSH key to log in with',
    seen: /\/no\/such\/key/,
  },
];

it.each(TROUBLES)('says so once for all nodes when $what', async ({ nodes, cause, message, seen }) => {
  const group = cause + nodes.length;
  const explanation = await undisturbed(plushd, scratch, async () => {
    const all = nodes();
    await addAll(group, all);
    return failedRun(group, all.length);
  });
  const [first] = explanation.causes;
  expect(first).toMatchObject({ cause, phase: 'bootstrap', message, nodes: expect.any(Number) });
  expect(first?.hint).not.toBe('');
  expect(first?.failure.command).toMatch(/^ssh .*(127\.0\.51\.\d|\.invalid)$/);
  expect(first?.failure.stderr_tail?.join('\n')).toMatch(seen);
  expect(explanation.state).toBe('failed');
  // No node of a run that is over is left without a state.
  expect(explanation.nodes.map((node) => node.state)).not.toContain('waiting');
  for (const { hostname } of nodes()) await plushd.call('plushRemoveNode', hostname);
});

it('tells of a peer that speaks something else than SSH', async () => {
  const { port } = chatter.address() as AddressInfo;
  await addAll('chatter', [{ hostname: '127.0.51.9', ssh_port: port }]);
  const { causes } = await failedRun('chatter', 1);
  expect(causes[0]).toMatchObject({ phase: 'bootstrap', nodes: 1 });
  expect(causes[0]?.cause).toMatch(/^(failed|closed)$/);
});

it('lets no node in that shows another host key than before, and says what to do', async () => {
  const other = await startSshd(scratch, { subnet: '127.0.52', addresses: 2, config: [nodeBase(scratch)] });
  try {
    const xml = shellApplication('true', 2, {
      name: 'keys',
      components: [{ name: 'workers', hosts: 2, group: 'keys' }],
    });
    const add = () =>
      addAll(
        'keys',
        other.addresses.map((hostname) => ({
          hostname,
          ssh_port: other.port,
          ssh_identity: other.identityFile,
        })),
      );
    await add();
    await plushd.waitRun(await plushd.run(xml));
    await other.restartWithNewHostKey();
    const explanation = await undisturbed(plushd, scratch, async () => {
      const run = await plushd.run(xml);
      await plushd.waitRun(run, ['failed']);
      return plushd.call('plushExplain', run);
    });
    const cause = explanation.causes.find((one) => one.cause === 'host_key_changed');
    expect(cause).toMatchObject({ message: "The node's SSH host key has changed", phase: 'bootstrap' });
    expect(cause?.hint).toContain('known_hosts');
    expect(cause?.failure.stderr_tail?.join('\n')).toMatch(/SHA256:.*known_hosts:\d/);
    const node = await plushd.call('plushGetNode', cause?.examples[0] ?? '');
    expect(node).toMatchObject({ state: 'failed', failure: { cause: 'host_key_changed' } });
    writeFileSync(scratch.path('state', 'known_hosts'), '');
    await add();
    await plushd.waitRun(await plushd.run(xml));
  } finally {
    await other.kill();
  }
});

it('has a node take the place of one that cannot be reached', async () => {
  await addAll('mixed', [
    { hostname: '127.0.51.1', ssh_port: sshd.port },
    { hostname: '127.0.51.200', ssh_port: sshd.port },
  ]);
  await plushd.call('plushAddNode', {
    hostname: '127.0.51.200',
    ssh_port: sshd.port,
    group: 'mixed',
    preference: 100,
  });
  const run = await plushd.run(
    shellApplication('true', 1, {
      name: 'mixed',
      components: [{ name: 'workers', hosts: 1, group: 'mixed' }],
    }),
  );
  await plushd.waitRun(run);
  expect(await plushd.call('plushGetMatching', run)).toEqual({ workers: ['127.0.51.1'] });
  const { causes } = await plushd.call('plushExplain', run);
  expect(causes).toMatchObject([{ cause: 'refused', nodes: 1, examples: ['127.0.51.200'] }]);
});
