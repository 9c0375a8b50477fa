import type { IncomingMessage } from 'node:http';
import { gunzip, inflate, inflateRaw } from 'node:zlib';
import type { Refusal } from './refusal.ts';

/** Called once, unless the client goes away before its body is whole. */
export type BodyTaken = (body: Buffer | Refusal) => void;

type Inflate = typeof gunzip;

const ACCEPTED_ENCODINGS = 'gzip, deflate';

/** What can be said about a body from its head alone: too large, or encoded in a way that we do not know. */
export function refuseByHead(request: IncomingMessage, maxBodyBytes: number): Refusal | undefined {
  const { headers } = request;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && !isKnownEncoding(encoding.toLowerCase())) {
    return {
      status: 415,
      sentence: `The Content-Encoding must be one of ${ACCEPTED_ENCODINGS} or none`,
      headers: { 'Accept-Encoding': ACCEPTED_ENCODINGS },
    };
  }
  const length = headers['content-length'];
  return length !== undefined && Number(length) > maxBodyBytes ? tooLarge(maxBodyBytes) : undefined;
}

/**
 * Collects a request's body and inflates it. Neither the sent nor the inflated body takes more memory than
 * `maxBodyBytes` (and a chunk).
 */
export function takeBody(request: IncomingMessage, maxBodyBytes: number, taken: BodyTaken): void {
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let size = 0;
  const onData = (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBodyBytes) {
      request.off('data', onData).off('end', onEnd);
      taken(tooLarge(maxBodyBytes));
    } else if (first === undefined) first = chunk;
    else if (more === undefined) more = [first, chunk];
    else more.push(chunk);
  };
  const onEnd = () => {
    const body = more === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(more, size);
    const encoding = request.headers['content-encoding'];
    if (encoding === undefined) taken(body);
    else inflateBody(body, encoding.toLowerCase(), maxBodyBytes, taken);
  };
  request.on('data', onData);
  request.on('end', onEnd);
}

function isKnownEncoding(encoding: string): boolean {
  return encoding === 'gzip' || encoding === 'x-gzip' || encoding === 'deflate' || encoding === 'identity';
}

function inflateBody(body: Buffer, encoding: string, maxBodyBytes: number, taken: BodyTaken): void {
  if (encoding === 'identity') {
    taken(body);
    return;
  }
  // Inflating stops at the limit, however much more the body would become.
  inflater(body, encoding)(body, { maxOutputLength: maxBodyBytes }, (error, inflated) => {
    if (error === null) taken(inflated);
    else if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') taken(tooLarge(maxBodyBytes));
    else
      taken({
        status: 400,
        sentence: `The body is not valid ${encoding} data (${error.message})`,
      });
  });
}

/** "deflate" means the zlib format (RFC 9110, 8.4.1.2), but some clients send the bare format without its two bytes. */
function inflater(body: Buffer, encoding: string): Inflate {
  if (encoding !== 'deflate') return gunzip;
  const [method = 0, flags = 0] = body;
  const isZlib = (method & 0x0f) === 8 && ((method << 8) | flags) % 31 === 0;
  return isZlib ? inflate : inflateRaw;
}

function tooLarge(maxBodyBytes: number): Refusal {
  return {
    status: 413,
    sentence: `The body is larger than ${maxBodyBytes} bytes. Send less at once, or start plushd with a larger --max-body.`,
  };
}
