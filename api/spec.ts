/**
 * The application as it is after parsing: one typed model, whatever dialect of the XML it came from.
 *
 * The members are in snake_case because plushGetApp and the `app_loaded` event put this model on the wire as it is.
 * Source: sections 3.1 and 4 of plush-toit.2011; figures 7, 8, 14, 16 and 18.
 */

/** Where a package comes from and what it is called on the node. */
export interface PackageSpec {
  readonly name: string;
  /**
   * `web` and `ftp`: the node fetches the URL. `scp`: the controller reads `[user@]host:path` over SSH and hands it on.
   * `rsync`: the node's own rsync fetches an rsync URL or `[user@]host:path`. `file`: a file below the controller's folder of
   * applications. `inline`: the text in `content`.
   */
  readonly type: 'web' | 'scp' | 'rsync' | 'ftp' | 'file' | 'inline';
  /**
   * Empty for `inline`. Software of type `apt` and `yum` may have a package of type `inline` without content and with an
   * empty `dest_path`: its `name` is what the package manager knows.
   */
  readonly path: string;
  /** The file itself, of type `inline`. */
  readonly content?: string;
  /** File name under which the package is saved in the run's working folder; relative, never leaves it. */
  readonly dest_path: string;
  /** Lower-case hexadecimal digest that the bytes must have. */
  readonly sha256?: string;
  /** Exact size in bytes that the package must have. */
  readonly size?: number;
}

/** A piece of software and how it is installed after its package has arrived. */
export interface SoftwareSpec {
  readonly name: string;
  /** `tar` also takes gzip-compressed archives, `none` leaves the package as it came. */
  readonly type: 'tar' | 'tgz' | 'tbz2' | 'zip' | 'gz' | 'rpm' | 'apt' | 'yum' | 'none';
  readonly package?: PackageSpec;
  /** Shell command run in the working folder after unpacking. */
  readonly install?: string;
  /** Shell command whose output, without white space at its ends, must be `expect`; its success is enough when that is absent. */
  readonly version_check?: { readonly command: string; readonly expect?: string };
  /** Shell command run in the working folder before the node is cleaned. */
  readonly uninstall?: string;
  /** Software that must be installed before, in order; what it requires comes before it in turn. */
  readonly requires?: readonly string[];
}

/** A host that the specification names; `user` comes from `user@host`. */
export interface HostReference {
  readonly hostname: string;
  readonly user?: string;
}

