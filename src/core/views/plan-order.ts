/** The order of an application's blocks for a plan: one in which they can happen, and what each waits for in few words. */
import type { AppSpec } from '../../../api/spec.ts';
import { type PlannedBlock, planOf } from '../run/plan.ts';

/** Looks at blocks in the search for what is implied; of an application that takes more, the rest is told in full. */
const MAX_LOOKS = 2_000_000;

/** Blocks so that each stands behind what it waits for, else as in the document. */
export function inOrder(app: AppSpec): PlannedBlock[] {
  const plan = planOf(app);
  const open = new Map<string, number>();
  for (const [name, { before, gates }] of plan.blocks) open.set(name, before.length + gates.length);
  const ready = [...plan.blocks.values()].filter(({ spec }) => open.get(spec.name) === 0);
  for (const { spec } of ready) {
    for (const next of [...(plan.after.get(spec.name) ?? []), ...(plan.gated.get(spec.name) ?? [])]) {
      const left = (open.get(next.spec.name) ?? 0) - 1;
      open.set(next.spec.name, left);
      if (left === 0) ready.push(next);
    }
  }
  return ready;
}

/**
 * What a block waits for, without what the others it waits for have waited for already.
 * @param blocks all of the application, in order
 */
export function neededWaits(blocks: readonly PlannedBlock[]): (block: PlannedBlock) => readonly string[] {
  const places = new Map(blocks.map(({ spec }, place) => [spec.name, place]));
  const seen = new Int32Array(blocks.length).fill(-1);
  const known = new Map<string, readonly string[]>();
  let looks = 0;
  let round = 0;

  const placesOf = (names: readonly string[]) => names.map((name) => places.get(name) ?? -1);

  /** Marks all that comes before what is at these places, down to the lowest of them. */
  const markBefore = (from: readonly number[]): void => {
    const lowest = Math.min(...from);
    const stack = [...from];
    for (let at = stack.pop(); at !== undefined && looks < MAX_LOOKS; at = stack.pop()) {
      const { before = [], gates = [] } = blocks[at] ?? {};
      for (const place of [...placesOf(before), ...placesOf(gates)]) {
        looks += 1;
        if (place < lowest || seen[place] === round) continue;
        seen[place] = round;
        stack.push(place);
      }
    }
  };

  return ({ before, gates }) => {
    const all = [...before, ...gates];
    if (all.length < 2) return all;
    // Blocks that begin a component block all wait for the same.
    const key = JSON.stringify(all);
    const same = known.get(key);
    if (same !== undefined) return same;
    round += 1;
    markBefore(placesOf(all));
    const needed = looks < MAX_LOOKS ? all.filter((name) => seen[places.get(name) ?? -1] !== round) : all;
    known.set(key, needed);
    return needed;
  };
}
