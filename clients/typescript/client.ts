/** The client of a plushd: calls over JSON-RPC and HTTP, and the way to everything else. */
import type { MethodName, ParamsOf, ResultOf } from '../../api/methods.ts';
import { Backoff } from './backoff.ts';
import { type Address, type Endpoint, locate } from './endpoint.ts';
import { type EventOptions, followEvents, type PlushEvent } from './events.ts';
import { faultOf, type PlushFault, RefusedError, UnreachableError } from './fault.ts';
import { HttpLink, refusalOf, type TlsOptions } from './http.ts';
import { type OutputChoice, readBytes, readOutput, type WaitOptions, waitRun } from './runs.ts';
import { openSocket, type PlushSocket } from './socket.ts';

/** Longer than the longest wait that a method has (30 s of plushGetOperation). */
const CALL_TIMEOUT_MS = 45_000;
/** A JSON-RPC batch holds at most this many calls … */
const MAX_BATCH_CALLS = 1000;
/** … and plushd takes at most 1 MiB at once. */
const MAX_BATCH_CHARS = 256 << 10;

export interface ClientOptions extends Address, TlsOptions {
  /** For each call. @default 45000 */
  readonly timeoutMs?: number;
}

/** Makes calls of the API, typed by its table of methods. */
export interface Caller {
  /**
   * @throws PlushFault when plushd answers a fault, UnreachableError when nobody answers, RefusedError when the token is not
   *   taken or something else answers
   */
  call<M extends MethodName>(method: M, ...params: ParamsOf<M>): Promise<ResultOf<M>>;
}

export interface CallOptions {
  /** @default the client's */
  readonly timeoutMs?: number;
  /** Ends the call with the signal's reason; plushd may have acted on it by then. */
  readonly signal?: AbortSignal;
  /**
   * How long a plushd that does not answer is tried again, also at another port. Only for calls that may be made twice, since
   * it may have acted on the first. @default 0
   */
  readonly patienceMs?: number;
  /** Told once a call when it is not answered and is tried again. */
  readonly onLost?: (error: UnreachableError) => void;
}

/** One call of a batch. */
export type Call<M extends MethodName = MethodName> = {
  [K in M]: { readonly method: K; readonly params: ParamsOf<K> };
}[M];

interface JsonRpcAnswer {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A plushd, wherever it serves at the moment. Connections are kept until `close`. */
export class PlushClient implements Caller {
  readonly #options: ClientOptions;
  readonly #link: HttpLink;
  readonly #closing = new AbortController();
  #endpoint: Endpoint | undefined;
  #lastId = 0;

  constructor(options: ClientOptions = {}) {
    this.#options = options;
    this.#link = new HttpLink(options);
  }

  /** Where it was last found. @throws as `locate` */
  get url(): string {
    return this.#find().url;
  }

  async call<M extends MethodName>(method: M, ...params: ParamsOf<M>): Promise<ResultOf<M>> {
    return (await this.callByName(method, params)) as ResultOf<M>;
  }

  /** The same calls with a deadline, a signal or patience: `client.with({ timeoutMs: 5000 }).call('plushListNodes')`. */
  with(options: CallOptions): Caller {
    return {
      call: async <M extends MethodName>(method: M, ...params: ParamsOf<M>) =>
        (await this.callByName(method, params, options)) as ResultOf<M>,
    };
  }

