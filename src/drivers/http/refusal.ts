import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** A request that is answered with a status and one sentence instead of being served. */
export interface Refusal {
  readonly status: number;
  readonly sentence: string;
  readonly headers?: OutgoingHttpHeaders;
}

export const UNAUTHORIZED: Refusal = {
  status: 401,
  sentence:
    'This path needs the API token, as "Authorization: Bearer TOKEN" or as the password of HTTP Basic',
  headers: { 'WWW-Authenticate': 'Basic realm="plush", Bearer' },
};

/** The token has to wait. */
export function tooManyCalls(waitS: number): Refusal {
  return {
    status: 429,
    sentence: `The token makes more calls than its rate allows. Call again after ${waitS} s.`,
    headers: { 'Retry-After': waitS },
  };
}

/** The rest of a declared body up to this size is read and thrown away, and the connection goes on. */
const DISCARDED_BYTES = 64 * 1024;

/**
 * Of a larger or endless body so much is still read before the connection is closed, for so long: closing at once makes
 * the kernel reset the connection, and the client, still sending, would never read our answer.
 */
const LINGER_BYTES = 8 * 1024 * 1024;
const LINGER_MS = 2_000;

/** Answers with the refusal, and sees to what the client may still be sending. Memory use does not depend on it. */
export function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  const text = `${refusal.sentence}\n`;
  const headers: OutgoingHttpHeaders = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    ...refusal.headers,
  };
  if (isSmall(request)) {
    response.writeHead(refusal.status, headers);
    response.end(text);
    return;
  }
  response.writeHead(refusal.status, { ...headers, Connection: 'close' });
  response.write(text);
  linger(request, () => response.end());
}

/** Whether what is left to come is known to be little. After `Expect` it is not known whether it comes at all. */
function isSmall({ complete, headers }: IncomingMessage): boolean {
  if (complete) return true;
  if (headers.expect !== undefined || headers['transfer-encoding'] !== undefined) return false;
  return Number(headers['content-length'] ?? 0) <= DISCARDED_BYTES;
}

function linger(request: IncomingMessage, done: () => void): void {
  let left = LINGER_BYTES;
  const finish = () => {
    clearTimeout(timer);
    request.off('data', discard).off('end', finish).off('close', finish);
    done();
  };
  const discard = (chunk: Buffer) => {
    left -= chunk.length;
    if (left <= 0) finish();
  };
  const timer = setTimeout(finish, LINGER_MS);
  request.on('data', discard).once('end', finish).once('close', finish);
  if (request.readableEnded || request.destroyed) finish();
}
