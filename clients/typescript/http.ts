/** HTTP to one plushd: connections that are kept, answers that are bounded, and errors that say what to do. */
import { Agent, type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import type { Endpoint } from './endpoint.ts';
import { RefusedError, sentenceOf, UnreachableError } from './fault.ts';

/** plushd answers at most 16 MiB to one request. */
const MAX_ANSWER_BYTES = 64 << 20;
/** Of an answer that is no success, so much is read for its sentence. */
const MAX_REFUSAL_BYTES = 64 << 10;
/** Shorter than plushd keeps a connection that rests (65 s), so that no call meets one that is being closed. */
const IDLE_CONNECTION_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface TlsOptions {
  /** Certificates (PEM) that are trusted in place of those that come with Node: of a plushd with a certificate of its own. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
}

/** An aborted signal ends a request with its reason, as `fetch` does. */
export interface Patience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export class HttpLink {
  readonly #plain = new Agent({ keepAlive: true, timeout: IDLE_CONNECTION_MS });
  readonly #tls: TlsAgent;
  readonly #open = new Set<IncomingMessage>();

  constructor({ ca }: TlsOptions) {
    this.#tls = new TlsAgent({
      keepAlive: true,
      timeout: IDLE_CONNECTION_MS,
      ...(ca === undefined ? {} : { ca: ca as string[] }),
    });
  }

  /** One request with a JSON body. @throws UnreachableError, or the reason of the signal */
  async post(endpoint: Endpoint, path: string, body: string, patience: Patience): Promise<Answer> {
    const bytes = Buffer.from(body);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': bytes.length };
    return this.#attempt(endpoint, patience, async (signal) => {
      const response = await this.#send(endpoint, path, { method: 'POST', headers, signal }, bytes);
      return { status: response.statusCode ?? 0, text: await readText(response, MAX_ANSWER_BYTES) };
    });
  }

  /**
   * Opens an answer without an end. `patience.timeoutMs` is for its head alone; the caller reads it, and destroys it.
   *
   * @throws UnreachableError, RefusedError, or the reason of the signal
   */
  async open(endpoint: Endpoint, path: string, patience: Patience): Promise<IncomingMessage> {
    const { status, response, text } = await this.#attempt(endpoint, patience, async (signal) => {
      // A connection of its own: one that is kept would be lost to the calls anyway.
      const response = await this.#send(endpoint, path, { method: 'GET', agent: false, signal });
      const status = response.statusCode ?? 0;
      return { status, response, text: status === 200 ? '' : await readText(response, MAX_REFUSAL_BYTES) };
    });
    if (status !== 200) throw refusalOf(endpoint, status, text);
    this.#open.add(response);
    response.once('close', () => this.#open.delete(response));
    return response;
  }

  /** Ends the connections, and what is under way on them. */
  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
    for (const response of this.#open) response.destroy();
  }

  /** Runs one exchange under one deadline, and turns what breaks it into an UnreachableError. */
  async #attempt<T>(
    { url }: Endpoint,
    { timeoutMs, signal: given }: Patience,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    given?.throwIfAborted();
    const abort = new AbortController();
    const onAbort = () => abort.abort();
    given?.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(onAbort, timeoutMs);
    try {
      return await work(abort.signal);
    } catch (error) {
      given?.throwIfAborted();
      const why = abort.signal.aborted ? `no answer in ${timeoutMs} ms` : sentenceOf(error);
      throw new UnreachableError(`plushd at ${url} does not answer (${why})`, { cause: error });
    } finally {
      clearTimeout(timer);
      given?.removeEventListener('abort', onAbort);
    }
  }

  #send(
    { url, token }: Endpoint,
    path: string,
    options: RequestOptions,
    body?: Buffer,
  ): Promise<IncomingMessage> {
    const target = new URL(url + path);
    const isTls = target.protocol === 'https:';
    const agent = isTls ? this.#tls : this.#plain;
    const ca = isTls && options.agent === false ? { ca: this.#tls.options.ca } : {};
    const headers = { ...options.headers, Authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      const send = isTls ? requestTls : requestPlain;
      send(target, { agent, ...ca, ...options, headers }, resolve)
        .once('error', reject)
        .end(body);
    });
  }
}

/** What an HTTP status other than 200 means. */
export function refusalOf(endpoint: Endpoint, status: number, text: string): Error {
  const { url, tokenSource } = endpoint;
  const sentence = text.startsWith('<') ? '' : text.trim().slice(0, 500).replace(/\.$/, '');
  const said = sentence === '' ? `HTTP ${status}` : `HTTP ${status}: ${sentence}`;
  if (status === 401)
    return new RefusedError(`plushd at ${url} rejects the token of ${tokenSource}`, 'token');
  // plushd refuses names of hosts so, too, whatever the token.
  if (status === 403 && /\b(?:token|scope)\b/.test(sentence)) {
    return new RefusedError(
      `The token of ${tokenSource} does not allow that (${said}). Use another token`,
      'scope',
    );
  }
  if (status >= 500 || status === 429)
    return new UnreachableError(`plushd at ${url} cannot serve now (${said})`);
  if (status === 400 || status === 403)
    return new RefusedError(`plushd at ${url} refuses the request (${said})`, 'request');
  if (status === 413)
    return new RefusedError(`plushd at ${url} takes no request that large (${said})`, 'size');
  return new RefusedError(
    `Something else than plushd answers at ${url} (${said}). Check the URL`,
    'stranger',
  );
}

async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`The answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
