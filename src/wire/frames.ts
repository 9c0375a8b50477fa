/**
 * Frames: how messages travel over an ordered byte stream.
 *
 *     u32 big-endian length of the rest │ u32 length of the JSON part │ JSON (UTF-8) │ binary part, may be empty
 *
 * Pure: bytes in, messages out. The bound on a frame is checked before anything is kept of it.
 */
import { MAX_FRAME_BYTES } from './agent.ts';

/** A message with its binary part. */
export interface Frame<T = unknown> {
  readonly message: T;
  readonly binary: Buffer;
}

/** A stream that does not carry frames; the link must end. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const NO_BYTES = Buffer.alloc(0);

/** One frame's bytes. @throws FrameError when it would be larger than the bound */
export function encodeFrame(message: unknown, binary: Buffer = NO_BYTES): Buffer {
  const json = Buffer.from(JSON.stringify(message), 'utf8');
  const length = 4 + json.length + binary.length;
  if (length > MAX_FRAME_BYTES) {
    throw new FrameError(`Frame of ${length} bytes is over the bound of ${MAX_FRAME_BYTES}`);
  }
  const head = Buffer.allocUnsafe(8);
  head.writeUInt32BE(length, 0);
  head.writeUInt32BE(json.length, 4);
  return Buffer.concat([head, json, binary]);
}

/** Collects bytes and hands out the frames that are complete. */
export class FrameReader {
  #parts: Buffer[] = [];
  #size = 0;

  /** Frames completed by `bytes`, in order. @throws FrameError for bytes that are no frame */
  push(bytes: Buffer): Frame[] {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#take();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #take(): Frame | undefined {
    if (this.#size < 8) return undefined;
    if ((this.#parts[0] as Buffer).length < 8) this.#join();
    const head = this.#parts[0] as Buffer;
    const length = head.readUInt32BE(0);
    const jsonLength = head.readUInt32BE(4);
    if (length > MAX_FRAME_BYTES || jsonLength + 4 > length) {
      throw new FrameError(`Not a frame: length ${length}, JSON part ${jsonLength}`);
    }
    if (this.#size < 4 + length) return undefined;
    const all = this.#join();
    const json = all.subarray(8, 8 + jsonLength).toString('utf8');
    const binary = all.subarray(8 + jsonLength, 4 + length);
    this.#parts = [all.subarray(4 + length)];
    this.#size -= 4 + length;
    try {
      return { message: JSON.parse(json), binary };
    } catch (cause) {
      throw new FrameError('The JSON part of a frame does not parse', { cause });
    }
  }

  #join(): Buffer {
    const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }
}
