/**
 * What controller and agent say to each other, one frame a message (frames.ts), over any ordered byte stream.
 *
 *     controller                       agent
 *        │── request {id, op, …} ────────▶│   every request gets exactly one reply
 *        │◀── reply {re, ok|error} ───────│   in any order
 *        │◀── report {report, …} ─────────│   tells what changed, unasked
 *
 * Every request but `shell` is idempotent: after a broken link the controller greets again, learns from the agent's state what
 * happened meanwhile, and repeats what is still wanted. The first request on a link is `hello`; the agent refuses an
 * epoch lower than the highest it has seen (STALE_EPOCH), also for each later request on an older link.
 */
import type { SoftwareSpec } from '../../api/spec.ts';
import type { Progress } from '../core/barrier/flow.ts';
import type {
  AgentState,
  BarrierAsk,
  BarrierNews,
  FdOrder,
  HostSample,
  LogOrder,
  MonitorOrder,
  Standing,
  StreamName,
  TaskCause,
  TaskOrder,
  TaskReport,
} from '../core/task.ts';

export type {
  AgentState,
  BarrierAsk,
  BarrierNews,
  FdOrder,
  HostSample,
  LogOrder,
  MonitorOrder,
  Standing,
  StreamName,
  TaskCause,
  TaskOrder,
  TaskReport,
};

/** Version of this protocol; agent and controller come from one build, a retiring agent may be older. */
export const AGENT_PROTOCOL = 1;

/** Bounds of one frame's parts; a larger one ends the link. */
export const MAX_FRAME_BYTES = 1 << 20;
export const MAX_CHUNK_BYTES = 256 << 10;
/** Kept of each output stream of a command line. */
export const MAX_SHELL_OUTPUT_BYTES = 64 << 10;

/** First line of a relay (`agent.cjs --relay SOCKET`) when it has reached the agent; from then on it carries frames. */
export const RELAY_READY = 'PLUSH relay ready';

/** Why an install failed. */
export type InstallCause =
  | 'download_refused' // the server answered with a status other than 2xx
  | 'download_failed' // connection refused or broken, name not resolved
  | 'download_incomplete' // fewer bytes than announced
  | 'download_stalled' // no byte for STALL
  | 'hash_mismatch'
  | 'size_mismatch'
  | 'archive_damaged'
  | 'archive_escapes' // a member or link leads out of the folder
  | 'disk_full'
  | 'tool_missing' // a program that the installation needs is not on the node
  | 'install_failed' // the exit code of the install command, or of the package manager, was not 0
  | 'install_stalled' // a package manager did not end in time
  | 'not_allowed' // the account may not use the package manager
  | 'version_mismatch' // the version check failed, or printed another version
  | 'path_escapes' // dest_path leads out of the folder
  | 'failed';

/** An error as it crosses the link. */
export interface AgentFailure {
  readonly code:
    | InstallCause
    | TaskCause
    | 'STALE_EPOCH'
    | 'BAD_REQUEST'
    | 'UNKNOWN_TASK'
    | 'NO_FILE' // there is no such file below the run's working folder
    | 'FILE_OUTSIDE' // it leads out of that folder
    | 'NOT_A_FILE' // it is a folder, a pipe, …
    | 'FILE_UNREADABLE' // the agent's account may not read it
    | 'INTERNAL';
  /** One sentence for a person. */
  readonly message: string;
  readonly command?: string;
  readonly exit_code?: number;
  readonly signal?: string;
  readonly stderr_tail?: readonly string[];
}

