/** plushGetOutput: from the controller's copy where there is one, else from the node. */
import { isReadable } from '../../core/run/logs.ts';
import { missedSentence } from '../../core/run/missed.ts';
import type { Member, Run, Task } from '../../core/state.ts';
import { hintFor } from '../../core/views/hints.ts';
import { finishedTask } from '../../core/views/workflows.ts';
import { AgentError } from '../../drivers/agent-error.ts';
import { LinkError } from '../../drivers/nodes/agent-link.ts';
import type { Context } from '../context.ts';
import { Fault } from '../fault.ts';
import { type Encoding, encodedPage, type OutputPage, type RawPage } from '../output-text.ts';

const DEFAULT_LIMIT = 65_536;
/** How long a node may take to answer a page of output, beyond what it is to wait. */
const READ_MS = 10_000;

type Page = OutputPage & { task: string; skipped_bytes?: number; lost_bytes?: number };

/** What a caller asks for. */
export interface Wanted {
  readonly stream?: 'stdout' | 'stderr';
  readonly task?: string;
  readonly offset?: number;
  readonly limit?: number;
  readonly wait_ms?: number;
  readonly file?: string;
  readonly encoding?: Encoding;
}

interface Range {
  readonly stream: 'stdout' | 'stderr';
  readonly offset: number;
  readonly limit: number;
  readonly encoding: Encoding;
}

/** @throws Fault NOT_IN_RUN, NO_OUTPUT, OUTPUT_UNREACHABLE */
export async function getOutput(context: Context, run: Run, node: string, wanted: Wanted): Promise<Page> {
  const { stream = 'stdout', offset = 0, limit = DEFAULT_LIMIT, wait_ms = 0, file } = wanted;
  const range: Range = { stream, offset, limit, encoding: wanted.encoding ?? 'text' };
  const parts = partsOf(run, node);
  if (file !== undefined) return readFile(context, run, parts, file, range);
  const task = findTask(run, node, parts, wanted.task);
  if (!isReadable(run, task.block)) {
    const why = `The log manager of block "${task.block}" says use_api="0": its output lies in the state folder only`;
    throw new Fault('NO_OUTPUT', why, { node });
  }
  return readOutput(context, run, task, range, wait_ms);
}

/** The node's parts in the run, its present one first. @throws Fault NOT_IN_RUN */
function partsOf(run: Run, node: string): Member[] {
  const parts = [run.members.get(node), ...run.past.filter((member) => member.hostname === node)].filter(
    (member): member is Member => member !== undefined,
  );
  if (parts.length > 0) return parts;
  throw new Fault('NOT_IN_RUN', `Node "${node}" has no part in run "${run.run_id}"`, { node });
}

/** The task that a caller means: by id, by its block, by the number of a workflow's task, or the newest on the node. */
function findTask(run: Run, node: string, parts: readonly Member[], wanted: string | undefined): Task {
  const tasks = parts.flatMap((member) => [...member.tasks.values()]);
  const found =
    wanted === undefined
      ? tasks.at(-1)
      : tasks.findLast((task) => task.task_id === wanted || task.block === wanted);
  const known = found ?? (wanted === undefined ? undefined : finishedTask(run, node, wanted));
  if (known !== undefined) return known;
  const what = wanted === undefined ? 'has not begun a task yet' : `has no task "${wanted}"`;
  throw new Fault('NO_OUTPUT', `Node "${node}" ${what} in run "${run.run_id}"`, { node });
}

