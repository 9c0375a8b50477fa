/**
 * The controller's end of a link to an agent: requests with their replies, reports as they come, and a heartbeat that
 * notices an agent which is there but no longer answers (stopped, swapped out, its host frozen).
 */

import type { Duplex } from 'node:stream';
import { durationText } from '../../core/duration.ts';
import type { AgentFailure, AgentOp, AgentRequests, ReplyFrame, ReportFrame } from '../../wire/agent.ts';
import { encodeFrame, FrameReader } from '../../wire/frames.ts';
import { AgentError, messageOf } from '../agent-error.ts';

/** A ping goes out when the link was silent for this long. */
const HEARTBEAT_MS = 3_000;
/** Silence after which the agent counts as gone. */
const SILENCE_MS = 10_000;
/** Requests that may wait for their replies at once. */
const MAX_PENDING = 100_000;

export class LinkError extends Error {
  override readonly name = 'LinkError';
}

interface Pending {
  readonly resolve: (reply: { ok: unknown; binary: Buffer }) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

export interface LinkOptions {
  readonly onReport: (report: ReportFrame) => void;
  /** @default 10000 */
  readonly silenceMs?: number;
}

export interface RequestOptions {
  readonly binary?: Buffer;
  /** Absent: as long as the link lives. */
  readonly timeoutMs?: number;
}

export class AgentLink {
  /** Settles, and never rejects, when the link has ended, with why. */
  readonly closed: Promise<string>;
  readonly #stream: Duplex;
  readonly #reader = new FrameReader();
  readonly #pending = new Map<number, Pending>();
  readonly #options: LinkOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #settle: (why: string) => void = () => {};
  #ended: string | undefined;
  #nextId = 1;
  #heardMs = performance.now();
  #beatMs = performance.now();

  constructor(stream: Duplex, options: LinkOptions) {
    this.#stream = stream;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    stream.on('data', (bytes: Buffer) => this.#receive(bytes));
    stream.on('error', (error) => this.close(messageOf(error)));
    stream.on('close', () => this.close('The agent closed the connection'));
    stream.on('end', () => this.close('The agent closed the connection'));
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  /**
   * Asks the agent.
   * @throws AgentError what the agent answered; LinkError when the link ended or the time was up
   */
  request<O extends AgentOp>(
    op: O,
    ask: AgentRequests[O]['ask'],
    { binary, timeoutMs }: RequestOptions = {},
  ): Promise<{ ok: AgentRequests[O]['ok']; binary: Buffer }> {
    if (this.#ended !== undefined) return Promise.reject(new LinkError(this.#ended));
    if (this.#pending.size >= MAX_PENDING)
      return Promise.reject(new LinkError('Too many requests wait for the agent'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              this.#pending.delete(id);
              const what = op === 'hello' ? 'the greeting' : `the request ${op}`;
              reject(new LinkError(`The agent did not answer ${what} within ${durationText(timeoutMs)}`));
            }, timeoutMs);
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject, timer });
      this.#stream.write(encodeFrame({ id, op, ...ask }, binary));
    });
  }

  close(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    clearInterval(this.#heartbeat);
    this.#stream.destroy();
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new LinkError(why));
    }
    this.#pending.clear();
    this.#settle(why);
  }

  #receive(bytes: Buffer): void {
    this.#heardMs = performance.now();
    try {
      for (const { message, binary } of this.#reader.push(bytes))
        this.#take(message as ReplyFrame | ReportFrame, binary);
    } catch (error) {
      this.close(`The agent sent something that is no frame: ${messageOf(error)}`);
    }
  }

  #take(message: ReplyFrame | ReportFrame, binary: Buffer): void {
    if ('report' in message) {
      this.#options.onReport(message);
      return;
    }
    const pending = this.#pending.get(message.re);
    if (pending === undefined) return;
    this.#pending.delete(message.re);
    clearTimeout(pending.timer);
    if ('error' in message) pending.reject(agentError(message.error));
    else pending.resolve({ ok: message.ok, binary });
  }

  #beat(): void {
    const nowMs = performance.now();
    // This process itself stood still (stopped, suspended, starved): what the agent has said meanwhile is not read yet.
    if (nowMs - this.#beatMs > 2 * HEARTBEAT_MS) this.#heardMs = nowMs - HEARTBEAT_MS;
    this.#beatMs = nowMs;
    const silentMs = nowMs - this.#heardMs;
    const limitMs = this.#options.silenceMs ?? SILENCE_MS;
    if (silentMs > limitMs) this.close(`The agent has been silent for ${Math.round(silentMs / 1000)} s`);
    else if (silentMs > HEARTBEAT_MS / 2)
      this.request('ping', {}).catch((error) => this.close(messageOf(error)));
  }
}

function agentError({ code, message, ...details }: AgentFailure): AgentError {
  return new AgentError(code, message, details);
}
