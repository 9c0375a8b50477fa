/** What the words of a scenario's commands mean: nodes, reports, failures, samples. */
import type { NodeSpec } from '../../api/spec.ts';
import type { Actor } from '../../src/core/input.ts';
import { NODE_RULES, type NodeRules } from '../../src/core/pool/rules.ts';
import type { Run, Task } from '../../src/core/state.ts';
import type { HostSample, TaskCause, TaskReport } from '../../src/core/task.ts';
import type { World } from './world.ts';

export function nodeSpec(hostname: string, settings: ReadonlyMap<string, string>): NodeSpec {
  const group = settings.get('group');
  const preference = settings.get('preference');
  const lease = settings.get('lease');
  return {
    hostname,
    type: 'ssh',
    ...(group === undefined ? {} : { group }),
    ...(lease === undefined ? {} : { lease: { id: `lease-${hostname}`, expires: lease } }),
    ...(preference === undefined ? {} : { preference: Number(preference) }),
  };
}

/** `broker=NAME` may touch only its own nodes, `operator=NAME` all. */
export function actor(settings: ReadonlyMap<string, string>): { by?: Actor } {
  const [broker, operator] = [settings.get('broker'), settings.get('operator')];
  if (broker !== undefined) return { by: { name: broker, ownNodesOnly: true } };
  return operator === undefined ? {} : { by: { name: operator, ownNodesOnly: false } };
}

/** The run that a command means: the one named, else the newest one that has or had the node. */
export function runFor(world: World, hostname: string, named: string | undefined): string {
  if (named !== undefined) return world.runId(named);
  const has = (run: Run) => run.members.has(hostname) || run.lost.has(hostname);
  return [...world.state.runs.values()].findLast(has)?.run_id ?? '';
}

/** Memory and disk in GiB. */
export function sampleOf(settings: ReadonlyMap<string, string>): HostSample | undefined {
  if (settings.size === 0) return undefined;
  const value = (name: string, otherwise: number) => Number(settings.get(name) ?? otherwise);
  const cpus = settings.get('cpus');
  return {
    load1: value('load', 0),
    ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    memory_free_bytes: value('free_memory', 4) * 2 ** 30,
    memory_total_bytes: value('total_memory', 8) * 2 ** 30,
    disk_free_bytes: value('free_disk', 100) * 2 ** 30,
  };
}

export function hostOf(world: World, hostname: string): { host?: HostSample } {
  const host = world.hosts(hostname);
  return host === undefined ? {} : { host };
}

/** Which time a node is in its run, where that is not the first. */
export function generationOn(world: World, hostname: string): { generation?: number } {
  const run = world.state.runs.get(runFor(world, hostname, undefined));
  const generation = run?.members.get(hostname)?.generation;
  return generation === undefined ? {} : { generation };
}

export function taskOn(world: World, hostname: string, block: string): Task | undefined {
  const run = world.state.runs.get(runFor(world, hostname, undefined));
  const member = run?.members.get(hostname) ?? run?.past.findLast((past) => past.hostname === hostname);
  return member?.tasks.get(block);
}

/** "work/n1" → the id of the newest task of that block there. */
export function taskOf(world: World, subject: string): string {
  const [block = '', hostname = ''] = subject.split('/');
  return taskOn(world, hostname, block)?.task_id ?? subject;
}

/** "running", "exit=3", "signal=SIGSEGV", or the symbol of a cause. */
function readEnd(text: string): Partial<TaskReport> {
  if (text === 'running') return { state: 'running', pid: 100 };
  const [key, value = ''] = text.split('=');
  if (key === 'exit') return { pid: 100, exit_code: Number(value) };
  if (key === 'signal') return { pid: 100, signal: value };
  if (key === 'monitor') {
    return {
      pid: 100,
      signal: 'SIGTERM',
      cause: 'liveness',
      monitor: Number(value),
      message: 'A monitor failed 3 times',
    };
  }
  if (key === 'unhealthy') {
    return {
      state: 'running',
      pid: 100,
      unhealthy: { monitor: Number(value), message: 'A monitor failed 3 times' },
    };
  }
  return { cause: text as TaskCause, message: `The task ended with ${text}` };
}

export function report(world: World, hostname: string, block: string, end: string): TaskReport {
  const task_id = taskOn(world, hostname, block)?.task_id ?? `?/${block}/${hostname}/1`;
  const run_id = task_id.slice(0, task_id.indexOf('/'));
  return { task_id, run_id, state: 'exited', ...readEnd(end) };
}

/** tasks=work:running,check:exit=0 */
export function readReports(world: World, hostname: string, text: string | undefined): TaskReport[] {
  return (text?.split(',') ?? []).map((item) => {
    const at = item.indexOf(':');
    return report(world, hostname, item.slice(0, at), item.slice(at + 1));
  });
}

const messages: Readonly<Record<string, string>> = {
  refused: 'Nothing listens on the SSH port of',
  closed: 'The connection broke to',
  auth_failed: 'None of our keys is taken by',
  disk_full: 'No space is left on',
  download_refused: 'HTTP 404 for http://packages.example/tool.tar asked by',
};

export const failureOf = (hostname: string, cause: string, phase: 'bootstrap' | 'install' | 'watch') => ({
  phase,
  cause,
  message: `${messages[cause] ?? cause} ${hostname}`,
  attempt: 1,
});

/** Options of the daemon about nodes; times in seconds. */
export function rulesFrom(settings: ReadonlyMap<string, string>): NodeRules {
  const number = (name: string, usual: number, factor = 1) => {
    const text = settings.get(name);
    return text === undefined ? usual : factor * Number(text);
  };
  return {
    failedMs: number('failed_time', NODE_RULES.failedMs, 1000),
    failedShortMs: number('failed_time_short', NODE_RULES.failedShortMs, 1000),
    dropCount: number('drop_count', NODE_RULES.dropCount),
    dropWindowMs: number('drop_window', NODE_RULES.dropWindowMs, 1000),
    holdMs: number('hold_time', NODE_RULES.holdMs, 1000),
    holdPercent: number('hold_percent', NODE_RULES.holdPercent),
  };
}
