/**
 * Keeps the agent small. V8 gives pages back only when it collects, and an agent that rests allocates nothing that would
 * make it: after work is done it is told to. Not by options on the command line: with any V8 option there Node throws its
 * own compiled code away, and each start takes a quarter longer.
 */

/** After the first greeting, which should not wait for it, and before the first work. */
const SETTLED_MS = 100;
/** Work often comes in bursts; the collection waits for the end of one. */
const REST_MS = 1_000;

type Collect = (how: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

export class Memory {
  #resting: NodeJS.Timeout | undefined;
  #collect: Collect | undefined;

  /** Keeps V8's young generation at its first size, also in a busy time. */
  settle(): void {
    setTimeout(async () => {
      const { setFlagsFromString } = await import('node:v8');
      setFlagsFromString('--semi-space-growth-factor=1');
    }, SETTLED_MS).unref();
  }

  /** Work is done: what it needed is given back, unless more work comes. */
  rest(): void {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#giveBack(), REST_MS);
    this.#resting.unref();
  }

  async #giveBack(): Promise<void> {
    this.#collect ??= await collector();
    this.#collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }
}

/** V8's own function, which it shows only to contexts that are made after it was told to. */
async function collector(): Promise<Collect> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([
    import('node:v8'),
    import('node:vm'),
  ]);
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
