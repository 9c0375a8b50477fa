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
