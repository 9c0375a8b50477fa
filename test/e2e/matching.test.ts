/** Which nodes a run takes: by what they measure, as long as their leases last, and how it logs in to them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { shellApplication } from '../harness/application.ts';
import { nodeBase, type Plushd, startPlushd } from '../harness/plushd.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { startSshd } from '../harness/sshd.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(60_000);

let scratch: Scratch;
let plushd: Plushd;

beforeEach(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch, args: ['--ssh-host-keys', 'accept-new'] });
});

afterEach(async () => {
  await plushd?.close();
  await scratch.remove();
});

function choosy(requirement: string): string {
  const component = { name: 'workers', hosts: 1, rspecXml: `<requirement ${requirement}/>` };
  return shellApplication('echo here', 1, { components: [component] });
}

describe('a requirement', () => {
  it('that a node meets is met, and one that it turns out not to meet takes it out of the run', async () => {
    await plushd.addLocalNodes(2);
    await plushd.waitRun(await plushd.run(choosy('metric="free_memory" min="1M"')));

    const run = await plushd.run(choosy('metric="cpus" min="100000"'));
    await plushd.waitRun(run, ['failed']);
    const { causes, summary } = await plushd.call('plushExplain', run);
    expect(summary).toMatch(/have less than 100000 processors|has less than 100000 processors/);
    // Of the node that the first run had it is known, and it is not even tried.
    const unmet = causes.find(({ cause }) => cause === 'requirement_unmet');
    expect(unmet?.nodes).toBe(1);
    expect(unmet?.message).toMatch(/^The node has \d+ processors?, and component "workers" wants at least/);

    const samples = await Promise.all(
      ['node-1', 'node-2'].map(async (node) => (await plushd.call('plushGetNode', node)).host),
    );
    expect(samples[0]?.cpus).toBeGreaterThan(0);
    const plan = await plushd.call('plushPlanApp', choosy('metric="load_per_cpu" max="0.001"'));
    expect(plan.components[0]?.candidates).toBeLessThanOrEqual(2);
    const failed = (await plushd.call('plushListNodes', { state: 'failed' })).nodes;
    expect(failed).toEqual([]);
  });
});

describe('a lease', () => {
  it('that ends in a run takes its node out of it, until it is added with a new one', async () => {
    const expires = new Date(Date.now() + 2500).toISOString();
    const lease = { id: 'first', expires };
    await plushd.call('plushAddNode', {
      hostname: 'leased',
      type: 'local',
      group: 'lab',
      preference: 5,
      lease,
    });
    await plushd.addLocalNodes(1);
    const run = await plushd.run(
      shellApplication(
        `echo $PLUSH_NODE >>${scratch.dir}/starts; until [ -e ${scratch.dir}/go ]; do sleep 0.05; done`,
      ),
    );
    expect(await plushd.call('plushGetMatching', run)).toEqual({ workers: ['leased'] });
    await waitFor('the other node', async () => {
      return (await plushd.call('plushGetMatching', run)).workers?.[0] === 'node-1';
    });
    expect(await plushd.call('plushGetNode', 'leased')).toMatchObject({
      state: 'failed',
      failure: { cause: 'lease_expired', message: `Lease "first" of the node ended at ${expires}` },
    });
    expect((await plushd.call('plushListNodes', { state: 'failed' })).total).toBe(1);
    await expect(plushd.call('plushConnect', 'leased')).resolves.toBe(true);
    await expect(
      plushd.call('plushAddNode', { hostname: 'leased', type: 'local', group: 'lab', lease }),
    ).rejects.toThrow(/Lease "first" ended at .* Renew it, then add the node with its new end/);
    await expect(
      plushd.call('plushAddNode', {
        hostname: 'leased',
        type: 'local',
        lease: { id: 'first', expires: '2026-13-01T00:00:00Z' },
      }),
    ).rejects.toThrow(/is not a time/);
    const renewed = { id: 'second', expires: new Date(Date.now() + 3_600_000).toISOString() };
    await plushd.call('plushAddNode', { hostname: 'leased', type: 'local', group: 'lab', lease: renewed });
    expect((await plushd.call('plushGetNode', 'leased')).failure).toBeUndefined();
    await plushd.call('plushAbortRun', run);
    await plushd.waitRun(run, ['aborted']);
    await waitFor('nothing of the run', () => plushd.processes({ PLUSH_RUN: run }).length === 0);
  });
});

/** A SWORD that knows one query. */
async function startSword(answer: string): Promise<{ url: string; asked: string[]; close: () => void }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      asked.push(body);
      const value = `<params><param><value>${answer}</value></param></params>`;
      response.setHeader('Content-Type', 'text/xml').end(`<methodResponse>${value}</methodResponse>`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, asked, close: () => server.close() };
}

