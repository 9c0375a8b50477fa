/**
 * A run as its events tell of it: the fold of events into figures, and into notes for a person. Pure.
 */
import type { EventType, FactBody } from '../../api/events.ts';
import type { ResultOf } from '../../api/methods.ts';
import { listNames, plain } from './wording.ts';

/** An event as plushGetEvents answers it. */
type WireEvent = {
  [T in EventType]: { readonly seq: number; readonly time: string; readonly type: T } & FactBody<T>;
}[EventType];
type EventOf<T extends EventType> = Extract<WireEvent, { type: T }>;

/** Files of one node that each have a line. */
const MAX_FILES = 5;

/** `preparing` (connecting, installing), `ready` (nothing runs on it now), `working`, `cleaned`. */
export type MemberPhase = 'preparing' | 'ready' | 'working' | 'cleaned';

export interface MemberProgress {
  readonly component: string;
  phase: MemberPhase;
  /** Tasks that run on it now, by identity. */
  readonly running: Set<string>;
}

export interface BlockProgress {
  readonly name: string;
  readonly component: string;
  state: string;
  readonly running: Set<string>;
  readonly completed: Set<string>;
  readonly failed: Set<string>;
}

/** A task whose output can be read. */
export interface TaskPlace {
  readonly taskId: string;
  readonly block: string;
  readonly hostname: string;
}

export interface Loss {
  readonly hostname: string;
  readonly message: string;
  replacement?: string;
}

/** Changed in place by `foldEvents` alone. */
export interface RunProgress {
  readonly runId: string;
  readonly app: string;
  state: string;
  /** By the controller's clock, as all times of events are. */
  startedMs: number;
  readonly members: Map<string, MemberProgress>;
  /** In the order of the specification. */
  readonly blocks: Map<string, BlockProgress>;
  readonly tasks: Map<string, TaskPlace>;
  /** BLOCK/NODE/NUMBER of what nodes have begun of workflows. */
  readonly begun: Set<string>;
  readonly losses: Loss[];
  /** Nodes that could not be cleaned yet. */
  readonly owed: Set<string>;
  cause?: string;
  message?: string;
  /** Set when the run is over. */
  outcome?: string;
  endedMs?: number;
  /** Events are missing: what the counters say may be too little. */
  hasGap: boolean;
}

/** Something worth a line. `routine` notes of one batch with the same text are one note with more subjects. */
export interface Note {
  /** Since the start of the run. */
  readonly atMs: number;
  readonly level: 'routine' | 'milestone' | 'trouble';
  /** Names of nodes it is about. */
  readonly subjects: readonly string[];
  readonly text: string;
  /** The node that was lost, where the note says so. */
  readonly lost?: string;
}

/** The beginning of a run, from plushGetRun: it knows the blocks that have not begun. */
export function startProgress(
  run: Pick<ResultOf<'plushGetRun'>, 'run_id' | 'app' | 'started' | 'blocks'>,
): RunProgress {
  const blocks = run.blocks.map(({ name, component }) => [name, newBlock(name, component)] as const);
  return {
    runId: run.run_id,
    app: run.app,
    state: 'deploying',
    startedMs: Date.parse(run.started),
    members: new Map(),
    blocks: new Map(blocks),
    tasks: new Map(),
    begun: new Set(),
    losses: [],
    owed: new Set(),
    hasGap: false,
  };
}

function newBlock(name: string, component: string): BlockProgress {
  const [running, completed, failed] = [new Set<string>(), new Set<string>(), new Set<string>()];
  return { name, component, state: 'waiting', running, completed, failed };
}

/** Nodes by phase. */
export function phaseCounts(progress: RunProgress): Record<MemberPhase, number> {
  const counts = { preparing: 0, ready: 0, working: 0, cleaned: 0 };
  for (const { phase } of progress.members.values()) counts[phase] += 1;
  return counts;
}

/** Takes a batch of events in, oldest first, and answers what they mean for a person. Foreign events are passed over. */
export function foldEvents(progress: RunProgress, events: readonly Record<string, unknown>[]): Note[] {
  const notes = new NoteBook();
  for (const event of events) {
    if (event.type === 'gap') {
      progress.hasGap = true;
      continue;
    }
    const handler = handlers[event.type as EventType] as Handler<EventType> | undefined;
    if (handler === undefined || !concerns(progress, event)) continue;
    notes.atMs = Math.max(0, Date.parse(String(event.time)) - progress.startedMs);
    handler(progress, event as WireEvent, notes);
  }
  return notes.list;
}

/** Events of nodes have no run: they count while the node has a part in ours. An outage is of all nodes. */
function concerns(progress: RunProgress, event: Record<string, unknown>): boolean {
  if (event.run_id !== undefined) return event.run_id === progress.runId;
  if (event.hostname === undefined) return true;
  return typeof event.hostname === 'string' && progress.members.has(event.hostname);
}

