import * as fs from 'node:fs';
import { join } from 'node:path';
import { MAX_FRAME_BYTES } from '../../src/wire/agent.ts';
import { type AgentClient, order, type TestNode } from '../harness/agent.ts';
import { eachTestOnANode } from '../harness/agent-suite.ts';
import { waitFor } from '../harness/wait.ts';

let node: TestNode;

eachTestOnANode((fresh) => {
  node = fresh;
});

/** Runs until the file `go` is in the working folder. */
const UNTIL_GO = 'echo up; while [ ! -e go ]; do sleep 0.02; done; echo done; exit 9';

function go(): void {
  fs.writeFileSync(join(node.dir, 'runs/run/work/go'), '');
}

async function killAgent(client: AgentClient & { state: { pid: number } }): Promise<void> {
  process.kill(client.state.pid, 'SIGKILL');
  await client.closed;
}

test('says that it is ready, with a socket and a folder for its account alone', async () => {
  const ready = await node.start();
  expect(ready).toEqual({ ready: true, pid: expect.any(Number) });
  expect(fs.statSync(node.socket).mode & 0o777).toBe(0o600);
  const record = JSON.parse(fs.readFileSync(join(node.dir, 'agent.json'), 'utf8'));
  const { state } = await node.dial();
  expect(state).toMatchObject({
    pid: ready.pid,
    bundle: 'test',
    installed: [],
    tasks: [],
    node_version: process.version,
  });
  expect(record).toMatchObject({ pid: ready.pid, boot_id: state.boot_id, socket: node.socket, node: 'n1' });
});

test('lets a second agent for the folder go', async () => {
  const first = await node.start();
  expect(await node.start()).toEqual({ ready: true, already: true, pid: first.pid });
});

test('has one winner when several agents start at the same moment', async () => {
  const all = await Promise.all([1, 2, 3, 4].map(() => node.start()));
  const winners = all.filter((ready) => ready.already !== true);
  expect(all.every((ready) => ready.ready)).toBe(true);
  expect(winners).toHaveLength(1);
  expect((await node.dial()).state.pid).toBe(winners[0]?.pid);
});

test('takes the place of an agent that was killed, beside its stale socket', async () => {
  await node.start();
  const first = await node.dial();
  await killAgent(first);
  expect(fs.existsSync(node.socket)).toBe(true);
  await node.start();
  const second = await node.dial();
  expect(second.state.instance).not.toBe(first.state.instance);
});

test('leaves what is no socket alone and says why it does not start', async () => {
  fs.writeFileSync(node.socket, 'precious');
  await expect(node.start()).rejects.toThrow('EADDRINUSE');
  expect(fs.readFileSync(node.socket, 'utf8')).toBe('precious');
});

test('goes on after SIGHUP', async () => {
  await node.start();
  const client = await node.dial();
  process.kill(client.state.pid, 'SIGHUP');
  await client.request('ping', {});
});

test('adopts a task that goes on while no agent is there', async () => {
  await node.start();
  const first = await node.dial();
  const { pid } = await first.start(order('a', UNTIL_GO));
  await killAgent(first);
  await node.start();
  const second = await node.dial();
  expect(second.state.tasks).toEqual([{ task_id: 'run/a/n1/1', run_id: 'run', state: 'running', pid }]);
  expect(await second.start(order('a', UNTIL_GO))).toMatchObject({ state: 'running', pid });
  go();
  expect(await second.exited('run/a/n1/1')).toMatchObject({ exit_code: 9, pid });
  expect(await second.output('run/a/n1/1')).toBe('up\ndone\n');
});

test('tells how a task ended while no agent was there, and tells the same ever after', async () => {
  await node.start();
  const first = await node.dial();
  const { pid } = await first.start(order('a', `trap 'exit 3' TERM; ${UNTIL_GO}`));
  await killAgent(first);
  go();
  await waitFor('the task to end', () => node.processes().length === 0);
  await node.start();
  const second = await node.dial();
  const report = {
    task_id: 'run/a/n1/1',
    run_id: 'run',
    state: 'exited',
    pid,
    exit_code: 9,
    stderr_tail: [],
  };
  expect(second.state.tasks).toEqual([report]);
  await killAgent(second);
  await node.start();
  expect((await node.dial()).state.tasks).toEqual([report]);
});

test('tells a task as lost whose processes vanished with the status, and does not start it again', async () => {
  await node.start();
  const first = await node.dial();
  await first.start(order('a', UNTIL_GO));
  await killAgent(first);
  await node.killProcesses();
  for (const name of fs.readdirSync(join(node.dir, 'runs/run/tasks'))) {
    fs.rmSync(join(node.dir, 'runs/run/tasks', name, 'exit'), { force: true });
  }
  await node.start();
  const second = await node.dial();
  expect(second.state.tasks).toMatchObject([{ state: 'exited', cause: 'lost' }]);
  expect(await second.start(order('a', UNTIL_GO))).toMatchObject({ state: 'exited', cause: 'lost' });
  expect(node.processes()).toEqual([]);
});

