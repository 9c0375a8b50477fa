/** What the API shows of runs. */
import type { Static } from '@sinclair/typebox';
import type {
  BlockDetail,
  BlockInfo,
  Matching,
  RunDetail,
  RunInfo,
  RunPage,
  TaskInfo,
} from '../../../api/answers.ts';
import { Rejection } from '../rejection.ts';
import { planOf } from '../run/plan.ts';
import { type BlockState, isOver, type Member, type Run, type State, type Task } from '../state.ts';
import { type PageRequest, pageOfNames } from './page.ts';
import { memberWaitsFor } from './waits.ts';

const MAX_TASKS = 1000;
const MAX_EXAMPLES = 5;

export function runInfo(run: Run): Static<typeof RunInfo> {
  return {
    run_id: run.run_id,
    app: run.app,
    state: run.state,
    started: run.started,
    ...(run.ended === undefined ? {} : { ended: run.ended }),
    ...(run.ending === undefined ? {} : { cause: run.ending.cause, message: run.ending.message }),
  };
}

/** The runs by page, newest first. The key of a run's place is its time of start and its id. */
export function listRuns(
  state: State,
  filter: PageRequest & { readonly app?: string; readonly state?: string },
): Static<typeof RunPage> {
  const wanted = new Map<string, Run>();
  for (const run of state.runs.values()) {
    if (filter.app !== undefined && run.app !== filter.app) continue;
    if (filter.state !== undefined && run.state !== filter.state) continue;
    wanted.set(`${descending(Date.parse(run.started))} ${run.run_id}`, run);
  }
  const { names, cursor } = pageOfNames([...wanted.keys()].sort(), filter);
  const runs = names.map((name) => runInfo(wanted.get(name) as Run));
  return { runs, total: wanted.size, ...(cursor === undefined ? {} : { cursor }) };
}

/** A key that sorts later times first. */
function descending(ms: number): string {
  return String(Number.MAX_SAFE_INTEGER - ms).padStart(16, '0');
}

export function runDetail(run: Run, state: State): Static<typeof RunDetail> {
  return {
    ...runInfo(run),
    ...(run.request_id === undefined ? {} : { request_id: run.request_id }),
    components: [...run.components.values()].map(({ name, min, max, members, prepared, finished }) => ({
      name,
      min,
      max,
      nodes: members.size,
      prepared,
      done: finished,
    })),
    blocks: [...run.blocks.values()].map((block) => blockInfo(run, block)),
    waiting: waiting(run, state),
    lost: run.past.length,
  };
}

function blockInfo(run: Run, block: BlockState): Static<typeof BlockInfo> {
  const planned = planOf(run.spec).blocks.get(block.name);
  const nodes = run.components.get(planned?.component ?? '')?.members.size ?? 0;
  return {
    name: block.name,
    component: planned?.component ?? '',
    component_block: planned?.component_block ?? '',
    state: block.state,
    waiting: Math.max(0, nodes - block.begun),
    running: Math.max(0, block.begun - block.completed - block.failed),
    completed: block.completed,
    failed: block.failed,
  };
}

/** @throws Rejection BLOCK_NOT_FOUND */
export function blockDetail(run: Run, name: string): Static<typeof BlockDetail> {
  const block = run.blocks.get(name);
  if (block === undefined)
    throw new Rejection('BLOCK_NOT_FOUND', `Run "${run.run_id}" has no block "${name}"`, { block: name });
  const spec = planOf(run.spec).blocks.get(name)?.spec;
  const tasks = [...run.members.values(), ...run.past]
    .map((member) => member.tasks.get(name))
    .filter((task): task is Task => task !== undefined)
    .sort((a, b) => b.attempt - a.attempt)
    .slice(0, MAX_TASKS);
  return {
    ...blockInfo(run, block),
    predecessors: [...(spec?.predecessors ?? [])],
    tasks: tasks.map(taskInfo),
  };
}

function taskInfo(task: Task): Static<typeof TaskInfo> {
  const { task_id, hostname, attempt, state, since, pid, exit_code, signal } = task;
  return {
    task_id,
    hostname,
    attempt,
    state,
    since,
    ...(pid === undefined ? {} : { pid }),
    ...(exit_code === undefined ? {} : { exit_code }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Component → names of its nodes by index. */
export function matching(run: Run): Static<typeof Matching> {
  const result: Record<string, string[]> = {};
  for (const component of run.components.values()) {
    const members = [...component.members]
      .map((name) => run.members.get(name))
      .filter((m): m is Member => m !== undefined);
    result[component.name] = members.sort((a, b) => a.index - b.index).map((member) => member.hostname);
  }
  return result;
}

/** What the run's nodes wait for, equal waits folded, most nodes first. */
export function waiting(run: Run, state: State): Static<typeof RunDetail>['waiting'] {
  const folded = new Map<string, { waits_for: string; nodes: number; since: string; examples: string[] }>();
  if (isOver(run)) return [];
  for (const member of run.members.values()) {
    const waits_for = memberWaitsFor(run, member, state.nodes.get(member.hostname));
    if (waits_for === undefined) continue;
    const known = folded.get(waits_for);
    if (known === undefined) {
      folded.set(waits_for, { waits_for, nodes: 1, since: member.since, examples: [member.hostname] });
      continue;
    }
    known.nodes += 1;
    if (member.since < known.since) known.since = member.since;
    if (known.examples.length < MAX_EXAMPLES) known.examples.push(member.hostname);
  }
  return [...folded.values()].sort((a, b) => b.nodes - a.nodes);
}
