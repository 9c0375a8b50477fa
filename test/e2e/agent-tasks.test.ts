import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Cgroups, removeGroup } from '../../src/drivers/tasks/cgroups.ts';
import { type AgentClient, order, type TestNode } from '../harness/agent.ts';
import { eachTestOnANode } from '../harness/agent-suite.ts';
import { waitFor } from '../harness/wait.ts';

let node: TestNode;

eachTestOnANode(async (fresh) => {
  node = fresh;
  await node.start();
});

/** Counts its starts in a file of the run's working folder. */
const COUNTING = 'echo started >>starts; exec sleep 1000';

function workFile(name: string): string {
  return fs.readFileSync(join(node.dir, 'runs/run/work', name), 'utf8');
}

test('runs a program and tells its exit code and the last lines of stderr', async () => {
  const client = await node.dial();
  const report = await client.start(order('a', 'echo out; printf "one\\ntwo\\033[31m\\n" >&2; exit 7'));
  expect(report.pid).toBeGreaterThan(1);
  const exited = await client.exited('run/a/n1/1');
  expect(exited).toEqual({
    task_id: 'run/a/n1/1',
    run_id: 'run',
    state: 'exited',
    pid: report.pid,
    exit_code: 7,
    stderr_tail: ['one', 'two\ufffd[31m'],
  });
  expect(await client.output('run/a/n1/1')).toBe('out\n');
});

test('starts an identity once however often and from however many links it is ordered', async () => {
  const [one, two] = [await node.dial(), await node.dial()];
  const task = order('a', COUNTING);
  const reports = await Promise.all([one.start(task), one.start(task), two.start(task), two.start(task)]);
  const again = await two.start({ ...task, args: ['-c', 'echo other'] });
  expect(new Set([...reports, again].map((report) => report.pid)).size).toBe(1);
  // One wrapper and its program, whose shell may still be on its way to the first command.
  expect(node.processes()).toHaveLength(2);
  await waitFor('the first start', () => workFile('starts') !== '');
  expect(workFile('starts')).toBe('started\n');
});

test('does not start an identity again after it has exited', async () => {
  const client = await node.dial();
  const task = order('a', 'echo started >>starts');
  await client.start(task);
  await client.exited(task.task_id);
  expect(await client.start(task)).toMatchObject({ state: 'exited', exit_code: 0 });
  expect(workFile('starts')).toBe('started\n');
});

test('hands over arguments and environment exactly as given', async () => {
  const client = await node.dial();
  const args = ['', 'two  words', '$HOME `id` "q" \'s\'', 'héllo ☃', 'line\nbreak', '-n', '*', '\\'];
  const script =
    'process.stdout.write(JSON.stringify([process.argv.slice(1), process.env.A, process.env["PLUSH_TASK"]]))';
  const task = order('a', '', {
    path: process.execPath,
    args: ['-e', script, '--', ...args],
    env: { A: ' spaces & ünïcode=\n$x ' },
  });
  await client.start(task);
  expect(JSON.parse(await client.output(task.task_id))).toEqual([
    args,
    ' spaces & ünïcode=\n$x ',
    task.task_id,
  ]);
});

test('keeps its own settings from the environment of tasks', async () => {
  const client = await node.dial();
  await client.start(order('a', 'env'));
  const env = await client.output('run/a/n1/1');
  expect(env).toContain('PLUSH_NODE=n1\n');
  expect(env).toContain('PLUSH_RUN=run\n');
  expect(env).not.toContain('PLUSH_IDLE_MS');
});

test('tells a signal by its name', async () => {
  const client = await node.dial();
  const { pid } = await client.start(order('a', 'exec sleep 1000'));
  process.kill(pid as number, 'SIGKILL');
  const exited = await client.exited('run/a/n1/1');
  expect(exited).toMatchObject({ signal: 'SIGKILL', stderr_tail: [] });
  expect(exited.exit_code).toBeUndefined();
});

test('records the status of a program that signals its whole process group', async () => {
  const client = await node.dial();
  await client.start(order('a', 'kill -TERM 0; sleep 1000'));
  expect(await client.exited('run/a/n1/1')).toMatchObject({ signal: 'SIGTERM' });
});

test('gives the program default signals', async () => {
  const client = await node.dial();
  await client.start(order('a', 'kill -INT $$; echo survived'));
  expect(await client.exited('run/a/n1/1')).toMatchObject({ signal: 'SIGINT' });
});

