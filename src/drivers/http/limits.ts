/** Every bound of the HTTP face; each can be set. */
export interface HttpLimits {
  /** Largest request body, as sent and again once inflated. @default 1048576 */
  readonly maxBodyBytes: number;
  /** Largest head of a request (all its header lines together). @default 16384 */
  readonly maxHeaderBytes: number;
  /** Time for the head of a request to arrive. @default 10000 */
  readonly headersTimeoutMs: number;
  /** Time for a whole request to arrive; at least `headersTimeoutMs`. @default 30000 */
  readonly requestTimeoutMs: number;
  /** How long a connection may rest between two requests. @default 65000 */
  readonly keepAliveTimeoutMs: number;
  /** How long nothing may move on a connection while an answer is due or under way. @default 120000 */
  readonly idleTimeoutMs: number;
  /** Connections at a time; further ones are dropped. @default 1000 */
  readonly maxConnections: number;
  /** Connections from one address at a time; one more takes the place of the oldest without a good token, or is dropped. @default 500 */
  readonly maxConnectionsPerAddress: number;
  /** Requests of one connection that wait for their answers. @default 1000 */
  readonly maxPipelined: number;
  /** Calls of one connection that are under way at a time; further ones wait. @default 8 */
  readonly maxRunning: number;
  /** Bytes of answers that a connection has not read, above which its calls wait; also of calls that wait. @default 4194304 */
  readonly maxUnsentBytes: number;
  /** Unread bytes of all connections together; above half of it, only those that read theirs get more. @default 268435456 */
  readonly maxTotalUnsentBytes: number;
  /** Event streams at a time. @default 200 */
  readonly maxEventStreams: number;
  /** WebSockets at a time, which count as connections too. @default 500 */
  readonly maxSockets: number;
  /** Messages of one WebSocket that are under way at a time; further ones wait, and nothing more is read. @default 32 */
  readonly maxSocketMessages: number;
  /** An event stream says nothing for at most so long, and a WebSocket is pinged so often. @default 15000 */
  readonly heartbeatMs: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  maxBodyBytes: 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  idleTimeoutMs: 120_000,
  maxConnections: 1_000,
  maxConnectionsPerAddress: 500,
  maxPipelined: 1_000,
  maxRunning: 8,
  maxUnsentBytes: 4 * 1024 * 1024,
  maxTotalUnsentBytes: 256 * 1024 * 1024,
  maxEventStreams: 200,
  maxSockets: 500,
  maxSocketMessages: 32,
  heartbeatMs: 15_000,
};
