/** What controller and agent know of tasks, in the form in which they tell each other (wire/agent.ts). */
import type { LeaveCause } from '../../api/events.ts';
import type { LivenessSpec } from '../../api/spec.ts';

/** A task to start. Identity is `task_id`: an agent starts an identity at most once, ever. */
export interface TaskOrder {
  /** RUN/BLOCK/NODE/ATTEMPT */
  readonly task_id: string;
  readonly run_id: string;
  readonly block: string;
  readonly attempt: number;
  readonly path: string;
  /** Relative to the run's working folder; must not leave it. */
  readonly cwd?: string;
  readonly args: readonly string[];
  /** Complete set of PLUSH_* variables and those of the specification, over the agent's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Bytes kept of each of stdout and stderr; older bytes are dropped beyond it. */
  readonly max_output_bytes: number;
  /** Text of the standard input; absent: an empty one. */
  readonly stdin?: string;
  /** Account to run as. */
  readonly user?: string;
  /** It is stopped after this time, with the cause `timeout`. */
  readonly timeout_ms?: number;
  readonly stop_signal?: string;
  readonly stop_grace_ms?: number;
  readonly liveness?: readonly MonitorOrder[];
  readonly log?: LogOrder;
  /** The attempt before this one: what is left of its processes is ended first. */
  readonly replaces?: string;
}

export type StreamName = 'stdout' | 'stderr';

/** Where one stream of a task goes; the streamed one is kept like a file, and the controller asks for it as it grows. */
export interface FdOrder {
  readonly type: 'file' | 'stream' | 'discard';
  /** Name of the file, relative to the run's working folder. */
  readonly path?: string;
  /** In place of the order's `max_output_bytes`. */
  readonly max_bytes?: number;
}

export type LogOrder = { readonly [S in StreamName]?: FdOrder };

/** One stream of a task as the controller copies it: as it is written, or at the end under a name of its own. */
export interface LogCopy {
  readonly task_id: string;
  readonly stream: StreamName;
  readonly max_bytes: number;
  readonly path?: string;
}

/** A liveness monitor as an agent runs it; what its failure leads to is the controller's business. */
export type MonitorOrder = Pick<LivenessSpec, 'type' | 'target' | 'interval_ms' | 'timeout_ms' | 'failures'>;

/** A task is given up by one of its monitors, or was. */
export interface Unhealthy {
  /** Place in the order's list. */
  readonly monitor: number;
  readonly message: string;
}

/** What an agent knows about a task. */
export interface TaskReport {
  readonly task_id: string;
  readonly run_id: string;
  readonly state: 'running' | 'exited';
  /** Process id on the node; absent when the program could not be started. */
  readonly pid?: number;
  readonly exit_code?: number;
  /** Name such as SIGKILL. The shell's convention 128+n tells it apart from an exit code. */
  readonly signal?: string;
  /**
   * Why an exited task is not simply its exit code: `program_not_found`, `program_not_executable`, `cwd_missing`,
   * `user_not_found`, `user_not_allowed`, `disk_full`, `start_failed`, `stopped` (by us), `timeout` and `liveness` (stopped
   * by the agent for it), `lost` (it ended while no agent watched and left no status).
   */
  readonly cause?: TaskCause;
  /** One sentence for a person, with `cause`. */
  readonly message?: string;
  /** Which monitor it was, with the cause `liveness`. */
  readonly monitor?: number;
  /** Only while it runs: it is being stopped for this. */
  readonly unhealthy?: Unhealthy;
  /** Last lines of stderr, at most 20, control characters replaced; only with state exited. */
  readonly stderr_tail?: readonly string[];
}

export type TaskCause =
  | 'program_not_found'
  | 'program_not_executable'
  | 'cwd_missing'
  | 'user_not_found'
  | 'user_not_allowed'
  | 'timeout'
  | 'liveness'
  | 'disk_full'
  /** The software of a component could not be installed again between two phases. */
  | 'reinstall_failed'
  | 'start_failed'
  | 'stopped'
  | 'lost';

/** The agent's answer to hello. */
export interface AgentState {
  readonly protocol: number;
  /** Content hash of the bundle that runs. */
  readonly bundle: string;
  /** Different for each process of the agent. */
  readonly instance: string;
  readonly pid: number;
  readonly boot_id: string;
  readonly node_version: string;
  readonly platform: string;
  /** Runs whose install is complete. */
  readonly installed: readonly string[];
  /** A sample of the moment. */
  readonly host?: HostSample;
  readonly tasks: readonly TaskReport[];
}

/** What a task asks of a barrier, as its agent passes it on. Asked again, it has the same answer. */
export interface BarrierAsk {
  /** The agent's number for the question, which the answer repeats. */
  readonly id: number;
  readonly op: 'enter' | 'leave' | 'status';
  readonly task_id: string;
  readonly barrier: string;
  readonly label?: string;
  /** The task enters for itself, and not for its node. */
  readonly own?: boolean;
  /** Of leave and status: the lease that is meant; another one is left alone. */
  readonly fence?: number;
}

/** How one participant stands at a barrier. */
export interface Standing {
  readonly run_id: string;
  readonly barrier: string;
  readonly participant: string;
  /** `outside`: it has not entered; `catchup`: it came late, and is to go on at the barrier `go_on_at`. */
  readonly state: 'outside' | 'waiting' | 'inside' | 'released' | 'left' | 'catchup' | 'removed';
  readonly label?: string;
  /** Number of the lease, of a semaphore. */
  readonly fence?: number;
  /** Why it has left, where it did not do so by itself: `expired` when its lease ran out. */
  readonly cause?: LeaveCause;
  readonly go_on_at?: string;
  readonly entered: number;
  readonly expected: number;
}

/** What the controller tells an agent of a barrier: an answer (with `id`), or news of a participant that waits. */
export interface BarrierNews {
  readonly id?: number;
  readonly standing?: Standing;
  /** The question cannot be answered: symbol of the fault, and its sentence. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** The host monitor's sample (section 3.2 of plush-toit.2011). Not journalled. */
export interface HostSample {
  readonly load1: number;
  /** Processors that programs may use; absent from agents of earlier versions. */
  readonly cpus?: number;
  readonly memory_free_bytes: number;
  readonly memory_total_bytes: number;
  readonly disk_free_bytes: number;
  /** The file system as a whole; absent from agents of earlier versions, and where the system does not tell. */
  readonly disk_total_bytes?: number;
  /** Since the machine began, over all interfaces but the loopback; absent as above. */
  readonly network_received_bytes?: number;
  readonly network_sent_bytes?: number;
}