class NoteBook {
  readonly list: Note[] = [];
  atMs = 0;

  routine(subject: string, text: string): void {
    const index = this.list.findIndex((note) => note.level === 'routine' && note.text === text);
    const note = this.list[index];
    if (note === undefined) this.add('routine', [subject], text);
    else if (!note.subjects.includes(subject))
      this.list[index] = { ...note, subjects: [...note.subjects, subject] };
  }

  milestone(text: string): void {
    this.add('milestone', [], text);
  }

  trouble(subject: string, text: string): void {
    this.add('trouble', [subject], text);
  }

  /** One line is enough where the lost connection is in the same batch as the loss of the node that comes of it. */
  lost(hostname: string, message: string): void {
    const text = `failed: ${message}`;
    const index = this.list.findLastIndex(
      ({ subjects }) => subjects.length === 1 && subjects[0] === hostname,
    );
    if (this.list[index]?.text === `is not connected: ${message}`) this.list.splice(index, 1);
    this.list.push({ atMs: this.atMs, level: 'trouble', subjects: [hostname], text, lost: hostname });
  }

  /** Says who takes over: behind the loss where that is in the same batch, else in a line of its own. */
  replaced(hostname: string, replacement: string): void {
    const index = this.list.findLastIndex((note) => note.lost === hostname);
    const note = this.list[index];
    if (note === undefined) this.add('trouble', [replacement], `takes over from ${hostname}`);
    else this.list[index] = { ...note, text: `${note.text} → ${replacement} takes over` };
  }

  private add(level: Note['level'], subjects: readonly string[], text: string): void {
    this.list.push({ atMs: this.atMs, level, subjects, text });
  }
}

type Handler<T extends EventType> = (progress: RunProgress, event: EventOf<T>, notes: NoteBook) => void;

