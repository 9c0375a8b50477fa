import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller } from './auth.ts';
import { refuseByHead, takeBody } from './body.ts';
import type { Connections } from './connections.ts';
import { Cors } from './cors.ts';
import { parseEventQuery, streamEvents } from './events.ts';
import type { HttpFaceOptions, RequestHead } from './face.ts';
import { createGuard, type Guard } from './guard.ts';
import type { HttpLimits } from './limits.ts';
import { isJsonType, isXmlType } from './media-type.ts';
import { Outbox } from './outbox.ts';
import { type Refusal, refuse, tooManyCalls, UNAUTHORIZED } from './refusal.ts';
import { pathOf } from './target.ts';

const PUBLIC_PATHS = ['/healthz', '/readyz'];

const NO_XML: Refusal = { status: 415, sentence: 'XML-RPC calls have the Content-Type text/xml' };

const NO_JSON: Refusal = { status: 415, sentence: 'JSON-RPC calls have the Content-Type application/json' };

const NO_HANDSHAKE: Refusal = {
  status: 426,
  sentence: 'This path takes JSON-RPC calls by POST, and GET only as the handshake of a WebSocket',
  headers: { Upgrade: 'websocket', Allow: 'POST, GET' },
};

const TOO_MUCH_UNSENT: Refusal = {
  status: 503,
  sentence: 'Too many answers wait to be read. Read them before sending more.',
  headers: { Connection: 'close' },
};

const NO_READ: Refusal = { status: 403, sentence: 'The token lacks the scope "read"' };

const MAX_PHRASE_CHARACTERS = 300;

const NOT_FOUND: Refusal = { status: 404, sentence: 'There is nothing at this path' };

/** What one request needs at hand. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client waits for "100 Continue" before it sends a body. */
  readonly waits: boolean;
}

/** Keeps the calls behind this one from being begun. */
type Hold = (begun: Promise<void>) => void;

type Answer = (exchange: Exchange, body: Buffer, caller: Caller, hold: Hold) => Promise<void>;

/** Decides for each request, from its head alone, who serves it; the RPC paths take the shortest way. */
export class Dispatcher {
  readonly #guard: Guard;
  readonly #cors: Cors;
  readonly #publicPaths: ReadonlySet<string>;
  readonly #outbox = new Outbox();
  readonly #streams = new Set<AbortController>();
  #stopped = false;

  constructor(
    private readonly options: HttpFaceOptions,
    private readonly limits: HttpLimits,
    private readonly connections: Connections,
  ) {
    this.#cors = new Cors(options.corsOrigins ?? []);
    this.#guard = createGuard([options.listen.host, ...(options.allowedHosts ?? [])], this.#cors);
    this.#publicPaths = new Set(options.publicPaths ?? PUBLIC_PATHS);
  }

  /** Event streams that are open. */
  get eventStreams(): number {
    return this.#streams.size;
  }

