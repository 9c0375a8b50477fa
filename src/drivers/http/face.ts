import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import type { Authenticate, Caller } from './auth.ts';
import type { EventQuery, StreamedEvent } from './events.ts';
import type { HttpLimits } from './limits.ts';
import type { Refusal } from './refusal.ts';

/** What a request's head says beside who calls. */
export interface RequestHead {
  /** Its first call is counted against the token's rate already. */
  readonly isPaid?: boolean;
  /** XML-RPC types beyond the specification that the client reads, as it lists them: "nil, i8". */
  readonly xmlTypes?: string | undefined;
  /** Aborted when the connection has ended, and nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /**
   * To be called at once where not every call in it can be begun at once: none of a later request on its connection is begun
   * before the promise resolves. It must not reject.
   */
  readonly hold?: (begun: Promise<void>) => void;
}

/** What the RPC paths need from the controller. Bodies are whole, inflated and within the limit; `remote` is the client's address. */
export interface RpcHandlers {
  /** The answer to a call, faults included; with status 200 unless it has another; `reason` is the reason phrase then. */
  xmlrpc(
    body: Buffer,
    contentType: string | undefined,
    caller: Caller,
    remote: string | undefined,
    head?: RequestHead,
  ): Promise<{ status?: number; reason?: string; body: string | Buffer; contentType: string }>;
  /** The answer to a call or batch; no body where there is nothing to answer (notifications: status 204). */
  jsonrpc(
    body: Buffer,
    caller: Caller,
    remote: string | undefined,
    head?: RequestHead,
  ): Promise<{ status: number; body?: string }>;
  /** Facts as events, oldest first, or why not. Must end soon after `query.signal` is aborted. */
  events(query: EventQuery, caller: Caller): AsyncIterable<StreamedEvent> | Refusal;
}

/** A client on a WebSocket, as the controller sees it. */
export interface SocketPeer {
  /** Aborted when the client has gone or the server stops. */
  readonly signal: AbortSignal;
  /** Sends a text frame; resolves when there is room for more, and also when there never will be. */
  send(text: string): Promise<void>;
}

/** A message's way through the controller. */
export interface SocketMessage {
  /** Resolves once every call in it is begun, and no later message can overtake one; undefined when they all are. */
  readonly begun: Promise<void> | undefined;
  /** What is sent back, if anything; `sent` is called behind it. */
  readonly answer: Promise<{ readonly text: string | undefined; readonly sent: () => void }>;
}

/** Serves what one client sends. */
export interface SocketHandler {
  /** Takes a message in the order of their coming; answers may come in another. Must not throw. */
  message(body: Buffer, caller: Caller): SocketMessage;
}

/** A client has come. */
export type OpenSocket = (peer: SocketPeer, remote: string | undefined) => SocketHandler;

/** Serves all paths but the RPC ones; an Express application fits as it is. Without a caller on the public paths. */
export type WebHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
  caller: Caller | undefined,
) => void;

/** A certificate chain and its private key; both are PEM texts. */
export interface Certificate {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface HttpFaceOptions {
  readonly listen: {
    /** Name or address to listen on. */
    readonly host: string;
    /** 0 takes a free one. */
    readonly port: number;
  };
  /** Serves HTTPS. @default plain HTTP */
  readonly tls?: Certificate;
  readonly authenticate: Authenticate;
  readonly rpc: RpcHandlers;
  /** Serves WebSockets on GET /rpc. @default none are served */
  readonly openSocket?: OpenSocket;
  readonly web: WebHandler;
  /** Paths of `web` that need no token. @default ['/healthz', '/readyz'] */
  readonly publicPaths?: readonly string[];
  /** Names, without port, by which clients may call this server besides the loopback's and `listen.host`. @default [] */
  readonly allowedHosts?: readonly string[];
  /** Origins whose pages may use the RPC paths and the event stream, such as `https://console.example`. @default [] */
  readonly corsOrigins?: readonly string[];
  /** Told of requests with a wrong token. */
  readonly onStranger?: (remote: string | undefined, path: string) => void;
  /** @default DEFAULT_LIMITS */
  readonly limits?: Partial<HttpLimits>;
  readonly log: Log;
}

export interface HttpFace {
  /** Where it is reached from this machine, such as `http://127.0.0.1:4880`; known once it listens. */
  readonly address: string;
  /**
   * Begins to serve, and answers `address`.
   * @throws HttpFaceError
   */
  listen(): Promise<string>;
  /**
   * New connections get this certificate; those that are open go on. For a face that serves HTTPS.
   * @throws HttpFaceError (`bad_certificate`); the former certificate is served on then
   */
  renewCertificate(certificate: Certificate): void;
  /**
   * Takes no more connections, ends event streams, lets running answers finish, closes WebSockets (1001) behind theirs, and
   * after `graceMs` cuts the rest.
   */
  close(options: { readonly graceMs: number }): Promise<void>;
  /** What is open now. */
  usage(): { readonly connections: number; readonly eventStreams: number; readonly sockets: number };
}

/** Why the face cannot listen. */
export class HttpFaceError extends Error {
  constructor(
    readonly code: 'address_in_use' | 'address_forbidden' | 'address_unavailable' | 'bad_certificate',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'HttpFaceError';
  }
}
