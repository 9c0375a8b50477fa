import type { ResultOf } from '../../api/methods.ts';
import { EXIT } from './failure.ts';
import { type Context, withDaemon } from './session.ts';
import type { Paint } from './terminal.ts';
import { count, moment } from './wording.ts';

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
    ['subscriptions', tally(info.subscriptions, 'subscription')],
    ...info.clients.map(({ url: to, delivered, suspended }): [string, string] => [
      'callbacks to',
      `${to}, delivered to ${delivered}${suspended ? ', suspended' : ''}`,
    ]),
  ];
  if (info.outage !== undefined) rows.push(['outage', info.outage.message]);
  if (info.planetlab !== undefined) rows.push(['planetlab', planetLab(info.planetlab)]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${paint('bold', name.padEnd(width))}  ${value}`);
}

function planetLab({
  state,
  message,
  slices,
}: NonNullable<ResultOf<'plushInfoControl'>['planetlab']>): string {
  const of = slices.map(
    ({ slice, nodes, found }) => `${slice} ${found || state !== 'current' ? nodes : 'unseen'}`,
  );
  return `${[state, ...of].join(', ')}${message === undefined ? '' : `: ${message}`}`;
}
