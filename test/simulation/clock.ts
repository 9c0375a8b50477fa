/** Virtual time: what was asked for later happens in the order of its time, and then of its asking. */
interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly work: () => void;
}

export class Clock {
  nowMs: number;
  #order = 0;
  /** A binary heap, the next one first. */
  readonly #heap: Entry[] = [];

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  after(delayMs: number, work: () => void): void {
    this.#order += 1;
    const heap = this.#heap;
    heap.push({ atMs: this.nowMs + delayMs, order: this.#order, work });
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isBefore(heap[at] as Entry, heap[parent] as Entry)) break;
      swap(heap, at, parent);
      at = parent;
    }
  }

  /** Does the next thing; false when nothing is left, or nothing before `untilMs`. */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    const [next] = this.#heap;
    if (next === undefined || next.atMs > untilMs) return false;
    this.#removeFirst();
    this.nowMs = next.atMs;
    next.work();
    return true;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    heap[0] = last;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < heap.length && isBefore(heap[left] as Entry, heap[least] as Entry)) least = left;
      if (right < heap.length && isBefore(heap[right] as Entry, heap[least] as Entry)) least = right;
      if (least === at) return;
      swap(heap, at, least);
      at = least;
    }
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function swap(heap: Entry[], a: number, b: number): void {
  const moved = heap[a] as Entry;
  heap[a] = heap[b] as Entry;
  heap[b] = moved;
}
