/**
 * Everything the controller knows: the fold of the journal. Plain data in Maps and Sets, changed by evolve alone.
 *
 * Evolve changes it in place, since a copy for each fact would make every fact cost as much as the whole pool.
 */
import type { FactBody, Topic } from '../../api/events.ts';
import type { MissedCause } from '../../api/output-events.ts';
import type { Failure, RunOutcome, RunState, Shortfall } from '../../api/schemas.ts';
import type { AppSpec, ComponentSpec, NodeSpec, Policy } from '../../api/spec.ts';
import type { CallbackProtocol, XmlType } from '../../api/subscriptions.ts';
import type { Barrier } from './barrier/barrier.ts';
import type { Contact, Outage } from './pool/contact.ts';
import { noContact } from './pool/contact.ts';
import type { Workflow } from './workflow/workflow.ts';

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
  /** Since when its agent has not answered although it is wanted, however many attempts were made; ISO 8601. */
  away?: string;
  /** Attempts to connect since the last success. */
  attempts: number;
  /** Times (ms) of the last losses of an established link, newest last. */
  drops: number[];
  /** Why the last attempt or link ended. */
  trouble?: { cause: string; message: string };
  /** The failed flag, with when it was set and when it ends. */
  failed?: { at: string; failure: Failure; until?: string };
  /** Since when its lease is over; stands until it is described anew. */
  lease_over?: string;
  /** How a component wants its nodes to be logged in to: for what the node itself does not say. */
  login?: Login;
  /** What SWORD's newest answer adds to the preference, and for which component it was asked. */
  rating?: { readonly component: string; readonly value: number };
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

export type Login = NonNullable<ComponentSpec['authentication']>;

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
  /** When its process began to run, as far as that was told; ISO 8601. */
  started?: string;
  exit_code?: number;
  signal?: string;
  cause?: string;
  message?: string;
  stderr_tail?: readonly string[];
  /** Liveness monitor that gave it up. */
  monitor?: number;
  unhealthy?: string;
  /** Restarts by policy before this attempt. */
  restarts?: number;
  /** Attempts in a row, this one among them, whose end nobody saw. */
  losses?: number;
  /** What an exit policy did about its end. */
  policy?: Policy;
  /** It is to be started again then; ISO 8601. */
  restart_at?: string;
  /** Of a workflow: the number of its task. */
  number?: number;
  /** Of a workflow: the attempt before at the same on this node. */
  replaces?: string;
  /** Of a workflow: another attempt was first. */
  discarded?: boolean;
}

/** What a node does in a workflow. */
export interface Work {
  /** Number of the task that it works on; its attempt may have come too late already, and is being stopped then. */
  number?: number;
  /** Another attempt was the first to enter a barrier: what runs of this one is being stopped. */
  late?: boolean;
  since: string;
  /** Tasks that it was the first to finish, and the time it took for them together. */
  tasks: number;
  ms: number;
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
  /** Set where the node has been in the run before: what it had done then is over, and its attempts go on after those. */
  generation?: number;
  /** Newest task of each block. */
  tasks: Map<string, Task>;
  completed: Set<string>;
  /** Barrier blocks at which it waits, and workflow blocks that it takes part in → since when. */
  at?: Map<string, string>;
  /** What it does in each workflow that it takes part in, by the block's name. */
  work?: Map<string, Work>;
  /** Tasks of workflows whose output is still on the node → whether it is wanted. */
  uncollected?: Map<string, boolean>;
  /** Barriers that it will not enter any more, since its part is over. */
  absent?: Set<string>;
  /** Files that did not come back → why. */
  missed?: Map<string, MissedCause>;
  /** The application's cleanup command did not succeed here: a sentence that says how. */
  untidy?: string;
  /** Blocks that the node goes on without: one whose process failed and was ignored, and those that wait for it here. */
  skipped?: Set<string>;
  /** Newest attempt of each block before the application was begun again: identities are never used twice. */
  attempts?: Map<string, number>;
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
  /** Since when it has fewer nodes than its minimum, of a service; ISO 8601. */
  below?: string;
}

export interface BlockState {
  name: string;
  begun: number;
  completed: number;
  failed: number;
  /** Nodes that go on without it. */
  skipped?: number;
  state: 'waiting' | 'running' | 'completed' | 'failed';
}

