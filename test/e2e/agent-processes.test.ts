import * as fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { accountFor } from '../../src/drivers/tasks/account.ts';
import type { MonitorOrder } from '../../src/wire/agent.ts';
import { type AgentClient, order, type TestNode } from '../harness/agent.ts';
import { eachTestOnANode } from '../harness/agent-suite.ts';
import { waitFor } from '../harness/wait.ts';

let node: TestNode;
let client: AgentClient;

eachTestOnANode(async (fresh) => {
  node = fresh;
  await node.start();
  client = await node.dial();
});

const ID = 'run/a/n1/1';
const isRoot = process.getuid?.() === 0;

function workFile(name: string): string {
  return join(node.dir, 'runs/run/work', name);
}

const monitor = (type: MonitorOrder['type'], target?: string): MonitorOrder => ({
  type,
  ...(target === undefined ? {} : { target }),
  interval_ms: 100,
  timeout_ms: 200,
  failures: 2,
});

describe('a time limit', () => {
  test('stops the program, and its cause is the timeout whatever the program makes of it', async () => {
    const script = 'trap "exit 0" TERM; while :; do sleep 0.05; done';
    await client.start(order('a', script, { timeout_ms: 200 }));
    const report = await client.exited(ID);
    expect(report).toMatchObject({ cause: 'timeout', exit_code: 0 });
    expect(report.message).toBe('The process ran longer than its timeout of 200 ms and was stopped');
  });

  test('counts from the start of a program that another agent takes over', async () => {
    await client.start(order('a', 'echo; sleep 1000', { timeout_ms: 700 }));
    await client.spoken(ID);
    process.kill(((await node.dial()) as AgentClient & { state: { pid: number } }).state.pid, 'SIGKILL');
    await client.closed;
    await node.start();
    const next = await node.dial();
    expect(await next.exited(ID)).toMatchObject({ cause: 'timeout' });
  });
});

describe('a stop', () => {
  test('is done with the signal of the order', async () => {
    const script = 'trap "echo told; exit 4" USR1; echo ready; while :; do sleep 0.05; done';
    await client.start(order('a', script, { stop_signal: 'SIGUSR1' }));
    await client.spoken(ID);
    const { ok } = await client.request('stop', { task_id: ID });
    expect(ok.task).toMatchObject({ cause: 'stopped', exit_code: 4 });
    expect(await client.output(ID)).toBe('ready\ntold\n');
  });

  test('kills what ignores the signal once the grace of the order is over', async () => {
    const script = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';
    await client.start(order('a', script, { stop_grace_ms: 150 }));
    await client.spoken(ID);
    const before = performance.now();
    const { ok } = await client.request('stop', { task_id: ID });
    expect(ok.task).toMatchObject({ cause: 'stopped', signal: 'SIGKILL' });
    expect(performance.now() - before).toBeGreaterThan(140);
    expect(node.processes()).toEqual([]);
  });

  test('that a monitor began is brought to its end by the next agent', async () => {
    const script = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';
    const liveness = [{ ...monitor('command', 'false'), failures: 1 }];
    await client.start(order('a', script, { liveness, stop_grace_ms: 60_000 }));
    await waitFor('the stop to begin', () =>
      client.reports.some((r) => r.report === 'task' && r.task.unhealthy),
    );
    const { state } = await node.dial();
    process.kill(state.pid, 'SIGKILL');
    await client.closed;
    // The next agent waits out the same grace; without it nothing would ever be killed here.
    await node.start();
    const next = await node.dial();
    const { ok } = await next.request('stop', { task_id: ID, signal: 'SIGKILL', grace_ms: 0 });
    expect(ok.task).toMatchObject({ cause: 'liveness', monitor: 0, signal: 'SIGKILL' });
  });
});

describe('the standard input', () => {
  test('is the text of the order, and then ends', async () => {
    const text = 'one\n"two" $HOME `id`\n\u00fcber'.repeat(2000);
    await client.start(order('a', 'cat', { stdin: text }));
    expect(await client.output(ID)).toBe(text);
  });

  test('is refused where it is longer than half a frame', async () => {
    const failure = await client.refusal('start', {
      task: order('a', 'cat', { stdin: 'x'.repeat((512 << 10) + 1) }),
    });
    expect(failure).toMatchObject({
      code: 'BAD_REQUEST',
      message: 'The member stdin must be at most 524288 bytes long',
    });
  });
});

describe('an account', () => {
  test('that is not on the node is told by its name', async () => {
    expect(await client.start(order('a', 'true', { user: 'nobody-here' }))).toMatchObject({
      cause: 'user_not_found',
      message: 'There is no account "nobody-here" on the node',
    });
  });

  test('is refused by an agent that is not root', () => {
    expect(() => accountFor('root', 12345)).toThrow(/^Only an agent of root may run a program as "root"/);
  });

  test('is no change where it is the own one', () => {
    expect(accountFor(String(process.getuid?.()))).toBeUndefined();
  });

  test('has its own groups and home, and the work folder is its own, or is refused where the agent is not root', async () => {
    const script =
      'id -un; id -u; echo $HOME $USER; echo x >made; cat /etc/shadow 2>/dev/null || echo denied';
    const task = order('a', script, {
      user: 'nobody',
      liveness: [monitor('command', 'test "$(id -un)" = nobody')],
    });
    const report = await client.start(task);
    if (!isRoot) {
      expect(report.cause).toBe('user_not_allowed');
      return;
    }
    expect(await client.output(ID)).toMatch(/^nobody\n\d+\n\S+ nobody\ndenied\n$/);
    expect(fs.statSync(workFile('made')).uid).not.toBe(0);
  });
});

