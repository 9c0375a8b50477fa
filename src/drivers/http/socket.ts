/** One WebSocket: texts in and out, none of them beyond bounds, for as long as its client lives and may call. */
import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { Log } from '../log.ts';
import type { Caller } from './auth.ts';
import type { OpenSocket, SocketHandler, SocketPeer } from './face.ts';
import type { HttpLimits } from './limits.ts';
import type { Unread } from './unread.ts';

/** Codes of RFC 6455, 7.4.1. */
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

/** Whoever sends of itself (events) waits while more than this is unread. */
const AHEAD_BYTES = 64 * 1024;

/** A client of which nothing was heard for so many heartbeats has gone. */
const SILENT_HEARTBEATS = 3;

/** Messages begun before everybody else has a turn. */
const MAX_A_TURN = 32;

export interface RpcSocketOptions {
  readonly ws: WebSocket;
  /** The connection below. */
  readonly socket: Socket;
  readonly limits: HttpLimits;
  readonly unread: Unread;
  readonly caller: Caller;
  readonly open: OpenSocket;
  readonly log: Log;
}

export class RpcSocket implements SocketPeer {
  readonly #options: RpcSocketOptions;
  readonly #handler: SocketHandler;
  readonly #gone = new AbortController();
  /** Messages that wait for those before them. While there are any, nothing more is read. */
  readonly #waiting: Buffer[] = [];
  readonly #ahead = new Set<() => void>();
  readonly #next = () => this.#beginNext();
  readonly #revoked = () => this.#close(POLICY_VIOLATION, 'The token is not valid any more');
  /** Messages under way. */
  #running = 0;
  /** Messages begun in this turn of the event loop. */
  #turn = 0;
  /** A message under way has calls that are not begun yet: those behind it must not overtake them. */
  #isBeginning = false;
  #unsent = 0;
  #isStopping = false;
  #isClosing = false;
  /** Since when a message has been coming that is not whole yet. */
  #unfinishedSinceMs: number | undefined;
  /** What the bytes that just came completed. */
  #completed: 'nothing' | 'control' | 'message' = 'nothing';
  #bytesHeard = 0;
  #heardMs = performance.now();