  /** A call of a method that this version of the client may not know. */
  async callByName(method: string, params: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    const { patienceMs = 0, signal, onLost } = options;
    const deadline = performance.now() + patienceMs;
    const backoff = new Backoff({ maxMs: 2_000 });
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#callOnce(method, params, options);
      } catch (error) {
        if (!(error instanceof UnreachableError) || performance.now() >= deadline) throw error;
        if (attempt === 0) onLost?.(error);
      }
      await backoff.pause(signal);
      signal?.throwIfAborted();
    }
  }

  /**
   * Many calls in few requests; each gets its answer or its fault, in order. They are done in order, and one that fails
   * keeps none from being done.
   */
  async batch<M extends MethodName>(
    calls: readonly Call<M>[],
    options: Omit<CallOptions, 'patienceMs' | 'onLost'> = {},
  ): Promise<(ResultOf<M> | PlushFault)[]> {
    const answers: (ResultOf<M> | PlushFault)[] = [];
    for (const requests of this.#requestsOf(calls)) {
      const texts = requests.map(({ text }) => text);
      const answer = await this.#post(`[${texts.join(',')}]`, options);
      const list = Array.isArray(answer) ? (answer as JsonRpcAnswer[]) : [];
      const byId = new Map(list.map((one) => [one.id, one]));
      for (const { id } of requests) {
        const one = byId.get(id);
        if (one === undefined) throw this.#stranger(200);
        answers.push(one.error === undefined ? (one.result as ResultOf<M>) : faultOf(one.error));
      }
    }
    return answers;
  }

  /**
   * The events of plushd, in order and without an end. When the connection breaks, also because plushd is started again, it
   * goes on after the last event that was handed out. Ends when `options.signal` is aborted or the client is closed.
   *
   * @throws RefusedError where another try changes nothing, UnreachableError when `patienceMs` are over
   */
  events(options: EventOptions = {}): AsyncGenerator<PlushEvent, void, undefined> {
    const signals = options.signal === undefined ? [] : [options.signal];
    const signal = AbortSignal.any([this.#closing.signal, ...signals]);
    const timeoutMs = this.#options.timeoutMs ?? CALL_TIMEOUT_MS;
    return followEvents(
      {
        newest: async () => (await this.with({ signal }).call('plushGetEvents', { after: -1 })).last,
        open: (path) => this.#located((endpoint) => this.#link.open(endpoint, path, { timeoutMs, signal })),
      },
      { ...options, signal },
    );
  }

  /** Waits until a run is over, also over restarts of plushd, and answers it. @throws as `events`; PlushFault */
  waitRun(run: string, options: WaitOptions = {}): Promise<ResultOf<'plushGetRun'>> {
    return waitRun(this, run, options);
  }

  /** What is there of a task's output, piece by piece; also while it grows, and then up to where it is. */
  output(run: string, node: string, choice: OutputChoice = {}): AsyncGenerator<string, void, undefined> {
    return readOutput(this, run, node, choice);
  }

  /** The same as the bytes that were written; what `output` gives has replaced what a string cannot carry. */
  outputBytes(run: string, node: string, choice: OutputChoice = {}): AsyncGenerator<Buffer, void, undefined> {
    return readBytes(this, run, node, choice);
  }

  /** A connection that carries calls and events both ways. @throws UnreachableError, RefusedError */
  socket(options: { readonly signal?: AbortSignal } = {}): Promise<PlushSocket> {
    const { ca, timeoutMs = CALL_TIMEOUT_MS } = this.#options;
    return this.#located((endpoint) =>
      openSocket(endpoint, { timeoutMs, ...options, ...(ca === undefined ? {} : { ca }) }),
    );
  }

  /** Ends its connections, what is under way on them, and its event iterators. Sockets are closed by themselves. */
  close(): void {
    this.#closing.abort();
    this.#link.close();
  }

  async #callOnce(method: string, params: readonly unknown[], options: CallOptions): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = (await this.#post(
      JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      options,
    )) as JsonRpcAnswer;
    if (answer.error !== undefined) throw faultOf(answer.error);
    if (answer.id !== id || !('result' in answer)) throw this.#stranger(200);
    return answer.result;
  }

  /** @returns parsed, an answer of JSON-RPC or a list of them */
  #post(body: string, { timeoutMs, signal }: CallOptions): Promise<unknown> {
    const patience = { timeoutMs: timeoutMs ?? this.#options.timeoutMs ?? CALL_TIMEOUT_MS, signal };
    return this.#located(async (endpoint) => {
      const { status, text } = await this.#link.post(endpoint, '/rpc', body, patience);
      const answer = parseAnswer(text);
      const error = (answer as JsonRpcAnswer | undefined)?.error;
      if (error !== undefined && status !== 401) throw faultOf(error);
      if (status !== 200) throw refusalOf(endpoint, status, text);
      if (answer === undefined) throw this.#stranger(status);
      return answer;
    });
  }

  async #located<T>(work: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    try {
      return await work(this.#find());
    } catch (error) {
      if (error instanceof UnreachableError) this.#endpoint = undefined;
      throw error;
    }
  }

  #find(): Endpoint {
    this.#endpoint ??= locate(this.#options);
    return this.#endpoint;
  }

  #stranger(status: number): RefusedError {
    const url = this.#endpoint?.url ?? this.#options.url;
    return new RefusedError(
      `Something else than plushd answers at ${url} (HTTP ${status}). Check the URL`,
      'stranger',
    );
  }

  #requestsOf(
    calls: readonly { method: string; params: readonly unknown[] }[],
  ): { id: number; text: string }[][] {
    const batches: { id: number; text: string }[][] = [];
    let chars = Number.POSITIVE_INFINITY;
    for (const { method, params } of calls) {
      this.#lastId += 1;
      const text = JSON.stringify({ jsonrpc: '2.0', id: this.#lastId, method, params });
      chars += text.length;
      if (chars > MAX_BATCH_CHARS || batches.at(-1)?.length === MAX_BATCH_CALLS) {
        batches.push([]);
        chars = text.length;
      }
      batches.at(-1)?.push({ id: this.#lastId, text });
    }
    return batches;
  }
}

/** Undefined for what is no answer of JSON-RPC, such as a page of some other server. */
function parseAnswer(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // no JSON
  }
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'object' && first !== null && 'jsonrpc' in first ? value : undefined;
}