async function readFile(
  { outputs }: Context,
  { run_id }: Run,
  parts: readonly Member[],
  file: string,
  { offset, limit, encoding }: Range,
): Promise<Page> {
  const node = parts[0]?.hostname ?? '';
  const known = parts.map(({ missed }) => missed?.get(file)).find((cause) => cause !== undefined);
  const missing = (why: string) => {
    const reason =
      known === undefined
        ? `${why}: the specification names files with output, and they come back when their process has ended`
        : `${missedSentence(file, known)}. ${hintFor(known)}`;
    return new Fault('NO_OUTPUT', reason, { node, ...(known === undefined ? {} : { cause: known }) });
  };
  const kept = await outputs.readFile(run_id, node, file, offset, limit).catch((error: unknown) => {
    throw missing(error instanceof Error ? error.message : String(error));
  });
  if (kept === undefined)
    throw missing(`No file "${file}" of run "${run_id}" has been brought back from "${node}"`);
  return {
    ...encodedPage({ ...kept, eof: kept.offset + kept.bytes.length >= kept.size }, encoding),
    task: '',
  };
}

async function readOutput(
  { nodes, outputs }: Context,
  run: Run,
  task: Task,
  range: Range,
  wait_ms: number,
): Promise<Page> {
  const { task_id, hostname } = task;
  const { stream, offset, limit, encoding } = range;
  const kept = await readCopy(outputs, task, range);
  if (kept !== undefined && (kept.eof || kept.end > kept.offset)) return kept;
  const link = nodes.link(hostname);
  if (link === undefined) {
    if (kept !== undefined) return kept;
    throw new Fault(
      'OUTPUT_UNREACHABLE',
      `The output of ${task_id} is on node "${hostname}", which is not connected`,
      { run: run.run_id },
    );
  }
  try {
    const ask = { task_id, stream, offset, limit, ...(wait_ms > 0 ? { wait_ms } : {}) };
    const { ok, binary } = await link.request('read', ask, { timeoutMs: READ_MS + wait_ms });
    const raw: RawPage = { bytes: binary, offset: ok.offset, eof: ok.eof };
    return { ...encodedPage(raw, encoding), ...gaps(offset, ok), task: task_id };
  } catch (error) {
    if (error instanceof AgentError && error.failure.code === 'UNKNOWN_TASK')
      return lateOutput(outputs, task, range);
    if (!(error instanceof LinkError)) throw error;
    throw new Fault('OUTPUT_UNREACHABLE', `Node "${hostname}" did not answer: ${error.message}`, {
      run: run.run_id,
    });
  }
}

/** The controller's copy, whole or still growing. */
async function readCopy(
  outputs: Context['outputs'],
  { task_id }: Task,
  { stream, offset, limit, encoding }: Range,
): Promise<Page | undefined> {
  const whole = await outputs.read(task_id, stream, offset, limit);
  const kept = whole ?? (await outputs.growing(task_id, stream).read(offset, limit));
  if (kept === undefined) return undefined;
  const isWhole = whole !== undefined || (kept as { isWhole?: boolean }).isWhole === true;
  const eof = isWhole && kept.offset + kept.bytes.length >= kept.size;
  return { ...encodedPage({ ...kept, eof }, encoding), ...gaps(offset, kept), task: task_id };
}

/** What is missing of an output: before the page, and anywhere. */
function gaps(
  asked: number,
  { offset, lost = 0 }: { readonly offset: number; readonly lost?: number },
): Pick<Page, 'skipped_bytes' | 'lost_bytes'> {
  return {
    ...(offset > asked ? { skipped_bytes: offset - asked } : {}),
    ...(lost > 0 ? { lost_bytes: lost } : {}),
  };
}

/** The node has been cleaned between the two looks, or the task never got as far as having output. */
async function lateOutput(outputs: Context['outputs'], task: Task, range: Range): Promise<Page> {
  const kept = await readCopy(outputs, task, range);
  if (kept !== undefined) return kept;
  const { offset, encoding } = range;
  if (task.state === 'ordered' || task.state === 'running') {
    const nothing = { bytes: Buffer.alloc(0), offset, eof: false };
    return { ...encodedPage(nothing, encoding), task: task.task_id };
  }
  throw new Fault('NO_OUTPUT', `Task ${task.task_id} left no output`, { node: task.hostname }, '');
}