/** A request to a service that makes resources (sections 4.3 and 4.4), kept as written. */
export interface ResourceRequest {
  readonly service: 'sword' | 'shirako' | 'usher';
  /** XML-RPC URL of the service, where the request names one. */
  readonly server?: string;
  /** Child element name → text, in the order of the document. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Values of the host monitor that a requirement may name, with the unit of its bounds. */
export type Metric =
  /** One-minute load average. */
  | 'load'
  | 'load_per_cpu'
  /** Bytes. */
  | 'free_memory'
  | 'free_disk'
  | 'total_memory'
  | 'cpus';

/** What a node must measure to be chosen. At least one of the bounds is present. */
export interface Requirement {
  readonly metric: Metric;
  readonly min?: number;
  readonly max?: number;
}

/** A named group of nodes that the application asks for. */
export interface ComponentSpec {
  readonly name: string;
  /** The run goes on with this many nodes, fails below it. `num_hosts` sets min and max alike. */
  readonly min: number;
  readonly max: number;
  /** Hosts that must be used; losing one aborts the run. */
  readonly static_hosts: readonly HostReference[];
  readonly preferred_hosts: readonly HostReference[];
  /** Names of software, in order of installation. */
  readonly software: readonly string[];
  /** Pools to choose from: a node is eligible when its group (and type) match one of them; none listed means every node. */
  readonly resources: readonly { readonly type?: string; readonly group?: string }[];
  readonly requests: readonly ResourceRequest[];
  /** Bounds on the host monitor's values; all must hold. */
  readonly requirements?: readonly Requirement[];
  /** How to log in to the component's nodes, where the node itself does not say. */
  readonly authentication?: { readonly user?: string; readonly ssh_identity?: string };
}

/**
 * An argument that is known only when a task starts. With a flag it becomes two arguments, flag and value (figure 18 of
 * plush-toit.2011: `--i 1`).
 */
export interface Substitution {
  readonly name: string;
  /**
   * `workflow`: the task's number (from 1), or its file, of the workflow block with this `id`. `node`: the node's name.
   * `index` and `count`: the node's place in the component (from 0) and their number. `barrier`: the label with which
   * the node entered the barrier `id`.
   */
  readonly type: 'workflow' | 'node' | 'index' | 'count' | 'barrier';
  readonly id?: string;
  readonly flag?: string;
}

/** Where one file descriptor of a process goes. */
export interface FdSpec {
  readonly fd: 1 | 2;
  /** `file`: a file on the node that comes back at the end. `stream`: to the controller as it is written. `discard`: nowhere. */
  readonly type: 'file' | 'stream' | 'discard';
  /** The file is called path_prefix, the node's name, path_postfix; relative to the run's working folder. */
  readonly path_prefix?: string;
  readonly path_postfix?: string;
  /** Bytes of the newest output that are kept. */
  readonly max_bytes?: number;
}

/** What becomes of a process's output (figure 14). */
export interface LogSpec {
  readonly type: 'default';
  /** The output can also be read through plushGetOutput while it grows. Default true. */
  readonly use_api: boolean;
  readonly fds: readonly FdSpec[];
}

/** What to do about an exit or a failed liveness monitor. */
export type Policy =
  /** The run ends as succeeded. */
  | 'end_application'
  | 'fail_application'
  /** Everything is stopped and the run begins again on the same nodes. */
  | 'restart_application'
  | 'restart_process'
  /** The block counts as complete on this node. */
  | 'continue'
  /** The process counts as failed on this node, and the run goes on without it. */
  | 'ignore';

/** Bounds of the policies that restart. */
export interface RestartBounds {
  /** Restarts of one process on one node (or of the application); then the run fails. Default 5. */
  readonly max_restarts?: number;
  /** Wait before the first restart; doubled each time up to `max_backoff_ms`. Default 1,000. */
  readonly backoff_ms?: number;
  readonly max_backoff_ms?: number;
}

/** The first policy that an exit matches is carried out; codes, signals and `any` are alternatives. */
export interface ExitPolicySpec extends RestartBounds {
  readonly codes?: readonly { readonly from: number; readonly to: number }[];
  /** Names such as SIGKILL. */
  readonly signals?: readonly string[];
  /** Every exit that no other policy matches. */
  readonly any?: boolean;
  readonly policy: Policy;
}

/** Looks at a running process again and again. */
export interface LivenessSpec extends RestartBounds {
  /** `command`: exit code 0. `http`: a status below 400 from the node itself. `output`: something was written since `interval_ms`. */
  readonly type: 'command' | 'http' | 'output';
  /** Shell command, or URL. */
  readonly target?: string;
  readonly interval_ms: number;
  readonly timeout_ms: number;
  /** Failures in a row before the policy is carried out. */
  readonly failures: number;
  readonly policy: Policy;
}

/** A program to run on each node of the component. */
export interface ProcessSpec {
  readonly name: string;
  /** Program, resolved against `cwd` when it has a slash, else through PATH. */
  readonly path: string;
  /** Folder relative to the run's working folder on the node; default the working folder itself. */
  readonly cwd?: string;
  /** Arguments exactly as given: no shell ever sees them. */
  readonly args: readonly (string | Substitution)[];
  readonly env: Readonly<Record<string, string>>;
  /** Written to the process's standard input, which then ends; absent: an empty one. */
  readonly stdin?: string;
  /** Account to run as, where the agent may change to it. */
  readonly user?: string;
  /** Longest time that it may run; then it is stopped and counts as failed with the cause `timeout`. */
  readonly timeout_ms?: number;
  /** Default SIGTERM. */
  readonly stop_signal?: string;
  /** Between the stop signal and SIGKILL. Default 5,000. */
  readonly stop_grace_ms?: number;
  readonly log?: LogSpec;
  /** In order; what matches none is as the application block says, then as without policies: 0 completes, else the run fails. */
  readonly exit_policies?: readonly ExitPolicySpec[];
  readonly liveness?: readonly LivenessSpec[];
  /** Files, relative to the run's working folder, that are brought back when the process has ended. */
  readonly outputs?: readonly string[];
}

/** What separates phases of a run: who enters waits until the barrier releases it (section 5 of plush-toit.2011). */
export interface BarrierSpec {
  readonly name: string;
  /** The numbers of the attribute: 0, 1, 2, 3. */
  readonly type: 'traditional' | 'early' | 'throttled' | 'semaphore';
  /** Participants; absent: as many as take part when the run is released. */
  readonly max?: number;
  /** `early`, and the precondition of `throttled`: the share of `max` that suffices, 1 to 100. */
  readonly percent?: number;
  /** Since the first entry. */
  readonly timeout_ms?: number;
  /** A knee releases: by the paper's averages, or by kneedle. */
  readonly knee?: 'ewma' | 'kneedle';
  /** Nothing releases early before both of these that are present hold. */
  readonly min_percent?: number;
  readonly min_wait_ms?: number;
  /** `throttled`: so many are released every `interval_ms`. */
  readonly rate?: number;
  readonly interval_ms?: number;
  /** `semaphore`: places inside; where it is adaptive, the number it begins with (median 15, gradient2 30 if absent). */
  readonly concurrency?: number;
  readonly adaptive?: 'median' | 'gradient2';
  /** Longest stay of one holder. */
  readonly hold_timeout_ms?: number;
  /** Released by plushReleaseBarrier alone. */
  readonly manual?: boolean;
  /** What becomes of who enters after the release. Default `pass`. */
  readonly late?: 'pass' | 'catchup' | 'remove' | 'replace';
  /** Barrier to go on at, for `catchup`. */
  readonly catchup?: string;
}

/** A barrier block: completes on a node when the barrier has released it. */
export interface BarrierBlockSpec {
  readonly kind: 'barrier';
  readonly name: string;
  readonly predecessors: readonly string[];
  /** Name of a barrier of the application. */
  readonly barrier: string;
}

/** Tasks that are shared over the component's nodes (section 6.3): completes when every task has one result. */
export interface WorkflowBlockSpec {
  readonly kind: 'workflow';
  readonly name: string;
  /** What substitutions of its processes name. */
  readonly id: string;
  readonly predecessors: readonly string[];
  /** Tasks are numbered from 1; with files, task i has the i-th. */
  readonly num_tasks: number;
  readonly files?: readonly string[];
  /** Done in order for each task; predecessors inside are names of each other. */
  readonly blocks: readonly (ProcessBlockSpec | BarrierBlockSpec)[];
  /** Absent: unfinished tasks are never started again elsewhere. A specification that says nothing has the defaults. */
  readonly reallocation?: {
    readonly knee: 'ewma' | 'kneedle';
    /** Default 60. */
    readonly min_percent: number;
    readonly min_wait_ms?: number;
    /** Attempts of one task at the same time. Default 2. */
    readonly max_attempts: number;
  };
}

export type BlockSpec = ProcessBlockSpec | BarrierBlockSpec | WorkflowBlockSpec;

/** What is done on each node of a component block before its followers begin, or before the node is cleaned. */
export interface CleanupSpec {
  /** Shell command in the run's working folder. */
  readonly command?: string;
  /** The run's working folder is emptied and the software installed again for the next phase. */
  readonly remove?: boolean;
}

/** A process block: completes on a node when its process has exited with code 0 there. */
export interface ProcessBlockSpec {
  readonly kind: 'process';
  readonly name: string;
  /**
   * Names of blocks that must complete first. A block of the same component block counts node by node; a component
   * block, or a block of another component, must have completed on all its nodes.
   */
  readonly predecessors: readonly string[];
  readonly process: ProcessSpec;
}

/** The work of one component. Component blocks run in parallel unless a predecessor orders them. */
export interface ComponentBlockSpec {
  readonly name: string;
  readonly component: string;
  readonly predecessors: readonly string[];
  readonly blocks: readonly BlockSpec[];
  readonly cleanup?: CleanupSpec;
  /** Files, relative to the run's working folder, that are brought back when the component block is complete on a node. */
  readonly outputs?: readonly string[];
  /** Which of several clusters on the same nodes it is; only where they differ (dialect of 2006). */
  readonly cluster?: ClusterSpec;
}

/** A cluster of a configuration, on nodes that it shares with clusters of configurations before and after. */
export interface ClusterSpec {
  /** PLUSH_COMPONENT of its processes. */
  readonly name: string;
  /** Only the first places of the component take part; absent: all. */
  readonly hosts?: number;
  /** Installed before its first process, beside what clusters before it have installed. */
  readonly software: readonly string[];
}

/** A whole application. */
export interface AppSpec {
  /** The application block's name, by which the API knows the application. */
  readonly name: string;
  readonly project: string;
  readonly software: readonly SoftwareSpec[];
  readonly components: readonly ComponentSpec[];
  readonly component_blocks: readonly ComponentBlockSpec[];
  readonly barriers?: readonly BarrierSpec[];
  /** Section 6.2: nodes start as soon as they are ready, no failure ends the run, and it looks for nodes up to the maximum. */
  readonly service?: boolean;
  /** Between two looks for more nodes. */
  readonly reconnect_interval_ms?: number;
  /** For all processes, after their own. */
  readonly exit_policies?: readonly ExitPolicySpec[];
  readonly liveness?: readonly LivenessSpec[];
  readonly cleanup?: CleanupSpec;
  readonly outputs?: readonly string[];
}

/** A problem found in an XML file. `line` and `column` count from 1. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** Stable symbol, such as UNKNOWN_COMPONENT. */
  readonly code: string;
  /** One sentence, with a suggestion where there is one. */
  readonly message: string;
  readonly line: number;
  readonly column: number;
  /** Path of the element, such as /plush/project/component[2]/rspec. */
  readonly path: string;
}

/** A node of the pool as the directory or plushAddNode describes it. */
export interface NodeSpec {
  /** "host" or "host:port": the name of the node; several nodes may share one host (ModelNet's virtual nodes). */
  readonly hostname: string;
  /** `ssh` (default) or `local`, child processes on the controller's own machine. */
  readonly type: 'ssh' | 'local';
  readonly user?: string;
  readonly group?: string;
  /** Default 22. */
  readonly ssh_port?: number;
  /** Private key file on the controller, for this node alone. */
  readonly ssh_identity?: string;
  /** Higher is chosen first; default 0. */
  readonly preference?: number;
  /** ModelNet's virtual IP and virtual node number, handed to the agent's and its tasks' environment. */
  readonly vip?: string;
  readonly vn?: string;
  readonly flag?: string;
  readonly lease?: { readonly id: string; readonly expires?: string };
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}
