/** Packages on their way: who tells of them, and how many are let go at a time. */
import { nextPlaces } from '../barrier/curve.ts';
import type { Standing } from '../barrier/flow.ts';
import { isQuiet, roomOf } from '../barrier/pace.ts';
import type { InputOf } from '../input.ts';
import type { Run } from '../state.ts';
import type { Transaction } from '../transaction.ts';
import { participantOf } from './barrier-state.ts';
import { settle } from './barriers.ts';
import { INSTALL_BARRIER, planOf } from './plan.ts';

const { name: barrier } = INSTALL_BARRIER;

/** How the semaphore of a run's transfers stands; undefined where nobody passes it. */
export function transfersOf(run: Run): Standing | undefined {
  const known = run.barriers.get(barrier);
  if (known === undefined || run.ending !== undefined) return undefined;
  return { inside: known.inside.size, waiting: known.waiting.size, limit: roomOf(known.pace) };
}

/** As whom a node is inside the semaphore of its run's transfers; undefined where it is not. */
export function transferOf(run: Run, hostname: string): string | undefined {
  const member = run.members.get(hostname);
  const participant = member && participantOf(member);
  return participant !== undefined && isTransferring(run, participant) ? participant : undefined;
}

export function isTransferring(run: Run, participant: string): boolean {
  return run.barriers.get(barrier)?.inside.has(participant) === true;
}

/** What transfers move together is measured: there may be more of them, or are to be fewer. */
export function transfersMeasured(
  tx: Transaction,
  { run_id, measures, ...circumstances }: InputOf<'transfers_measured'>,
): void {
  const run = tx.state.runs.get(run_id);
  const pace = run?.barriers.get(barrier)?.pace;
  const newest = measures.at(-1);
  if (run === undefined || pace === undefined || newest === undefined) return;
  if (run.ending !== undefined || transfersOf(run)?.waiting === 0) return;
  const limit = roomOf(pace);
  const concurrency = nextPlaces(measures, limit, circumstances);
  // The first measurement is told in any case, and one now and then: as long as they come, it is these that count.
  if (concurrency === limit && pace.measured && !isQuiet(pace)) return;
  const { inside, bytes_per_second } = newest;
  const told = { inside: Math.round(inside * 10) / 10, bytes_per_second: Math.round(bytes_per_second) };
  tx.emit('barrier_paced', { run_id, barrier, concurrency, ...told });
  const planned = planOf(run.spec).barriers.get(barrier);
  if (planned !== undefined) settle(tx, run, planned);
}
