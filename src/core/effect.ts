/** What the world must do. Every effect may be carried out twice with the result of once. */
import type { NodeSpec, ResourceRequest, SoftwareSpec } from '../../api/spec.ts';
import type { Timer } from './input.ts';
import type { FileCopy } from './run/logs.ts';
import type { BarrierNews, LogCopy, TaskOrder } from './task.ts';

export type Effect =
  /** Reach the node and see that its agent runs; answers node_up or node_down. */
  | { readonly type: 'connect'; readonly node: NodeSpec }
  /** Close the connection; nothing on the node changes. */
  | { readonly type: 'disconnect'; readonly hostname: string }
  /** Have the agent stop everything, clean up and leave; answers left. */
  | { readonly type: 'dismiss'; readonly node: NodeSpec }
  | {
      readonly type: 'install';
      readonly hostname: string;
      readonly run_id: string;
      /** Which time the node is in the run, where that is not the first; whatever is left there of an earlier time goes. */
      readonly generation?: number;
      readonly software: readonly SoftwareSpec[];
    }
  | {
      readonly type: 'start_task';
      readonly hostname: string;
      readonly order: TaskOrder;
      /** Files that come back first. */
      readonly files?: readonly FileCopy[];
      /** The working folder is emptied before, and this is installed there. */
      readonly reinstall?: readonly SoftwareSpec[];
      /** Software that must be there before, beside what is. */
      readonly install?: readonly SoftwareSpec[];
    }
  /** Tell the node's agent, where it is there; one that is not asks again when it is. */
  | { readonly type: 'tell_barrier'; readonly hostname: string; readonly news: BarrierNews }
  /** Stop a task that the run goes on without; answers with its report, also when the agent never heard of it. */
  | {
      readonly type: 'stop_task';
      readonly hostname: string;
      readonly run_id: string;
      readonly task_id: string;
      readonly grace_ms: number;
    }
  /** Bring the output of a task that is over back, unless it is to be discarded, and remove it there; answers task_collected. */
  | {
      readonly type: 'collect_task';
      readonly hostname: string;
      readonly run_id: string;
      readonly task_id: string;
      readonly discard: boolean;
      /** As for a cleaning. */
      readonly logs?: readonly LogCopy[];
    }
  /** Stop the run's tasks on the node, bring their output back, remove the run's folder; answers cleaned. */
  | {
      readonly type: 'clean';
      readonly hostname: string;
      readonly run_id: string;
      readonly task_ids: readonly string[];
      /** Of a service: only what the node has of that time and of earlier ones. */
      readonly generation?: number;
      /** The longest time that one of the tasks may take to stop, where that is longer than usual. */
      readonly grace_ms?: number;
      /** Streams that are copied otherwise than whole at the end, or get a name. */
      readonly logs?: readonly LogCopy[];
      /** Shell command that is run in the working folder once the tasks are stopped. */
      readonly command?: string;
      /** Files that come back first. */
      readonly files?: readonly FileCopy[];
    }
  /** Copy the output of a running task as it is written. Ends by itself. */
  | { readonly type: 'stream_output'; readonly hostname: string; readonly logs: readonly LogCopy[] }
  /** Bring files back from the run's working folder on the node. */
  | {
      readonly type: 'collect';
      readonly hostname: string;
      readonly run_id: string;
      readonly files: readonly FileCopy[];
    }
  | { readonly type: 'timer'; readonly timer: Timer; readonly delayMs: number }
  | {
      readonly type: 'request_resources';
      readonly operation_id: string;
      readonly component: string;
      /** Place of the request in its component. */
      readonly index: number;
      readonly request: ResourceRequest;
    }
  /** The run is over: what was kept at the controller for its sake goes, its timers too. */
  | { readonly type: 'release'; readonly run_id: string }
  /** Everything is clean: dismiss every agent that was started and end the daemon. */
  | { readonly type: 'quit' };

export type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>;
