/** Bodies of answers from outside, read only as far as a bound. */

/** The answer is longer than anybody should send. */
class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/**
 * Reads a body whole.
 * @throws BodyTooLarge as soon as it is longer than `maxBytes`; nothing more of it is read then
 */
export async function readBody(response: Response, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  if (response.body === null) return Buffer.alloc(0);
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > maxBytes) throw new BodyTooLarge(`The answer is longer than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