  constructor(options: RpcSocketOptions) {
    this.#options = options;
    const { ws, socket, limits, caller, log } = options;
    // Any number of its calls may wait, which is bounded where they do.
    setMaxListeners(0, this.#gone.signal);
    ws.on('message', (data, isBinary) => this.#received(data, isBinary));
    ws.on('ping', () => this.#heardControl()).on('pong', () => this.#heardControl());
    ws.on('error', (error) =>
      log.debug({ err: error }, 'A WebSocket client broke the protocol or went away'),
    );
    ws.once('close', () => this.#closed());
    // After the library's own listener: what the bytes completed is known then.
    socket.on('data', () => this.#watch());
    // Node counts the bytes that leave: this is a client that reads nothing of what waits for it.
    socket.setTimeout(limits.idleTimeoutMs, () => {
      if (this.#unsent > 0) ws.terminate();
    });
    caller.revoked?.addEventListener('abort', this.#revoked, { once: true });
    this.#handler = options.open(this, socket.remoteAddress);
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  send(text: string): Promise<void> {
    this.#write(text);
    if (this.#unsent <= AHEAD_BYTES || this.#gone.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.#ahead.add(resolve));
  }

  /** Begins nothing more, and closes once what is under way is answered. */
  stop(): void {
    this.#isStopping = true;
    this.#waiting.length = 0;
    this.#gone.abort();
    this.#release();
    if (this.#running === 0) this.#close(GOING_AWAY, 'The server stops');
  }

  /** Looks whether the client is still there, and lets it know that we are. */
  beat(): void {
    const { ws, socket, limits } = this.#options;
    const nowMs = performance.now();
    const since = this.#unfinishedSinceMs;
    if (since !== undefined && !ws.isPaused && nowMs - since > limits.requestTimeoutMs) {
      this.#close(POLICY_VIOLATION, 'A message took too long to arrive');
      return;
    }
    // Nothing can be heard of a client that we do not listen to, and no pong before it has read what is in front of the ping.
    const isHeard = socket.bytesRead !== this.#bytesHeard;
    if (isHeard || ws.isPaused || this.#unsent > 0) this.#heardMs = nowMs;
    this.#bytesHeard = socket.bytesRead;
    if (nowMs - this.#heardMs > SILENT_HEARTBEATS * limits.heartbeatMs) ws.terminate();
    else if (this.#unsent === 0 && ws.readyState === ws.OPEN) ws.ping();
  }

  #received(data: RawData, isBinary: boolean): void {
    this.#completed = 'message';
    if (this.#isClosing || this.#isStopping) return;
    if (isBinary || !Buffer.isBuffer(data)) {
      this.#close(UNSUPPORTED_DATA, 'Send JSON-RPC in text frames');
      return;
    }
    this.#waiting.push(data);
    this.#beginNext();
  }

  #beginNext(): void {
    const { ws } = this.#options;
    while (this.#mayBegin()) this.#begin(this.#waiting.shift() as Buffer);
    if (this.#isClosing || this.#waiting.length === 0) {
      if (ws.isPaused) ws.resume();
    } else if (!ws.isPaused) {
      ws.pause();
      this.#unfinishedSinceMs = undefined;
    }
  }

  #mayBegin(): boolean {
    const { limits, unread } = this.#options;
    if (this.#waiting.length === 0 || this.#isClosing || this.#isBeginning) return false;
    if (this.#running >= limits.maxSocketMessages || this.#unsent > limits.maxUnsentBytes) return false;
    if (this.#turn >= MAX_A_TURN) return false;
    if (!unread.isFull(this.#unsent)) return true;
    unread.whenLess(this.#next);
    return false;
  }

  #begin(body: Buffer): void {
    if (this.#turn === 0) {
      setImmediate(() => {
        this.#turn = 0;
        this.#beginNext();
      });
    }
    this.#turn += 1;
    this.#running += 1;
    const { begun, answer } = this.#handler.message(body, this.#options.caller);
    if (begun !== undefined) {
      this.#isBeginning = true;
      void begun.then(() => {
        this.#isBeginning = false;
        this.#beginNext();
      });
    }
    void answer
      .then(({ text, sent }) => {
        if (text !== undefined) this.#write(text);
        sent();
      })
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'A message on a WebSocket failed unexpectedly');
        this.#close(INTERNAL_ERROR, 'Internal error; the log has its cause');
      })
      .finally(() => this.#ended());
  }

  #ended(): void {
    this.#running -= 1;
    if (this.#isStopping && this.#running === 0) this.#close(GOING_AWAY, 'The server stops');
    else this.#beginNext();
  }

  #write(text: string): void {
    const { ws, unread } = this.#options;
    if (ws.readyState !== ws.OPEN) return;
    const data = Buffer.from(text);
    this.#unsent += data.length;
    unread.add(data.length);
    ws.send(data, { binary: false }, () => {
      this.#unsent -= data.length;
      unread.remove(data.length);
      if (this.#unsent <= AHEAD_BYTES) this.#release();
      if (this.#waiting.length > 0) this.#beginNext();
    });
  }

  #release(): void {
    const ahead = [...this.#ahead];
    this.#ahead.clear();
    for (const go of ahead) go();
  }

  #heardControl(): void {
    if (this.#completed === 'nothing') this.#completed = 'control';
  }

  /** Bytes have come. Control frames may stand in the middle of a message, and end nothing. */
  #watch(): void {
    if (this.#completed === 'message') this.#unfinishedSinceMs = undefined;
    else if (this.#completed === 'nothing') this.#unfinishedSinceMs ??= performance.now();
    this.#completed = 'nothing';
  }

  #close(code: number, reason: string): void {
    if (this.#isClosing) return;
    const { ws } = this.#options;
    this.#isClosing = true;
    this.#waiting.length = 0;
    this.#gone.abort();
    this.#release();
    // Paused, we would not hear that the client closes too.
    if (ws.isPaused) ws.resume();
    ws.close(code, reason);
  }

  #closed(): void {
    this.#isClosing = true;
    this.#waiting.length = 0;
    this.#options.unread.forget(this.#next);
    this.#options.caller.revoked?.removeEventListener('abort', this.#revoked);
    this.#gone.abort();
    this.#release();
  }
}
