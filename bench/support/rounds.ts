/** Taking turns: what is compared is measured by turns in one run, so that a busy moment of the machine meets all of it. */

/** Rounds of a benchmark; medians are taken over them. */
export const ROUNDS = 5;

/** Does its work once and returns what it took: milliseconds. */
export type Contestant = () => Promise<number>;

/**
 * Has each contestant do its work once in each of the rounds, beginning with another one each time.
 *
 * @returns milliseconds by contestant, in the order of the rounds
 */
export async function takeTurns<N extends string>(
  contestants: Readonly<Record<N, Contestant>>,
  rounds = ROUNDS,
): Promise<Record<N, number[]>> {
  const names = Object.keys(contestants) as N[];
  const taken = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<N, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const ms = await contestants[name]();
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
