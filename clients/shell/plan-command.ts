import { existsSync } from 'node:fs';
import type { ResultOf } from '../../api/methods.ts';
import { shortfallLines } from './explanation.ts';
import { EXIT } from './failure.ts';
import { inCommands } from './hints.ts';
import { type Context, withDaemon } from './session.ts';
import { diagnosticLine, hasErrors, readSpecification, sendSpecification } from './specification.ts';
import { tableLines } from './table.ts';
import type { Paint } from './terminal.ts';
import { count, plain } from './wording.ts';

type Plan = ResultOf<'plushPlanApp'>;
type Placed = Plan['components'][number]['nodes'][number] & { readonly component: string };

/** Nodes that are listed one by one. */
const MAX_NODES = 50;

/** `plush plan`: 0 when a run could start now, 1 when nodes are missing, 2 when the specification has errors. */
export function planCommand(context: Context, subject: string, asJson: boolean): Promise<number> {
  const text = isFile(subject) ? readSpecification(subject) : undefined;
  return withDaemon(context, 'borrow', async (daemon) => {
    const { terminal } = context;
    if (text !== undefined) {
      const diagnostics = await sendSpecification(subject, () => daemon.call('plushValidateApp', text));
      for (const one of diagnostics) terminal.remark(diagnosticLine(subject, one, terminal.paint));
      if (hasErrors(diagnostics)) return EXIT.usage;
    }
    const plan = await daemon.call('plushPlanApp', text ?? subject);
    terminal.print((asJson ? [JSON.stringify(plan, null, 2)] : planLines(plan, terminal.paint)).join('\n'));
    return plan.can_run ? EXIT.ok : EXIT.failed;
  });
}

/** What looks like a file is one, also where it is missing; any other word is the name of an application. */
function isFile(subject: string): boolean {
  return existsSync(subject) || subject.includes('/') || subject.endsWith('.xml');
}

/** A plan for a person. */
function planLines(plan: Plan, paint: Paint): string[] {
  const { app, can_run, note, transfers, requests, steps, shortfalls } = plan;
  const verdict = can_run ? paint('green', 'could run now') : paint('red', 'cannot run now');
  return [
    `${paint('bold', `Application ${plain(app)}`)}: ${verdict}`,
    ...shortfalls.flatMap(shortfallLines),
    ...placementLines(plan, paint),
    ...(transfers.length === 0 ? [] : ['', paint('bold', 'TRANSFERS'), ...transfers.map(transferLine)]),
    ...(requests.length === 0 ? [] : ['', paint('bold', 'REQUESTS'), ...requests.map(requestLine)]),
    '',
    paint('bold', 'STEPS'),
    ...steps.map((step, index) => `${index + 1}. ${stepText(step)}`),
    '',
    plain(note),
  ];
}

function placementLines({ components }: Plan, paint: Paint): string[] {
  const placed: Placed[] = components.flatMap(({ name, nodes }) =>
    nodes.map((node) => ({ ...node, component: name })),
  );
  const total = components.reduce((sum, { count: nodes }) => sum + nodes, 0);
  const shown = placed.slice(0, MAX_NODES);
  if (shown.length === 0) return [];
  const lines = tableLines(
    [
      { title: 'COMPONENT', cell: (node) => node.component },
      { title: 'INDEX', cell: (node) => node.index, align: 'right' },
      { title: 'NODE', cell: (node) => node.hostname },
      { title: 'STATE', cell: (node) => node.state },
      { title: 'PREFERENCE', cell: (node) => node.preference, align: 'right' },
      { title: 'CHOSEN BY', cell: (node) => CHOSEN[node.chosen] ?? node.chosen },
    ],
    shown,
    { paintTitle: (line) => paint('bold', line) },
  );
  const more = total - shown.length;
  return ['', ...lines, ...(more > 0 ? [`and ${count(more, 'node')} more: see --json`] : [])];
}

const CHOSEN: Readonly<Record<string, string>> = {
  static: 'its name',
  preference: 'preference',
  tie: 'chance among equals',
};

function transferLine({ package: name, type, path, size, nodes }: Plan['transfers'][number]): string {
  const bytes = size === undefined ? 'size not known' : count(size, 'byte');
  const how = ['web', 'ftp', 'rsync'].includes(type) ? 'fetched by' : 'handed to';
  const from = type === 'inline' ? 'the specification itself' : plain(path);
  return `${plain(name)} (${bytes}) from ${from}, ${how} ${count(nodes, 'node')}`;
}

function requestLine({ component, service, server, note }: Plan['requests'][number]): string {
  const where = server === undefined ? '' : ` at ${plain(server)}`;
  return `${plain(service)}${where} for ${plain(component)}: ${plain(inCommands(note))}`;
}

function stepText(step: Plan['steps'][number]): string {
  const { action, component, block, command, rule, nodes, waits_for } = step;
  const on = count(nodes, 'node');
  if (action === 'connect') return `connect to ${on}`;
  if (action === 'install') return `install the software of ${plain(component ?? '')} on ${on}`;
  if (action === 'clean') return `clean ${on}${command === undefined ? '' : `, with ${plain(command)}`}`;
  const after = waits_for.map(({ block: name, on: where }) =>
    where === 'all' ? `${plain(name)} on all its nodes` : `${plain(name)} on the same node`,
  );
  const waits = after.length === 0 ? '' : `, after ${after.join(' and ')}`;
  const of = `${plain(block ?? '')} of ${plain(component ?? '')} on ${on}${waits}`;
  if (action === 'reinstall') return `${of}: an empty working folder, and the software once more`;
  const how = rule === undefined ? '' : ` (${plain(rule)})`;
  return `${action === 'run' ? 'run ' : ''}${of}: ${plain(command ?? '')}${how}`;
}
