/** Commands on nodes, with real agents. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { ResultOf } from '../../api/methods.ts';
import { shellApplication } from '../harness/application.ts';
import { type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess, processesCalled } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(90_000);

type Operation = ResultOf<'plushGetOperation'>;

let scratch: Scratch;
let plushd: Plushd;

beforeEach(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
});

afterEach(async () => {
  await plushd?.close();
  for (const pid of processesCalled(bareWord())) killProcess(pid);
  await scratch.remove();
});

/** Waits for the end of an operation as a client does. */
async function ended(id: string): Promise<Operation> {
  return waitFor(
    `operation ${id} to be over`,
    async () => {
      const operation = await plushd.call('plushGetOperation', id, { wait_s: 10 });
      return operation.state === 'running' ? undefined : operation;
    },
    60_000,
  );
}

async function shell(command: string, options: Parameters<typeof call>[1] = {}): Promise<Operation> {
  return ended(await call(command, options));
}

function call(
  command: string,
  options: { nodes?: string[]; group?: string; timeout_s?: number } = {},
): Promise<string> {
  return plushd.call('plushShell', command, options);
}

/** Live processes of a command. */
function processesOfCommand(id: string): number[] {
  return plushd.processes({ PLUSH_OPERATION: id });
}

/** Begins processes that went their own ways: in a session of its own, without environment, deaf to SIGTERM. */
function manyChildren(): string {
  const bare = `env -i tail -f ${bareWord()} >/dev/null 2>&1`;
  return `touch ${bareWord()}; (setsid sleep 1000 >/dev/null 2>&1 &); (${bare} &); sleep 1000 & trap "" TERM;`;
}

const bareWord = () => scratch.path('bare');

/** The processes of a command that still live, also those without environment. */
function leftOf(id: string): number[] {
  return [...processesOfCommand(id), ...processesCalled(bareWord())];
}

async function waitForFile(name: string): Promise<void> {
  await waitFor(`the file ${name}`, () => existsSync(scratch.path(name)));
}

