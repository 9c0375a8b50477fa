/**
 * The NodeAccess port: how the controller reaches a machine before, and in order to, talk to its agent.
 * Implementations: ssh (drivers/ssh), local (drivers/local). One conformance suite in test/conformance.
 */
import type { Duplex, Readable } from 'node:stream';
import type { NodeSpec } from '../../api/spec.ts';

/** Stable symbols for why a machine could not be reached or a step on it failed. */
export type AccessCause =
  | 'unresolved' // the name does not resolve
  | 'refused' // nothing listens on the SSH port
  | 'unreachable' // no route, or no answer in time
  | 'auth_failed' // the server takes none of our keys
  | 'no_identity' // neither key nor agent to try
  | 'host_key_unknown' // strict checking and no known key
  | 'host_key_changed' // the key differs from the known one
  | 'timeout' // a step's deadline passed
  | 'closed' // the connection broke
  | 'forwarding_refused' // sshd does not let us reach the agent's socket
  | 'not_listening' // nobody listens on the agent's socket
  | 'failed'; // anything else, told in the message

export class AccessError extends Error {
  constructor(
    readonly code: AccessCause,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'AccessError';
  }
}

export interface ExecOptions {
  /** Bytes for the command's standard input; absent means an empty one. */
  readonly stdin?: Readable | Buffer | string;
  /** Total time for the command. */
  readonly timeoutMs: number;
  /** Longest stdout and stderr kept, each. @default 262144 */
  readonly maxOutputBytes?: number;
  /**
   * Called with stdout so far each time it grows; answering true ends the call at once with what was seen (the
   * command itself goes on), for a command that leaves a daemon behind.
   */
  readonly until?: (stdout: string) => boolean;
}

export interface ExecResult {
  /** Exit code, or undefined when ended by a signal or by `until`. */
  readonly code?: number;
  readonly signal?: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** One live connection to one machine. There is never more than one to a node. */
export interface NodeSession {
  /** Environment that every command must be given for this node (local nodes: their own PLUSH_BASE and their common PLUSH_CACHE). */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command line through the account's login shell. @throws AccessError (timeout, closed, failed) */
  exec(command: string, options: ExecOptions): Promise<ExecResult>;
  /** Opens a stream to the Unix socket at an absolute path on the machine. @throws AccessError (not_listening, forwarding_refused, timeout, closed) */
  dial(socketPath: string, timeoutMs: number): Promise<Duplex>;
  /**
   * Starts a command line through the account's login shell and gives its standard input and output as one stream. Our end
   * is the end of its input; a command that fails ends the stream with an AccessError in the command's own words.
   * @throws AccessError (timeout, closed, failed)
   */
  pipe(command: string, timeoutMs: number): Promise<Duplex>;
  /** Settles, and never rejects, when the connection has ended, with why. */
  readonly closed: Promise<AccessError>;
  close(): void;
}

export interface NodeAccess {
  /** Connects. @throws AccessError */
  open(node: NodeSpec, timeoutMs: number): Promise<NodeSession>;
  /** Reads a file on a machine, for packages of type scp, with the private key file `identity` if given. @throws AccessError */
  readFile?(
    source: { user?: string; host: string; port?: number; identity?: string; path: string },
    timeoutMs: number,
  ): Promise<Readable>;
}
