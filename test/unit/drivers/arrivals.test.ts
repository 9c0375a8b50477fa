import type { AgentLink } from '../../../src/drivers/nodes/agent-link.ts';
import { Arrivals, ConnectError } from '../../../src/drivers/nodes/arrivals.ts';

const link = {} as AgentLink;
const underway = (isUnderway: boolean, timeoutMs = 60_000) => ({ timeoutMs, isUnderway: () => isUnderway });
const codeOf = (waiting: Promise<AgentLink>) =>
  waiting.then(
    () => 'arrived',
    (error: unknown) => (error instanceof ConnectError ? error.code : error),
  );

test('everybody who waits for a node gets its link, and nobody else', async () => {
  const arrivals = new Arrivals();
  const [one, two] = [arrivals.wait('n1', underway(true)), arrivals.wait('n1', underway(false))];
  const other = arrivals.wait('n2', underway(true));
  arrivals.arrived('n1', link);
  expect(await one).toBe(link);
  expect(await two).toBe(link);
  arrivals.failed('n2', { cause: 'refused', message: 'Nothing listens' });
  await expect(other).rejects.toMatchObject({ code: 'refused', message: 'Nothing listens' });
});

test('who comes after an attempt is not told of it', async () => {
  const arrivals = new Arrivals();
  arrivals.arrived('n1', link);
  arrivals.failed('n1', { cause: 'refused', message: 'Nothing listens' });
  expect(await codeOf(arrivals.wait('n1', underway(false, 1)))).toBe('not_connected');
});

test('gives up on an attempt that takes too long', async () => {
  expect(await codeOf(new Arrivals().wait('n1', underway(true, 1)))).toBe('timeout');
});

test('waits on when an attempt has begun meanwhile', async () => {
  const arrivals = new Arrivals();
  let looks = 0;
  const waiting = arrivals.wait('n1', {
    timeoutMs: 1,
    isUnderway: () => {
      looks += 1;
      return looks > 1;
    },
  });
  expect(await codeOf(waiting)).toBe('timeout');
  expect(looks).toBe(2);
});
