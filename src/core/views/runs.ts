/** Answers about runs. */
import type { ParamsOf, ResultOf } from '../../../api/methods.ts';
import { Rejection } from '../rejection.ts';
import { planOf } from '../run/plan.ts';
import type { ComponentState, Run, State } from '../state.ts';
import { blockInfo, blockStates, tasksOf } from './blocks.ts';
import { missingOutputs } from './missed.ts';
import { DEFAULT_PAGE_ITEMS, fitting, MAX_PAGE_BYTES, makeCursor, readCursor } from './page.ts';
import { placesIn } from './service.ts';
import { waitingIn } from './waiting.ts';
import { weigh } from './weight.ts';
import { resultsOf } from './workflows.ts';

type RunPage = ResultOf<'plushListRuns'>;
type RunInfo = RunPage['runs'][number];
type RunDetail = ResultOf<'plushGetRun'>;
type RunPart = NonNullable<ParamsOf<'plushGetRun'>[1]>;
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

/** What the parts that are no pages may take of an answer, each. */
const MAX_PART_BYTES = 100 << 10;

/**
 * One run, with a page of its components and then of its blocks: a specification may have very many of both.
 * @throws Rejection BAD_CURSOR
 */
export function runDetail(run: Run, state: State, page: RunPart = {}): RunDetail {
  const { missing_outputs } = missingOutputs(run);
  const rest = {
    ...runInfo(run),
    ...(run.request_id === undefined ? {} : { request_id: run.request_id }),
    components_total: run.components.size,
    blocks_total: planOf(run.spec).blocks.size,
    block_states: blockStates(run),
    waiting: fitting([...placesIn(run), ...waitingIn(state, run)], MAX_PART_BYTES),
    ...(missing_outputs === undefined ? {} : { missing_outputs: fitting(missing_outputs, MAX_PART_BYTES) }),
    lost: run.past.length + (run.service?.forgotten ?? 0),
  };
  const room = MAX_PAGE_BYTES - weigh(rest, MAX_PAGE_BYTES);
  return { ...rest, ...partsPage(run, page, room) };
}

function partsPage(
  run: Run,
  { limit, cursor }: RunPart,
  room: number,
): Pick<RunDetail, 'components' | 'blocks' | 'cursor'> {
  const from = readPosition(run, cursor);
  const all = run.components.size + planOf(run.spec).blocks.size;
  const end = Math.min(all, from + (limit ?? MAX_PARTS));
  const components = [...run.components.values()].slice(from, end).map(componentInfo);
  const atBlock = Math.max(0, from - run.components.size);
  const blocks = [...planOf(run.spec).blocks.values()]
    .slice(atBlock, Math.max(0, end - run.components.size))
    .map((block) => blockInfo(run, block));
  const shown = fitting([...components, ...blocks], room).length;
  const next = from + shown;
  return {
    components: components.slice(0, shown),
    blocks: blocks.slice(0, Math.max(0, shown - components.length)),
    ...(next < all ? { cursor: makeCursor('blocks', `${run.run_id} ${next}`) } : {}),
  };
}

/** Parts that can find room in one answer, and a few more. */
const MAX_PARTS = 2000;

function readPosition({ run_id }: Run, cursor: string | undefined): number {
  const key = readCursor('blocks', cursor);
  if (key === undefined) return 0;
  const [of, position] = key.split(' ');
  if (of !== run_id || !/^\d{1,9}$/.test(position ?? ''))
    throw new Rejection('BAD_CURSOR', 'The cursor comes from another run');
  return Number(position);
}

function componentInfo({
  name,
  min,
  max,
  members,
  prepared,
  finished,
}: ComponentState): RunDetail['components'][number] {
  return { name, min, max, nodes: members.size, prepared, done: finished };
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