describe('plushShell', () => {
  it('runs a command on all nodes, connecting to them, and folds what is the same', async () => {
    await plushd.addLocalNodes(3);
    const operation = await shell('echo hello; echo "to you" >&2');
    expect(operation).toMatchObject({
      kind: 'shell',
      state: 'succeeded',
      total: 3,
      pending: 0,
      succeeded: 3,
      failed: 0,
      requests: [],
    });
    expect(operation.results).toEqual([
      {
        count: 3,
        nodes: ['node-1', 'node-2', 'node-3'],
        exit_code: 0,
        stdout: 'hello\n',
        stderr: 'to you\n',
        stdout_cut: false,
        stderr_cut: false,
      },
    ]);
    expect((await plushd.call('plushGetNode', 'node-2')).state).toBe('connected');
  });

  it('keeps different results apart, with exit codes and signals', async () => {
    await plushd.addLocalNodes(4);
    const { state, succeeded, failed, results } = await shell(
      'case $PLUSH_NODE in node-1) exit 3;; node-2) kill -KILL $$;; *) echo fine;; esac',
    );
    expect({ state, succeeded, failed }).toEqual({ state: 'failed', succeeded: 2, failed: 2 });
    expect(results[0]).toMatchObject({ count: 2, nodes: ['node-3', 'node-4'], stdout: 'fine\n' });
    const of = (node: string) => results.find(({ nodes }) => nodes.includes(node));
    expect(of('node-1')).toMatchObject({ count: 1, exit_code: 3 });
    expect(of('node-2')).toMatchObject({ count: 1, signal: 'SIGKILL' });
    expect(of('node-2')?.exit_code).toBeUndefined();
  });

  it('runs on the nodes that are named, or on those of a group, once each', async () => {
    await plushd.addLocalNodes(2, 'lab');
    await plushd.addLocalNodes(2, 'field', 'far');
    const named = await shell('true', { nodes: ['far-2', 'node-1', 'far-2'] });
    expect(named.results).toMatchObject([{ count: 2, nodes: ['far-2', 'node-1'] }]);
    const grouped = await shell('true', { group: 'field' });
    expect(grouped.results).toMatchObject([{ nodes: ['far-1', 'far-2'] }]);
    expect((await plushd.call('plushGetNode', 'node-2')).state).toBe('idle');
  });

  it('runs in the home folder, without input and without what is for agents alone', async () => {
    await plushd.addLocalNodes(1);
    const { results } = await shell('cd && test "$(pwd -P)" = "$(cd -- "$OLDPWD" && pwd -P)" && cat && env');
    expect(results[0]).toMatchObject({ exit_code: 0 });
    expect(results[0]?.stdout).toContain('PLUSH_NODE=node-1\n');
    expect(results[0]?.stdout).not.toContain('PLUSH_IDLE_MS');
  });

  it('ends all processes of a command at its timeout', async () => {
    await plushd.addLocalNodes(1);
    const id = await call(`echo begun; ${manyChildren()} while :; do sleep 1; done`, { timeout_s: 1 });
    const { state, results } = await ended(id);
    expect(state).toBe('failed');
    expect(results).toMatchObject([
      {
        stdout: 'begun\n',
        cause: 'timeout',
        message: 'The command did not end within 1 s and was ended',
      },
    ]);
    expect(leftOf(id)).toEqual([]);
  });

  it('ends what a command leaves behind, and does not wait for it', async () => {
    await plushd.addLocalNodes(1);
    const id = await call('sleep 1000 & (setsid sleep 1000 &) ; echo done');
    const { results } = await ended(id);
    expect(results).toMatchObject([{ exit_code: 0, stdout: 'done\n' }]);
    expect(processesOfCommand(id)).toEqual([]);
  });

  it('answers what is no text as the bytes it is, when asked for base64', async () => {
    await plushd.addLocalNodes(1);
    const id = await call('printf "\\0\\377x"; printf "plain\\n" >&2');
    const { results } = await ended(id);
    expect(results[0]).toMatchObject({ stdout: '\ufffd\ufffdx', stderr: 'plain\n' });
    const raw = await plushd.call('plushGetOperation', id, { encoding: 'base64' });
    const bytes = ['AP94', Buffer.from('plain\n').toString('base64')];
    expect([raw.results[0]?.stdout, raw.results[0]?.stderr]).toEqual(bytes);
    const body = `<?xml version="1.0"?><methodCall><methodName>plushGetOperation</methodName><params><param><value>${id}</value></param><param><value><struct><member><name>encoding</name><value>base64</value></member></struct></value></param></params></methodCall>`;
    const headers = { authorization: `Bearer ${plushd.token}`, 'content-type': 'text/xml' };
    const answer = await fetch(`${plushd.url}/RPC2`, { method: 'POST', headers, body });
    expect(await answer.text()).toContain('<name>stdout</name><value><base64>AP94</base64></value>');
  });

  it('keeps the beginning of a large output and says that there was more', async () => {
    await plushd.addLocalNodes(1);
    const { results } = await shell('head -c 3000000 /dev/zero | tr "\\0" "a"; echo "the end" >&2');
    const [result] = results;
    expect(result?.stdout).toBe('a'.repeat(65_536));
    expect(result).toMatchObject({ exit_code: 0, stdout_cut: true, stderr: 'the end\n', stderr_cut: false });
  });

  it('answers within what every client takes, whatever was printed', async () => {
    await plushd.addLocalNodes(4);
    const id = await call(
      'case $PLUSH_NODE in node-1) byte="&";; node-2) byte="<";; node-3) byte="\\377";; *) byte="\\001";; esac; ' +
        'head -c 200000 /dev/zero | tr "\\0" "$byte" | tee /dev/stderr',
    );
    await ended(id);
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const { body, page } = await xmlPage(id, cursor);
      expect(Buffer.byteLength(body)).toBeLessThan(512 << 10);
      seen.push(...page.results.flatMap(({ nodes }) => nodes));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(seen.sort()).toEqual(['node-1', 'node-2', 'node-3', 'node-4']);
  });

  it('says why a node could not be reached, and does not mark it failed', async () => {
    await plushd.addLocalNodes(1);
    const port = await closedPort();
    const ssh_identity = scratch.path('key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', ssh_identity]);
    await plushd.call('plushAddNode', { hostname: 'localhost', ssh_port: port, ssh_identity });
    const { state, succeeded, results } = await shell('echo here');
    expect({ state, succeeded }).toEqual({ state: 'failed', succeeded: 1 });
    const lost = results.find(({ nodes }) => nodes.includes('localhost'));
    expect(lost).toMatchObject({ cause: 'refused', stdout: '', message: expect.stringMatching(/SSH port/) });
    expect((await plushd.call('plushGetNode', 'localhost')).state).toBe('lost');
  });

  it('leaves a node alone that was disconnected on purpose', async () => {
    await plushd.addLocalNodes(1);
    await shell('true');
    await plushd.call('plushDisconnectApp', 'node-1');
    const { results } = await shell('true');
    expect(results).toMatchObject([
      { cause: 'disconnected', message: expect.stringMatching(/plushConnect/) },
    ]);
  });

  it('does not disturb a run on the same node, nor is disturbed by its end', async () => {
    await plushd.addLocalNodes(1);
    const go = scratch.path('go');
    const run = await plushd.run(shellApplication(`until [ -e ${go} ]; do sleep 0.05; done; echo over`));
    await plushd.waitRun(run, ['running']);
    const id = await call(
      `touch ${scratch.path('begun')}; until [ -e ${go}2 ]; do sleep 0.05; done; echo too`,
    );
    await waitForFile('begun');
    expect((await shell('echo meanwhile')).state).toBe('succeeded');
    writeFileSync(go, '');
    await plushd.waitRun(run);
    writeFileSync(`${go}2`, '');
    expect(await ended(id)).toMatchObject({ state: 'succeeded', results: [{ stdout: 'too\n' }] });
    expect(await plushd.output(run, 'node-1')).toBe('over\n');
  });

  it('refuses what cannot be', async () => {
    const refused = (work: Promise<unknown>, symbol: string) =>
      expect(work).rejects.toMatchObject({ symbol });
    await refused(call('true'), 'NO_NODES');
    await plushd.addLocalNodes(1);
    await refused(call('true', { group: 'none' }), 'NO_NODES');
    await refused(call('true', { nodes: ['nobody'] }), 'NODE_NOT_FOUND');
    await refused(call('true', { nodes: [] }), 'INVALID_PARAMETERS');
    await refused(call('true', { nodes: ['node-1'], group: 'lab' }), 'INVALID_PARAMETERS');
    await refused(call('true', { timeout_s: 3601 }), 'INVALID_PARAMETERS');
    await refused(call(''), 'INVALID_PARAMETERS');
    await refused(call('a\0b'), 'INVALID_PARAMETERS');
    await refused(plushd.call('plushGetOperation', 'op-none'), 'OPERATION_NOT_FOUND');
    await refused(plushd.call('plushGetOperation', 'op-none', { wait_s: 31 }), 'INVALID_PARAMETERS');
  });
});

