/** Commands that list: nodes and runs. Each answers the exit code. */
import type { ParamsOf, ResultOf } from '../../api/methods.ts';
import { EXIT } from './failure.ts';
import { type Context, withDaemon } from './session.ts';
import { type Column, tableLines } from './table.ts';
import type { Terminal } from './terminal.ts';
import { clock, moment } from './wording.ts';

/** Entries of a list that are asked for at once; all pages are read. */
const PAGE = 1000;

type NodeInfo = ResultOf<'plushListNodes'>['nodes'][number];
type RunInfo = ResultOf<'plushListRuns'>['runs'][number];

const NODE_COLUMNS: readonly Column<NodeInfo>[] = [
  { title: 'NODE', cell: (node) => node.hostname },
  { title: 'TYPE', cell: (node) => node.type },
  { title: 'GROUP', cell: (node) => node.group },
  { title: 'STATE', cell: (node) => node.state },
  { title: 'SINCE', cell: (node) => moment(node.since) },
  { title: 'LOAD', cell: (node) => node.host?.load1.toFixed(2), align: 'right' },
  { title: 'RUN', cell: (node) => node.run_id },
  { title: 'REMARK', cell: (node) => node.failure?.message ?? node.waits_for },
];

const RUN_COLUMNS: readonly Column<RunInfo>[] = [
  { title: 'RUN', cell: (run) => run.run_id },
  { title: 'APPLICATION', cell: (run) => run.app },
  { title: 'STATE', cell: (run) => run.state },
  { title: 'STARTED', cell: (run) => moment(run.started) },
  { title: 'TOOK', cell: tookOf, align: 'right' },
  { title: 'REMARK', cell: (run) => (run.state === 'succeeded' ? undefined : run.message) },
];

function tookOf({ started, ended }: RunInfo): string | undefined {
  return ended === undefined ? undefined : clock(Date.parse(ended) - Date.parse(started));
}

function showList<Row>(
  terminal: Terminal,
  asJson: boolean,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  nothing: string,
): number {
  if (asJson) terminal.print(JSON.stringify(rows, null, 2));
  else if (rows.length === 0) terminal.remark(nothing);
  else {
    const width = terminal.isLive ? terminal.columns() : Number.POSITIVE_INFINITY;
    const paintTitle = (line: string) => terminal.paint('bold', line);
    terminal.print(tableLines(columns, rows, { paintTitle, width }).join('\n'));
  }
  return EXIT.ok;
}

/** Reads every page of a list. */
async function allPages<Row>(
  ask: (page: { limit: number; cursor?: string }) => Promise<{ rows: readonly Row[]; cursor?: string }>,
): Promise<Row[]> {
  const all: Row[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await ask({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    all.push(...page.rows);
    cursor = page.cursor;
    if (cursor === undefined) return all;
  }
}

const withCursor = <T>(rows: readonly T[], cursor: string | undefined) => ({
  rows,
  ...(cursor === undefined ? {} : { cursor }),
});

type NodeFilter = NonNullable<ParamsOf<'plushListNodes'>[0]>;
type RunFilter = NonNullable<ParamsOf<'plushListRuns'>[0]>;

/** `plush nodes` */
export function nodesCommand(
  context: Context,
  filter: Pick<NodeFilter, 'group' | 'state'>,
  asJson: boolean,
): Promise<number> {
  return withDaemon(context, 'borrow', async (daemon) => {
    const nodes = await allPages(async (page) => {
      const answer = await daemon.call('plushListNodes', { ...page, ...filter });
      return withCursor(answer.nodes, answer.cursor);
    });
    const isFiltered = Object.keys(filter).length > 0;
    const nothing = isFiltered
      ? 'No node of the pool is like that'
      : 'No nodes yet. `plush call plushAddNode \'{"hostname":"NAME"}\'` adds one; --directory FILE gives a plushd its nodes';
    return showList(context.terminal, asJson, NODE_COLUMNS, nodes, nothing);
  });
}

/** `plush runs` */
export function runsCommand(
  context: Context,
  filter: Pick<RunFilter, 'app' | 'state'>,
  asJson: boolean,
): Promise<number> {
  return withDaemon(context, 'borrow', async (daemon) => {
    const runs = await allPages(async (page) => {
      const answer = await daemon.call('plushListRuns', { ...page, ...filter });
      return withCursor(answer.runs, answer.cursor);
    });
    const isFiltered = Object.keys(filter).length > 0;
    const nothing = isFiltered ? 'No run is like that' : 'No runs yet. `plush run FILE` starts one';
    return showList(context.terminal, asJson, RUN_COLUMNS, runs, nothing);
  });
}
