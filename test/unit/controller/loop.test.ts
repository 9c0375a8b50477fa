import type { AppSpec } from '../../../api/spec.ts';
import { eventPage } from '../../../src/controller/event-stream.ts';
import { Loop } from '../../../src/controller/loop.ts';
import { BrokenDecision } from '../../../src/core/decide.ts';
import type { Effect } from '../../../src/core/effect.ts';
import { encodeState, FOLD_VERSION } from '../../../src/core/snapshot.ts';
import { emptyState } from '../../../src/core/state.ts';
import type { Journal, NewRecord } from '../../../src/drivers/journal.ts';
import { createMemoryJournal } from '../../../src/drivers/journal-memory.ts';
import { waitFor } from '../../harness/wait.ts';
import { readApplication } from '../../scenario/application.ts';

interface Seen {
  effects: Effect[];
  commits: number[];
  fatal: unknown[];
  failures: unknown[];
}

function loopOver(journal: Journal, seen: Seen, keepAfter = () => journal.last): Loop {
  let seed = 0;
  return new Loop({
    journal,
    moment: () => ({ nowMs: 1_000_000, seed: seed++ }),
    carryOut: (effect) => seen.effects.push(effect),
    onCommit: (seq) => seen.commits.push(seq),
    onFatal: (error) => seen.fatal.push(error),
    onSnapshotFailed: (error) => seen.failures.push(error),
    keepAfter,
  });
}

const nothing = (): Seen => ({ effects: [], commits: [], fatal: [], failures: [] });
const addNode = (hostname: string) => ({ type: 'add_node', node: { hostname, type: 'ssh' } }) as const;

/** Facts that change no state. */
function filler(count: number): NewRecord[] {
  const body = { operation_id: 'o', component: 'c', ok: true };
  return Array.from({ length: count }, () => ({
    time: '2026-01-01T00:00:00.000Z',
    type: 'resources_answered',
    body,
  }));
}

/** A loop over a journal with a long past. */
function grown(facts: number, keepAfter?: () => number): { journal: Journal; loop: Loop; seen: Seen } {
  const seen = nothing();
  const journal = createMemoryJournal();
  journal.append(filler(facts));
  return { journal, loop: loopOver(journal, seen, keepAfter), seen };
}

describe('Loop', () => {
  test('tells each writer which facts came of its input, before the answer', async () => {
    const journal = createMemoryJournal();
    journal.append(filler(10));
    const loop = loopOver(journal, nothing());
    const wrote: [string, number, number][] = [];
    const writer = (name: string) => ({
      wrote: (first: number, last: number) => void wrote.push([name, first, last]),
    });
    await Promise.all([
      loop.submit(addNode('a'), writer('a')),
      loop.submit({ type: 'load_directory', nodes: [] }, writer('nothing')),
      loop.submit(addNode('b')),
      loop.submit(addNode('c'), writer('c')).then(() => expect(wrote).toHaveLength(2)),
    ]);
    for (const [name, first, last] of wrote) {
      const facts = [...journal.read(first - 1, last - first + 1)];
      expect(facts).toMatchObject([{ type: 'node_added', body: { node: { hostname: name } } }]);
    }
  });

  test('tells that what can be read is durable only when it is', async () => {
    const journal = createMemoryJournal();
    const loop = loopOver(journal, nothing());
    expect(loop.durable()).toBeUndefined();
    void loop.submit(addNode('a'));
    expect(loop.state.nodes.has('a')).toBe(true);
    expect(journal.last).toBe(0);
    await loop.durable();
    expect(journal.last).toBe(1);
    expect(loop.durable()).toBeUndefined();
  });

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
    journal.saveSnapshot({ seq: 1, version: -1, rows: ['not even JSON'] });
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

  test('does nothing more once a decision broke off halfway, since the state is ahead of the journal', async () => {
    const seen = nothing();
    const journal = createMemoryJournal();
    const loop = loopOver(journal, seen);
    // A specification that no parser makes: without components it is loaded, and then cannot be looked through.
    const { components: _none, ...app } = readApplication('x', [
      'component c 1',
      'component_block b c',
      'block w',
    ]);
    const load = loop.submit({ type: 'load_app', app: app as AppSpec, file: 'x.xml' });
    await expect(load).rejects.toThrow(BrokenDecision);
    expect(seen.fatal).toEqual([expect.objectContaining({ cause: expect.any(TypeError) })]);
    await expect(loop.submit(addNode('a'))).rejects.toThrow('The state is ahead of the journal');
    loop.close();
    expect([journal.last, journal.loadSnapshot()]).toEqual([0, undefined]);
  });

  test('refuses a command without a trace', async () => {
    const journal = createMemoryJournal();
    const loop = loopOver(journal, nothing());
    await expect(loop.submit({ type: 'remove_node', hostname: 'x' })).rejects.toMatchObject({
      symbol: 'NODE_NOT_FOUND',
    });
    expect(journal.last).toBe(0);
  });

  test('folds from the facts when the snapshot cannot be read', async () => {
    const journal = createMemoryJournal();
    await loopOver(journal, nothing()).submit(addNode('a'));
    const rows = [...encodeState(emptyState())];
    journal.saveSnapshot({ seq: 1, version: FOLD_VERSION, rows: rows.slice(0, -1) });
    const seen = nothing();
    expect([...loopOver(journal, seen).state.nodes.keys()]).toEqual(['a']);
    expect(seen.failures).toMatchObject([{ message: 'The snapshot is not whole' }]);
  });

  test('does not make up a state where old facts are gone and the snapshot cannot be read', () => {
    const journal = createMemoryJournal();
    journal.append(filler(3));
    journal.saveSnapshot({ seq: 3, version: FOLD_VERSION + 1, rows: [] });
    journal.compact(2);
    expect(() => loopOver(journal, nothing())).toThrow('The journal begins at fact 3');
  });

  test('goes on when a snapshot cannot be written, and does not try again at once', async () => {
    const { journal, loop, seen } = grown(49_000);
    await loop.submit(addNode('a'));
    // What JSON cannot say stands for any state that cannot be written.
    Object.assign(loop.state.nodes.get('a') as object, { credit: 1n });
    journal.append(filler(1_000));
    await loop.submit(addNode('b'));
    await loop.submit(addNode('c'));
    expect(seen.failures).toEqual([expect.any(TypeError)]);
    expect(seen.fatal).toEqual([]);
    expect(journal.loadSnapshot()).toBeUndefined();
    loop.close();
    expect(seen.fatal).toEqual([]);
  });

  test('removes old facts after a snapshot, but the newest and those a reader needs', async () => {
    const { journal, loop, seen } = grown(260_000);
    await loop.submit(addNode('a'));
    await waitFor('compaction', () => journal.first > 60_001);
    expect([journal.first, journal.last]).toEqual([60_002, 260_001]);
    expect([...loopOver(journal, nothing()).state.nodes.keys()]).toEqual(['a']);
    expect(eventPage(journal, { after: 0, limit: 2 })).toMatchObject({
      events: [
        { seq: 60_001, type: 'gap', first: 60_002 },
        { seq: 60_002, type: 'resources_answered' },
      ],
      last: 60_002,
      more: true,
    });
    expect(seen.failures).toEqual([]);
  });

  test('keeps the facts that a reader still needs', async () => {
    const { journal, loop } = grown(260_000, () => 12_345);
    await loop.submit(addNode('a'));
    await waitFor('compaction', () => journal.first > 12_345);
    expect(journal.first).toBe(12_346);
  });
});
