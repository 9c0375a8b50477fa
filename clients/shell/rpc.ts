import { randomUUID } from 'node:crypto';
import type { MethodName, ParamsOf, ResultOf } from '../../api/methods.ts';
import { sentenceOf } from './failure.ts';

/** A call that takes longer is given up: no method of the API blocks for long. */
const CALL_TIMEOUT_MS = 30_000;

/** Where a daemon serves, and what it asks for. */
export interface Endpoint {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** Where the token comes from, for messages. */
  readonly tokenSource: string;
}

/** The daemon answered that it will not. `message` is the fault's sentence, with its symbol and its hint. */
export class RpcFault extends Error {
  constructor(
    message: string,
    readonly number: number,
    /** Stable symbol, such as NODE_NOT_FOUND; empty where the answer had none. */
    readonly symbol: string,
    readonly details: unknown,
  ) {
    super(message);
    this.name = 'RpcFault';
  }
}

/** Nobody answers there now; it may be worth another try. */
export class UnreachableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnreachableError';
  }
}

/** Somebody answers, but not to us: a wrong token, or no plushd at all. Another try changes nothing. */
export class RefusedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RefusedError';
  }
}

/** Makes calls of the API, typed by its table of methods. */
export interface Caller {
  /**
   * @throws RpcFault, UnreachableError, RefusedError
   */
  call<M extends MethodName>(method: M, ...params: ParamsOf<M>): Promise<ResultOf<M>>;
}

/** One JSON-RPC 2.0 call over HTTP. */
export async function callOnce(
  endpoint: Endpoint,
  method: string,
  params: readonly unknown[],
  timeoutMs: number = CALL_TIMEOUT_MS,
): Promise<unknown> {
  const id = randomUUID();
  const request = JSON.stringify({ jsonrpc: '2.0', id, method, params });
  const { status, text } = await post(endpoint, request, timeoutMs);
  if (status === 401) throw new RefusedError(tokenSentence(endpoint));
  const answer = parseAnswer(text);
  if (answer?.error !== undefined) throw faultOf(answer.error);
  if (status === 403) {
    throw new RefusedError(
      `The token of ${endpoint.tokenSource} does not allow ${method}. Use another token`,
    );
  }
  if (status === 429) {
    throw new RefusedError(`The token of ${endpoint.tokenSource} makes too many calls. Try again in a while`);
  }
  if (status >= 500) {
    throw new UnreachableError(`plushd at ${endpoint.url} cannot serve now (HTTP ${status})`);
  }
  if (answer === undefined || answer.id !== id || !('result' in answer)) {
    const sentence = `Something else than plushd answers at ${endpoint.url} (HTTP ${status}). Check the URL`;
    throw new RefusedError(sentence);
  }
  return answer.result;
}

async function post(
  { url, token }: Endpoint,
  body: string,
  timeoutMs: number,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(`${url}/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw new UnreachableError(`plushd at ${url} does not answer (${reasonOf(error)})`, { cause: error });
  }
}

/** fetch says "fetch failed" and keeps what happened in the cause, which may stand for several addresses. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time';
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AggregateError) return sentenceOf(cause.errors[0] ?? error);
  return sentenceOf(cause ?? error);
}

function tokenSentence({ url, tokenSource }: Endpoint): string {
  return `plushd at ${url} rejects the token of ${tokenSource}. Give the right one with --token-file`;
}

interface Answer {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

function parseAnswer(text: string): Answer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // no JSON: a page of some other server
  }
  const isAnswer = typeof value === 'object' && value !== null && 'jsonrpc' in value;
  return isAnswer ? (value as Answer) : undefined;
}

function faultOf(error: unknown): RpcFault {
  const { code, message, data } = (error ?? {}) as { code?: unknown; message?: unknown; data?: unknown };
  const { code: symbol, details } = (data ?? {}) as { code?: unknown; details?: unknown };
  return new RpcFault(
    typeof message === 'string' ? message : 'The call was refused without a reason',
    typeof code === 'number' ? code : 0,
    typeof symbol === 'string' ? symbol : '',
    details,
  );
}
