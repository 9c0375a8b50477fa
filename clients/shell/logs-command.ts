import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '../typescript/client.ts';
import { PlushFault } from '../typescript/fault.ts';
import { ByteTarget } from './byte-target.ts';
import { EXIT } from './failure.ts';
import { copyFile } from './output-file.ts';
import { LineJoiner, OutputReader, type OutputSink, type OutputStream } from './output-reader.ts';
import { foldEvents, type RunProgress, startProgress, type TaskPlace } from './progress.ts';
import { type Context, withDaemon } from './session.ts';
import type { Terminal } from './terminal.ts';
import { wholeRun } from './whole-run.ts';
import { listNames, printable } from './wording.ts';

const POLL_MS = 200;
const EVENTS_AT_ONCE = 1000;
/** Polls without any news after the end of a run; output of nodes that do not answer would never come. */
const IDLE_POLLS = 5;
const FINAL_STATES = ['succeeded', 'failed', 'aborted'];
/** A block's tasks that plushGetBlock lists at most. */
const MAX_LISTED_TASKS = 1000;

export interface LogsRequest {
  readonly run: string;
  /** Only this node; its output then comes as it is, without a prefix. */
  readonly node?: string;
  readonly block?: string;
  readonly stream: OutputStream;
  /** Go on while the run goes on. */
  readonly follow: boolean;
  /** The bytes as they are, and not as text. */
  readonly raw: boolean;
  /** A file that came back from the node, in place of what tasks have written. */
  readonly file?: string;
  /** Where the bytes go in place of stdout. */
  readonly output?: string;
}

/** `plush logs`: the output of tasks. Answers the exit code. */
export function logsCommand(context: Context, request: LogsRequest): Promise<number> {
  return withDaemon(context, 'borrow', async (daemon) => {
    const { terminal } = context;
    const caller = request.follow
      ? daemon.patient(() => terminal.remark('plushd does not answer any more; looking for it'))
      : daemon;
    const joiner = new LineJoiner<TaskPlace>((line, { hostname }) =>
      terminal.print(`${terminal.paint('cyan', `${hostname} |`)} ${printable(line)}`),
    );
    const target = new ByteTarget(terminal, request.output);
    try {
      if (request.file !== undefined && request.node !== undefined) {
        await copyFile(caller, request.run, request.node, request.file, target);
        return EXIT.ok;
      }
      const reader = new OutputReader(caller, request.run, sinkOf(request, terminal, joiner, target));
      await read(caller, reader, request, terminal);
      joiner.flush();
      target.finish();
      return unreachable(reader, terminal);
    } finally {
      target.close();
    }
  });
}

/** Says whose output is missing. Answers the exit code. */
function unreachable({ unreachableNodes }: OutputReader, terminal: Terminal): number {
  if (unreachableNodes.length === 0) return EXIT.ok;
  terminal.remark(
    `Output of ${listNames(unreachableNodes)} is missing: not reachable now. It is brought back when the node returns`,
  );
  return EXIT.failed;
}

function sinkOf(
  { node, raw }: LogsRequest,
  terminal: Terminal,
  joiner: LineJoiner<TaskPlace>,
  target: ByteTarget,
): OutputSink {
  const text = node === undefined ? prefixed(joiner) : unchanged(terminal);
  const missing = (sentence: string) => terminal.remark(sentence);
  return raw ? { text, missing, bytes: (bytes) => target.write(bytes) } : { text, missing };
}
function prefixed(joiner: LineJoiner<TaskPlace>): OutputSink['text'] {
  return (text, task) => joiner.push(task, text);
}

/** The text as it is; only where one task follows another, a missing last line feed is made up for. */
function unchanged(terminal: Terminal): OutputSink['text'] {
  let last: { readonly task: TaskPlace; readonly text: string } | undefined;
  return (text, task) => {
    if (last !== undefined && last.task !== task && !last.text.endsWith('\n')) terminal.write('\n');
    terminal.write(text);
    last = { task, text };
  };
}

async function read(
  caller: Caller,
  reader: OutputReader,
  request: LogsRequest,
  terminal: Terminal,
): Promise<void> {
  // Before the lists, so that no task falls between them and the events.
  const { last } = await caller.call('plushGetEvents', { after: -1 });
  const run = await wholeRun(caller, request.run);
  const tasks = await listTasks(caller, request, run.blocks, terminal);
  for (const task of tasks) reader.add(task, request.stream);
  if (tasks.length === 0 && request.node !== undefined) await explainNothing(caller, request, request.node);
  await reader.readInOrder();
  if (request.follow) await follow(caller, reader, request, startProgress(run), last, run.state);
}

/** In the order of the blocks, then of the nodes' names, then of the attempts. */
async function listTasks(
  caller: Caller,
  { run, node, block }: LogsRequest,
  blocks: readonly { readonly name: string }[],
  terminal: Terminal,
): Promise<TaskPlace[]> {
  const names = block === undefined ? blocks.map(({ name }) => name) : [block];
  const found: TaskPlace[] = [];
  for (const name of names) {
    const { tasks } = await caller.call('plushGetBlock', run, name);
    if (tasks.length >= MAX_LISTED_TASKS) {
      terminal.remark(
        `Block ${name} has many tasks; the newest ${MAX_LISTED_TASKS} are shown. Name a node for its own`,
      );
    }
    const order = new Intl.Collator('en', { numeric: true });
    const chosen = tasks
      .filter(({ hostname }) => node === undefined || hostname === node)
      .sort((a, b) => order.compare(a.hostname, b.hostname) || a.attempt - b.attempt);
    found.push(...chosen.map(({ task_id, hostname }) => ({ taskId: task_id, block: name, hostname })));
  }
  return found;
}

/** The daemon knows why there is nothing from the node: no part in the run, or no output yet. */
async function explainNothing(
  caller: Caller,
  { run, block, stream, follow: isFollowing }: LogsRequest,
  node: string,
): Promise<void> {
  try {
    await caller.call('plushGetOutput', run, node, {
      stream,
      ...(block === undefined ? {} : { task: block }),
    });
  } catch (error) {
    if (!(isFollowing && error instanceof PlushFault && error.symbol === 'NO_OUTPUT')) throw error;
  }
}

async function follow(
  caller: Caller,
  reader: OutputReader,
  { node, block, stream }: LogsRequest,
  progress: RunProgress,
  from: number,
  state: string,
): Promise<void> {
  let isOver = FINAL_STATES.includes(state);
  for (let after = from, idle = 0; !(isOver && (reader.isAtEnd || idle >= IDLE_POLLS)); ) {
    const page = await caller.call('plushGetEvents', {
      after,
      limit: EVENTS_AT_ONCE,
      topics: ['run', 'task'],
    });
    after = page.last;
    foldEvents(progress, page.events);
    if (progress.hasGap)
      isOver ||= FINAL_STATES.includes((await caller.call('plushGetRun', progress.runId)).state);
    isOver ||= progress.outcome !== undefined;
    for (const task of progress.tasks.values()) {
      if (node !== undefined && task.hostname !== node) continue;
      if (block === undefined || task.block === block) reader.add(task, stream);
    }
    const progressed = await reader.readAll();
    idle = progressed ? 0 : idle + 1;
    if (!progressed && !page.more) await sleep(POLL_MS);
  }
}
