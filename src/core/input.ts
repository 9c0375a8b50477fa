/**
 * What reaches the loop: commands of the API, reports of the drivers, timers. Time and randomness arrive beside them,
 * in the Moment, never from within.
 */
import type { Topic } from '../../api/events.ts';
import type { MissedCause } from '../../api/output-events.ts';
import type { Failure } from '../../api/schemas.ts';
import type { AppSpec, NodeSpec } from '../../api/spec.ts';
import type { CallbackProtocol, XmlType } from '../../api/subscriptions.ts';
import type { Measured } from './barrier/flow.ts';
import type { HostReadings } from './pool/requirements.ts';
import type { NodeRules } from './pool/rules.ts';
import type { SliceAnswer, SlicePort } from './pool/slice.ts';
import type { AgentState, BarrierAsk, TaskReport } from './task.ts';

/** When an input arrived (ms since 1970) and a seed for whatever is chosen by chance because of it. */
export interface Moment {
  readonly nowMs: number;
  readonly seed: number;
  /** What nodes measured a moment ago, as far as it was told. @default nothing */
  readonly hosts?: HostReadings;
  /** How nodes are judged. @default NODE_RULES */
  readonly rules?: NodeRules;
}

/** Who gives a command about nodes: a token by its name. */
export interface Actor {
  readonly name: string;
  /** It may touch only nodes that it added itself. */
  readonly ownNodesOnly: boolean;
}

/** A caller's name for one start, by which a repetition is known. */
export interface StartRequest {
  readonly request_id: string;
  /** Digest of all that was asked for: the same id with another content is a mistake. */
  readonly digest: string;
}

