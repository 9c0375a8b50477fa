/** Bytes to a server on a connection of their own, and all that comes back. */
import { connect } from 'node:net';

const DEADLINE_MS = 20_000;

export interface RawResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Characters stand for bytes (latin1). */
  readonly body: string;
}

export interface ExchangeOptions {
  /** Resets the connection behind the bytes, instead of ending what is sent. @default false */
  readonly reset?: boolean;
}

/**
 * Sends bytes, ends the sending side and reads until the server ends the connection.
 * @throws Error when it does not
 */
export function exchange(
  url: string,
  bytes: Buffer | string,
  { reset = false }: ExchangeOptions = {},
): Promise<RawResponse[]> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(`The connection was not ended; received: ${Buffer.concat(chunks).toString('latin1')}`),
      );
    }, DEADLINE_MS);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server may reset a connection on which it was sent more than it reads; what came before counts.
    socket.on('error', () => undefined);
    socket.once('end', () => socket.end());
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(parseResponses(Buffer.concat(chunks).toString('latin1')));
    });
    if (reset) socket.write(bytes, () => socket.resetAndDestroy());
    else socket.end(bytes);
  });
}

/** The responses in what a server sent; one that is not whole is left out. */
function parseResponses(text: string): RawResponse[] {
  const responses: RawResponse[] = [];
  for (let at = 0; ; ) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return responses;
    const [statusLine = '', ...lines] = text.slice(at, headEnd).split('\r\n');
    const headers = new Map(lines.map(headerOf));
    const status = Number(statusLine.split(' ')[1]);
    const length = headers.get('content-length') ?? (status === 100 || status === 204 ? '0' : undefined);
    // Without a length the body goes on to the end.
    const bodyEnd = length === undefined ? text.length : headEnd + 4 + Number(length);
    if (bodyEnd > text.length) return responses;
    responses.push({ status, headers, body: text.slice(headEnd + 4, bodyEnd) });
    at = bodyEnd;
  }
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
