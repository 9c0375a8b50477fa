/** Strict UTF-8: RFC 3629, without its byte order mark. */
import { isAscii, isUtf8 } from 'node:buffer';
import { WireError, type WireSymbol } from './errors.ts';

const REPLACEMENT = '\ufffd';

/**
 * The text of a body in UTF-8, without a byte order mark.
 *
 * @param symbol what a malformed byte is reported as
 * @throws WireError naming the offset of the first malformed byte
 */
export function decodeUtf8(body: Buffer, symbol: WireSymbol): string {
  if (isAscii(body)) return body.toString('latin1');
  if (!isUtf8(body)) {
    const offset = malformedOffset(body);
    const hex = (body[offset] ?? 0).toString(16).padStart(2, '0').toUpperCase();
    throw new WireError(symbol, `Byte 0x${hex} at offset ${offset} is not valid UTF-8`);
  }
  const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return body.toString('utf8', hasMark ? 3 : 0);
}

/**
 * Where malformed UTF-8 starts. A lenient decoder puts U+FFFD there; the first one that is not in the bytes
 * themselves marks the place, since everything before it was decoded faithfully.
 */
function malformedOffset(body: Buffer): number {
  const lenient = body.toString('utf8');
  let offset = 0;
  let from = 0;
  for (;;) {
    const at = lenient.indexOf(REPLACEMENT, from);
    if (at < 0) return offset;
    offset += Buffer.byteLength(lenient.slice(from, at));
    const genuine = body[offset] === 0xef && body[offset + 1] === 0xbf && body[offset + 2] === 0xbd;
    if (!genuine) return offset;
    offset += 3;
    from = at + 1;
  }
}
