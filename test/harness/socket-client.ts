/** A client on a WebSocket that keeps all that it hears. */
import type { IncomingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';
import { waitFor } from './wait.ts';

export interface SocketClientOptions {
  /** Sent as a bearer token. @default no header */
  readonly token?: string;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly autoPong?: boolean;
}

/** A JSON-RPC message as it came. */
export interface Heard {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
  readonly method?: string;
  readonly params?: { readonly subscription_id: string; readonly event: Event };
}

export interface Event {
  readonly seq: number;
  readonly type: string;
  readonly [member: string]: unknown;
}

/** The handshake was answered by HTTP instead. */
export class HandshakeRefused extends Error {
  constructor(
    readonly status: number,
    readonly headers: IncomingHttpHeaders,
    readonly sentence: string,
  ) {
    super(`${status}: ${sentence}`);
  }
}

export class SocketClient {
  /** Every text frame, in order. */
  readonly texts: string[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #lastId = 0;

  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data) => this.texts.push(String(data)));
    ws.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** @param url of the server, with http @throws HandshakeRefused */
  static async connect(url: string, options: SocketClientOptions = {}): Promise<SocketClient> {
    const { token, protocols = [], headers = {}, autoPong = true } = options;
    const ws = new WebSocket(`${url.replace('http', 'ws')}/rpc`, [...protocols], {
      autoPong,
      headers: { ...headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) },
    });
    const client = new SocketClient(ws);
    await new Promise<void>((resolve, reject) => {
      ws.once('open', resolve).once('error', reject);
      ws.once('unexpected-response', (_request, response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () =>
          reject(new HandshakeRefused(response.statusCode ?? 0, response.headers, text.trim())),
        );
      });
    });
    return client;
  }

  get heard(): Heard[] {
    return this.texts.map((text) => JSON.parse(text) as Heard);
  }

  send(text: string): void {
    this.ws.send(text);
  }

  /** The nth frame (from 0), once it is there. */
  text(index: number): Promise<string> {
    return waitFor(`frame ${index}`, () => this.texts[index]);
  }

  /** Makes a call and waits for its answer. */
  async call(method: string, ...params: unknown[]): Promise<Heard> {
    this.#lastId += 1;
    const id = `call-${this.#lastId}`;
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return waitFor(`the answer to ${method}`, () => this.heard.find((one) => one.id === id));
  }

  /** Subscribes, and answers the subscription's id. */
  async subscribe(order: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { result, error } = await this.call('plushSubscribe', order);
    if (error !== undefined) throw new Error(error.message);
    return (result as { subscription_id: string }).subscription_id;
  }

  /** The events that came for a subscription, or for any. */
  events(subscription?: string): Event[] {
    return this.heard
      .filter(({ method, params }) => method === 'plushEvent' && params !== undefined)
      .map(({ params }) => params as NonNullable<Heard['params']>)
      .filter(({ subscription_id }) => subscription === undefined || subscription_id === subscription)
      .map(({ event }) => event);
  }

  close(): void {
    this.ws.terminate();
  }
}