test('does not take another process with the same pid for the task', async () => {
  await node.start();
  const first = await node.dial();
  await first.start(order('a', UNTIL_GO));
  await killAgent(first);
  const folder = join(
    node.dir,
    'runs/run/tasks',
    fs.readdirSync(join(node.dir, 'runs/run/tasks'))[0] as string,
  );
  await node.killProcesses();
  fs.rmSync(join(folder, 'exit'), { force: true });
  const wrapper = JSON.parse(fs.readFileSync(join(folder, 'wrapper.json'), 'utf8'));
  fs.writeFileSync(join(folder, 'wrapper.json'), JSON.stringify({ ...wrapper, pid: process.pid }));
  await node.start();
  const second = await node.dial();
  expect(second.state.tasks).toMatchObject([{ state: 'exited', cause: 'lost' }]);
  await second.request('clean', { run_id: 'run', grace_ms: 0 });
});

test('goes on with a task whose wrapper was killed, and takes one killed with it for ended by the signal', async () => {
  await node.start();
  const client = await node.dial();
  const { pid } = await client.start(order('a', 'exec sleep 1000'));
  const wrapper = node.processes().find((one) => one !== pid) as number;
  process.kill(wrapper, 'SIGKILL');
  await client.request('ping', {});
  expect(await client.start(order('a', ''))).toMatchObject({ state: 'running' });
  process.kill(pid as number, 'SIGKILL');
  const exited = await client.exited('run/a/n1/1');
  expect(exited).toMatchObject({ state: 'exited', signal: 'SIGKILL' });
  expect(exited.cause).toBeUndefined();
});

test('stops an adopted task', async () => {
  await node.start();
  await (await node.dial()).start(order('a', 'exec sleep 1000'));
  await killAgent(await node.dial());
  await node.start();
  const client = await node.dial();
  const { ok } = await client.request('stop', { task_id: 'run/a/n1/1', signal: 'SIGINT', grace_ms: 20_000 });
  expect(ok.task).toMatchObject({ state: 'exited', signal: 'SIGINT', cause: 'stopped' });
});

test('keeps logical offsets when output was emptied and the agent died', async () => {
  await node.start();
  const first = await node.dial();
  const script =
    'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo 1234567; done; while [ ! -e go ]; do sleep 0.02; done; echo last';
  await first.start(order('a', script, { max_output_bytes: 4096 }));
  const ask = { task_id: 'run/a/n1/1', stream: 'stdout', offset: 0, limit: 1 } as const;
  const before = await waitFor('the output to be emptied', async () => {
    const { ok } = await first.request('read', ask);
    return ok.offset > 0 && ok.end > 0 ? ok : undefined;
  });
  await killAgent(first);
  await node.start();
  const second = await node.dial();
  const after = (await second.request('read', ask)).ok;
  expect(after.offset).toBeGreaterThanOrEqual(before.offset);
  expect(after.end).toBeGreaterThanOrEqual(before.end);
  go();
  await second.exited('run/a/n1/1');
  expect((await second.output('run/a/n1/1')).endsWith('last\n')).toBe(true);
});

test('retires for a successor, with tasks going on', async () => {
  await node.start();
  const first = await node.dial();
  const { pid } = await first.start(order('a', UNTIL_GO));
  const [answer, next] = await Promise.all([
    first.request('retire', {}),
    first.closed.then(() => node.start()),
  ]);
  expect(answer.ok).toEqual({});
  expect(next.already).toBeUndefined();
  const second = await node.dial();
  expect(second.state.tasks).toMatchObject([{ state: 'running', pid }]);
  go();
  expect(await second.exited('run/a/n1/1')).toMatchObject({ exit_code: 9 });
});

test('leaves nothing behind', async () => {
  await node.start();
  const client = await node.dial();
  await client.start(order('a', 'setsid sleep 1000 & trap "" TERM; sleep 1000; sleep 1000'));
  await client.start(order('b', 'exec sleep 1000', { run_id: 'other', task_id: 'other/b/n1/1' }));
  await waitFor('both wrappers and four programs', () => node.processes().length === 6);
  const { ok } = await client.request('leave', { grace_ms: 50 });
  expect(ok.killed).toBeGreaterThanOrEqual(4);
  await client.closed;
  expect(node.processes()).toEqual([]);
  expect(fs.readdirSync(node.scratch.dir)).toEqual([]);
});

test('leaves by itself when neither controller nor task is there', async () => {
  await node.start({ env: { PLUSH_IDLE_MS: '2000' } });
  const client = await node.dial();
  await client.start(order('a', UNTIL_GO));
  client.end();
  await client.closed;
  go();
  await waitFor('all of it to vanish', () => fs.readdirSync(node.scratch.dir).length === 0);
});