/** All requests: what is sent, and what the reply's `ok` holds. */
export interface AgentRequests {
  hello: {
    ask: { protocol: number; epoch: number; controller: string; node: string };
    ok: AgentState;
  };
  ping: { ask: Record<string, never>; ok: Record<string, never> };
  /** Installs software in order in the run's working folder. Repeated while under way: joins it. Repeated after success: answers at once. */
  install: {
    ask: {
      run_id: string;
      software: readonly SoftwareSpec[];
      /** Reports of the packages' bytes are wanted. */
      tell?: boolean;
    };
    ok: { bytes: number };
  };
  /**
   * Empties the run's working folder, so that its software can be installed again before the task is started. Once that task is
   * known nothing is done, since what follows it may have begun.
   */
  empty: { ask: { run_id: string; task_id: string }; ok: { emptied: boolean } };
  /** Takes a package from those that were on the node before, so that nothing is sent; `name` as in `put`. */
  take: { ask: { run_id: string; name: string; sha256: string }; ok: { taken: boolean } };
  /**
   * Hands over a package's bytes, in order, one chunk a request (binary part of the frame), before `install` needs them
   * (packages of type scp and file are looked for under the run's folder by dest_path). `offset` 0 starts anew; `last` checks size and sha256.
   * Answers how many bytes are there.
   */
  put: {
    ask: { run_id: string; name: string; offset: number; last: boolean; sha256?: string };
    ok: { size: number };
  };
  /** Starts a task, or answers what became of it when the identity is known already. */
  start: { ask: { task: TaskOrder }; ok: { task: TaskReport } };
  /**
   * Stop signal to every process of the task, grace, then SIGKILL; answers when none is left. Signal and grace are those of
   * the task's order where the request has none.
   */
  stop: { ask: { task_id: string; signal?: string; grace_ms?: number }; ok: { task: TaskReport } };
  /** Bytes of a task's output from a logical offset; the bytes are the frame's binary part. */
  read: {
    /** `wait_ms`: where there is nothing yet, the answer waits for the next byte, or the end, so long at most. */
    ask: { task_id: string; stream: StreamName; offset: number; limit: number; wait_ms?: number };
    /**
     * `offset`: where the returned bytes begin, larger than asked when older bytes were dropped. `end`: logical size so far.
     * `eof`: the task has exited and the bytes reach the end. `lost`: bytes that offsets do not count, since the program was
     * faster than they could be kept; absent: none.
     */
    ok: { offset: number; end: number; eof: boolean; lost?: number };
  };
  /** Ends what is left of a task that is over, and removes it with its output. Not known: answers at once. */
  forget: { ask: { task_id: string }; ok: Record<string, never> };
  /** Bytes of a file below the run's working folder; the bytes are the frame's binary part. Answers its size, too. */
  fetch: { ask: { run_id: string; path: string; offset: number; limit: number }; ok: { size: number } };
  /**
   * Runs a shell command in the run's working folder, for `timeout_ms` at most; then it is killed. `trouble`: what kept it from
   * exit code 0, as the end of a sentence. A run that is not here: nothing is done.
   */
  tidy: { ask: { run_id: string; command: string; timeout_ms: number }; ok: { trouble?: string } };
  /** Stops all tasks of the run, finds every process that carries a task id of it, removes the run's folder. Nothing there: answers at once. */
  clean: { ask: { run_id: string; grace_ms: number; generation?: number }; ok: { killed: number } };
  /**
   * The node is in the run again, after it was cleaned or lost: what is left there of earlier generations goes, and orders of the
   * run are taken again. Repeated, or of an earlier generation: answers at once. From now on `clean` of an earlier one does nothing.
   */
  rejoin: { ask: { run_id: string; generation: number }; ok: { killed: number } };
  /**
   * Runs a command line with /bin/sh -c in the account's home folder, and answers when none of its processes is left. They
   * are ended at `timeout_ms`, when the shell has ended, and when the link has, since nobody could take the answer. Never
   * repeated. The reply's binary part is the beginning of stdout, `stdout_bytes` of it, and then that of stderr.
   */
  shell: {
    ask: { operation_id: string; command: string; timeout_ms: number; max_output_bytes: number };
    ok: ShellEnd;
  };
  /** The answer to a question about a barrier, or news of one for which a task waits. */
  barrier: { ask: { news: BarrierNews }; ok: Record<string, never> };
  /** The process ends and leaves tasks and folder to its successor, another version of the agent. */
  retire: { ask: Record<string, never>; ok: Record<string, never> };
  /** Stops every task, removes the node's folder, ends the process. */
  leave: { ask: { grace_ms: number }; ok: { killed: number } };
}

/** How a command line ended. */
export interface ShellEnd {
  /** Absent when a signal ended the shell, or when it could not be ended. */
  readonly exit_code?: number;
  readonly signal?: string;
  readonly timed_out: boolean;
  readonly stdout_bytes: number;
  /** There was more than `max_output_bytes`. */
  readonly stdout_cut: boolean;
  readonly stderr_cut: boolean;
  /** Processes that even SIGKILL did not end. */
  readonly left: readonly number[];
}

export type AgentOp = keyof AgentRequests;

export type ReplyFrame =
  | { readonly re: number; readonly ok: AgentRequests[AgentOp]['ok'] }
  | { readonly re: number; readonly error: AgentFailure };
/** Unasked news: a task that started or exited; the host monitor's sample every 10 s. */
export type ReportFrame =
  | { readonly report: 'task'; readonly task: TaskReport }
  | { readonly report: 'host'; readonly host: HostSample }
  /** How far the packages of an installation have come that was asked for with `tell`. */
  | ({ readonly report: 'transfer'; readonly run_id: string } & Progress)
  /** A task asks about a barrier; the answer comes as the request `barrier`. Asked again on a new link. */
  | { readonly report: 'barrier'; readonly ask: BarrierAsk };
