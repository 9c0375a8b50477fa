/** Barriers with real nodes: between components, from within tasks, and while everything dies around those who wait. */
import { execFile } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { escaped } from '../harness/application.ts';
import { CallFault, type Plushd, startPlushd } from '../harness/plushd.ts';
import { killProcess } from '../harness/processes.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';
import { waitFor } from '../harness/wait.ts';

jest.setTimeout(90_000);

const ROOT = join(__dirname, '..', '..');

let scratch: Scratch;
let plushd: Plushd;

beforeEach(async () => {
  scratch = makeScratch();
  plushd = await startPlushd({ scratch });
});

afterEach(async () => {
  await plushd?.close();
  await scratch.remove();
});

interface Part {
  readonly name: string;
  readonly hosts: number;
  readonly blocks: string;
}

const shell = (name: string, script: string, after = ''): string =>
  `<process_block name="${name}">${after && `<predecessor name="${after}"/>`}<process name="${name}"><path>/bin/sh</path><cmdline><arg>-c</arg><arg>${escaped(script)}</arg></cmdline></process></process_block>`;

const barrierBlock = (name: string, barrier: string, after = ''): string =>
  `<barrier_block name="${name}">${after && `<predecessor name="${after}"/>`}<barrier ${barrier}/></barrier_block>`;

function application(...parts: readonly Part[]): string {
  const components = parts.map(
    ({ name, hosts }) =>
      `<component name="${name}"><rspec><num_hosts>${hosts}</num_hosts></rspec></component>`,
  );
  const blocks = parts.map(
    ({ name, blocks }) =>
      `<component_block name="${name}-block"><component name="${name}"/>${blocks}</component_block>`,
  );
  return `<plush><project name="p">${components.join('')}<application_block name="app"><execution>${blocks.join('')}</execution></application_block></project></plush>`;
}

function go(name = 'go'): void {
  writeFileSync(scratch.path(name), '');
}

const untilGo = (name = 'go') => `until [ -e ${scratch.dir}/${name} ]; do sleep 0.05; done`;

const entered = (run: string, barrier: string, count: number) =>
  waitFor(
    `${count} entries`,
    async () => (await plushd.call('plushGetBarrier', run, barrier)).entered === count,
  );

const nodesOf = async (run: string): Promise<string[]> =>
  Object.values(await plushd.call('plushGetMatching', run)).flat();

/** What `plush` prints. */
async function commandLine(...args: string[]): Promise<string> {
  const state = scratch.path('state');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'dist', 'plush.js'), '--state', state, ...args],
    { timeout: 30_000 },
  );
  return stdout;
}

/** PLUSH_BARRIER_SOCKET and PLUSH_TASK as the run's one task wrote them down. */
async function surroundings(run: string): Promise<{ path: string; task: string }> {
  const [node = ''] = await nodesOf(run);
  const text = await waitFor('its words', async () => {
    const { data } = await plushd.call('plushGetOutput', run, node, {}).catch(() => ({ data: '' }));
    return data.includes('\n') ? data : undefined;
  });
  const [path = '', task = ''] = text.trim().split(' ');
  return { path, task };
}

/** Writes bytes to a socket and reads lines until there are so many, or until it is closed; none: goes away at once. */
function exchange(path: string, bytes: string, lines: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      if (lines === 0) socket.end(bytes, () => socket.destroy());
      else socket.write(bytes);
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.split('\n').length > lines) socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(text.split('\n').filter((line) => line !== '')));
  });
}