test.each([
  ['a missing program', { path: 'no-such-program-here', args: [] }, 'program_not_found'],
  ['a missing program in a folder', { path: './bin/none', args: [] }, 'program_not_found'],
  ['a program without permission', { path: './plain', args: [] }, 'program_not_executable'],
  ['a folder', { path: './folder', args: [] }, 'program_not_executable'],
  ['a script whose interpreter is missing', { path: './script', args: [] }, 'program_not_found'],
  ['a missing cwd', { cwd: 'none' }, 'cwd_missing'],
  ['an argument with NUL', { args: ['-c', 'a\0b'] }, 'start_failed'],
  ['an argument longer than the system takes', { args: ['-c', 'x'.repeat(200_000)] }, 'start_failed'],
])('says why %s does not start', async (_what, changes, cause) => {
  const work = join(node.dir, 'runs/run/work');
  fs.mkdirSync(join(work, 'folder'), { recursive: true });
  fs.writeFileSync(join(work, 'plain'), '#!/bin/sh\n', { mode: 0o644 });
  fs.writeFileSync(join(work, 'script'), '#!/no/interpreter -x\n', { mode: 0o755 });
  const client = await node.dial();
  const report = await client.start(order('a', 'true', changes));
  expect(report).toMatchObject({ state: 'exited', cause, stderr_tail: [] });
  expect(report.message).toMatch(/^[A-Z/]/);
  expect(await client.start(order('a', 'true'))).toEqual(report);
});

test('finds a program through the PATH that the order gives', async () => {
  const tools = node.scratch.path('tools', 'mine');
  fs.writeFileSync(tools, '#!/bin/sh\necho mine "$@"\n', { mode: 0o755 });
  const client = await node.dial();
  const env = { PATH: `${node.scratch.path('tools')}:/usr/bin:/bin` };
  await client.start(order('a', '', { path: 'mine', args: ['a b'], env }));
  expect(await client.output('run/a/n1/1')).toBe('mine a b\n');
});

test('runs a program whose name is a word of the shell as a program', async () => {
  const tools = node.scratch.path('tools', 'exit');
  fs.writeFileSync(tools, '#!/bin/sh\necho I am a file\n', { mode: 0o755 });
  const client = await node.dial();
  await client.start(
    order('a', '', { path: 'exit', args: ['3'], env: { PATH: `${node.scratch.path('tools')}:/bin` } }),
  );
  expect(await client.output('run/a/n1/1')).toBe('I am a file\n');
});

test('refuses a cwd that leads out of the folder', async () => {
  const client = await node.dial();
  for (const cwd of ['..', '/tmp', 'a/../../..']) {
    expect((await client.refusal('start', { task: order('a', 'true', { cwd }) })).code).toBe('BAD_REQUEST');
  }
});

test('reads output while it grows', async () => {
  const client = await node.dial();
  await client.start(order('a', 'echo one; while [ ! -e go ]; do sleep 0.02; done; echo two'));
  const ask = { task_id: 'run/a/n1/1', stream: 'stdout', limit: 100 } as const;
  const first = await waitFor('the first line', async () => {
    const answer = await client.request('read', { ...ask, offset: 0 });
    return answer.binary.length > 0 ? answer : undefined;
  });
  expect(first).toMatchObject({ ok: { offset: 0, end: 4, eof: false }, binary: Buffer.from('one\n') });
  fs.writeFileSync(join(node.dir, 'runs/run/work/go'), '');
  await client.exited('run/a/n1/1');
  const rest = await client.request('read', { ...ask, offset: 4 });
  expect(rest).toMatchObject({ ok: { offset: 4, end: 8, eof: true }, binary: Buffer.from('two\n') });
  expect((await client.request('read', { ...ask, offset: 0, limit: 2 })).ok.eof).toBe(false);
});

test('bounds endless output on the disk and never goes back with offsets', async () => {
  const client = await node.dial();
  const bound = 1 << 20;
  await client.start(order('a', 'exec yes 1234567', { max_output_bytes: bound }));
  const folder = join(
    node.dir,
    'runs/run/tasks',
    fs.readdirSync(join(node.dir, 'runs/run/tasks'))[0] as string,
  );
  let offset = 0;
  let end = 0;
  await waitFor('100 times the bound', async () => {
    const { ok, binary } = await client.request('read', {
      task_id: 'run/a/n1/1',
      stream: 'stdout',
      offset,
      limit: 4096,
    });
    expect(ok.offset).toBeGreaterThanOrEqual(offset);
    expect(ok.end).toBeGreaterThanOrEqual(end);
    expect(ok.offset + binary.length).toBeLessThanOrEqual(ok.end);
    offset = ok.offset + binary.length;
    end = ok.end;
    return end > 100 * bound;
  });
  await client.request('stop', { task_id: 'run/a/n1/1', signal: 'SIGKILL', grace_ms: 0 });
  await client.output('run/a/n1/1');
  await waitFor('the files within the bound', () => {
    const sizes = ['stdout', 'stdout.older'].map((name) => fs.statSync(join(folder, name)).size);
    return sizes.reduce((sum, size) => sum + size) <= 1.25 * bound;
  });
});

