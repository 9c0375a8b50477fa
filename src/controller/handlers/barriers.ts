import { barrierNamed } from '../../core/run/barrier-calls.ts';
import { participantOf, standingAt } from '../../core/run/barrier-state.ts';
import type { PlannedBarrier } from '../../core/run/plan.ts';
import { participantAsking } from '../../core/run/workflow-asks.ts';
import { isOver, type Run } from '../../core/state.ts';
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
  // Before it enters: what a node does in a workflow may be something else a moment later.
  const participantAt = (run_id: string, name: string, node: string, block?: string): string => {
    const { run, planned } = find(run_id, name);
    const member = run.members.get(node) ?? run.past.findLast((past) => past.hostname === node);
    if (member === undefined)
      throw new Fault('NOT_A_PARTICIPANT', `Node "${node}" has no part in run "${run_id}"`, { node });
    if (isOver(run)) return participantOf(member, block);
    return participantAsking(run, planned, member, { block, own: block !== undefined });
  };
  const standing = (run_id: string, name: string, participant: string, fence?: number) => {
    const { run, planned } = find(run_id, name);
    return standingAt(run, planned, participant, fence);
  };
  return {
    plushEnterBarrier: async (call, { run: run_id, barrier, node: hostname, wait_s = 0, ...rest }) => {
      const participant = participantAt(run_id, barrier, hostname, rest.block);
      await submit({ type: 'enter_barrier', run_id, barrier, hostname, ...rest }, call);
      await operations.barriers.wait({ run_id, barrier, participant }, wait_s * 1000, call.work.signal);
      return standing(run_id, barrier, participant);
    },
    plushLeaveBarrier: async (call, { run: run_id, barrier, node: hostname, ...rest }) => {
      const participant = participantAt(run_id, barrier, hostname, rest.block);
      await submit({ type: 'leave_barrier', run_id, barrier, hostname, ...rest }, call);
      return standing(run_id, barrier, participant, rest.fence);
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
