/** A WebSocket to plushd (GET /rpc): JSON-RPC 2.0 both ways, calls from here and events from there. */
import { WebSocket } from 'ws';
import type { Topic } from '../../api/events.ts';
import type { MethodName, ParamsOf, ResultOf } from '../../api/methods.ts';
import type { Caller } from './client.ts';
import type { Endpoint } from './endpoint.ts';
import { EventQueue } from './event-queue.ts';
import type { PlushEvent } from './events.ts';
import { faultOf, RefusedError, sentenceOf, UnreachableError } from './fault.ts';
import { refusalOf, type TlsOptions } from './http.ts';

/** plushd answers at most 16 MiB to one call. */
const MAX_MESSAGE_BYTES = 64 << 20;
/** Events that wait to be read before nothing more is read from the socket, unless a call waits for its answer. */
const MAX_WAITING_EVENTS = 1_000;
/** plushd pings at least every 15 s. */
const SILENCE_MS = 45_000;
/** plushd answers a close at once. */
const CLOSE_TIMEOUT_MS = 2_000;
const EVENT_METHOD = 'plushEvent';

export interface SocketOptions extends TlsOptions {
  /** For the connection, and for each call. */
  readonly timeoutMs: number;
  /** Gives up the attempt to connect. */
  readonly signal?: AbortSignal;
}

/** Events that come on a socket. It ends with `end` or the end of its socket; the latter is an UnreachableError. */
export interface SocketSubscription extends AsyncIterable<PlushEvent> {
  readonly id: string;
  /** Has plushd send no more; what has come can still be read. */
  end(): Promise<void>;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** @throws UnreachableError, RefusedError */
export async function openSocket(endpoint: Endpoint, options: SocketOptions): Promise<PlushSocket> {
  const { timeoutMs, signal, ca } = options;
  signal?.throwIfAborted();
  const socket = new WebSocket(`${endpoint.url.replace(/^http/, 'ws')}/rpc`, {
    headers: { Authorization: `Bearer ${endpoint.token}` },
    handshakeTimeout: timeoutMs,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    ...(ca === undefined ? {} : { ca: ca as string[] }),
  });
  const onAbort = () => socket.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await opened(socket, endpoint);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  return new PlushSocket(socket, endpoint.url, timeoutMs);
}

function opened(socket: WebSocket, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      reject(refusalOf(endpoint, response.statusCode ?? 0, ''));
    });
    // Stays, since terminating a socket that is not open yet is told as an error.
    socket.on('error', (cause) => {
      const sentence = `plushd at ${endpoint.url} does not answer (${sentenceOf(cause)})`;
      reject(new UnreachableError(sentence, { cause }));
    });
  });
}

/** One connection; when it ends, what waits on it fails with UnreachableError, and a new one is needed. */
export class PlushSocket implements Caller {
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #calls = new Map<number, Pending>();
  readonly #queues = new Map<string, EventQueue>();
  #subscribing = 0;
  #lastId = 0;