  /** Serves one request. Never throws. */
  serve(request: IncomingMessage, response: ServerResponse, waits: boolean): void {
    const exchange = { request, response, waits };
    try {
      const pending = this.connections.begin(request.socket, response);
      const refusal = pending > this.limits.maxPipelined ? tooManyPipelined(pending) : this.#route(exchange);
      if (refusal !== undefined) refuse(request, response, refusal);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  /** Ends the event streams; requests are served further, as their connections are not cut here. */
  stop(): void {
    this.#stopped = true;
    for (const stream of this.#streams) stream.abort();
  }

  #route(exchange: Exchange): Refusal | undefined {
    const { request, response } = exchange;
    const path = pathOf(request.url ?? '');
    const unwelcome = this.#guard(request, path);
    if (unwelcome !== undefined) return unwelcome;
    this.#cors.open(request, response, path);
    if (this.#cors.preflight(request, response, path)) return undefined;
    switch (path) {
      case '/RPC2':
        return request.method === 'POST'
          ? this.#call(exchange, isXmlType, NO_XML, this.#xmlrpc)
          : onlyMethod('POST');
      case '/rpc':
        if (request.method === 'POST') return this.#call(exchange, isJsonType, NO_JSON, this.#jsonrpc);
        return request.method === 'GET' ? NO_HANDSHAKE : onlyMethod('POST, GET');
      case '/events':
        return request.method === 'GET' ? this.#events(exchange) : onlyMethod('GET');
      case '/':
        if (request.method === 'POST') return this.#call(exchange, isXmlType, NO_XML, this.#xmlrpc);
        return this.#web(exchange, path);
      default:
        return this.#web(exchange, path);
    }
  }

  /** Who asks, one call of whom is counted; or why the request is not served, before anything of its body is read. */
  #caller({ request }: Exchange): Caller | Refusal {
    const { authorization } = request.headers;
    const caller = this.options.authenticate(authorization);
    if (caller === undefined) {
      if (authorization !== undefined)
        this.options.onStranger?.(request.socket.remoteAddress, pathOf(request.url ?? ''));
      return UNAUTHORIZED;
    }
    this.connections.welcome(request.socket);
    const waitS = caller.rate?.take() ?? 0;
    return waitS === 0 ? caller : tooManyCalls(waitS);
  }

  /** The common way of both RPC protocols. */
  #call(
    exchange: Exchange,
    isRightType: (contentType: string | undefined) => boolean,
    wrongType: Refusal,
    answer: Answer,
  ): Refusal | undefined {
    const { request, response } = exchange;
    const caller = this.#caller(exchange);
    if ('status' in caller) return caller;
    if (!isRightType(request.headers['content-type'])) return wrongType;
    const refusal = refuseByHead(request, this.limits.maxBodyBytes);
    if (refusal !== undefined) return refusal;
    if (exchange.waits) response.writeContinue();
    takeBody(request, this.limits.maxBodyBytes, (body) => {
      if (!Buffer.isBuffer(body)) refuse(request, response, body);
      else {
        const work = (hold: Hold) =>
          answer(exchange, body, caller, hold).catch((error: unknown) => this.#fail(exchange, error));
        const isTaken = this.connections.run(request.socket, { response, bytes: body.length, work });
        if (!isTaken) refuse(request, response, TOO_MUCH_UNSENT);
      }
    });
    return undefined;
  }

  readonly #xmlrpc: Answer = async (exchange, body, caller, hold) => {
    const { headers, socket } = exchange.request;
    const asked = headers['x-plush-xmlrpc'];
    const answer = await this.options.rpc.xmlrpc(
      body,
      headers['content-type'],
      caller,
      socket.remoteAddress,
      { ...this.#headOf(socket), hold, ...(asked === undefined ? {} : { xmlTypes: String(asked) }) },
    );
    if (answer.reason !== undefined) exchange.response.statusMessage = phrase(answer.reason);
    this.#send(exchange, answer.status ?? 200, answer.contentType, answer.body);
  };

  readonly #jsonrpc: Answer = async (exchange, body, caller, hold) => {
    const { request, response } = exchange;
    const answer = await this.options.rpc.jsonrpc(body, caller, request.socket.remoteAddress, {
      ...this.#headOf(request.socket),
      hold,
    });
    if (answer.body === undefined) response.writeHead(answer.status).end();
    else this.#send(exchange, answer.status, 'application/json', answer.body);
  };

  /** The first call of a request is counted from its head already. */
  #headOf(socket: Socket): RequestHead {
    return { isPaid: true, signal: this.connections.signal(socket) };
  }

