/** Answers about runs. */
import type { ParamsOf, ResultOf } from '../../../api/methods.ts';
import { Rejection } from '../rejection.ts';
import { planOf } from '../run/plan.ts';
import type { Run, State } from '../state.ts';
import { blockInfo, blocksOf, tasksOf } from './blocks.ts';
import { missingOutputs } from './missed.ts';
import { DEFAULT_PAGE_ITEMS, fitting, makeCursor, readCursor } from './page.ts';
import { placesIn } from './service.ts';
import { waitingIn } from './waiting.ts';
import { resultsOf } from './workflows.ts';

type RunPage = ResultOf<'plushListRuns'>;
type RunInfo = RunPage['runs'][number];
type RunDetail = ResultOf<'plushGetRun'>;
type BlockDetail = ResultOf<'plushGetBlock'>;
type RunFilter = NonNullable<ParamsOf<'plushListRuns'>[0]>;

function runInfo(run: Run): RunInfo {
  const { run_id, app, state, started, ended, ending } = run;
  return {
    run_id,
    app,
    state,
    started,
    ...(ended === undefined ? {} : { ended }),
    ...(ending === undefined ? {} : { cause: ending.cause, message: ending.message }),
  };
}

/** A page of the runs, newest first. @throws Rejection BAD_CURSOR */
export function listRuns(state: State, filter: RunFilter): RunPage {
  const { limit = DEFAULT_PAGE_ITEMS, app, state: wanted } = filter;
  const matching = [...state.runs.values()]
    .reverse()
    .filter(
      (run) => (app === undefined || run.app === app) && (wanted === undefined || run.state === wanted),
    );
  const from = startAfter(matching, readCursor('runs', filter.cursor));
  const shown = fitting(matching.slice(from, from + limit).map(runInfo));
  const last = from + shown.length < matching.length ? shown.at(-1) : undefined;
  return {
    runs: shown,
    total: matching.length,
    ...(last === undefined ? {} : { cursor: makeCursor('runs', `${last.started} ${last.run_id}`) }),
  };
}

/** Where a page goes on. The run it ended with may be forgotten, or in another state, by now: then by when it was started. */
function startAfter(runs: readonly Run[], key: string | undefined): number {
  if (key === undefined) return 0;
  const [started = '', run_id] = key.split(' ');
  const known = runs.findIndex((run) => run.run_id === run_id);
  if (known !== -1) return known + 1;
  const older = runs.findIndex((run) => run.started < started);
  return older === -1 ? runs.length : older;
}

export function runDetail(run: Run, state: State): RunDetail {
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
    blocks: blocksOf(run),
    waiting: [...placesIn(run), ...waitingIn(state, run)],
    ...missingOutputs(run),
    lost: run.past.length + (run.service?.forgotten ?? 0),
  };
}

/** @param from of a workflow: the first task whose result is told @throws Rejection BLOCK_NOT_FOUND */
export function blockDetail(run: Run, name: string, from = 1): BlockDetail {
  const planned = planOf(run.spec).blocks.get(name);
  if (planned === undefined) {
    const step = planOf(run.spec).steps.get(name);
    const message =
      step === undefined
        ? `Run "${run.run_id}" has no block "${name}"`
        : `Block "${name}" is a part of workflow "${step.workflow.name}": ask for that`;
    throw new Rejection('BLOCK_NOT_FOUND', message, { run: run.run_id, block: name });
  }
  return {
    ...blockInfo(run, planned),
    predecessors: [...planned.spec.predecessors],
    tasks: tasksOf(run, name),
    ...resultsOf(run, planned.spec, from),
  };
}

/** Component → names of its nodes by index, without those that were lost. */
export function matching(run: Run): Record<string, string[]> {
  const members = [...run.members.values()].sort((a, b) => a.index - b.index);
  const names = new Map<string, string[]>([...run.components.keys()].map((component) => [component, []]));
  for (const { component, hostname } of members) names.get(component)?.push(hostname);
  return Object.fromEntries(names);
}
