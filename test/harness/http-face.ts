import { connect, type Socket } from 'node:net';
import { createAuthenticate } from '../../src/drivers/http/auth.ts';
import type { HttpFace, HttpFaceOptions, RpcHandlers } from '../../src/drivers/http/face.ts';
import { createHttpFace } from '../../src/drivers/http/server.ts';
import { waitFor } from './wait.ts';

export const TOKEN = 'a-token-for-tests';

/** Header lines of a call that is let in. */
export const AUTHORIZED = `Host: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n`;

export interface LogLine {
  readonly level: string;
  readonly details: Record<string, unknown>;
  readonly message: string;
}

export interface StartedFace extends HttpFace {
  readonly port: number;
  readonly log: readonly LogLine[];
  /** Bodies that reached the XML-RPC handler, in order. */
  readonly bodies: readonly string[];
}

/**
 * A listening face whose XML-RPC handler answers the body that it got in angle brackets, and whose JSON-RPC handler
 * answers it as it is.
 */
export async function startFace(options: Partial<HttpFaceOptions> = {}): Promise<StartedFace> {
  const log: LogLine[] = [];
  const bodies: string[] = [];
  const write = (level: string) => (details: object, message: string) =>
    void log.push({ level, details: { ...details }, message });
  const face = createHttpFace({
    listen: { host: '127.0.0.1', port: 0 },
    authenticate: createAuthenticate([
      { token: TOKEN, caller: { name: 'owner', scopes: new Set(['read', 'operate', 'broker', 'admin']) } },
      { token: 'broker-token', caller: { name: 'broker', scopes: new Set(['broker']) } },
    ]),
    web: (_request, response) => response.end('web'),
    log: { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') },
    ...options,
    rpc: {
      async xmlrpc(body) {
        bodies.push(body.toString());
        return { body: `<${body.toString()}>`, contentType: 'text/xml' };
      },
      async jsonrpc(body) {
        return body.length === 0 ? { status: 204 } : { status: 200, body: body.toString() };
      },
      async *events() {},
      ...options.rpc,
    },
  });
  const port = Number(new URL(await face.listen()).port);
  return {
    get address() {
      return face.address;
    },
    listen: () => face.listen(),
    renewCertificate: (certificate) => face.renewCertificate(certificate),
    close: (closing) => face.close(closing),
    usage: () => face.usage(),
    port,
    log,
    bodies,
  };
}

export interface RawResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A connection on which a test says exactly the bytes it means. */
export interface RawClient {
  readonly socket: Socket;
  write(text: string | Buffer): void;
  /** Waits until the received text fulfils the condition, and returns it without taking it away. */
  until(what: string, condition: (text: string) => boolean): Promise<string>;
  /** Takes the next response, which must have a Content-Length or no body. */
  response(): Promise<RawResponse>;
  /** Everything that was received and not taken, once the server has ended the connection (also by reset). */
  end(): Promise<string>;
}

export async function connectRaw(port: number, host = '127.0.0.1'): Promise<RawClient> {
  const socket = connect(port, host);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  return rawClient(socket);
}

export function rawClient(socket: Socket): RawClient {
  let text = '';
  let over = false;
  const looks = new Set<() => void>();
  const look = () => {
    for (const each of [...looks]) each();
  };
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    look();
  });
  // A reset ends the connection as well; what counts is what was received before.
  socket.on('error', () => undefined);
  socket.once('close', () => {
    over = true;
    look();
  });
  const until = (what: string, condition: (received: string) => boolean) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        const met = condition(text);
        if (!met && !over) return;
        looks.delete(check);
        if (met) resolve(text);
        else reject(new Error(`The connection ended before ${what}; received: ${JSON.stringify(text)}`));
      };
      looks.add(check);
      check();
    });
  return {
    socket,
    write: (data) => void socket.write(data),
    until,
    async response() {
      await until('a whole response', (received) => parse(received) !== undefined);
      const { response, rest } = parse(text) as { response: RawResponse; rest: string };
      text = rest;
      return response;
    },
    async end() {
      await until('its end', () => over);
      return text;
    },
  };
}

function parse(text: string): { response: RawResponse; rest: string } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const bodyEnd = headEnd + 4 + Number(headers.get('content-length') ?? 0);
  if (text.length < bodyEnd) return undefined;
  return {
    response: { status: Number(statusLine.split(' ')[1]), headers, body: text.slice(headEnd + 4, bodyEnd) },
    rest: text.slice(bodyEnd),
  };
}

/** A POST request as text, with a token and the right length. */
export function post(path: string, body: string, headers = ''): string {
  return `POST ${path} HTTP/1.1\r\n${AUTHORIZED}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Handlers whose answers the test gives, in the order it likes. */
export class Held {
  readonly calls: { readonly body: string; answer(text: string): void }[] = [];

  readonly rpc: RpcHandlers = {
    xmlrpc: (body) =>
      new Promise((resolve) => {
        this.calls.push({
          body: body.toString(),
          answer: (text) => resolve({ body: text, contentType: 'text/xml' }),
        });
      }),
    jsonrpc: async () => ({ status: 204 }),
    async *events() {},
  };

  async call(index: number): Promise<{ readonly body: string; answer(text: string): void }> {
    return waitFor(`call ${index}`, () => this.calls[index]);
  }
}