describe('plushGetOperation', () => {
  it('answers a waiting call at the end, and everybody else meanwhile', async () => {
    await plushd.addLocalNodes(2);
    const go = scratch.path('go');
    const id = await call(`[ $PLUSH_NODE = node-1 ] || until [ -e ${go} ]; do sleep 0.05; done; echo over`);
    let isOver = false;
    const waiting = plushd.call('plushGetOperation', id, { wait_s: 15 }).then((operation) => {
      isOver = true;
      return operation;
    });
    await waitFor('the first node', async () => {
      const { succeeded, pending, results } = await plushd.call('plushGetOperation', id);
      return succeeded === 1 && pending === 1 && results[0]?.nodes.includes('node-1');
    });
    expect(isOver).toBe(false);
    writeFileSync(go, '');
    expect((await ended(id)).results).toMatchObject([{ count: 2, stdout: 'over\n' }]);
    expect((await waiting).total).toBe(2);
  });

  it('tells what became of requests for resources', async () => {
    const server = `http://127.0.0.1:${await closedPort()}/`;
    const xml = shellApplication('true').replace(
      '</rspec>',
      `<usher><server>${server}</server><vms>3</vms></usher></rspec>`,
    );
    await plushd.call('plushLoadAppXml', xml);
    const operation = await ended(await plushd.call('plushCreateResources'));
    expect(operation).toMatchObject({ kind: 'resources', state: 'failed', total: 1, failed: 1, results: [] });
    const message = expect.stringMatching(/could not be reached/);
    expect(operation.requests).toEqual([
      { component: 'workers', service: 'usher', server, state: 'refused', message },
    ]);
  });
});

