import { EventStream, eventPage } from '../../../src/controller/event-stream.ts';
import type { Journal } from '../../../src/drivers/journal.ts';
import { createMemoryJournal } from '../../../src/drivers/journal-memory.ts';

const time = '2026-01-01T00:00:00.000Z';

/** Many facts about nodes, and one about the controller at the end. */
function longJournal(): Journal {
  const journal = createMemoryJournal();
  const body = { hostname: 'n', owed: false };
  journal.append(Array.from({ length: 50_000 }, () => ({ time, type: 'node_removed', body })));
  journal.append([{ time, type: 'quit_requested', body: {} }]);
  return journal;
}

describe('a page of events', () => {
  it('ends after a bounded number of looks, and tells where to go on', () => {
    const journal = longJournal();
    const sizes: number[] = [];
    let after = 0;
    for (;;) {
      const page = eventPage(journal, { after, topics: ['control'] });
      sizes.push(page.events.length);
      after = page.last;
      if (!page.more) break;
    }
    expect(sizes).toEqual([0, 0, 1]);
    expect(after).toBe(50_001);
  });

  it('begins with a gap where older events were removed, also for other topics', () => {
    const journal = longJournal();
    journal.saveSnapshot({ seq: 50_001, version: 1, rows: [] });
    journal.compact(100);
    const gap = { seq: 100, type: 'gap', first: 101 };
    expect(eventPage(journal, { limit: 1 })).toEqual({ events: [gap], last: 100, more: true });
    expect(eventPage(journal, { after: 99, topics: ['run'] }).events).toEqual([gap]);
    expect(eventPage(journal, { after: 100, limit: 1 }).events).toMatchObject([{ seq: 101 }]);
  });

  it('is followed by others in a stream that lets everybody else go on meanwhile', async () => {
    const abort = new AbortController();
    const stream = new EventStream(longJournal()).stream({
      after: 0,
      fromNow: false,
      topics: ['control'],
      signal: abort.signal,
    });
    let turns = 0;
    const turn = () => {
      turns += 1;
      if (!abort.signal.aborted) setImmediate(turn);
    };
    setImmediate(turn);
    expect((await stream.next()).value).toMatchObject({ seq: 50_001, type: 'quit_requested' });
    expect(turns).toBeGreaterThan(0);
    abort.abort();
  });

  it('tells a slow reader also what came while it took the last event that was there', async () => {
    const journal = createMemoryJournal();
    const fact = { time, type: 'quit_requested', body: {} };
    const abort = new AbortController();
    const events = new EventStream(journal);
    journal.append([fact]);
    const stream = events.stream({ after: 0, fromNow: false, signal: abort.signal });
    expect((await stream.next()).value).toMatchObject({ seq: 1 });
    // Nobody waits for news now: the reader is still busy with the first.
    journal.append([fact]);
    events.wake();
    expect((await stream.next()).value).toMatchObject({ seq: 2 });
    abort.abort();
  });
});

describe('readers who are woken together', () => {
  const appOf = (name: string, characters: number) => ({
    time,
    type: 'app_loaded',
    body: { app: { name, text: 'x'.repeat(characters) } },
  });
  const query = (signal: AbortSignal, topics?: string[]) => ({
    after: 0,
    fromNow: false,
    signal,
    ...(topics && { topics }),
  });

  it('share a large event, each in its place and by its topics', async () => {
    const journal = createMemoryJournal();
    const abort = new AbortController();
    const events = new EventStream(journal);
    const all = [1, 2, 3].map(() => events.stream(query(abort.signal)));
    const control = events.stream(query(abort.signal, ['control']));
    journal.append([
      appOf('small', 1),
      appOf('large', 2_000_000),
      { time, type: 'quit_requested', body: {} },
    ]);
    const told = await Promise.all(
      all.map(async (stream) => [await stream.next(), await stream.next(), await stream.next()]),
    );
    const quit = await control.next();
    for (const three of told) {
      expect(three.map(({ value }) => value?.seq)).toEqual([1, 2, 3]);
      expect(three[1]?.value).toBe(told[0]?.[1]?.value);
      expect(three[0]?.value).not.toBe(three[1]?.value);
    }
    expect(told[0]?.[1]?.value).toMatchObject({ type: 'app_loaded', app: { name: 'large' } });
    expect(quit.value).toMatchObject({ seq: 3, type: 'quit_requested' });
    abort.abort();
  });

  it('let all else go on between them where that takes them long', async () => {
    const memory = createMemoryJournal();
    const slow = new Proxy(memory, {
      get: (journal, name) => {
        if (name === 'read') for (const endMs = performance.now() + 20; performance.now() < endMs; );
        const member: unknown = Reflect.get(journal, name, journal);
        return typeof member === 'function' ? member.bind(journal) : member;
      },
    });
    const abort = new AbortController();
    const events = new EventStream(slow);
    const readers = Array.from({ length: 5 }, () => events.stream(query(abort.signal)).next());
    memory.append([appOf('one', 1)]);
    let turns = 0;
    const turn = () => {
      turns += 1;
      if (!abort.signal.aborted) setImmediate(turn);
    };
    setImmediate(turn);
    events.wake();
    await Promise.all(readers);
    expect(turns).toBeGreaterThanOrEqual(3);
    abort.abort();
  });
});