describe('a barrier between components', () => {
  it('is where they meet, and a person is told who is missing', async () => {
    await plushd.addLocalNodes(3);
    const run = await plushd.run(
      application(
        {
          name: 'senders',
          hosts: 1,
          blocks: shell('send', untilGo()) + barrierBlock('s', 'name="meet"', 'send'),
        },
        {
          name: 'receivers',
          hosts: 2,
          blocks: barrierBlock('r', 'name="meet"') + shell('receive', 'echo met', 'r'),
        },
      ),
    );
    await entered(run, 'meet', 2);
    const { missing, rule, expected } = await plushd.call('plushGetBarrier', run, 'meet');
    const { senders = [], receivers = [] } = await plushd.call('plushGetMatching', run);
    expect({ missing, rule, expected }).toEqual({
      missing: senders,
      rule: 'releases when all have entered',
      expected: 3,
    });
    const { waiting } = await plushd.call('plushGetRun', run);
    expect(waiting.map((one) => one.waits_for)).toContain(
      `barrier "meet" (2 of 3 have entered): ${missing[0]} is missing`,
    );
    go();
    await plushd.waitRun(run);
    for (const node of receivers) expect(await plushd.output(run, node)).toBe('met\n');
    const facts = (await plushd.events()).filter(({ type }) => type.startsWith('barrier_'));
    expect(facts.map(({ type }) => type)).toEqual([...Array(3).fill('barrier_entered'), 'barrier_released']);
    await expect(
      plushd.call('plushEnterBarrier', { run, barrier: 'meet', node: senders[0] ?? '' }),
    ).rejects.toThrow('RUN_ENDED');
  });

  it('is released by hand, and answers who waits for that', async () => {
    await plushd.addLocalNodes(2);
    const run = await plushd.run(
      application({
        name: 'workers',
        hosts: 2,
        blocks: barrierBlock('b', 'name="meet" type="1" release="manual"'),
      }),
    );
    await entered(run, 'meet', 2);
    const [first = '', second = ''] = await nodesOf(run);
    const waiting = plushd.call('plushEnterBarrier', { run, barrier: 'meet', node: first, wait_s: 20 });
    const refusal = await plushd
      .call('plushReleaseBarrier', run, 'meet', { nodes: ['stranger'] })
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CallFault);
    expect(refusal).toMatchObject({ symbol: 'NOT_A_PARTICIPANT' });
    expect(await commandLine('barrier', run, 'meet', '--release', '--node', second)).toContain(
      '2 of 2 participants entered, 1 waiting',
    );
    const released = JSON.parse(await commandLine('barrier', run, 'meet', '--release', '--json'));
    expect(released).toMatchObject({ state: 'open', cause: 'manual', waiting: 0 });
    expect(await waiting).toMatchObject({ state: 'released' });
    await plushd.waitRun(run);
  });
});