const handlers: { readonly [T in EventType]?: Handler<T> } = {
  run_started: (progress, { app, time }, notes) => {
    progress.startedMs = Date.parse(time);
    notes.atMs = 0;
    notes.milestone(`run ${progress.runId} of "${plain(app)}" started`);
  },
  run_matched: (progress, { members }, notes) => {
    const chosen = new Map<string, string[]>();
    for (const { hostname, component, replaces } of members) {
      progress.members.set(hostname, { component, phase: 'preparing', running: new Set() });
      if (replaces === undefined) chosen.set(component, [...(chosen.get(component) ?? []), hostname]);
      else replace(progress, replaces, hostname, notes);
    }
    for (const [component, names] of chosen) notes.milestone(`${plain(component)}: ${listNames(names)}`);
  },
  run_released: (progress, _event, notes) => {
    progress.state = 'running';
    notes.milestone('every node is prepared; tasks start');
  },
  run_ending: (progress, { cause, message, outcome }, notes) => {
    progress.state = 'ending';
    progress.cause = cause;
    progress.message = message;
    // A run that succeeds has its nodes cleaned one by one, as they finish.
    const cleaning = outcome === 'succeeded' ? '' : '; cleaning the nodes';
    notes.milestone(`${outcome}: ${plain(message).replace(/\.$/, '')}${cleaning}`);
  },
  run_ended: (progress, { outcome, time }) => {
    progress.state = outcome;
    progress.outcome = outcome;
    progress.endedMs = Date.parse(time);
  },
  node_disconnected: (_progress, { hostname, message, retry_ms }, notes) => {
    const next = retry_ms === undefined ? '' : '; trying again';
    notes.trouble(hostname, `is not connected: ${plain(message)}${next}`);
  },
  outage_suspected: (_progress, { message }, notes) => notes.milestone(plain(message)),
  outage_over: (_progress, { message }, notes) => notes.milestone(plain(message)),
  member_installed: (progress, { hostname }, notes) => {
    const member = progress.members.get(hostname);
    if (member?.phase === 'preparing') member.phase = 'ready';
    notes.routine(hostname, 'prepared');
  },
  member_failed: (progress, { hostname, failure }, notes) => {
    progress.members.delete(hostname);
    for (const block of progress.blocks.values()) {
      block.running.delete(hostname);
      block.completed.delete(hostname);
    }
    progress.losses.push({ hostname, message: failure.message });
    notes.lost(hostname, plain(failure.message));
  },
  member_cleaned: (progress, { hostname, owed }, notes) => {
    const member = progress.members.get(hostname);
    if (member !== undefined) member.phase = 'cleaned';
    if (owed) progress.owed.add(hostname);
    if (owed) notes.trouble(hostname, 'does not answer; it is cleaned when it returns');
    else notes.routine(hostname, 'cleaned');
  },
  outputs_missed: (_progress, { hostname, files }, notes) => {
    for (const { message } of files.slice(0, MAX_FILES)) notes.trouble(hostname, plain(message));
    if (files.length > MAX_FILES)
      notes.trouble(hostname, `lacks ${files.length - MAX_FILES} more of its output files`);
  },
  cleanup_failed: (_progress, { hostname, message }, notes) => {
    notes.trouble(hostname, plain(message));
  },
  node_cleaned: (progress, { hostname }) => {
    progress.owed.delete(hostname);
  },
  block_changed: (progress, { block, component, state }, notes) => {
    blockOf(progress, block, component).state = state;
    if (state === 'completed') notes.milestone(`block ${plain(block)} is complete`);
  },
  workflow_knee: (_progress, { block, done, total, again }, notes) => {
    if (again > 0)
      notes.milestone(
        `knee of ${plain(block)}: ${done} of ${total} tasks are done, ${again} may begin again elsewhere`,
      );
  },
  workflow_task_started: (_progress, { block, number, hostname, cause, kneed, total }, notes) => {
    const task = `task ${number} of ${plain(block)}`;
    if (cause === 'returned') notes.trouble(hostname, `takes ${task} over`);
    else if (cause === 'straggler')
      notes.trouble(
        hostname,
        `starts ${task} again${kneed === undefined ? '' : `: late at the knee (${kneed} of ${total} done)`}`,
      );
  },
  task_ordered: (progress, { task_id, block, hostname, attempt, number }, notes) => {
    const key = `${block}/${hostname}/${number ?? ''}`;
    // What a workflow gives to a node is told already, however often others tried it before.
    const isAgain = attempt > 1 && (number === undefined || progress.begun.has(key));
    if (number !== undefined) progress.begun.add(key);
    progress.tasks.set(task_id, { taskId: task_id, block, hostname });
    if (isAgain) notes.trouble(hostname, `starts ${taskName(task_id)} again, attempt ${attempt}`);
  },
  task_started: (progress, { task_id }, notes) => {
    const { block, hostname } = placeOf(progress, task_id);
    const member = progress.members.get(hostname);
    if (member === undefined) return;
    member.running.add(task_id);
    member.phase = 'working';
    blockOf(progress, block, member.component).running.add(hostname);
    notes.routine(hostname, `started ${plain(block)}`);
  },
  task_exited: (progress, event, notes) => {
    const { block: name, hostname } = placeOf(progress, event.task_id);
    const member = progress.members.get(hostname);
    if (member === undefined) return;
    const block = blockOf(progress, name, member.component);
    block.running.delete(hostname);
    member.running.delete(event.task_id);
    if (member.running.size === 0 && member.phase === 'working') member.phase = 'ready';
    if (event.outcome === 'completed') {
      block.completed.add(hostname);
      notes.routine(hostname, `completed ${plain(name)}`);
    } else if (event.outcome === 'failed') {
      block.failed.add(hostname);
      const how = event.exit_code === 0 ? 'ended, which is no success by its exit policy' : 'failed';
      notes.trouble(hostname, `${taskName(event.task_id)} ${how}: ${exitSentence(event)}`);
    } else if (event.outcome === 'lost') {
      notes.trouble(hostname, `${taskName(event.task_id)} vanished: ${exitSentence(event)}`);
    }
  },
};

function replace(progress: RunProgress, hostname: string, replacement: string, notes: NoteBook): void {
  const loss = progress.losses.findLast((one) => one.hostname === hostname);
  if (loss !== undefined) loss.replacement = replacement;
  notes.replaced(hostname, replacement);
}

function blockOf(progress: RunProgress, name: string, component: string): BlockProgress {
  const known = progress.blocks.get(name);
  if (known !== undefined) return known;
  const block = newBlock(name, component);
  progress.blocks.set(name, block);
  return block;
}

/** The block, and of a workflow the number of the task. */
function taskName(taskId: string): string {
  const [, block = '', , , number] = taskId.split('/');
  return number === undefined ? plain(block) : `${plain(block)} (task ${number})`;
}

/** An identity is RUN/BLOCK/NODE/ATTEMPT, and no part of it has a slash; its order may lie in a gap. */
function placeOf(progress: RunProgress, taskId: string): TaskPlace {
  const known = progress.tasks.get(taskId);
  if (known !== undefined) return known;
  const [, block = '', hostname = ''] = taskId.split('/');
  const place = { taskId, block, hostname };
  progress.tasks.set(taskId, place);
  return place;
}

function exitSentence({ message, exit_code, signal, stderr_tail }: EventOf<'task_exited'>): string {
  const what =
    message ?? (signal === undefined ? `exit code ${exit_code ?? 'unknown'}` : `ended by ${signal}`);
  const last = stderr_tail?.findLast((line) => line.trim() !== '');
  return plain(last === undefined ? what : `${what} (${last})`);
}
