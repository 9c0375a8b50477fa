/** Selection: the few best of many in time linear in the many (Hoare's quickselect), then only the few are sorted. */

/**
 * The `count` least items in order, least first.
 *
 * @param items is reordered
 * @param order of items for which it answers 0 any may be taken, always the same ones for the same input
 */
export function takeLeast(
  items: Uint32Array,
  count: number,
  order: (a: number, b: number) => number,
): Uint32Array {
  if (count < items.length) moveLeastToFront(items, count, order);
  return items.subarray(0, Math.max(0, count)).sort(order);
}

function moveLeastToFront(items: Uint32Array, count: number, order: (a: number, b: number) => number): void {
  let low = 0;
  let high = items.length - 1;
  while (low < high) {
    const pivot = items[(low + high) >>> 1] as number;
    let left = low;
    let right = high;
    while (left <= right) {
      while (order(items[left] as number, pivot) < 0) left += 1;
      while (order(items[right] as number, pivot) > 0) right -= 1;
      if (left > right) break;
      const moved = items[left] as number;
      items[left] = items[right] as number;
      items[right] = moved;
      left += 1;
      right -= 1;
    }
    // What lies between `right` and `left` is in its final place.
    if (count - 1 <= right) high = right;
    else if (count - 1 >= left) low = left;
    else return;
  }
}