describe('a task at a barrier', () => {
  it('enters by plush-barrier, by Python, and by TypeScript, and they meet', async () => {
    await plushd.addLocalNodes(3);
    const python = `python3 -c 'import plush_barrier as b; s = b.enter("meet", label="py"); print(s["state"], s["label"])'`;
    const typescript = `node --input-type=module -e 'import { enterBarrier } from "${ROOT}/clients/typescript/dist/barrier.js"; console.log((await enterBarrier("meet")).state)'`;
    const run = await plushd.run(
      application(
        {
          name: 'shell',
          hosts: 1,
          blocks:
            shell('a', 'plush-barrier enter meet --label sh --wait; plush-barrier status meet') +
            barrierBlock('x', 'name="meet"', 'a'),
        },
        {
          name: 'python',
          hosts: 1,
          blocks:
            shell('b', `PYTHONPATH=${ROOT}/clients/python ${python}`) + barrierBlock('y', 'name="meet"', 'b'),
        },
        {
          name: 'typescript',
          hosts: 1,
          blocks: shell('c', typescript) + barrierBlock('z', 'name="meet"', 'c'),
        },
      ),
    );
    await plushd.waitRun(run);
    const nodes = await plushd.call('plushGetMatching', run);
    expect(await plushd.output(run, nodes.shell?.[0] ?? '')).toBe('released\nreleased\n');
    expect(await plushd.output(run, nodes.python?.[0] ?? '')).toBe('released py\n');
    expect(await plushd.output(run, nodes.typescript?.[0] ?? '')).toBe('released\n');
    const { entries } = await plushd.call('plushGetBarrier', run, 'meet');
    expect(entries).toHaveLength(3);
  });

  it('still waits when its agent and the controller were killed, and is released once', async () => {
    await plushd.addLocalNodes(2);
    const run = await plushd.run(
      application(
        {
          name: 'waiters',
          hosts: 1,
          blocks:
            shell('wait', 'plush-barrier enter meet --wait --label x; echo on') +
            barrierBlock('w', 'name="meet"', 'wait'),
        },
        {
          name: 'late',
          hosts: 1,
          blocks: shell('late', untilGo()) + barrierBlock('l', 'name="meet"', 'late'),
        },
      ),
    );
    await entered(run, 'meet', 1);
    const { waiters: [node = ''] = [] } = await plushd.call('plushGetMatching', run);
    const first = plushd.agentPid(node);
    if (first !== undefined) killProcess(first);
    await waitFor('another agent', () => ![undefined, first].includes(plushd.agentPid(node)));
    await plushd.kill('SIGKILL');
    await plushd.restart();
    await waitFor('its link', async () => (await plushd.call('plushGetNode', node)).state === 'connected');
    expect(await plushd.call('plushGetBarrier', run, 'meet')).toMatchObject({
      entered: 1,
      waiting: 1,
      entries: [{ hostname: node, label: 'x', state: 'waiting' }],
    });
    go();
    await plushd.waitRun(run);
    expect(await plushd.output(run, node)).toBe('released\non\n');
    const entries = (await plushd.events()).filter(({ type, again }) => type === 'barrier_entered' && !again);
    expect(entries.filter(({ task_id }) => task_id !== undefined)).toHaveLength(1);
  });

  it('enters and leaves a semaphore as often as it likes, each time with a number of its own', async () => {
    await plushd.addLocalNodes(3);
    const log = `${scratch.dir}/inside`;
    const sh = `for i in 1 2 3; do fence=$(plush-barrier enter door --wait | tr -dc 0-9); echo "in $fence" >>${log}; echo "out $fence" >>${log}; plush-barrier leave door; done`;
    const python = `import plush_barrier as b
for i in range(3):
    with b.inside("door") as fence, open("${log}", "a", buffering=1) as log:
        log.write(f"in {fence}\\n"); log.write(f"out {fence}\\n")`;
    const typescript = `import { appendFileSync as log } from "node:fs";
import { enterBarrier, leaveBarrier } from "${ROOT}/clients/typescript/dist/barrier.js";
for (let i = 0; i < 3; i += 1) {
  const { fence } = await enterBarrier("door");
  log("${log}", "in " + fence + "\\n"); log("${log}", "out " + fence + "\\n");
  await leaveBarrier("door");
}`;
    const door = (name: string) => barrierBlock(name, 'name="door" type="3" concurrency="1"');
    const part = (name: string, block: string, script: string) => ({
      name,
      hosts: 1,
      blocks: door(`${block}-door`) + shell(block, script),
    });
    const run = await plushd.run(
      application(
        part('shell', 'a', sh),
        part('python', 'b', `PYTHONPATH=${ROOT}/clients/python python3 -c '${python}'`),
        part('typescript', 'c', `node --input-type=module -e '${typescript}'`),
      ),
    );
    await plushd.waitRun(run);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    const fences = lines.filter((_, i) => i % 2 === 0).map((line) => Number(line.slice(3)));
    expect(lines).toEqual(fences.flatMap((fence) => [`in ${fence}`, `out ${fence}`]));
    expect(fences).toHaveLength(9);
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    const { entries, inside } = await plushd.call('plushGetBarrier', run, 'door');
    expect([inside, entries.map(({ state }) => state)]).toEqual([0, ['left', 'left', 'left']]);
  });

  it('is told that its lease ran out, and leaves no newer one with the old number', async () => {
    await plushd.addLocalNodes(3);
    const sh = `fence=$(plush-barrier enter one --wait | tr -dc 0-9)
      while plush-barrier status one --fence $fence >/dev/null 2>&1; do sleep 0.1; done; plush-barrier leave one >told
      echo "leave $? $(tr -d $fence <told)"; newer=$(plush-barrier enter one --wait | tr -dc 0-9)
      plush-barrier leave one --fence $fence >&2; echo "old $?"; plush-barrier leave one --fence $newer | tr -d $newer
      plush-barrier leave one --fence x; echo "wrong $?"`;
    const python = `import plush_barrier as b, time
try:
    with b.inside("two") as fence:
        while b.status("two", fence=fence)["state"] == "inside": time.sleep(0.1)
except b.LeaseExpired as error: print(error)
with b.inside("two"): print("again")`;
    const typescript = `import { barrierStatus, enterBarrier, leaveBarrier } from "${ROOT}/clients/typescript/dist/barrier.js";
const { fence } = await enterBarrier("three");
while ((await barrierStatus("three", { fence })).state === "inside") await new Promise((go) => setTimeout(go, 100));
console.log((await leaveBarrier("three", { fence })).cause);`;
    const part = (name: string, script: string) => ({
      name,
      hosts: 1,
      blocks:
        barrierBlock(`${name}-door`, `name="${name}" type="3" concurrency="1" hold_timeout="3"`) +
        shell(`${name}-work`, script),
    });
    const run = await plushd.run(
      application(
        part('one', sh),
        part('two', `PYTHONPATH=${ROOT}/clients/python python3 -c '${python}'`),
        part('three', `node --input-type=module -e '${typescript}'`),
      ),
    );
    await plushd.waitRun(run);
    const nodes = await plushd.call('plushGetMatching', run);
    const output = (name: string, stream: 'stdout' | 'stderr' = 'stdout') =>
      plushd.output(run, nodes[name]?.[0] ?? '', { stream, task: `${name}-work` });
    expect(await output('one')).toBe('leave 5 left  expired\nold 5\nleft \nwrong 2\n');
    expect(await output('one', 'stderr')).toContain('another may have been inside since');
    expect(await output('two')).toMatch(/^the lease \d+ of "two" ran out before it was left\nagain\n$/);
    expect(await output('three')).toBe('expired\n');
    const left = (await plushd.events()).filter(({ cause }) => cause === 'expired');
    expect(left.map(({ barrier }) => barrier).sort()).toEqual(['one', 'three', 'two']);
  }, 60_000);

  it('gives its place in a semaphore back when it dies', async () => {
    await plushd.addLocalNodes(2);
    const script = `plush-barrier enter door --wait >&2; echo "$PLUSH_NODE" >>${scratch.dir}/inside; if mkdir ${scratch.dir}/first 2>/dev/null; then kill -9 $$; fi`;
    const policy = '<exit_policy on="any" policy="POLICY_IGNORE"/>';
    const xml = application({
      name: 'workers',
      hosts: 2,
      blocks:
        barrierBlock('d', 'name="door" type="3" concurrency="1"') +
        shell('work', script).replace('</process>', `${policy}</process>`),
    });
    // The block takes no place itself: nothing follows it.
    const run = await plushd.run(xml);
    await plushd.waitRun(run);
    const { entries } = await plushd.call('plushGetBarrier', run, 'door');
    expect(entries.map(({ state }) => state)).toEqual(['left', 'left']);
  });
});

