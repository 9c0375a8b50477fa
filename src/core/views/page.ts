/**
 * Pages over sorted names, with cursors that stay good while the list changes: a cursor names the last entry shown.
 */
import { Rejection } from '../rejection.ts';

const PREFIX = 'after:';
const DEFAULT_LIMIT = 100;

/** The cursor after an entry; opaque to callers. */
function cursorAfter(name: string): string {
  return encodeURIComponent(PREFIX + name);
}

/** The entry a cursor names. @throws Rejection BAD_CURSOR */
function entryOf(cursor: string): string {
  let text: string | undefined;
  try {
    text = decodeURIComponent(cursor);
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
  }
  if (!text?.startsWith(PREFIX)) throw new Rejection('BAD_CURSOR', 'The cursor does not come from this list');
  return text.slice(PREFIX.length);
}

/** Index of the first name that comes after `name` in a sorted list. */
function indexAfter(sorted: readonly string[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface PageRequest {
  readonly limit?: number;
  readonly cursor?: string;
}

/** The page of a sorted list that a request asks for, and the cursor of the next. */
export function pageOfNames(
  sorted: readonly string[],
  { limit = DEFAULT_LIMIT, cursor }: PageRequest,
): { names: readonly string[]; cursor?: string } {
  const start = cursor === undefined ? 0 : indexAfter(sorted, entryOf(cursor));
  const names = sorted.slice(start, start + limit);
  const last = names.at(-1);
  return start + limit < sorted.length && last !== undefined
    ? { names, cursor: cursorAfter(last) }
    : { names };
}
