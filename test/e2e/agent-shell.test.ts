import * as fs from 'node:fs';
import { sendSignal } from '../../src/drivers/tasks/processes.ts';
import type { TestNode } from '../harness/agent.ts';
import { eachTestOnANode } from '../harness/agent-suite.ts';
import { processesOf } from '../harness/processes.ts';
import { waitFor } from '../harness/wait.ts';

let node: TestNode;

eachTestOnANode((fresh) => {
  node = fresh;
});

const ask = (operation_id: string, command: string) => ({
  operation_id,
  command,
  timeout_ms: 60_000,
  max_output_bytes: 1000,
});

/** A command that says in a file that it has begun, and goes on. */
const lasting = (name: string) => `touch ${node.scratch.path(name)}; sleep 1000`;

const begun = (name: string) => waitFor(`${name} to begin`, () => fs.existsSync(node.scratch.path(name)));
const ended = (id: string) =>
  waitFor(`${id} to end`, () => processesOf(node.dir, { PLUSH_OPERATION: id }).length === 0);

test('hands back the beginning of both streams, byte for byte', async () => {
  await node.start();
  const client = await node.dial();
  const command = 'printf "\\000\\377out"; head -c 5000 /dev/zero >&2; exit 5';
  const { ok, binary } = await client.request('shell', ask('a', command));
  expect(ok).toEqual({
    exit_code: 5,
    timed_out: false,
    stdout_bytes: 5,
    stdout_cut: false,
    stderr_cut: true,
    left: [],
  });
  expect(binary).toEqual(Buffer.concat([Buffer.from('\0\xffout', 'latin1'), Buffer.alloc(1000)]));
});

test('refuses an identity that runs, and more commands than it has room for', async () => {
  await node.start();
  const client = await node.dial();
  const running = Array.from({ length: 32 }, (_, i) =>
    client.request('shell', ask(`c${i}`, lasting(`c${i}`))),
  );
  const all = Promise.allSettled(running);
  await begun('c31');
  expect(await client.refusal('shell', ask('c0', 'true'))).toMatchObject({ code: 'BAD_REQUEST' });
  expect(await client.refusal('shell', ask('more', 'true'))).toMatchObject({ code: 'start_failed' });
  client.end();
  await all;
  await ended('c0');
});

test('says why a command cannot be started', async () => {
  await node.start();
  const client = await node.dial();
  const refused = await client.refusal('shell', ask('a', 'x'.repeat(200_000)));
  expect(refused).toMatchObject({ code: 'start_failed', message: expect.stringMatching(/E2BIG/) });
  expect((await client.request('shell', ask('a', 'true'))).ok).toMatchObject({ exit_code: 0 });
});

test('ends a command whose link has ended, and no other', async () => {
  await node.start();
  const [one, two] = [await node.dial(), await node.dial()];
  const lost = one.request('shell', ask('one', lasting('one'))).catch((error: Error) => error.message);
  const kept = two.request(
    'shell',
    ask('two', `mkfifo ${fifo()}; touch ${node.scratch.path('two')}; read line <${fifo()}; echo $line`),
  );
  await begun('one');
  await begun('two');
  one.end();
  expect(await lost).toBe('The link ended');
  await ended('one');
  fs.writeFileSync(fifo(), 'kept\n');
  expect((await kept).binary.toString()).toBe('kept\n');
});

test('ends what an agent that was killed had running, and nothing of a run', async () => {
  const { pid } = await node.start();
  const client = await node.dial();
  client.request('shell', ask('one', lasting('one'))).catch(() => {
    // The link ends with the agent.
  });
  const task = { task_id: 'run/a/n1/1', run_id: 'run', block: 'a', attempt: 1 };
  const program = { path: '/bin/sh', args: ['-c', 'sleep 1000'], env: {}, max_output_bytes: 1000 };
  await client.start({ ...task, ...program });
  await begun('one');
  sendSignal(pid as number, 'SIGKILL');
  await client.closed;
  await node.start();
  await ended('one');
  const next = await node.dial();
  expect(next.state.tasks).toMatchObject([{ task_id: task.task_id, state: 'running' }]);
  expect((await next.request('shell', ask('one', 'echo again'))).binary.toString()).toBe('again\n');
});

test('ends commands before another version takes its place', async () => {
  await node.start();
  const client = await node.dial();
  const running = client.request('shell', ask('one', lasting('one'))).catch((error: Error) => error);
  await begun('one');
  await client.request('retire', {});
  expect(processesOf(node.dir, { PLUSH_OPERATION: 'one' })).toEqual([]);
  await running;
});

/** A named pipe that a test writes to when its command may go on. */
function fifo(): string {
  return node.scratch.path('fifo');
}