export type Input =
  | { readonly type: 'start_controller'; readonly controller: string; readonly version: string }
  | {
      readonly type: 'load_directory';
      readonly nodes: readonly NodeSpec[];
      /** PlanetLab's slices that it names. @default none */
      readonly slices?: readonly SlicePort[];
    }
  /** PlanetLab Central has told the nodes of all slices of the directory. */
  | { readonly type: 'planetlab_answered'; readonly slices: readonly SliceAnswer[] }
  | { readonly type: 'add_node'; readonly node: NodeSpec; readonly by?: Actor }
  | { readonly type: 'remove_node'; readonly hostname: string; readonly by?: Actor }
  | { readonly type: 'fail_host'; readonly hostname: string }
  | { readonly type: 'connect'; readonly hostname: string }
  | { readonly type: 'disconnect'; readonly hostname: string }
  | { readonly type: 'load_app'; readonly app: AppSpec; readonly file: string }
  /** Without `app`: the one loaded last. */
  | { readonly type: 'start_run'; readonly app?: string; readonly request_id?: string }
  | { readonly type: 'abort_run'; readonly run_id: string }
  | { readonly type: 'create_resources' }
  /** A command is to run on these nodes. */
  | { readonly type: 'start_shell'; readonly hostnames: readonly string[]; readonly request?: StartRequest }
  /** The command has ended on every node, or never began there. */
  | {
      readonly type: 'end_shell';
      readonly operation_id: string;
      readonly succeeded: number;
      readonly failed: number;
    }
  | { readonly type: 'quit' }
  | {
      readonly type: 'register_client';
      readonly url: string;
      readonly credentials?: string;
      readonly caller?: string;
    }
  | {
      readonly type: 'subscribe';
      readonly url: string;
      readonly protocol: CallbackProtocol;
      readonly topics?: Topic[];
      readonly details: boolean;
      readonly xml_types?: XmlType[];
      readonly signed: boolean;
      readonly credentials?: string;
      /** Name of who calls. */
      readonly caller: string;
      /** Begin after this event; -1: after the newest. Absent: where the subscription is, or after the newest. */
      readonly after?: number;
      /** Number of the newest event. */
      readonly now: number;
    }
  /** Also of a classic client, by the id that it is listed under. */
  | { readonly type: 'unsubscribe'; readonly subscription_id: string }
  /** It could not be reached for too long; of a classic client too. */
  | { readonly type: 'suspend'; readonly subscription_id: string; readonly message: string }
  /** A node's agent answers, with all it knows. */
  | { readonly type: 'node_up'; readonly hostname: string; readonly agent: AgentState }
  /** An attempt to connect failed, or an established link ended. */
  | { readonly type: 'node_down'; readonly hostname: string; readonly failure: Failure }
  | {
      readonly type: 'installed';
      readonly hostname: string;
      readonly run_id: string;
      readonly bytes: number;
      /** As the order had it. */
      readonly generation?: number;
    }
  | {
      readonly type: 'install_failed';
      readonly hostname: string;
      readonly run_id: string;
      readonly generation?: number;
      readonly failure: Failure;
    }
  | { readonly type: 'task_report'; readonly hostname: string; readonly task: TaskReport }
  /** Of a task of a workflow, the output is here or not wanted, and nothing of it is left on the node. */
  | {
      readonly type: 'task_collected';
      readonly hostname: string;
      readonly run_id: string;
      readonly task_id: string;
    }
  /** The application's own cleanup did not succeed on a node: `trouble` says why, as "exit code 3". */
  | {
      readonly type: 'cleanup_failed';
      readonly hostname: string;
      readonly run_id: string;
      readonly trouble: string;
    }
  /** A node was asked for files that the application names with `output`. */
  | {
      readonly type: 'outputs_collected';
      readonly hostname: string;
      readonly run_id: string;
      readonly missed: readonly { readonly path: string; readonly cause: MissedCause }[];
      /** Those that are here now. */
      readonly returned: readonly string[];
    }
  /** A node enters a barrier, or one of its tasks does when there is a block. */
  | {
      readonly type: 'enter_barrier';
      readonly run_id: string;
      readonly barrier: string;
      readonly hostname: string;
      readonly block?: string;
      readonly label?: string;
    }
  | {
      readonly type: 'leave_barrier';
      readonly run_id: string;
      readonly barrier: string;
      readonly hostname: string;
      readonly block?: string;
      /** The lease that is meant. */
      readonly fence?: number;
    }
  /** Without `hostnames`: all that have entered, and the barrier is open. */
  | {
      readonly type: 'release_barrier';
      readonly run_id: string;
      readonly barrier: string;
      readonly hostnames?: readonly string[];
    }
  /** What those inside the semaphore of the transfers move together; measured, not journalled. */
  | ({ readonly type: 'transfers_measured'; readonly run_id: string } & Measured)
  /** A task asks its node's agent. */
  | { readonly type: 'barrier_ask'; readonly hostname: string; readonly ask: BarrierAsk }
  | {
      readonly type: 'cleaned';
      readonly hostname: string;
      readonly run_id: string;
      readonly generation?: number;
    }
  | { readonly type: 'left'; readonly hostname: string }
  | {
      readonly type: 'resources_answered';
      readonly operation_id: string;
      readonly component: string;
      readonly request: number;
      readonly ok: boolean;
      readonly message: string;
      /** What SWORD thinks of nodes. */
      readonly judged?: readonly Judgement[];
    }
  | { readonly type: 'timer'; readonly timer: Timer };

/** Timers by what they are for; one of the same key replaces the older. */
export type Timer =
  | { readonly kind: 'reconnect'; readonly hostname: string }
  | { readonly kind: 'restore'; readonly hostname: string }
  | { readonly kind: 'barrier'; readonly run_id: string; readonly barrier: string }
  | { readonly kind: 'workflow'; readonly run_id: string; readonly block: string }
  | { readonly kind: 'end'; readonly run_id: string }
  | { readonly kind: 'restart_task'; readonly task_id: string }
  | { readonly kind: 'begin_again'; readonly run_id: string }
  /** An outage has taken too long. */
  | { readonly kind: 'outage' }
  /** A lease ends. */
  | { readonly kind: 'lease' }
  /** A service looks for more nodes. */
  | { readonly kind: 'refresh'; readonly run_id: string };

/** A node and how little it fits what was asked for; 0 fits best. */
export interface Judgement {
  readonly hostname: string;
  readonly penalty: number;
}

export type InputOf<T extends Input['type']> = Extract<Input, { type: T }>;
