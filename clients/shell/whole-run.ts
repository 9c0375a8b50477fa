import type { ResultOf } from '../../api/methods.ts';
import type { Caller } from '../typescript/client.ts';

/** A run with all its components and blocks, which very large ones tell by page. */
export async function wholeRun(caller: Caller, id: string): Promise<ResultOf<'plushGetRun'>> {
  const run = await caller.call('plushGetRun', id);
  for (let { cursor } = run; cursor !== undefined; ) {
    const next = await caller.call('plushGetRun', id, { cursor });
    run.components.push(...next.components);
    run.blocks.push(...next.blocks);
    cursor = next.cursor;
  }
  return run;
}