/** A barrier of a run. */
export interface RunBarrier extends Barrier {
  /** Members that will not enter any more, since their part is over. */
  absent: number;
  /** Tasks have entered for themselves: nodes say nothing about the number of participants. */
  byTask?: boolean;
}

/** Exits of one kind that a policy dealt with, for explanations. */
export interface Handled {
  readonly failure: Failure;
  readonly policy: Policy;
  times: number;
  /** Nodes it hit, as far as they are counted. */
  readonly hosts: Set<string>;
}

/** What a service keeps beside what every run does; bounded, however long it runs. */
export interface ServiceState {
  /** When its matching was last refreshed; ISO 8601. */
  refreshed: string;
  /** Highest generation that a member was given; those that had none are of the first. */
  generation: number;
  /** Highest attempt of a lost member: those of a node that comes back begin after it. */
  spent: number;
  /** Lost members that are not in `past` any more, since they were too many or came back and were lost again. */
  forgotten: number;
  /** Names among them are not known any more: whatever node joins may have been a member before. */
  forgot_names?: boolean;
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
  /** Those that somebody has entered, by name. */
  barriers: Map<string, RunBarrier>;
  /** Those that a node takes part in, by the name of their block. */
  workflows?: Map<string, Workflow>;
  members: Map<string, Member>;
  /** Members that were lost, oldest first. */
  past: Member[];
  /** Their names: a node comes back to a run that lost it only where that is a service, since its tasks' identities are spent. */
  lost: Set<string>;
  /** Members that are not yet cleaned. */
  uncleaned: number;
  /** Lost members whose nodes answer and are being cleaned: the end of the run waits for them too. */
  cleaning: Set<string>;
  /** Times that the application was begun again. */
  restarts?: number;
  /** The application is being begun again: tasks that still run, and then when its blocks begin. */
  restarting?: { readonly stopping: Set<string>; retry_ms: number; at?: string };
  /** Of a service: what it keeps of the nodes that come and go. */
  service?: ServiceState;
  /** What exit policies did. */
  handled?: Map<string, Handled>;
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
  /** Service that asked for resources by itself. */
  run_id?: string;
  /** Of shell: the caller's own name for it, and what it asked for. */
  request_id?: string;
  request_digest?: string;
}

export interface CallbackClient {
  url: string;
  since: string;
  suspended: boolean;
  /** Why it is suspended. */
  message?: string;
  credentials?: string;
  /** Who registered it; nobody knows of those that an earlier version registered. */
  caller?: string;
}

/** Somebody to whom events are brought at a URL. How far they were is a cursor of the journal, not part of the state. */
export interface Subscription {
  subscription_id: string;
  url: string;
  protocol: CallbackProtocol;
  /** Absent: all. */
  topics?: readonly Topic[];
  details: boolean;
  /** What an XML-RPC client understands beyond the specification. */
  xml_types?: readonly XmlType[];
  signed: boolean;
  /** Where its secret and password are kept. */
  credentials?: string;
  caller: string;
  since: string;
  /** Where it was placed last: it gets the events after that. */
  after: number;
  /** How often it was placed somewhere: a cursor of an earlier place is no good any more. */
  placed: number;
  suspended?: { at: string; message: string };
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
  /** Which nodes answer, and which do not any more. */
  contact: Contact;
  /** Most nodes are silent, and the controller suspects its own side. */
  outage?: Outage;
  /** PlanetLab's slices that the account of the directory may see, with the port in the names of their nodes. */
  slices?: Map<string, number>;
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
  /** Classic callback clients by URL. */
  clients: Map<string, CallbackClient>;
  /** By id. */
  subscriptions: Map<string, Subscription>;
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
    contact: noContact(),
    leaving: new Map(),
    apps: new Map(),
    runs: new Map(),
    active: new Set(),
    ended: [],
    ended_members: 0,
    requests: new Map(),
    operations: new Map(),
    clients: new Map(),
    subscriptions: new Map(),
  };
}

export function isOver(run: Run): boolean {
  return run.state === 'succeeded' || run.state === 'failed' || run.state === 'aborted';
}
