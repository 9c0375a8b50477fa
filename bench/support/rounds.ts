/** Taking turns: what is compared is measured by turns in one run, so that a busy moment of the machine meets all of it. */

import { median } from './figures.ts';

/** Rounds of a benchmark; medians are taken over them. */
const ROUNDS = 5;

/** Does its work once and returns what it took: milliseconds. */
type Contestant = () => Promise<number>;

/**
 * Has each contestant do its work once in each of the rounds, beginning with another one each time.
 *
 * @param settle resolves when nothing of the last contestant's work is under way
 * @returns milliseconds by contestant, in the order of the rounds
 */
export async function takeTurns<N extends string>(
  contestants: Readonly<Record<N, Contestant>>,
  settle: () => Promise<void>,
): Promise<Record<N, number[]>> {
  const names = Object.keys(contestants) as N[];
  const taken = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<N, number[]>;
  for (let round = 0; round < ROUNDS; round += 1) {
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const ms = await contestants[name]();
      await settle();
      taken[name].push(ms);
      process.stderr.write(`round ${round + 1}  ${name}  ${Math.round(ms)} ms\n`);
    }
  }
  return taken;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** The fastest of several contestants by the median, in seconds. @throws Error when there is none */
export function fastest(taken: Readonly<Record<string, readonly number[]>>): { name: string; value: number } {
  const [best] = Object.entries(taken)
    .map(([name, ms]) => ({ name, value: median(ms) / 1000 }))
    .sort((a, b) => a.value - b.value);
  if (best === undefined) throw new Error('Nobody took part');
  return best;
}
