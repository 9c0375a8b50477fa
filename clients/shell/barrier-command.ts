import type { ResultOf } from '../../api/methods.ts';
import { EXIT } from './failure.ts';
import { type Context, withDaemon } from './session.ts';
import { type Column, tableLines } from './table.ts';
import type { Paint } from './terminal.ts';
import { count, moment, plain } from './wording.ts';

type Barrier = ResultOf<'plushGetBarrier'>;

export interface BarrierOrder {
  readonly run: string;
  readonly barrier: string;
  readonly release: boolean;
  /** Nodes to release; none: all that have entered. */
  readonly nodes: readonly string[];
}

/** `plush barrier` */
export function barrierCommand(context: Context, order: BarrierOrder, asJson: boolean): Promise<number> {
  return withDaemon(context, 'none', async (daemon) => {
    const { terminal } = context;
    const { run, barrier: name, release, nodes } = order;
    const which = nodes.length === 0 ? {} : { nodes: [...nodes] };
    const barrier = release
      ? await daemon.call('plushReleaseBarrier', run, name, which)
      : await daemon.call('plushGetBarrier', run, name);
    if (asJson) terminal.print(JSON.stringify(barrier, null, 2));
    else terminal.print(barrierLines(barrier, terminal.paint).join('\n'));
    return EXIT.ok;
  });
}

const COLUMNS: readonly Column<Barrier['entries'][number]>[] = [
  { title: 'PARTICIPANT', cell: (entry) => entry.participant },
  { title: 'NODE', cell: (entry) => entry.hostname },
  { title: 'STATE', cell: ({ state, cause }) => (cause === undefined ? state : `${state} (${cause})`) },
  { title: 'ENTERED', cell: (entry) => moment(entry.entered) },
  { title: 'LABEL', cell: (entry) => entry.label },
  { title: 'LATE', cell: (entry) => entry.late },
];

/** What is told of a barrier; at most as many entries as the answer has. */
function barrierLines(barrier: Barrier, paint: Paint): string[] {
  const { state, rule, entered, expected, waiting, inside, opened, cause, entries, missing } = barrier;
  const tasks = (barrier.missing_tasks ?? []).map(
    ({ block, number, nodes }) => `${plain(block)}#${number} (${nodes.map(plain).join(', ') || 'not begun'})`,
  );
  const since = opened === undefined ? '' : ` since ${moment(opened)} (${cause})`;
  const places =
    barrier.concurrency === undefined ? '' : `, ${inside} of ${barrier.concurrency} places taken`;
  return [
    `${paint('bold', plain(barrier.barrier))} is ${state}${since}: it ${rule}`,
    `${entered} of ${count(expected, 'participant')} entered, ${waiting} waiting${places}`,
    ...(missing.length === 0 ? [] : [`not there yet: ${missing.map(plain).join(', ')}`]),
    ...(tasks.length === 0 ? [] : [`tasks not there yet: ${tasks.join(', ')}`]),
    ...(entries.length === 0
      ? []
      : tableLines(COLUMNS, entries, { paintTitle: (line) => paint('bold', line) })),
  ];
}