  #send({ request, response }: Exchange, status: number, contentType: string, body: string | Buffer): void {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    this.connections.hold(request.socket, response, length);
    response.writeHead(status, ['Content-Type', contentType, 'Content-Length', String(length)]);
    this.#outbox.send(response, body);
  }

  #events(exchange: Exchange): Refusal | undefined {
    const { request, response } = exchange;
    const caller = this.#caller(exchange);
    if ('status' in caller) return caller;
    if (!caller.scopes.has('read')) return NO_READ;
    const query = parseEventQuery(request);
    if ('status' in query) return query;
    if (this.#stopped || this.#streams.size >= this.limits.maxEventStreams) {
      return {
        status: 503,
        sentence: 'The server has no room for another event stream now. Try again later.',
        headers: { 'Retry-After': 10 },
      };
    }
    // Queued behind another answer it could not be sent, and would not be told when the connection ends.
    if (response.socket === null) {
      return { status: 400, sentence: 'An event stream needs a connection on which no other answer is due' };
    }
    const stream = new AbortController();
    const source = this.options.rpc.events({ ...query, signal: stream.signal }, caller);
    if ('status' in source) return source;
    this.#streams.add(stream);
    // Cut, not ended: a reader that has stopped reading would hold on to a stream that waits for it.
    const cut = () => request.socket.destroy();
    caller.revoked?.addEventListener('abort', cut, { once: true });
    response.once('close', () => {
      stream.abort();
      this.#streams.delete(stream);
      caller.revoked?.removeEventListener('abort', cut);
    });
    // A reader that ends its side has left; it would be noticed only with the next event.
    const leave = () => request.socket.destroy();
    request.socket.once('end', leave);
    response.once('close', () => request.socket.off('end', leave));
    streamEvents(request, response, source, this.limits.heartbeatMs).catch((error: unknown) => {
      // A source may say by throwing that it was aborted; nobody is there to be told.
      if (stream.signal.aborted) response.end();
      else this.#fail(exchange, error);
    });
    return undefined;
  }

  #web(exchange: Exchange, path: string): Refusal | undefined {
    const { request, response, waits } = exchange;
    let caller: Caller | undefined;
    if (!this.#publicPaths.has(path)) {
      const found = this.#caller(exchange);
      if ('status' in found) return found;
      caller = found;
    }
    if (waits) response.writeContinue();
    const next = (error?: unknown) => {
      if (error === undefined || error === null) refuse(request, response, NOT_FOUND);
      else if (isCallersMistake(error) && !response.headersSent) {
        refuse(request, response, { status: error.status, sentence: error.message });
      } else this.#fail(exchange, error);
    };
    this.options.web(request, response, next, caller);
    return undefined;
  }

  /** The caller gets an id, the log the cause. */
  #fail({ request, response }: Exchange, error: unknown): void {
    const id = randomUUID();
    const path = pathOf(request.url ?? '');
    this.options.log.error({ err: error, id, method: request.method, path }, 'A request failed unexpectedly');
    // An answer that was begun cannot become another one; cut off after what is written, it is not taken for whole.
    if (response.headersSent) request.socket.destroySoon();
    else
      refuse(request, response, {
        status: 500,
        sentence: `Internal error; the log has its cause under ${id}`,
      });
  }
}

/** A sentence as a reason phrase (RFC 9112, section 4): visible characters and spaces, and a line that clients take. */
function phrase(sentence: string): string {
  return sentence.replace(/[^ -~]/g, '?').slice(0, MAX_PHRASE_CHARACTERS);
}

function onlyMethod(method: string): Refusal {
  return { status: 405, sentence: `This path takes ${method} only`, headers: { Allow: method } };
}

function tooManyPipelined(pending: number): Refusal {
  return {
    status: 503,
    sentence: `This connection waits for ${pending} answers already. Read them before sending more.`,
    headers: { Connection: 'close' },
  };
}

/** Express and its parsers mark errors whose message is meant for the caller, such as a body that is no JSON. */
function isCallersMistake(error: unknown): error is { status: number; message: string } {
  if (!(error instanceof Error) || !('expose' in error) || !('status' in error)) return false;
  return (
    error.expose === true && typeof error.status === 'number' && error.status >= 400 && error.status < 500
  );
}
