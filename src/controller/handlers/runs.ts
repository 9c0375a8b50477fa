import type { ResultOf } from '../../../api/methods.ts';
import type { Run } from '../../core/state.ts';
import { explain } from '../../core/views/explain.ts';
import { blockDetail, listRuns, matching, runDetail } from '../../core/views/runs.ts';
import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';
import { Fault } from '../fault.ts';
import { getOutput } from './output.ts';

type RunMethods =
  | 'plushRunApp'
  | 'plushStartRun'
  | 'plushListRuns'
  | 'plushGetRun'
  | 'plushAbortRun'
  | 'plushGetBlock'
  | 'plushGetMatching'
  | 'plushGetOutput'
  | 'plushExplain';

/** Methods about runs. */
export function runHandlers(context: Context): Pick<Handlers, RunMethods> {
  const { state, submit } = context;
  const runOf = (run_id: string): Run => {
    const run = state.runs.get(run_id);
    if (run === undefined) throw new Fault('RUN_NOT_FOUND', `There is no run "${run_id}"`, { run: run_id });
    return run;
  };
  return {
    plushRunApp: async (call) => (await submit({ type: 'start_run' }, call)) as string,
    plushStartRun: async (call, order) => (await submit({ type: 'start_run', ...order }, call)) as string,
    plushListRuns: (_call, filter) => listRuns(state, filter ?? {}),
    plushGetRun: (_call, run, page) => runDetail(runOf(run), state, page),
    plushAbortRun: async (call, run) => {
      await submit({ type: 'abort_run', run_id: run }, call);
      return true;
    },
    plushGetBlock: (_call, run, block, from) => blockDetail(runOf(run), block, from),
    plushGetMatching: (_call, run) => matching(runOf(run)),
    plushGetOutput: async (_call, run_id, node, page) =>
      // The contract has what JSON-RPC clients get: the bytes of base64 become a string when they are written.
      (await getOutput(context, runOf(run_id), node, page ?? {})) as ResultOf<'plushGetOutput'>,
    plushExplain: (_call, subject) =>
      explain(state, subject, context.transfers, (hostname) => context.nodes.recentHost(hostname)),
  };
}
