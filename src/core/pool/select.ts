/** Selection: the few best of many in time linear in the many (Hoare's quickselect), then only the few are sorted. */

/**
 * The `count` least items in order, least first.
 *
 * @param items is reordered
 * @param order must never answer 0 for two different items, so that the result does not depend on their order
 */
export function takeLeast<T>(items: T[], count: number, order: (a: T, b: T) => number): T[] {
  if (count <= 0) return [];
  if (count < items.length) moveLeastToFront(items, count, order);
  return items.slice(0, count).sort(order);
}

function moveLeastToFront<T>(items: T[], count: number, order: (a: T, b: T) => number): void {
  let low = 0;
  let high = items.length - 1;
  while (low < high) {
    const pivot = items[(low + high) >>> 1] as T;
    let left = low;
    let right = high;
    while (left <= right) {
      while (order(items[left] as T, pivot) < 0) left += 1;
      while (order(items[right] as T, pivot) > 0) right -= 1;
      if (left > right) break;
      const moved = items[left] as T;
      items[left] = items[right] as T;
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