describe('the socket for tasks', () => {
  it('is for its account alone, and refuses what makes no sense with a sentence', async () => {
    await plushd.addLocalNodes(1);
    const words = 'echo "$PLUSH_BARRIER_SOCKET $PLUSH_TASK"';
    const run = await plushd.run(
      application({
        name: 'one',
        hosts: 1,
        blocks: shell('t', `${words}; ${untilGo()}`) + barrierBlock('b', 'name="meet"', 't'),
      }),
    );
    const { path, task } = await surroundings(run);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(Buffer.byteLength(path)).toBeLessThan(104);
    const ask = (more: object) => `${JSON.stringify({ op: 'status', task, barrier: 'meet', ...more })}\n`;
    const lines = await exchange(
      path,
      [
        'no json\n',
        '[]\n',
        ask({ op: 'dance', id: 1 }),
        ask({ barrier: 'mete', id: 2 }),
        ask({ task: 'a/b/c/1', id: 3 }),
        ask({ id: 'four' }),
        ask({ wait: 'yes', id: 5 }),
      ].join(''),
      7,
    );
    const answers = lines.map((line) => JSON.parse(line));
    const byId = (id: unknown) => answers.find((answer) => answer.id === id);
    expect(answers.filter(({ id }) => id === undefined).map(({ code }) => code)).toEqual([
      'BAD_REQUEST',
      'BAD_REQUEST',
    ]);
    expect(byId(1)).toMatchObject({ ok: false, code: 'BAD_REQUEST' });
    expect(byId(2)).toMatchObject({ ok: false, code: 'BARRIER_NOT_FOUND' });
    expect(byId(2).message).toContain('Did you mean "meet"?');
    expect(byId(3)).toMatchObject({ ok: false, code: 'NOT_A_PARTICIPANT' });
    expect(byId('four')).toMatchObject({ ok: true, state: 'outside', expected: 1 });
    expect(byId(5)).toMatchObject({ ok: false, code: 'BAD_REQUEST' });
    const [huge = ''] = await exchange(path, 'x'.repeat(100_000), 99);
    expect(JSON.parse(huge)).toMatchObject({ ok: false, code: 'BAD_REQUEST' });
    expect(await exchange(path, ask({ op: 'enter' }).slice(0, 20), 0)).toEqual([]);
    go();
    await plushd.waitRun(run);
    await expect(
      exchange(path, ask({ op: 'enter' }), 1).then((all) => JSON.parse(all[0] ?? '')),
    ).resolves.toMatchObject({
      ok: false,
      code: 'NOT_A_PARTICIPANT',
    });
  });
});
