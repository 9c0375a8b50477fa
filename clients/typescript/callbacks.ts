/** The server of a callback client: plushd calls it, over XML-RPC or JSON-RPC, classic or with details. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Static, TSchema } from '@sinclair/typebox';
import type { CallbackName, callbacks } from '../../api/callbacks.ts';
import { decodeCall } from '../../src/wire/xmlrpc/decode.ts';
import { encodeFault, encodeResponse } from '../../src/wire/xmlrpc/encode.ts';
import type { PlushEvent } from './events.ts';
import { sentenceOf } from './fault.ts';

/** The matching of the largest run takes a few MiB. */
const MAX_BODY_BYTES = 16 << 20;
/** Header with the signature, for subscriptions with a secret. */
const SIGNATURE_HEADER = 'x-plush-signature';
const SIGNATURE_SCHEME = 'sha256=';

type Callbacks = typeof callbacks;
type Values<P> = P extends readonly [{ readonly schema: infer S extends TSchema }, ...infer Rest]
  ? [value: Static<S>, ...Values<Rest>]
  : [];

/** The parameters of a callback as the table has them; a subscription with details adds its event. */
export type CallbackParamsOf<N extends CallbackName> = [
  ...Values<Callbacks[N]['params']>,
  event?: PlushEvent,
];

/** What to do for each call. plushd makes the next call when the promise is settled. */
export type CallbackHandlers = {
  readonly [N in CallbackName]?: (...params: CallbackParamsOf<N>) => void | Promise<void>;
};

export interface CallbackServerOptions extends CallbackHandlers {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** @default 0, a free one; give one for a subscription that outlives this process */
  readonly port?: number;
  /** Of the subscription; calls that are not signed with it are refused. */
  readonly secret?: string;
  /** Gets the event of every call of a subscription with details, once where an event leads to several calls. */
  readonly onEvent?: (event: PlushEvent) => void | Promise<void>;
  /**
   * Told what a handler threw. The call is answered with HTTP 500, so plushd makes it again, with growing pauses, and none after
   * it until then.
   */
  readonly onError?: (error: unknown) => void;
}

export interface CallbackServer {
  /** To be handed to setXmlRpcClientUrl or plushSubscribe. */
  readonly url: string;
  /** Stops listening and ends the connections. */
  close(): Promise<void>;
}

/** Starts to listen. Calls without a handler are accepted and do nothing. @throws Error when the port is taken */
export async function startCallbackServer(options: CallbackServerOptions): Promise<CallbackServer> {
  const { host = '127.0.0.1', port = 0 } = options;
  const receiver = new Receiver(options);
  const server = createServer((request, response) => {
    receiver.serve(request, response).catch((error: unknown) => {
      options.onError?.(error);
      response.destroy();
    });
  });
  await listen(server, host, port);
  const bound = server.address() as AddressInfo;
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${name}:${bound.port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Whether the header holds the signature of exactly these bytes. How long it takes tells nothing about the right one. */
export function isSigned(body: Buffer, header: string | undefined, secret: string): boolean {
  if (header?.startsWith(SIGNATURE_SCHEME) !== true) return false;
  const given = Buffer.from(header.slice(SIGNATURE_SCHEME.length), 'hex');
  const right = createHmac('sha256', secret).update(body).digest();
  return given.length === right.length && timingSafeEqual(given, right);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A call as it came, and how its caller wants to be answered. */
interface Received {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly type: 'text/xml; charset=utf-8' | 'application/json';
  readonly success: string;
}

/** A body that is no call, as it is answered. */
class BadCall extends Error {
  constructor(
    readonly type: Received['type'],
    readonly answer: string,
  ) {
    super('The body is no call');
  }
}

class Receiver {
  readonly #options: CallbackServerOptions;
  #lastHandled: number | undefined;

  constructor(options: CallbackServerOptions) {
    this.#options = options;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST')
      return answer(response, 405, 'This serves callbacks, by POST\n', 'text/plain');
    const body = await readBody(request);
    if (body === undefined) return answer(response, 413, 'The call is too large\n', 'text/plain');
    const { secret } = this.#options;
    const signature = request.headers[SIGNATURE_HEADER];
    if (
      secret !== undefined &&
      !isSigned(body, typeof signature === 'string' ? signature : undefined, secret)
    ) {
      return answer(response, 401, 'The signature is missing or wrong: check the secret\n', 'text/plain');
    }
    try {
      const call = readCall(body, request.headers['content-type'] ?? '');
      await this.#handle(call);
      answer(response, 200, call.success, call.type);
    } catch (error) {
      if (error instanceof BadCall) return answer(response, 200, error.answer, error.type);
      this.#options.onError?.(error);
      answer(response, 500, 'The call could not be handled now\n', 'text/plain');
    }
  }

  async #handle({ method, params }: Received): Promise<void> {
    const handler = Object.hasOwn(this.#options, method) ? this.#options[method as CallbackName] : undefined;
    const event = eventIn(params);
    const given = event === undefined ? params : [...params.slice(0, -1), event];
    if (typeof handler === 'function' && /^send[A-Z]/.test(method)) {
      await (handler as (...values: readonly unknown[]) => void | Promise<void>)(...given);
    }
    if (event === undefined || event.seq === this.#lastHandled) return;
    await this.#options.onEvent?.(event);
    this.#lastHandled = event.seq;
  }
}

/** The event that comes last, for details. In XML-RPC numbers beyond 32 bits are strings. */
function eventIn(params: readonly unknown[]): PlushEvent | undefined {
  const last = params.at(-1) as Partial<Record<'seq' | 'type', unknown>> | null | undefined;
  if (typeof last !== 'object' || last === null || typeof last.type !== 'string') return undefined;
  const seq = typeof last.seq === 'string' ? Number(last.seq) : last.seq;
  return Number.isSafeInteger(seq) ? ({ ...last, seq } as unknown as PlushEvent) : undefined;
}

function readCall(body: Buffer, contentType: string): Received {
  const isJson =
    contentType.includes('json') || body.subarray(0, 64).toString('latin1').trimStart()[0] === '{';
  return isJson ? readJsonCall(body) : readXmlCall(body, contentType);
}

function readXmlCall(body: Buffer, contentType: string): Received {
  const type = 'text/xml; charset=utf-8';
  try {
    return { ...decodeCall(body, contentType), type, success: encodeResponse(true) };
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw new BadCall(type, encodeFault(typeof code === 'number' ? code : -32600, sentenceOf(error)));
  }
}

function readJsonCall(body: Buffer): Received {
  const type = 'application/json';
  const bad = (code: number, message: string) =>
    new BadCall(type, JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }));
  let value: { id?: unknown; method?: unknown; params?: unknown } | null;
  try {
    value = JSON.parse(body.toString('utf8')) as typeof value;
  } catch {
    throw bad(-32700, 'The body is no JSON'); // answered in JSON-RPC's own way
  }
  const { id, method, params = [] } = value ?? {};
  if (typeof method !== 'string' || !Array.isArray(params)) {
    throw bad(-32600, 'A call has a method and an array of params');
  }
  const success = id === undefined ? '' : JSON.stringify({ jsonrpc: '2.0', id, result: true });
  return { method, params, type, success };
}

/** Undefined when it is too large; what is left of it is not read. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  // Not destroyed, so that the answer can still go out.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answer(response: ServerResponse, status: number, text: string, type: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': body.length,
    ...(status === 413 ? { Connection: 'close' } : {}),
  });
  response.end(body);
}