test('keeps the last bytes whole when a slow program passes the bound', async () => {
  const client = await node.dial();
  const script =
    'i=0; while [ $i -lt 400 ]; do i=$((i+1)); printf "%07d\\n" $i; [ $((i % 20)) = 0 ] && sleep 0.05; done';
  await client.start(order('a', script, { max_output_bytes: 1600 }));
  await client.exited('run/a/n1/1');
  const { ok } = await client.request('read', {
    task_id: 'run/a/n1/1',
    stream: 'stdout',
    offset: 0,
    limit: 9,
  });
  expect(ok.end).toBe(3200);
  expect(ok.offset).toBeGreaterThan(0);
  const kept = await client.output('run/a/n1/1');
  const lines = Array.from({ length: 400 }, (_, i) => `${String(i + 1).padStart(7, '0')}\n`).join('');
  expect(lines.endsWith(kept)).toBe(true);
});

test('ends a task that obeys the signal and tells that it was stopped', async () => {
  const client = await node.dial();
  await client.start(order('a', 'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done'));
  await client.spoken('run/a/n1/1');
  const { ok } = await client.request('stop', { task_id: 'run/a/n1/1', signal: 'SIGTERM', grace_ms: 20_000 });
  expect(ok.task).toMatchObject({ state: 'exited', exit_code: 5, cause: 'stopped' });
  expect(await client.output('run/a/n1/1')).toBe('up\nbye\n');
  expect(node.processes()).toEqual([]);
});

test('kills a task that ignores the signal when the grace is over, and a stopped one', async () => {
  const client = await node.dial();
  await client.start(order('a', 'trap "" TERM; echo up; kill -STOP $$; while :; do sleep 0.05; done'));
  await client.spoken('run/a/n1/1');
  const { ok } = await client.request('stop', { task_id: 'run/a/n1/1', signal: 'SIGTERM', grace_ms: 100 });
  expect(ok.task).toMatchObject({ state: 'exited', signal: 'SIGKILL', cause: 'stopped' });
  expect(node.processes()).toEqual([]);
});

test('refuses to stop or read a task that it does not know', async () => {
  const client = await node.dial();
  const stop = await client.refusal('stop', { task_id: 'none', signal: 'SIGTERM', grace_ms: 0 });
  const read = await client.refusal('read', { task_id: 'none', stream: 'stdout', offset: 0, limit: 1 });
  expect([stop.code, read.code]).toEqual(['UNKNOWN_TASK', 'UNKNOWN_TASK']);
});

test('finds processes that forked away when a run is cleaned, and removes its folder', async () => {
  const client = await node.dial();
  const away = 'setsid sleep 1001 & (setsid sh -c "sleep 1002 & sleep 1003" &) ; (env -i sleep 1004 &); ';
  await client.start(order('a', `${away} mkdir -p ro/deep; touch ro/deep/f; chmod 500 ro/deep ro; exit 0`));
  await client.start(order('b', `${away} trap "" TERM; sleep 1005; sleep 1006`));
  await client.exited('run/a/n1/1');
  const before = await waitFor('all children', () => (sleepers().length >= 9 ? sleepers() : undefined));
  const { ok } = await client.request('clean', { run_id: 'run', grace_ms: 100 });
  expect(ok.killed).toBeGreaterThanOrEqual(before.length);
  expect(sleepers()).toEqual([]);
  expect(fs.existsSync(join(node.dir, 'runs/run'))).toBe(false);
  expect((await client.request('clean', { run_id: 'run', grace_ms: 100 })).ok).toEqual({ killed: 0 });
});

/** Processes of this test that may have no environment of ours: by command line and by being below our folder. */
function sleepers(tell: 'pid' | 'line' = 'line'): string[] {
  return fs.readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const line = fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      const mine = fs.readlinkSync(`/proc/${pid}/cwd`).startsWith(node.dir);
      return /^sleep,100\d,$/.test(line.replaceAll('\0', ',')) && mine ? [tell === 'pid' ? pid : line] : [];
    } catch {
      return [];
    }
  });
}

