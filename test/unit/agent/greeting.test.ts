import { fitGreeting } from '../../../src/agent/greeting.ts';
import type { TaskReport } from '../../../src/wire/agent.ts';

const BASE = {
  protocol: 1,
  bundle: 'b',
  instance: 'i',
  pid: 1,
  boot_id: 'x',
  node_version: 'v20',
  platform: 'linux-x64',
  installed: [],
};

function report(index: number, state: TaskReport['state'], tail: number): TaskReport {
  return {
    task_id: `run/b/n/${index}`,
    run_id: 'run',
    state,
    stderr_tail: Array(tail).fill('x'.repeat(100)),
  };
}

test('tells all there is while it fits', () => {
  const reports = [report(1, 'exited', 3), report(2, 'running', 0)];
  expect(fitGreeting(BASE, reports, 10_000)).toEqual({ state: { ...BASE, tasks: reports }, rest: [] });
});

test('leaves the last lines of stderr out before it leaves tasks out', () => {
  const reports = [report(1, 'exited', 20), report(2, 'exited', 20)];
  const { state, rest } = fitGreeting(BASE, reports, 1000);
  expect(state.tasks.map((task) => [task.task_id, task.stderr_tail])).toEqual([
    ['run/b/n/1', undefined],
    ['run/b/n/2', undefined],
  ]);
  expect(rest).toEqual([]);
});

test('tells running tasks first, and every task once', () => {
  const reports = Array.from({ length: 100 }, (_, i) => report(i, i % 2 === 0 ? 'exited' : 'running', 1));
  const { state, rest } = fitGreeting(BASE, reports, 2000);
  expect(Buffer.byteLength(JSON.stringify(state.tasks))).toBeLessThanOrEqual(2002);
  expect(state.tasks.every((task) => task.state === 'running')).toBe(true);
  const told = [...state.tasks, ...rest].map((task) => task.task_id);
  expect(told.toSorted()).toEqual(reports.map((task) => task.task_id).toSorted());
});