describe('a command under way', () => {
  async function begun(): Promise<string> {
    await plushd.addLocalNodes(1);
    const id = await call(`${manyChildren()} touch ${scratch.path('begun')}; sleep 1000`);
    await waitForFile('begun');
    return id;
  }

  const gone = (id: string) => waitFor('the processes of the command to end', () => leftOf(id).length === 0);

  it('ends with a controller that is killed, and is interrupted for the next one', async () => {
    const id = await begun();
    await plushd.kill('SIGKILL');
    await gone(id);
    await plushd.restart();
    const operation = await plushd.call('plushGetOperation', id, { wait_s: 30 });
    expect(operation).toMatchObject({ state: 'interrupted', results: [] });
    expect(operation.message).toMatch(/restarted/);
    expect(await shell('echo again')).toMatchObject({ state: 'succeeded' });
  });

  it('does not hold up a controller that is stopped', async () => {
    const id = await begun();
    const waiting = plushd.call('plushGetOperation', id, { wait_s: 30 }).catch((error: Error) => error);
    await plushd.call('plushTestConnection');
    expect(await plushd.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await waiting;
    await gone(id);
  });

  it('ends with its agent, and the node goes on with the next one', async () => {
    const id = await begun();
    killProcess(plushd.agentPid('node-1') as number);
    expect((await ended(id)).results).toMatchObject([{ cause: 'link_lost' }]);
    expect(await shell('echo again')).toMatchObject({ state: 'succeeded' });
    await waitFor('its processes to end', () => processesOfCommand(id).length === 0);
  });

  it('ends when its node is disconnected', async () => {
    const id = await begun();
    await plushd.call('plushDisconnectApp', 'node-1');
    expect((await ended(id)).results).toMatchObject([{ cause: 'link_lost' }]);
    await gone(id);
  });

  it('ends with plushQuit', async () => {
    const id = await begun();
    await plushd.call('plushQuit');
    expect(await plushd.exited).toEqual({ code: 0, signal: null });
    expect(leftOf(id)).toEqual([]);
  });
});

describe('plushPlanApp', () => {
  it('plans what is loaded, or the text of a specification, and changes nothing', async () => {
    await plushd.addLocalNodes(3);
    const xml = shellApplication('true', 2, { name: 'first' });
    await plushd.call('plushLoadAppXml', xml);
    const before = await plushd.call('plushGetEvents', { after: -1 });
    const plan = await plushd.call('plushPlanApp');
    expect(plan).toMatchObject({ app: 'first', can_run: true });
    expect(await plushd.call('plushPlanApp', 'first')).toEqual(plan);
    const other = await plushd.call('plushPlanApp', shellApplication('true', 9, { name: 'second' }));
    expect(other).toMatchObject({ app: 'second', can_run: false, shortfalls: [{ wanted: 9, found: 3 }] });
    await expect(plushd.call('plushPlanApp', 'second')).rejects.toMatchObject({ symbol: 'APP_NOT_FOUND' });
    await expect(plushd.call('plushPlanApp', '<plush>')).rejects.toMatchObject({ symbol: 'APP_INVALID' });
    expect(await plushd.call('plushGetEvents', { after: -1 })).toEqual(before);
  });
});

/** A port of the loopback at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** A page of an operation over XML-RPC, as it came and as the same page says over JSON-RPC. */
async function xmlPage(id: string, cursor: string | undefined): Promise<{ body: string; page: Operation }> {
  const page = cursor === undefined ? {} : { cursor };
  const member =
    cursor === undefined
      ? ''
      : `<member><name>cursor</name><value><string>${cursor}</string></value></member>`;
  const response = await fetch(`${plushd.url}/RPC2`, {
    method: 'POST',
    headers: { 'content-type': 'text/xml', authorization: `Bearer ${plushd.token}` },
    body: `<?xml version="1.0"?><methodCall><methodName>plushGetOperation</methodName><params><param><value><string>${id}</string></value></param><param><value><struct>${member}</struct></value></param></params></methodCall>`,
  });
  return { body: await response.text(), page: await plushd.call('plushGetOperation', id, page) };
}
