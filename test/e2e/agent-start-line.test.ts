/** Tasks that wait in line to be started by a real agent. */
import { type AgentClient, order, type TestNode } from '../harness/agent.ts';
import { eachTestOnANode } from '../harness/agent-suite.ts';

let node: TestNode;

eachTestOnANode(async (fresh) => {
  node = fresh;
  await node.start();
});

const COUNT = 200;
const id = (i: number) => `run/b${i}/n1/1`;

/** Orders them, and tells how many were started when the agent answers what is asked right behind. */
async function ordered(ask: (client: AgentClient) => Promise<unknown>) {
  const client = await node.dial();
  const tally = { started: 0, refused: [] as unknown[] };
  const starts = Array.from({ length: COUNT }, (_, i) =>
    client.start(order(`b${i}`, 'true')).then(
      () => (tally.started += 1),
      (refusal) => tally.refused.push(refusal.failure),
    ),
  );
  await ask(client);
  const before = tally.started;
  await Promise.all(starts);
  return { client, before, ...tally };
}

test('many tasks that are ordered at once keep the agent from nobody else', async () => {
  const { client, before, started } = await ordered((one) => one.request('ping', {}));
  expect(before).toBeLessThan(COUNT / 2);
  expect(started).toBe(COUNT);
  for (const i of [0, COUNT - 1]) expect(await client.exited(id(i))).toMatchObject({ exit_code: 0 });
});

test('one of many that waits for its start can be stopped', async () => {
  const last = id(COUNT - 1);
  const { before, started } = await ordered(async (client) => {
    const { ok } = await client.request('stop', { task_id: last, grace_ms: 0 });
    expect(ok.task).toMatchObject({ task_id: last, state: 'exited' });
  });
  expect(before).toBeLessThan(COUNT / 2);
  expect(started).toBe(COUNT);
});

test('what waits for its start is not started any more when its run is cleaned', async () => {
  const { started, refused } = await ordered((client) =>
    client.request('clean', { run_id: 'run', grace_ms: 0 }),
  );
  expect(started + refused.length).toBe(COUNT);
  expect(refused.length).toBeGreaterThan(COUNT / 2);
  expect(refused[0]).toMatchObject({ code: 'UNKNOWN_TASK' });
  expect(node.processes()).toEqual([]);
});
