/** Pages of a list: a cursor is an opaque text that holds the key of the last item, so it stays good while the list changes. */
import { Rejection } from '../rejection.ts';
import { weigh } from './weight.ts';

/** Items of a page when the caller gives no limit. */
export const DEFAULT_PAGE_ITEMS = 100;

/** Clients such as xmlrpc-c refuse answers above 512 KiB; the rest is for what surrounds the items. */
export const MAX_PAGE_BYTES = 508 << 10;

/** Lists that have cursors of their own: one of another list is refused. */
type List = 'nodes' | 'runs' | 'apps' | 'results' | 'subscriptions' | 'blocks';

export function makeCursor(list: List, key: string): string {
  return Buffer.from(`${list}:${key}`, 'utf8').toString('base64url');
}

/** The key in a cursor; undefined without one. @throws Rejection BAD_CURSOR */
export function readCursor(list: List, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!text.startsWith(`${list}:`) || makeCursor(list, text.slice(list.length + 1)) !== cursor) {
    throw new Rejection('BAD_CURSOR', `The cursor does not come from a list of ${list}`);
  }
  return text.slice(list.length + 1);
}

/** Index of the first of the `items`, sorted by name, that comes after `key`. */
export function indexAfter<T>(
  items: readonly T[],
  key: string | undefined,
  nameOf: (item: T) => string,
): number {
  if (key === undefined) return 0;
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (nameOf(items[middle] as T) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * As many of the items, from the first, as clients accept in one answer; at least one.
 * @param room what they may take together, in bytes
 */
export function fitting<T>(items: T[], room = MAX_PAGE_BYTES): T[] {
  let left = room;
  for (const [index, item] of items.entries()) {
    left -= weigh(item, left);
    if (left < 0 && index > 0) return items.slice(0, index);
  }
  return items;
}