test('finds one that daemonised twice with an empty environment, where the agent may make control groups', async () => {
  const client = await node.dial();
  const probe = await new Cgroups(node.dir).make('probe');
  if (probe !== undefined) removeGroup(probe);
  const daemon = 'setsid env -i sh -c "setsid env -i sleep 1007 & sleep 0" &';
  await client.start(order('a', `${daemon} wait; exit 0`));
  await client.exited('run/a/n1/1');
  await waitFor('the daemon', () => sleepers().length === 1);
  expect(node.processes()).toEqual([]);
  await client.request('clean', { run_id: 'run', grace_ms: 100 });
  if (probe === undefined) {
    // It looks like a stranger's: docs/operating.md says so.
    expect(sleepers('pid')).toHaveLength(1);
    for (const pid of sleepers('pid')) process.kill(Number(pid), 'SIGKILL');
  }
  expect(sleepers()).toEqual([]);
  if (probe !== undefined) {
    const prefix = basename(probe).slice(0, 'plush-'.length + 16);
    expect(fs.readdirSync(dirname(probe)).filter((name) => name.startsWith(prefix))).toEqual([]);
  }
});

test('stops an exited task that left a daemon behind, and knows one that left none', async () => {
  const client = await node.dial();
  await client.start(order('a', 'setsid sleep 1008 & exit 0'));
  await client.exited('run/a/n1/1');
  await client.request('stop', { task_id: 'run/a/n1/1' });
  expect(sleepers()).toEqual([]);
});

test('ends a chain of processes that fork faster than they can be looked for', async () => {
  const client = await node.dial();
  // Each link of the chain starts the next one in a new session and ends.
  const chain =
    'trap "" TERM; n=0; export n; cat >chain.sh <<"X"\ntrap "" TERM\n[ -e halt ] && exit\nsetsid sh chain.sh &\nX\nexec sh chain.sh';
  await client.start(order('a', chain));
  await client.exited('run/a/n1/1');
  await client.request('clean', { run_id: 'run', grace_ms: 0 });
  expect(node.processes()).toEqual([]);
  expect(fs.existsSync(join(node.dir, 'runs/run'))).toBe(false);
});

test('refuses a start of a run that was cleaned, also after a restart of the agent', async () => {
  const client = await node.dial();
  await client.start(order('a', 'true'));
  await client.request('clean', { run_id: 'run', grace_ms: 0 });
  expect((await client.refusal('start', { task: order('a', 'true') })).code).toBe('UNKNOWN_TASK');
  process.kill(client.state.pid, 'SIGKILL');
  await client.closed;
  await node.start();
  const next = await node.dial();
  expect((await next.refusal('start', { task: order('a', 'true') })).code).toBe('UNKNOWN_TASK');
  expect((await next.refusal('install', { run_id: 'run', software: [] })).code).toBe('UNKNOWN_TASK');
});

test('cleans a run that it never had', async () => {
  const client = await node.dial();
  expect((await client.request('clean', { run_id: 'other', grace_ms: 0 })).ok).toEqual({ killed: 0 });
  expect(await client.start(order('a', 'true', { run_id: 'other', task_id: 'other/a/n1/1' }))).toMatchObject({
    run_id: 'other',
  });
});

test('takes identities that are no names of files', async () => {
  const client: AgentClient = await node.dial();
  const ids = ['run/../../x', `run/${'long/'.repeat(100)}`, 'run/☃/n1/1', 'run/a b/n1/1'];
  for (const task_id of ids) await client.start(order('a', `echo "$PLUSH_TASK"`, { task_id }));
  for (const task_id of ids) expect(await client.output(task_id)).toBe(`${task_id}\n`);
});

test('forgets a task that is over, with its output, and never one that runs', async () => {
  const client = await node.dial();
  await client.start(order('a', 'echo out'));
  await client.exited('run/a/n1/1');
  await client.start(order('b', 'exec sleep 1000'));
  expect((await client.refusal('forget', { task_id: 'run/b/n1/1' })).code).toBe('BAD_REQUEST');
  await client.request('forget', { task_id: 'run/a/n1/1' });
  await client.request('forget', { task_id: 'run/a/n1/1' });
  const ask = { task_id: 'run/a/n1/1', stream: 'stdout', offset: 0, limit: 1 } as const;
  expect((await client.refusal('read', ask)).code).toBe('UNKNOWN_TASK');
  expect(fs.readdirSync(join(node.dir, 'runs/run/tasks'))).toHaveLength(1);
});
