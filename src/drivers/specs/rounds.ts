/** What waits for one server: tokens have their turns one after another, however much each of them has waiting. */

export interface Waiter {
  /** In whose name it waits. */
  readonly token: string;
  /** What it takes of the room. */
  readonly size: number;
}

interface Own<W> {
  readonly waiters: Set<W>;
  size: number;
}

export class Rounds<W extends Waiter> {
  readonly #tokens = new Map<string, Own<W>>();
  readonly #room: { readonly ofToken: number; readonly ofAll: number };
  #count = 0;
  #size = 0;

  /** @param room what may wait: of one token, and of all together */
  constructor(room: { readonly ofToken: number; readonly ofAll: number }) {
    this.#room = room;
  }

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  /** It waits behind those of its token; false where there is no room for it. */
  add(waiter: W): boolean {
    const { token, size } = waiter;
    const own = this.#tokens.get(token) ?? { waiters: new Set<W>(), size: 0 };
    if (own.size + size > this.#room.ofToken || this.#size + size > this.#room.ofAll) return false;
    own.waiters.add(waiter);
    own.size += size;
    this.#tokens.set(token, own);
    this.#count += 1;
    this.#size += size;
    return true;
  }

  /** Takes out the first one of the token whose turn it is, and which stands last then. */
  next(): W | undefined {
    const [[token, own] = []] = this.#tokens;
    const [first] = own?.waiters ?? [];
    if (token === undefined || own === undefined || first === undefined) return undefined;
    this.remove(first);
    if (own.waiters.size > 0) {
      this.#tokens.delete(token);
      this.#tokens.set(token, own);
    }
    return first;
  }

  /** Takes one out, if it waits. */
  remove(waiter: W): void {
    const { token, size } = waiter;
    const own = this.#tokens.get(token);
    if (own?.waiters.delete(waiter) !== true) return;
    own.size -= size;
    this.#count -= 1;
    this.#size -= size;
    if (own.waiters.size === 0) this.#tokens.delete(token);
  }
}
