/**
 * Where most nodes fall silent at once, the controller suspects its own side: its network, most likely, and not that all of them
 * are gone. It goes on trying to reach them and replaces none for that, for a bounded time (as Kubernetes stops evictions while
 * all nodes of a zone are unreachable).
 */
import { durationText } from '../duration.ts';
import type { Effect } from '../effect.ts';
import type { PoolNode, State } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { isSilence, type Outage } from './contact.ts';

/** Two nodes at once may well have gone for a reason of their own. */
const LEAST_SILENT = 3;
/** Between two attempts to reach a node that is not given up. */
export const HELD_RETRY_MS = 5_000;

interface Verdict {
  readonly silent: number;
  readonly of: number;
  readonly untilMs: number;
}

/**
 * How many nodes are silent, where they are so many that the controller suspects itself.
 * @param more a node that answered until now
 */
function verdict({ state, rules, nowMs }: Transaction, more?: string): Verdict | undefined {
  const { answering, silent } = state.contact;
  const isMore = more !== undefined && answering.has(more);
  const count = silent.size + (isMore ? 1 : 0);
  const of = silent.size + answering.size;
  if (count < LEAST_SILENT || count * 100 < rules.holdPercent * of) return undefined;
  // Whoever was silent before the others bounds the wait of all, so that no chain of outages keeps a dead node for ever.
  const [firstMs = nowMs] = silent.values();
  const untilMs = firstMs + rules.holdMs;
  return untilMs > nowMs ? { silent: count, of, untilMs } : undefined;
}

/** Looks, before a loss is told, whether it is one of an outage. Answers whether the node is to be held. */
export function holds(tx: Transaction, node: PoolNode, cause: string): boolean {
  const { state } = tx;
  const wasUp = node.link === 'connected';
  if (!isSilence(node, cause, wasUp)) return false;
  if (state.outage === undefined) {
    const found = verdict(tx, node.run_id === undefined ? undefined : node.spec.hostname);
    if (found !== undefined) suspect(tx, found);
  }
  return isHolding(state);
}

function suspect(tx: Transaction, { silent, of, untilMs }: Verdict): void {
  const until = new Date(untilMs).toISOString();
  tx.emit('outage_suspected', { silent, of, until, message: suspicion({ silent, of, until }) });
}

/** Whether silent nodes are not replaced at present. */
export function isHolding({ outage }: State): boolean {
  return outage !== undefined && outage.spent !== true;
}

/** Whether the node would be given up for its silence at some time, and is not at present. */
export function isHeld(state: State, { spec, run_id }: PoolNode): boolean {
  if (!isHolding(state) || run_id === undefined || spec.type === 'local') return false;
  return state.runs.get(run_id)?.ending === undefined;
}

/** Ends an outage that is one no longer, or took too long. */
export function settleOutage(tx: Transaction): void {
  const { outage } = tx.state;
  if (outage === undefined || outage.spent === true) return;
  const left = tx.state.contact.silent.size;
  const lasted = durationText(tx.nowMs - Date.parse(outage.since));
  if (tx.nowMs >= Date.parse(outage.until)) {
    const message = `After ${lasted} ${nodesAre(left)} still silent and replaced from now on`;
    tx.emit('outage_over', { cause: 'too_long', message });
  } else if (verdict(tx) === undefined) {
    const message =
      left === 0
        ? `After ${lasted} no run waits for a silent node any more`
        : `Nodes answer again after ${lasted}; ${nodesAre(left)} still silent, and replaced unless heard soon`;
    tx.emit('outage_over', { cause: 'answering', message });
  }
}

function nodesAre(count: number): string {
  return count === 1 ? '1 node is' : `${count} nodes are`;
}

/** The end of an outage's time. */
export function outageTimer({ outage }: State, nowMs: number): Effect[] {
  if (outage === undefined || outage.spent === true) return [];
  const delayMs = Math.max(0, Date.parse(outage.until) - nowMs);
  return [{ type: 'timer', timer: { kind: 'outage' }, delayMs }];
}

/** "9 of 10 nodes fell silent at once, perhaps since the controller's own network is cut; none is replaced for that before …" */
export function outageSentence({ outage }: State): string | undefined {
  if (outage === undefined || outage.spent === true) return undefined;
  return suspicion(outage);
}

function suspicion({ silent, of, until }: Pick<Outage, 'silent' | 'of' | 'until'>): string {
  return `${silent} of ${of} nodes fell silent at once, perhaps since the controller's own network is cut; none is replaced for that before ${until}`;
}
