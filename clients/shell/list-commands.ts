/** Commands that look: nodes, runs, status, explain, check, call. Each answers the exit code. */
import type { MethodName, ResultOf } from '../../api/methods.ts';
import type { Daemon } from './daemon.ts';
import { explanationLines } from './explanation.ts';
import { CommandError, EXIT } from './failure.ts';
import { type Context, withDaemon } from './session.ts';
import { diagnosticLine, hasErrors, readSpecification } from './specification.ts';
import { type Column, tableLines } from './table.ts';
import type { Paint, Terminal } from './terminal.ts';
import { clock, count, moment } from './wording.ts';

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
  else terminal.print(tableLines(columns, rows, (line) => terminal.paint('bold', line)).join('\n'));
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

/** `plush nodes` */
export function nodesCommand(
  context: Context,
  filter: { readonly group?: string; readonly state?: string },
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
      : 'No nodes yet. plushAddNode adds one; --directory FILE gives a plushd its nodes';
    return showList(context.terminal, asJson, NODE_COLUMNS, nodes, nothing);
  });
}

/** `plush runs` */
export function runsCommand(
  context: Context,
  filter: { readonly app?: string; readonly state?: string },
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

/** `plush explain` */
export function explainCommand(context: Context, subject: string, asJson: boolean): Promise<number> {
  return withDaemon(context, 'borrow', async (daemon) => {
    const { terminal } = context;
    const explanation = await daemon.call('plushExplain', subject);
    const lines = asJson
      ? [JSON.stringify(explanation, null, 2)]
      : explanationLines(explanation, terminal.paint);
    terminal.print(lines.join('\n'));
    return EXIT.ok;
  });
}

/** `plush check`: 0 when all the files can be loaded, 2 when one has errors. */
export function checkCommand(context: Context, files: readonly string[], asJson: boolean): Promise<number> {
  const texts = files.map((file) => ({ file, text: readSpecification(file) }));
  return withDaemon(context, 'borrow', async (daemon) => {
    const { terminal } = context;
    const checked = [];
    for (const { file, text } of texts) {
      checked.push({ file, diagnostics: await daemon.call('plushValidateApp', text) });
    }
    const lines = asJson
      ? [JSON.stringify(checked, null, 2)]
      : checked.flatMap(({ file, diagnostics }) =>
          diagnostics.length === 0
            ? [`${file}: ok`]
            : diagnostics.map((one) => diagnosticLine(file, one, terminal.paint)),
        );
    terminal.print(lines.join('\n'));
    return checked.some(({ diagnostics }) => hasErrors(diagnostics)) ? EXIT.usage : EXIT.ok;
  });
}

/** `plush status` */
export function statusCommand(context: Context, asJson: boolean): Promise<number> {
  return withDaemon(context, 'none', async (daemon) => {
    const { terminal } = context;
    const info = await daemon.call('plushInfoControl');
    if (asJson) terminal.print(JSON.stringify({ url: daemon.url, ...info }, null, 2));
    else terminal.print(statusLines(daemon.url, info, terminal.paint).join('\n'));
    return EXIT.ok;
  });
}

function statusLines(url: string, info: ResultOf<'plushInfoControl'>, paint: Paint): string[] {
  const tally = (counts: Readonly<Record<string, number>>, noun: string) => {
    const parts = Object.entries(counts).filter(([, number]) => number > 0);
    const total = parts.reduce((sum, [, number]) => sum + number, 0);
    const by = parts.map(([state, number]) => `${number} ${state}`).join(', ');
    return total === 0 ? `no ${noun}s` : `${count(total, noun)}: ${by}`;
  };
  const rows: [string, string][] = [
    ['plushd', `${info.version}, pid ${info.pid}, since ${moment(info.started)}`],
    ['url', url],
    ['state folder', info.state_folder],
    ['apps folder', info.apps_folder],
    ['nodes', tally(info.nodes, 'node')],
    ['runs', tally(info.runs, 'run')],
    ['loaded', info.loaded_app ?? 'no application'],
    ['journal', `facts ${info.journal.first} to ${info.journal.last}, term ${info.epoch}`],
    ...info.clients.map(({ url: to, delivered, suspended }): [string, string] => [
      'callbacks to',
      `${to}, delivered to ${delivered}${suspended ? ', suspended' : ''}`,
    ]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${paint('bold', name.padEnd(width))}  ${value}`);
}

/** Ends a daemon, so none is started for it. */
const QUIT: MethodName = 'plushQuit';

/** `plush call`: one call, its answer as JSON. */
export function callCommand(context: Context, method: string, words: readonly string[]): Promise<number> {
  if (method === '') throw new CommandError('call takes the name of a method', EXIT.usage);
  const work = async (daemon: Daemon) => {
    const answer = await daemon.callByName(method, words.map(argument));
    context.terminal.print(JSON.stringify(answer, null, 2) ?? 'null');
    return EXIT.ok;
  };
  return withDaemon(context, method === QUIT ? 'none' : 'keep', work);
}

/** A word that is JSON is what it says; every other is a string, so that names need no quotes. */
export function argument(word: string): unknown {
  try {
    return JSON.parse(word);
  } catch {
    return word; // a name, mostly
  }
}
