import { barrierNamed } from '../../core/run/barrier-calls.ts';
import { participantOf, standingAt } from '../../core/run/barrier-state.ts';
import type { PlannedBarrier } from '../../core/run/plan.ts';
import type { Run } from '../../core/state.ts';
import { barrierDetail } from '../../core/views/barriers.ts';
import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';
import { Fault } from '../fault.ts';

type BarrierMethods = 'plushEnterBarrier' | 'plushLeaveBarrier' | 'plushReleaseBarrier' | 'plushGetBarrier';

/** Methods about the barriers of a run. */
export function barrierHandlers(context: Context): Pick<Handlers, BarrierMethods> {
  const { state, submit, operations } = context;
  const find = (run_id: string, name: string): { run: Run; planned: PlannedBarrier } => {
    const run = state.runs.get(run_id);
    if (run === undefined) throw new Fault('RUN_NOT_FOUND', `There is no run "${run_id}"`, { run: run_id });
    return { run, planned: barrierNamed(run, name) };
  };
  const standing = (run_id: string, name: string, node: string, block?: string) => {
    const { run, planned } = find(run_id, name);
    const member = run.members.get(node) ?? run.past.findLast((past) => past.hostname === node);
    if (member === undefined)
      throw new Fault('NOT_A_PARTICIPANT', `Node "${node}" has no part in run "${run_id}"`, { node });
    return standingAt(run, planned, participantOf(member, block));
  };
  return {
    plushEnterBarrier: async (call, { run: run_id, barrier, node: hostname, wait_s = 0, ...rest }) => {
      await submit({ type: 'enter_barrier', run_id, barrier, hostname, ...rest }, call);
      const { participant } = standing(run_id, barrier, hostname, rest.block);
      await operations.barriers.wait({ run_id, barrier, participant }, wait_s * 1000);
      return standing(run_id, barrier, hostname, rest.block);
    },
    plushLeaveBarrier: async (call, { run: run_id, barrier, node: hostname, ...rest }) => {
      await submit({ type: 'leave_barrier', run_id, barrier, hostname, ...rest }, call);
      return standing(run_id, barrier, hostname, rest.block);
    },
    plushReleaseBarrier: async (call, run_id, barrier, { nodes } = {}) => {
      await submit(
        { type: 'release_barrier', run_id, barrier, ...(nodes === undefined ? {} : { hostnames: nodes }) },
        call,
      );
      const { run, planned } = find(run_id, barrier);
      return barrierDetail(run, planned);
    },
    plushGetBarrier: (_call, run_id, barrier) => {
      const { run, planned } = find(run_id, barrier);
      return barrierDetail(run, planned);
    },
  };
}
