/** The WebSockets on GET /rpc: who is let in, how many, and their end. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Caller } from './auth.ts';
import type { Connections } from './connections.ts';
import { Cors } from './cors.ts';
import type { HttpFaceOptions, OpenSocket } from './face.ts';
import { createGuard, type Guard } from './guard.ts';
import { authorizationOf, refuseHandshake, refuseUpgrade, SUBPROTOCOL } from './handshake.ts';
import type { HttpLimits } from './limits.ts';
import { type Refusal, tooManyCalls, UNAUTHORIZED } from './refusal.ts';
import { RpcSocket } from './socket.ts';
import { pathOf } from './target.ts';
import type { Unread } from './unread.ts';

/** How long a client may take to close its side after ours. */
const CLOSE_MS = 5_000;

/** Each piece of a message that is not whole has its own cost in memory, however small it is. */
const MAX_PIECES = 16 * 1024;

const NO_ROOM: Refusal = {
  status: 503,
  sentence: 'The server has no room for another WebSocket now. Try again later.',
  headers: { 'Retry-After': 10 },
};

export class Sockets {
  readonly #server: WebSocketServer;
  readonly #guard: Guard;
  readonly #open = new Set<RpcSocket>();
  #heart: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly options: HttpFaceOptions & { readonly openSocket: OpenSocket },
    private readonly limits: HttpLimits,
    private readonly connections: Connections,
    private readonly unread: Unread,
  ) {
    this.#guard = createGuard(
      [options.listen.host, ...(options.allowedHosts ?? [])],
      new Cors(options.corsOrigins ?? []),
    );
    // By name, since the library's types do not have all of them.
    const settings = {
      noServer: true,
      clientTracking: false,
      maxPayload: limits.maxBodyBytes,
      maxFragments: MAX_PIECES,
      maxBufferedChunks: MAX_PIECES,
      closeTimeout: CLOSE_MS,
      // A few bytes could become gigabytes, and each socket would keep a window in memory.
      perMessageDeflate: false,
      handleProtocols: (offered: Set<string>): string | false =>
        offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false,
    };
    this.#server = new WebSocketServer(settings);
    // What the library finds wrong with a handshake is told like all else.
    this.#server.on('wsClientError', (error: Error, socket: unknown, request: IncomingMessage) => {
      refuseUpgrade(request, socket as Socket, { status: 400, sentence: error.message });
    });
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Serves a request that is a handshake. Never throws. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    // Node has let go of the connection.
    socket.on('error', () => socket.destroy());
    try {
      // An answer of ours would come before those that are due.
      if (!this.connections.handOver(socket)) socket.destroy();
      else {
        const admitted = this.#admit(request);
        if ('status' in admitted) refuseUpgrade(request, socket, admitted);
        else this.#server.handleUpgrade(request, socket, head, (ws) => this.#opened(ws, socket, admitted));
      }
    } catch (error) {
      this.options.log.error({ err: error }, 'The handshake of a WebSocket failed unexpectedly');
      socket.destroy();
    }
  }

  /** Lets no more in, and closes each as soon as what is under way on it is answered. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#heart);
    for (const socket of this.#open) socket.stop();
  }

  /** Who opens a socket, which counts as one call; or why it is not opened. */
  #admit(request: IncomingMessage): Caller | Refusal {
    const path = pathOf(request.url ?? '');
    const unwelcome = this.#guard(request, path);
    if (unwelcome !== undefined) return unwelcome;
    const refusal = refuseHandshake(request);
    if (refusal !== undefined) return refusal;
    const { authenticate, onStranger } = this.options;
    const authorization = authorizationOf(request);
    const caller = authenticate(authorization);
    if (caller === undefined) {
      if (authorization !== undefined) onStranger?.(request.socket.remoteAddress, path);
      return UNAUTHORIZED;
    }
    this.connections.welcome(request.socket);
    if (this.#stopped || this.#open.size >= this.limits.maxSockets) return NO_ROOM;
    const waitS = caller.rate?.take() ?? 0;
    return waitS === 0 ? caller : tooManyCalls(waitS);
  }

  #opened(ws: WebSocket, socket: Socket, caller: Caller): void {
    const { openSocket: open, log } = this.options;
    const { limits, unread } = this;
    const opened = new RpcSocket({ ws, socket, limits, unread, caller, open, log });
    this.#open.add(opened);
    this.#heart ??= setInterval(() => this.#beat(), limits.heartbeatMs).unref();
    ws.once('close', () => this.#open.delete(opened));
  }

  #beat(): void {
    for (const socket of this.#open) socket.beat();
  }
}