  /** @internal PlushClient.socket makes them. */
  constructor(socket: WebSocket, url: string, timeoutMs: number) {
    this.#socket = socket;
    this.#url = url;
    this.#timeoutMs = timeoutMs;
    socket.on('message', (data) => this.#receive(data.toString()));
    const watch = this.#watchSilence();
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        clearInterval(watch);
        this.#end();
        resolve();
      });
    });
  }

  async call<M extends MethodName>(method: M, ...params: ParamsOf<M>): Promise<ResultOf<M>> {
    return (await this.#call(method, params, this.#timeoutMs)) as ResultOf<M>;
  }

  /** The same calls with another deadline. */
  with({ timeoutMs }: { readonly timeoutMs: number }): Caller {
    return {
      call: async <M extends MethodName>(method: M, ...params: ParamsOf<M>) =>
        (await this.#call(method, params, timeoutMs)) as ResultOf<M>,
    };
  }

  /**
   * Has events sent on this socket, in order.
   *
   * @param wanted `after`: begin after this event; absent: from now on
   */
  async subscribe(
    wanted: { readonly topics?: readonly Topic[]; readonly after?: number } = {},
  ): Promise<SocketSubscription> {
    this.#subscribing += 1;
    try {
      const answer = await this.#call('plushSubscribe', [{ details: true, ...wanted }], this.#timeoutMs);
      const { subscription_id: id } = answer as { subscription_id: string };
      const queue = this.#queueOf(id);
      return {
        id,
        end: async () => {
          await this.#call('plushUnsubscribe', [id], this.#timeoutMs);
          this.#queues.delete(id);
          queue.end();
        },
        [Symbol.asyncIterator]: () => queue.read(),
      };
    } finally {
      this.#subscribing -= 1;
    }
  }

  /** Closes it in good order, and by force where plushd does not answer. */
  async close(): Promise<void> {
    this.#socket.resume();
    this.#socket.close(1000);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS);
    await this.closed;
    clearTimeout(timer);
  }

  #call(method: string, params: readonly unknown[], timeoutMs: number): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(this.#gone());
        return;
      }
      const timer = setTimeout(() => {
        settle();
        reject(new UnreachableError(`plushd at ${this.#url} does not answer (no answer in ${timeoutMs} ms)`));
      }, timeoutMs);
      const settle = () => {
        clearTimeout(timer);
        this.#calls.delete(id);
        this.#adjustFlow();
      };
      this.#calls.set(id, {
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      this.#adjustFlow();
    });
  }

  /** A connection that died without a word is ended. While nothing is read, nothing can be heard either. */
  #watchSilence(): NodeJS.Timeout {
    let heardMs = performance.now();
    const hear = () => {
      heardMs = performance.now();
    };
    this.#socket.on('ping', hear).on('message', hear);
    const look = () => {
      if (this.#socket.isPaused) hear();
      else if (performance.now() - heardMs > SILENCE_MS) this.#socket.terminate();
    };
    return setInterval(look, SILENCE_MS / 3).unref();
  }

  #receive(text: string): void {
    let message: Readonly<Record<string, unknown>> | null;
    try {
      message = JSON.parse(text) as typeof message;
    } catch {
      message = null; // no JSON: not plushd
    }
    if (typeof message !== 'object' || message === null) this.#socket.terminate();
    else if (message.method === EVENT_METHOD) this.#receiveEvent(message.params);
    else this.#receiveAnswer(message);
  }

  #receiveAnswer(message: Readonly<Record<string, unknown>>): void {
    const pending = this.#calls.get(message.id as number);
    if (message.error !== undefined) pending?.reject(faultOf(message.error));
    else if ('result' in message) pending?.resolve(message.result);
    else pending?.reject(new RefusedError(`Something else than plushd answers at ${this.#url}`, 'stranger'));
  }

  #receiveEvent(params: unknown): void {
    const { subscription_id: id, event } = (params ?? {}) as { subscription_id?: string; event?: PlushEvent };
    if (typeof id !== 'string' || event === undefined) return;
    // One may come together with the answer to plushSubscribe, before that is taken notice of.
    const queue = this.#subscribing > 0 ? this.#queueOf(id) : this.#queues.get(id);
    queue?.push(event);
    this.#adjustFlow();
  }

  #queueOf(id: string): EventQueue {
    let queue = this.#queues.get(id);
    if (queue === undefined) {
      queue = new EventQueue(() => this.#adjustFlow());
      this.#queues.set(id, queue);
    }
    return queue;
  }

  /** A call's answer comes behind the events, so what is in front of it has to be taken in, read or not. */
  #adjustFlow(): void {
    let waiting = 0;
    for (const queue of this.#queues.values()) waiting += queue.length;
    if (waiting > MAX_WAITING_EVENTS && this.#calls.size === 0) this.#socket.pause();
    else this.#socket.resume();
  }

  #end(): void {
    for (const { reject } of [...this.#calls.values()]) reject(this.#gone());
    for (const queue of this.#queues.values()) queue.end(this.#gone());
  }

  #gone(): UnreachableError {
    return new UnreachableError(`The connection to plushd at ${this.#url} has ended`);
  }
}
