/**
 * Everything the controller knows: the fold of the journal. Plain data in Maps and Sets, changed by evolve alone.
 *
 * Evolve changes it in place, since a copy for each fact would make every fact cost as much as the whole pool.
 */
import type { FactBody } from '../../api/events.ts';
import type { Failure, RunOutcome, RunState, Shortfall } from '../../api/schemas.ts';
import type { AppSpec, NodeSpec } from '../../api/spec.ts';

/**
 *     idle ──asked──▶ connecting ──▶ connected ──▶ lost ──retry──▶ connecting
 *                         └──────────── fails ─────▶ lost
 */
export type LinkState = 'idle' | 'connecting' | 'connected' | 'lost';

/** A node of the pool. */
export interface PoolNode {
  spec: NodeSpec;
  source: string;
  /** Name of the token that added it; undefined for nodes of the directory. */
  owner?: string;
  link: LinkState;
  /** When `link` (or the failed flag) last changed; ISO 8601. */
  since: string;
  /** Attempts to connect since the last success. */
  attempts: number;
  /** Times (ms) of the last losses of an established link, newest last. */
  drops: number[];
  /** Why the last attempt or link ended. */
  trouble?: { cause: string; message: string };
  /** The failed flag, with when it was set. */
  failed?: { at: string; failure: Failure };
  /** Learned part of the preference: raised by success, lowered by failure. */
  credit: number;
  /** Run that uses the node. */
  run_id?: string;
  /** Runs whose leftovers must be cleaned off the node when it answers again. */
  owed: Set<string>;
  /** Disconnected by the operator: no attempt is made until asked for. */
  held: boolean;
  agent?: FactBody<'node_connected'>['agent'];
}

export interface LoadedApp {
  spec: AppSpec;
  file: string;
  loaded: string;
}

export type TaskState = 'ordered' | 'running' | 'completed' | 'failed' | 'stopped' | 'lost';

/** One process on one node. */
export interface Task {
  task_id: string;
  block: string;
  hostname: string;
  attempt: number;
  index: number;
  count: number;
  state: TaskState;
  since: string;
  pid?: number;
  exit_code?: number;
  signal?: string;
  cause?: string;
  message?: string;
  stderr_tail?: readonly string[];
}

/**
 *     preparing ──installed──▶ ready ──tasks──▶ working ──all blocks──▶ finishing ──clean──▶ done
 */
export type MemberPhase = 'preparing' | 'ready' | 'working' | 'finishing' | 'done';

/** A node's part in a run. */
export interface Member {
  hostname: string;
  component: string;
  index: number;
  phase: MemberPhase;
  since: string;
  replaces?: string;
  /** Newest task of each block. */
  tasks: Map<string, Task>;
  completed: Set<string>;
  failure?: Failure;
}

/** Counters of one component of a run, so that no decision walks over all nodes. */
export interface ComponentState {
  name: string;
  min: number;
  max: number;
  members: Set<string>;
  prepared: number;
  /** Members whose blocks are all complete. */
  finished: number;
  /** PLUSH_COUNT: fixed when the run is released. */
  count: number;
  /** Places never given out begin here; given up ones are in `vacant`. */
  next: number;
  vacant: number[];
}

export interface BlockState {
  name: string;
  begun: number;
  completed: number;
  failed: number;
  state: 'waiting' | 'running' | 'completed' | 'failed';
}

/** One execution of an application. */
export interface Run {
  run_id: string;
  app: string;
  spec: AppSpec;
  request_id?: string;
  state: RunState;
  started: string;
  since: string;
  ended?: string;
  /** Set once the outcome is decided. */
  ending?: { outcome: RunOutcome; cause: string; message: string; shortfalls: readonly Shortfall[] };
  components: Map<string, ComponentState>;
  blocks: Map<string, BlockState>;
  members: Map<string, Member>;
  /** Members that were lost, oldest first. */
  past: Member[];
  /** Their names: a node never comes back to a run that lost it, since its tasks' identities are spent. */
  lost: Set<string>;
  /** Members that are not yet cleaned. */
  uncleaned: number;
  /** Lost members whose nodes answer and are being cleaned: the end of the run waits for them too. */
  cleaning: Set<string>;
}

/** A request to a resource service, as one part of an operation. */
export interface ResourcePart {
  component: string;
  /** Its place among all requests of the component, from 0. */
  request: number;
  service: string;
  server: string;
  state: 'pending' | 'accepted' | 'refused' | 'unknown';
  message: string;
}

/**
 * Work that was ordered by one call and answers later; what a command printed is not part of the state.
 *
 *     running ──▶ succeeded | failed
 *        └──controller restarted──▶ interrupted
 */
export interface Operation {
  operation_id: string;
  kind: 'shell' | 'resources';
  state: 'running' | 'succeeded' | 'failed' | 'interrupted';
  started: string;
  ended?: string;
  /** Nodes, or requests. */
  total: number;
  succeeded: number;
  failed: number;
  /** Of resources. */
  parts: ResourcePart[];
  /** Of shell: the caller's own name for it, and what it asked for. */
  request_id?: string;
  request_digest?: string;
}

export interface State {
  epoch: number;
  controller: string;
  quitting: boolean;
  nodes: Map<string, PoolNode>;
  /** Names of the nodes that a run may take: neither failed nor in use nor still being left by an earlier agent. */
  free: Set<string>;
  /** Grows whenever a node comes into the pool or leaves it, so that what is made from all names can be kept. */
  membership: number;
  /** Bytes, about, that the nodes of each owner take. */
  owned: Map<string, number>;
  /** Removed nodes whose agent still has to clean up and leave. */
  leaving: Map<string, NodeSpec>;
  apps: Map<string, LoadedApp>;
  /** Name of the application loaded last. */
  loaded?: string;
  runs: Map<string, Run>;
  /** Ids of runs that are not over. */
  active: Set<string>;
  /** Ids of ended runs, oldest first; the oldest are forgotten beyond a bound. */
  ended: string[];
  /** Members, present and past, of those runs together. */
  ended_members: number;
  requests: Map<string, string>;
  /** Oldest first. */
  operations: Map<string, Operation>;
  clients: Map<string, { url: string; since: string; suspended: boolean }>;
}

/** Ended runs that are remembered. */
export const MAX_ENDED_RUNS = 1000;

/** Members of ended runs that are remembered; the run that ended last is, however many it has. */
export const MAX_ENDED_MEMBERS = 100_000;

export function emptyState(): State {
  return {
    epoch: 0,
    controller: '',
    quitting: false,
    nodes: new Map(),
    free: new Set(),
    membership: 0,
    owned: new Map(),
    leaving: new Map(),
    apps: new Map(),
    runs: new Map(),
    active: new Set(),
    ended: [],
    ended_members: 0,
    requests: new Map(),
    operations: new Map(),
    clients: new Map(),
  };
}

export function isOver(run: Run): boolean {
  return run.state === 'succeeded' || run.state === 'failed' || run.state === 'aborted';
}
