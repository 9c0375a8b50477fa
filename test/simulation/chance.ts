/** Everything random in a simulation comes from its one seed. */
import { randomFrom } from '../../src/core/random.ts';

export class Chance {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomFrom(Math.imul(seed, 0x9e3779b1));
  }

  /** What a thing of that name does by chance: the same in every simulation of the seed, whatever else happens there. */
  static of(seed: number, name: string): Chance {
    let hash = seed ^ 0x811c9dc5;
    for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    return new Chance(hash ^ (hash >>> 15));
  }

  /** True with this probability. */
  is(probability: number): boolean {
    return this.#next() < probability;
  }

  /** An integer from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low + 1));
  }

  /** A delay in ms, mostly short, sometimes up to `most`. */
  delay(most: number): number {
    return Math.floor(most * this.#next() ** 3);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)] as T;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i -= 1) {
      const j = this.int(0, i);
      const moved = shuffled[i] as T;
      shuffled[i] = shuffled[j] as T;
      shuffled[j] = moved;
    }
    return shuffled;
  }
}
