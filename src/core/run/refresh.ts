/** A service looks for more nodes (section 6.2 of plush-toit.2011: reconnect_interval). */
import type { Shortfall } from '../../../api/schemas.ts';
import type { ComponentSpec } from '../../../api/spec.ts';
import { durationText } from '../duration.ts';
import { requestMore } from '../operation/decide.ts';
import { expireLeases } from '../pool/lease.ts';
import { match } from '../pool/match.ts';
import { shortfallSentence } from '../pool/shortfall.ts';
import { type ComponentState, isOver, type Run } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { endRun, join } from './recover.ts';
import { intervalMs } from './service.ts';

/** Takes what free nodes there are, up to the maximum; ends a run that has been below its minimum for a whole interval. */
export function refresh(tx: Transaction, run_id: string): void {
  const run = tx.state.runs.get(run_id);
  if (run?.service === undefined || isOver(run) || run.ending !== undefined) return;
  expireLeases(tx);
  tx.emit('run_refreshed', { run_id });
  const shortfalls: Shortfall[] = [];
  const wanting: ComponentSpec[] = [];
  for (const spec of run.spec.components) {
    const component = run.components.get(spec.name);
    if (component === undefined || component.members.size >= component.max) continue;
    const shortfall = fill(tx, run, component, spec);
    if (shortfall !== undefined && isOverdue(tx, run, component)) shortfalls.push(shortfall);
    if (component.members.size < component.max) wanting.push(spec);
  }
  if (shortfalls.length > 0) {
    const head = `For more than ${durationText(intervalMs(run))} the service has had too few nodes.`;
    const message = [head, ...shortfalls.map(shortfallSentence)].join(' ');
    endRun(tx, run, 'failed', 'not_enough_nodes', message, shortfalls);
  } else {
    requestMore(tx, run, wanting);
  }
}

/** @returns why the component is below its minimum, where it still is */
function fill(
  tx: Transaction,
  run: Run,
  component: ComponentState,
  spec: ComponentSpec,
): Shortfall | undefined {
  const have = component.members.size;
  const room = Math.min(component.max - have, tx.state.free.size);
  const vacant = component.vacant.slice(0, room).map((index) => ({ index }));
  const fresh = Array.from({ length: room - vacant.length }, (_, i) => ({ index: component.next + i }));
  const places = [...vacant, ...fresh];
  const { members, shortfall } = match(tx.state, run, spec, places, tx.random, { have, hosts: tx.hosts });
  if (members.length > 0) join(tx, run, members);
  return shortfall;
}

/** Whether it has been below its minimum since the refresh before this one. */
function isOverdue(tx: Transaction, run: Run, { below }: ComponentState): boolean {
  return below !== undefined && tx.nowMs - Date.parse(below) >= intervalMs(run);
}
