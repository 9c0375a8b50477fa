import { Loop } from '../../../src/controller/loop.ts';
import type { Effect } from '../../../src/core/effect.ts';
import type { Journal } from '../../../src/drivers/journal.ts';
import { createMemoryJournal } from '../../../src/drivers/journal-memory.ts';

function loopOver(journal: Journal, seen: { effects: Effect[]; commits: number[]; fatal: unknown[] }): Loop {
  let seed = 0;
  return new Loop({
    journal,
    moment: () => ({ nowMs: 1_000_000, seed: seed++ }),
    carryOut: (effect) => seen.effects.push(effect),
    onCommit: (seq) => seen.commits.push(seq),
    onFatal: (error) => seen.fatal.push(error),
  });
}

const nothing = () => ({ effects: [] as Effect[], commits: [] as number[], fatal: [] as unknown[] });
const addNode = (hostname: string) => ({ type: 'add_node', node: { hostname, type: 'ssh' } }) as const;

describe('Loop', () => {
  test('writes inputs that arrive together with one append', async () => {
    const seen = nothing();
    const loop = loopOver(createMemoryJournal(), seen);
    await Promise.all(Array.from({ length: 100 }, (_, i) => loop.submit(addNode(`n${i}`))));
    expect(seen.commits).toEqual([100]);
  });

  test('starts no effect before its fact is durable', async () => {
    const seen = nothing();
    const journal = createMemoryJournal();
    const loop = loopOver(journal, seen);
    await loop.submit(addNode('a'));
    const connecting = loop.submit({ type: 'connect', hostname: 'a' });
    expect(seen.effects).toEqual([]);
    await connecting;
    expect(seen.effects.map((effect) => effect.type)).toEqual(['connect']);
  });

  test('folds the same state from the journal, and from a snapshot and what came after', async () => {
    const journal = createMemoryJournal();
    const first = loopOver(journal, nothing());
    await first.submit(addNode('a'));
    first.close();
    expect(journal.loadSnapshot()?.seq).toBe(1);
    const second = loopOver(journal, nothing());
    await second.submit(addNode('b'));
    expect(loopOver(journal, nothing()).state).toEqual(second.state);
  });

  test('ignores a snapshot of another version of the fold', async () => {
    const journal = createMemoryJournal();
    const loop = loopOver(journal, nothing());
    await loop.submit(addNode('a'));
    journal.saveSnapshot({ seq: 1, version: -1, state: 'not even JSON' });
    expect([...loopOver(journal, nothing()).state.nodes.keys()]).toEqual(['a']);
  });

  test('does nothing more once the journal cannot be written', async () => {
    const seen = nothing();
    const journal = createMemoryJournal();
    const loop = loopOver(journal, seen);
    journal.close();
    let answered = false;
    void loop.submit(addNode('a')).then(() => {
      answered = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen.fatal).toMatchObject([{ code: 'closed' }]);
    await expect(loop.submit(addNode('b'))).rejects.toThrow('The journal cannot be written');
    expect(answered).toBe(false);
  });

  test('refuses a command without a trace', async () => {
    const journal = createMemoryJournal();
    const loop = loopOver(journal, nothing());
    await expect(loop.submit({ type: 'remove_node', hostname: 'x' })).rejects.toMatchObject({
      symbol: 'NODE_NOT_FOUND',
    });
    expect(journal.last).toBe(0);
  });
});