describe('a liveness monitor', () => {
  test('by command gives up after failures in a row, and tells once before the task is stopped', async () => {
    const script = 'echo ready; exec sleep 1000';
    const counting = monitor('command', 'echo x >>looks; test "$(wc -l <looks)" = 2');
    await client.start(order('a', script, { liveness: [counting] }));
    const report = await client.exited(ID);
    expect(report).toMatchObject({ cause: 'liveness', monitor: 0, signal: 'SIGTERM' });
    expect(report.message).toMatch(
      /^The liveness monitor ".*" failed 2 times in a row: the command exited with code 1$/,
    );
    // The second look was well: only the two after it count.
    expect(fs.readFileSync(workFile('looks'), 'utf8')).toBe('x\nx\nx\nx\n');
    const told = client.reports.filter(
      (frame) => frame.report === 'task' && frame.task.unhealthy !== undefined,
    );
    expect(told).toHaveLength(1);
  });

  test('whose command hangs is killed with all its processes', async () => {
    const hanging = monitor('command', 'echo $$ >>hung; sleep 1000 & sleep 1000');
    await client.start(order('a', 'exec sleep 1000', { liveness: [hanging] }));
    expect((await client.exited(ID)).message).toMatch(
      /failed.*: the command did not end within its timeout of 200 ms$/,
    );
    await waitFor('the commands to be gone', () => node.processes().length === 0);
  });

  test('by HTTP asks from the node itself', async () => {
    let status = 204;
    const server = createServer((_request, response) => response.writeHead(status).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    let asked = 0;
    server.on('request', () => (asked += 1));
    try {
      const http = monitor('http', `http://127.0.0.1:${port}/health`);
      await client.start(order('a', 'exec sleep 1000', { liveness: [http] }));
      await waitFor('the first looks', () => asked >= 3);
      status = 500;
      expect((await client.exited(ID)).message).toMatch(
        /failed 2 times in a row: the server answered with status 500$/,
      );
    } finally {
      server.close();
    }
  });

  test('by HTTP tells a server that is silent, and one that is not there', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const liveness = [monitor('http', `http://127.0.0.1:${port}/`)];
      await client.start(order('a', 'exec sleep 1000', { liveness }));
      expect((await client.exited(ID)).message).toMatch(
        /failed.*: the server did not answer within the timeout of 200 ms$/,
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
    const gone = [monitor('http', `http://127.0.0.1:${port}/`)];
    await client.start(order('b', 'exec sleep 1000', { liveness: gone }));
    expect((await client.exited('run/b/n1/1')).message).toMatch(/could not be asked: .*ECONNREFUSED/);
  });

  test('of the output gives up a program that has gone silent, and no other', async () => {
    const silence = { ...monitor('output'), interval_ms: 300 };
    await client.start(order('b', 'while :; do echo x >&2; sleep 0.05; done', { liveness: [silence] }));
    await client.start(order('a', 'echo ready; exec sleep 1000', { liveness: [silence] }));
    expect((await client.exited(ID)).message).toMatch(
      /^The liveness monitor of the output failed.*: nothing was written within its interval of 300 ms$/,
    );
    expect(
      (await client.request('hello', { protocol: 1, epoch: 1, controller: 'c', node: 'n1' })).ok.tasks,
    ).toContainEqual(expect.objectContaining({ task_id: 'run/b/n1/1', state: 'running' }));
  });

  test('goes on with the next agent', async () => {
    const liveness = [monitor('command', 'test ! -e bad')];
    await client.start(order('a', 'echo; exec sleep 1000', { liveness }));
    await client.spoken(ID);
    process.kill((await node.dial()).state.pid, 'SIGKILL');
    await client.closed;
    await node.start();
    const next = await node.dial();
    fs.writeFileSync(workFile('bad'), '');
    expect(await next.exited(ID)).toMatchObject({ cause: 'liveness', monitor: 0 });
  });
});

describe('the attempt that replaces another', () => {
  test('begins when nothing of the other is left, daemons included', async () => {
    const first = order('a', 'setsid sleep 1000 & echo daemon; exit 3');
    await client.start(first);
    await client.exited(ID);
    expect(node.processes()).toHaveLength(1);
    const second = { ...order('a', 'echo again'), task_id: 'run/a/n1/2', attempt: 2, replaces: ID };
    await client.start(second);
    await client.exited('run/a/n1/2');
    expect(node.processes()).toEqual([]);
    expect(await client.output(ID)).toBe('daemon\n');
    // Of the attempts before the last two only how they ended is kept.
    const third = { ...order('a', 'echo third'), task_id: 'run/a/n1/3', attempt: 3, replaces: 'run/a/n1/2' };
    await client.start(third);
    expect(await client.output(ID)).toBe('');
    expect(await client.output('run/a/n1/2')).toBe('again\n');
  });
});

test.each([
  [
    'a monitor of an unknown kind',
    { liveness: [{ ...monitor('output'), type: 'smell' }] },
    /The member type/,
  ],
  ['a monitor without a command', { liveness: [monitor('command')] }, /The member target/],
  [
    'monitors without end',
    { liveness: Array.from({ length: 101 }, () => monitor('output')) },
    /The member liveness/,
  ],
  ['a signal that is none', { stop_signal: 'SIGNORE' }, /The member stop_signal/],
  ['a negative time', { timeout_ms: -1 }, /The member timeout_ms/],
  ['an empty account', { user: '' }, /The member user/],
])('refuses an order with %s', async (_what, changes, message) => {
  const failure = await client.refusal('start', { task: order('a', 'true', changes as object) });
  expect(failure.code).toBe('BAD_REQUEST');
  expect(failure.message).toMatch(message);
});
