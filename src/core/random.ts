/**
 * Randomness from a seed that arrives with the input, so that decisions stay pure and a seed replays them.
 * The generator is mulberry32: 32 bits of state, uniform enough for choosing nodes and names.
 */
export type Random = () => number;

/** A generator of numbers in [0, 1). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz';

/** A short name without characters that are easily confused. */
export function randomName(random: Random, length: number): string {
  let name = '';
  for (let i = 0; i < length; i += 1) name += ALPHABET[Math.floor(random() * ALPHABET.length)];
  return name;
}
