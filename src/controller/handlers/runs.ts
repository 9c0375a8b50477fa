import type { Member, Run, Task } from '../../core/state.ts';
import { explain } from '../../core/views/explain.ts';
import { blockDetail, listRuns, matching, runDetail } from '../../core/views/runs.ts';
import { AgentError } from '../../drivers/agent-error.ts';
import { LinkError } from '../../drivers/nodes/agent-link.ts';
import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';
import { Fault } from '../fault.ts';
import { pageOf, type RawPage } from '../output-text.ts';

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

const DEFAULT_LIMIT = 65_536;
/** How long a node may take to answer a page of output. */
const READ_MS = 10_000;

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
    plushGetRun: (_call, run) => runDetail(runOf(run), state),
    plushAbortRun: async (call, run) => {
      await submit({ type: 'abort_run', run_id: run }, call);
      return true;
    },
    plushGetBlock: (_call, run, block) => blockDetail(runOf(run), block),
    plushGetMatching: (_call, run) => matching(runOf(run)),
    plushGetOutput: (_call, run_id, node, page) => {
      const run = runOf(run_id);
      const task = findTask(run, node, page?.task);
      return readOutput(context, run, task, page ?? {});
    },
    plushExplain: (_call, subject) => explain(state, subject),
  };
}

/** The task that a caller means: by id, by its block, or the newest on the node. */
function findTask(run: Run, node: string, wanted: string | undefined): Task {
  const parts = [run.members.get(node), ...run.past.filter((member) => member.hostname === node)].filter(
    (member): member is Member => member !== undefined,
  );
  if (parts.length === 0)
    throw new Fault('NOT_IN_RUN', `Node "${node}" has no part in run "${run.run_id}"`, { node });
  const tasks = parts.flatMap((member) => [...member.tasks.values()]);
  const found =
    wanted === undefined
      ? tasks.at(-1)
      : tasks.findLast((task) => task.task_id === wanted || task.block === wanted);
  if (found !== undefined) return found;
  const what = wanted === undefined ? 'has not begun a task yet' : `has no task "${wanted}"`;
  throw new Fault('NO_OUTPUT', `Node "${node}" ${what} in run "${run.run_id}"`, { node });
}

async function readOutput(
  { nodes, outputs }: Context,
  run: Run,
  task: Task,
  page: { stream?: 'stdout' | 'stderr'; offset?: number; limit?: number },
): Promise<ReturnType<typeof pageOf> & { task: string }> {
  const { stream = 'stdout', offset = 0, limit = DEFAULT_LIMIT } = page;
  const { task_id, hostname } = task;
  const kept = await outputs.read(task_id, stream, offset, limit);
  if (kept !== undefined) {
    const eof = kept.offset + kept.bytes.length >= kept.size;
    return { ...pageOf({ ...kept, eof }), task: task_id };
  }
  const link = nodes.link(hostname);
  if (link === undefined) {
    throw new Fault(
      'OUTPUT_UNREACHABLE',
      `The output of ${task_id} is on node "${hostname}", which is not connected`,
      { run: run.run_id },
    );
  }
  try {
    const ask = { task_id, stream, offset, limit };
    const { ok, binary } = await link.request('read', ask, { timeoutMs: READ_MS });
    const raw: RawPage = { bytes: binary, offset: ok.offset, eof: ok.eof };
    return { ...pageOf(raw), task: task_id };
  } catch (error) {
    if (error instanceof AgentError && error.failure.code === 'UNKNOWN_TASK')
      return lateOutput(outputs, task, stream, offset, limit);
    if (!(error instanceof LinkError)) throw error;
    throw new Fault('OUTPUT_UNREACHABLE', `Node "${hostname}" did not answer: ${error.message}`, {
      run: run.run_id,
    });
  }
}

/** The node has been cleaned between the two looks, or the task never got as far as having output. */
async function lateOutput(
  outputs: Context['outputs'],
  task: Task,
  stream: 'stdout' | 'stderr',
  offset: number,
  limit: number,
): Promise<ReturnType<typeof pageOf> & { task: string }> {
  const kept = await outputs.read(task.task_id, stream, offset, limit);
  if (kept !== undefined) {
    return { ...pageOf({ ...kept, eof: kept.offset + kept.bytes.length >= kept.size }), task: task.task_id };
  }
  if (task.state === 'ordered' || task.state === 'running') {
    return { data: '', offset, end: offset, eof: false, task: task.task_id };
  }
  throw new Fault('NO_OUTPUT', `Task ${task.task_id} left no output`, { node: task.hostname });
}