const judged = (hostname: string, penalty: number) =>
  `<value><struct><member><name>hostname</name><value>${hostname}</value></member>` +
  `<member><name>penalty</name><value><double>${penalty}</double></value></member></struct></value>`;

function withSword(url: string): string {
  const query = '<request><group><name>workers</name><load>0, 0, 2, 5, 1</load></group></request>';
  const rspecXml = `<sword><server>${url}</server>${query}</sword>`;
  return shellApplication('echo here', 1, { components: [{ name: 'workers', hosts: 1, rspecXml }] });
}

describe('SWORD', () => {
  it('is asked when the application is loaded, and a low penalty is a high preference', async () => {
    await plushd.addLocalNodes(3);
    const answer = [judged('node-2', 0.5), judged('node-3', 8), judged('a stranger', 0)].join('');
    const sword = await startSword(`<array><data>${answer}</data></array>`);
    try {
      await plushd.call('plushLoadAppXml', withSword(sword.url));
      await waitFor('the answer', async () => (await plushd.call('plushGetNode', 'node-2')).preference > 0);
      const { nodes } = await plushd.call('plushListNodes', {});
      expect(nodes.map(({ preference }) => Math.round(preference))).toEqual([0, 67, 11]);
      expect(sword.asked.join('')).toContain('<methodName>query</methodName>');
      expect(sword.asked.join('')).toContain('0, 0, 2, 5, 1');
      const plan = await plushd.call('plushPlanApp');
      expect(plan.components[0]?.nodes).toMatchObject([{ hostname: 'node-2', chosen: 'preference' }]);
    } finally {
      sword.close();
    }
  });

  it('that answers something else changes nothing, and the operation says so', async () => {
    await plushd.addLocalNodes(1);
    const sword = await startSword('<array><data><value>node-1</value></data></array>');
    try {
      await plushd.call('plushLoadAppXml', withSword(sword.url));
      await waitFor('the end of the operation', async () =>
        (await plushd.events()).some(({ type, state }) => type === 'operation_ended' && state === 'failed'),
      );
      const answered = (await plushd.events()).find(({ type }) => type === 'resources_answered');
      expect(answered?.message).toMatch(/did not answer a list of at most 10000 structs with hostname/);
      expect((await plushd.call('plushGetNode', 'node-1')).preference).toBe(0);
    } finally {
      sword.close();
    }
  });
});

describe('authentication of a component', () => {
  it('says how to log in where the node does not', async () => {
    const sshd = await startSshd(scratch, { subnet: '127.0.46', config: [nodeBase(scratch)] });
    try {
      const [hostname = ''] = sshd.addresses;
      await plushd.call('plushAddNode', { hostname, ssh_port: sshd.port, group: 'lab' });
      const withLogin = (xml: string) =>
        shellApplication('echo here', 1, { components: [{ name: 'workers', hosts: 1, xml }] });
      const login = `<authentication user="${sshd.user}" ssh_identity="${sshd.identityFile}"/>`;
      const run = await plushd.run(withLogin(login));
      await plushd.waitRun(run);
      expect(await plushd.output(run, hostname)).toBe('here\n');
    } finally {
      await sshd.kill();
    }
  });
});
