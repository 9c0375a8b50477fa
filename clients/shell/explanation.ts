import type { ResultOf } from '../../api/methods.ts';
import { EXIT } from './failure.ts';
import { inCommands } from './hints.ts';
import { type Context, withDaemon } from './session.ts';
import { tableLines } from './table.ts';
import type { Paint } from './terminal.ts';
import { count, listNames, moment, plain } from './wording.ts';

type Explanation = ResultOf<'plushExplain'>;
type Cause = Explanation['causes'][number];

/** Nodes that are listed one by one. */
const MAX_NODES = 50;
/** Numbers of a workflow's tasks in a line. */
const MAX_NUMBERS = 20;

/** The answer of plushExplain for a person: what happened, why, what to do, then the nodes one by one. */
export function explanationLines(explanation: Explanation, paint: Paint): string[] {
  const { kind, subject, state, summary, causes, shortfalls, waiting } = explanation;
  const title = `${kind === 'node' ? 'Node' : 'Run'} ${plain(subject)}: ${plain(state)}`;
  return [
    paint('bold', title),
    ...(summary === '' ? [] : [plain(summary)]),
    ...causes.flatMap((cause) => causeLines(cause, paint, kind === 'run' ? subject : undefined)),
    ...shortfalls.flatMap(shortfallLines),
    ...waiting.map(({ waits_for, nodes, since, examples }) => {
      const who = `${count(nodes, 'node')} (${listNames(examples)})`;
      return `Waiting since ${moment(since)}: ${who} for ${plain(inCommands(waits_for, { run: kind === 'run' ? subject : undefined, node: examples[0] }))}`;
    }),
    ...nodeLines(explanation, paint),
  ];
}

function causeLines(told: Cause, paint: Paint, run: string | undefined) {
  const { cause, phase, message, nodes, examples, action, hint, numbers = [], failure } = told;
  const tail = failure.stderr_tail ?? [];
  const what = nodes === 0 ? plain(message).replace(/\.$/, '') : `${count(nodes, 'node')}: ${plain(message)}`;
  const rest = nodes > examples.length ? ` of ${nodes}` : '';
  return [
    '',
    `${paint('red', what)} (${plain(cause)}, while in ${plain(phase)})`,
    ...(examples.length === 0 ? [] : [`  nodes: ${listNames(examples)}${rest}`]),
    ...(numbers.length === 0
      ? []
      : [`  tasks of its workflow: ${listNames(numbers.map(String), MAX_NUMBERS)}`]),
    ...(failure.command === undefined ? [] : [`  command: ${plain(failure.command)}`]),
    ...(action === '' ? [] : [`  Plush: ${plain(action)}`]),
    ...(hint === '' ? [] : [`  hint: ${plain(inCommands(hint, { run, node: examples[0] }))}`]),
    ...(tail.length === 0
      ? []
      : ['  last lines of its stderr:', ...tail.map((line) => `    | ${plain(line)}`)]),
  ];
}

export function shortfallLines({
  component,
  wanted,
  found,
  pool,
  removed,
}: Explanation['shortfalls'][number]) {
  return [
    '',
    found < wanted
      ? `Component ${plain(component)} needs ${count(wanted, 'node')} and can have ${found} of the ${pool} in the pool`
      : `Component ${plain(component)} lacks a host that it must have`,
    ...removed.map(
      ({ requirement, nodes, sentence }) =>
        `  ${plain(sentence ?? `${count(nodes, 'node')} cannot be had: ${requirement}`)}`,
    ),
  ];
}

function nodeLines({ kind, nodes }: Explanation, paint: Paint): string[] {
  if (kind === 'node' || nodes.length === 0) return [];
  const shown = nodes.slice(0, MAX_NODES);
  const lines = tableLines(
    [
      { title: 'NODE', cell: (node) => node.hostname },
      { title: 'COMPONENT', cell: (node) => node.component },
      { title: 'STATE', cell: (node) => node.state },
      { title: 'PHASE', cell: (node) => node.phase },
      { title: 'CAUSE', cell: (node) => node.cause },
      { title: 'EXIT', cell: (node) => node.signal ?? node.exit_code },
    ],
    shown,
    { paintTitle: (line) => paint('bold', line) },
  );
  const more = nodes.length - shown.length;
  return ['', ...lines, ...(more > 0 ? [`and ${count(more, 'node')} more: see --json`] : [])];
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