test('stays while a task runs, however long no controller is there', async () => {
  await node.start({ env: { PLUSH_IDLE_MS: '2000' } });
  const client = await node.dial();
  await client.start(order('a', `sleep 4; touch waited; ${UNTIL_GO}`));
  client.end();
  await client.closed;
  await waitFor('twice the idle time', () => fs.existsSync(join(node.dir, 'runs/run/work/waited')));
  const again = await node.dial();
  go();
  expect(await again.exited('run/a/n1/1')).toMatchObject({ exit_code: 9 });
});

test('refuses an older epoch, on its old link too and after a restart', async () => {
  await node.start();
  const old = await node.dial(4);
  const young = await node.dial(5);
  expect((await old.refusal('ping', {})).code).toBe('STALE_EPOCH');
  const late = await node.connect();
  const hello = { protocol: 1, epoch: 4, controller: 'c', node: 'n1' };
  expect((await late.refusal('hello', hello)).code).toBe('STALE_EPOCH');
  await young.start(order('a', 'true'));
  await young.exited('run/a/n1/1');
  expect(old.reports.some((frame) => frame.report === 'task')).toBe(false);
  await killAgent(young);
  await node.start();
  const next = await node.connect();
  expect((await next.refusal('hello', hello)).code).toBe('STALE_EPOCH');
});

test('refuses a request before hello, an unknown one, one with wrong members, and the greeting of another node', async () => {
  await node.start();
  const client = await node.connect();
  expect((await client.refusal('ping', {})).code).toBe('BAD_REQUEST');
  const wrongNode = { protocol: 1, epoch: 1, controller: 'c', node: 'n2' };
  expect((await client.refusal('hello', wrongNode)).message).toContain('n1');
  await client.hello(1);
  expect((await client.refusal('toString' as 'ping', {})).code).toBe('BAD_REQUEST');
  expect((await client.refusal('start', {} as never)).code).toBe('BAD_REQUEST');
  expect((await client.refusal('start', { task: { ...order('a', ''), args: [1] as never } })).code).toBe(
    'BAD_REQUEST',
  );
  expect((await client.refusal('stop', { task_id: 'x', signal: 'SIGNOT', grace_ms: 0 })).code).toBe(
    'BAD_REQUEST',
  );
  expect((await client.request('ping', {})).ok).toEqual({});
});

test('ends a link that does not speak frames, and no other', async () => {
  await node.start();
  const good = await node.dial();
  const junk = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(64),
    Buffer.from([0, 0, 0, 6, 0, 0, 0, 2, 0x7b, 0x7b]),
  ];
  const huge = Buffer.alloc(8);
  huge.writeUInt32BE(MAX_FRAME_BYTES + 1, 0);
  for (const bytes of [...junk, huge]) {
    const bad = await node.connect();
    bad.socket.write(bytes);
    await bad.closed;
  }
  expect((await good.request('ping', {})).ok).toEqual({});
});

test('holds back a controller that asks and does not read, and serves others meanwhile', async () => {
  await node.start();
  const greedy = await node.dial();
  await greedy.start(order('a', 'head -c 300000 /dev/zero'));
  await greedy.exited('run/a/n1/1');
  greedy.socket.pause();
  const ask = { task_id: 'run/a/n1/1', stream: 'stdout', offset: 0, limit: 1 << 18 } as const;
  const reads = Array.from({ length: 400 }, () => greedy.request('read', ask));
  const other = await node.dial();
  expect((await other.request('ping', {})).ok).toEqual({});
  greedy.socket.resume();
  const answers = await Promise.all(reads);
  expect(answers.every(({ binary }) => binary.length === 1 << 18)).toBe(true);
});

test('samples the host for a controller that greeted', async () => {
  await node.start();
  const client = await node.dial();
  const frame = await waitFor('a sample', () => client.reports.find((one) => one.report === 'host'));
  expect(frame).toMatchObject({
    host: {
      load1: expect.any(Number),
      memory_total_bytes: expect.any(Number),
      disk_free_bytes: expect.any(Number),
    },
  });
});

test('finishes cleaning a run when it died in the middle of it', async () => {
  await node.start();
  const first = await node.dial();
  await first.start(order('a', 'trap "" TERM; echo up; while :; do sleep 0.05; done'));
  await first.spoken('run/a/n1/1');
  const cleaning = first.request('clean', { run_id: 'run', grace_ms: 60_000 });
  const cut = expect(cleaning).rejects.toThrow('The link ended');
  await waitFor('the cleaning to begin', () => fs.existsSync(join(node.dir, 'cleaned.json')));
  await killAgent(first);
  await cut;
  await node.killProcesses();
  await node.start();
  await waitFor('the folder to vanish', () => !fs.existsSync(join(node.dir, 'runs/run')));
});
