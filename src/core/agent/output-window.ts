/**
 * Where the kept bytes of an endless stream lie. A stream is two files: `live`, which the program appends to, and `older`,
 * what was in it before it was last emptied. Offsets are logical: they count from the program's first byte, never go back.
 *
 *     logical   0 ······ older ─────────── base ──────────── base + live size
 *               dropped  │ file `older`    │ file `live`     │ end
 */
export interface OutputWindow {
  /** Logical offset of the first byte kept. */
  readonly older: number;
  /** Logical offset of the live file's first byte. */
  readonly base: number;
}

export const EMPTY_WINDOW: OutputWindow = { older: 0, base: 0 };

/** A piece of one of the two files. */
export interface Piece {
  readonly file: 'older' | 'live';
  readonly position: number;
  readonly length: number;
}

export interface ReadPlan {
  /** Logical offset of the first byte of the pieces. */
  readonly offset: number;
  readonly end: number;
  readonly pieces: readonly Piece[];
}

/** Which pieces hold up to `limit` bytes from a logical offset; an offset before the window moves up to its start. */
export function planRead(window: OutputWindow, liveSize: number, offset: number, limit: number): ReadPlan {
  const end = window.base + liveSize;
  const from = Math.min(Math.max(offset, window.older), end);
  const pieces: Piece[] = [];
  let left = Math.min(limit, end - from);
  let at = from;
  if (at < window.base && left > 0) {
    const length = Math.min(left, window.base - at);
    pieces.push({ file: 'older', position: at - window.older, length });
    at += length;
    left -= length;
  }
  if (left > 0) pieces.push({ file: 'live', position: at - window.base, length: left });
  return { offset: from, end, pieces };
}

/** Size of the live file from which it is emptied: half of the bound, the other half is for the older bytes. */
export function rotateAt(maxBytes: number): number {
  return Math.max(1, Math.floor(maxBytes / 2));
}

/**
 * Milliseconds until a stream that grew by `grown` bytes in `elapsedMs` reaches the size where it is emptied, within
 * bounds; a quiet stream is looked at at the longest interval.
 */
export function nextLookMs(
  grown: number,
  elapsedMs: number,
  left: number,
  bounds: { readonly min: number; readonly max: number },
): number {
  if (grown <= 0) return bounds.max;
  const estimate = (Math.max(0, left) * Math.max(1, elapsedMs)) / grown;
  return Math.min(bounds.max, Math.max(bounds.min, Math.floor(estimate)));
}
