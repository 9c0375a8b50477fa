import {
  COMPACT_RECORDS,
  type Journal,
  JournalError,
  type JournalRecord,
  type NewRecord,
} from '../../src/drivers/journal.ts';
import { createMemoryJournal } from '../../src/drivers/journal-memory.ts';
import { openSqliteJournal } from '../../src/drivers/journal-sqlite.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

const TIME = '2024-05-06T07:08:09.123Z';

const fact = (type: string, body: Record<string, unknown> = {}): NewRecord => ({ time: TIME, type, body });
const facts = (count: number): NewRecord[] =>
  Array.from({ length: count }, (_, index) => fact('counted', { index }));
const rowsOf = (journal: Journal): string[] => [...(journal.loadSnapshot()?.rows ?? [])];
const seqs = (records: Iterable<JournalRecord>): number[] => Array.from(records, (record) => record.seq);

interface Implementation {
  name: string;
  open: (scratch: Scratch) => Journal;
}

const implementations: Implementation[] = [
  { name: 'memory', open: () => createMemoryJournal() },
  { name: 'SQLite', open: (scratch) => openSqliteJournal(scratch.path('journal.db')) },
];

describe.each(implementations)('the $name journal', ({ open }) => {
  let scratch: Scratch;
  let journal: Journal;

  beforeEach(() => {
    scratch = makeScratch();
    journal = open(scratch);
  });

  afterEach(async () => {
    journal.close();
    await scratch.remove();
  });

  describe('appending', () => {
    it('is empty at first', () => {
      expect([journal.first, journal.last]).toEqual([1, 0]);
      expect([...journal.read(0)]).toEqual([]);
    });

    it('numbers records from 1 without gaps and answers the first number of each append', () => {
      expect(journal.append(facts(3))).toBe(1);
      expect(journal.append(facts(1))).toBe(4);
      expect(journal.append(facts(2))).toBe(5);
      expect(journal.last).toBe(6);
      expect(journal.first).toBe(1);
      expect(seqs(journal.read(0))).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it('gives back time, type and body as they were', () => {
      const body = {
        text: 'grüße 漢字 🚀 \u0000 \u001f " \\ \u2028',
        lone: '\ud800',
        number: 1.5e-300,
        integer: Number.MAX_SAFE_INTEGER,
        nothing: null,
        list: [1, [2, [3]], { deep: true }],
        empty: {},
      };
      journal.append([{ time: TIME, type: 'node.überprüft', body }]);
      expect([...journal.read(0)]).toEqual([{ seq: 1, time: TIME, type: 'node.überprüft', body }]);
    });

    it('takes a member called __proto__ for data', () => {
      const body = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}');
      journal.append([fact('odd', body)]);
      const [record] = [...journal.read(0)];
      expect(JSON.stringify(record?.body)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    });

    it('does nothing for no records and answers the number that comes next', () => {
      journal.append(facts(2));
      expect(journal.append([])).toBe(3);
      expect(journal.last).toBe(2);
    });

    it('adds none of the records when one of them cannot be encoded, and goes on', () => {
      journal.append(facts(1));
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      expect(() => journal.append([fact('good'), fact('bad', circular)])).toThrow(TypeError);
      expect(journal.last).toBe(1);
      expect(seqs(journal.read(0))).toEqual([1]);
      expect(journal.append(facts(1))).toBe(2);
    });

    it('is not changed by what the writer or a reader does to a body afterwards', () => {
      const body = { list: [1] };
      journal.append([fact('shared', body)]);
      body.list.push(2);
      for (const read of journal.read(0)) (read.body.list as number[]).push(3);
      expect([...journal.read(0)][0]?.body).toEqual({ list: [1] });
    });

    it('keeps a body of eight million characters', () => {
      const text = 'ä'.repeat(8_000_000);
      journal.append([fact('big', { text }), fact('small')]);
      const [big, small] = [...journal.read(0)];
      expect(big?.body.text === text).toBe(true);
      expect(small?.type).toBe('small');
    });

    it('takes ten thousand records in one append', () => {
      journal.append(facts(10_000));
      expect(journal.last).toBe(10_000);
      let expected = 0;
      for (const record of journal.read(0)) {
        expect(record.body.index).toBe(expected);
        expected += 1;
      }
      expect(expected).toBe(10_000);
    });
  });

  describe('reading', () => {
    it.each([
      { after: 0, limit: 3, want: [1, 2, 3] },
      { after: 8, limit: 5, want: [9, 10] },
      { after: 4, limit: undefined, want: [5, 6, 7, 8, 9, 10] },
      { after: 10, limit: undefined, want: [] },
      { after: 99, limit: 1, want: [] },
      { after: -5, limit: 2, want: [1, 2] },
      { after: 0, limit: 0, want: [] },
      { after: 0, limit: -1, want: [] },
    ])('answers $want for after $after and limit $limit', ({ after, limit, want }) => {
      journal.append(facts(10));
      expect(seqs(limit === undefined ? journal.read(after) : journal.read(after, limit))).toEqual(want);
    });

    it('goes page by page with the same result as at once', () => {
      journal.append(facts(1_000));
      const paged: number[] = [];
      for (;;) {
        const page = seqs(journal.read(paged.length, 77));
        if (page.length === 0) break;
        paged.push(...page);
      }
      expect(paged).toEqual(seqs(journal.read(0)));
    });

    it('tolerates appends while it goes on, and ends where the journal ended when it began', () => {
      journal.append(facts(600));
      const seen: number[] = [];
      for (const record of journal.read(0)) {
        seen.push(record.seq);
        journal.append(facts(1));
        journal.setCursor('reader', record.seq);
      }
      expect(seen).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
      expect(journal.last).toBe(1_200);
    });

    it('lets several readers go on side by side, and one stop early', () => {
      journal.append(facts(600));
      const stopped = journal.read(0)[Symbol.iterator]();
      stopped.next();
      const one = journal.read(0)[Symbol.iterator]();
      const other = journal.read(300)[Symbol.iterator]();
      for (let index = 0; index < 300; index += 1) {
        expect(one.next().value.seq).toBe(index + 1);
        expect(other.next().value.seq).toBe(index + 301);
      }
      expect(other.next().done).toBe(true);
      expect(journal.append(facts(1))).toBe(601);
    });
  });

  describe('snapshots', () => {
    it('has none at first', () => {
      expect(journal.loadSnapshot()).toBeUndefined();
    });

    it('keeps the one saved last, with its version and its rows in order', () => {
      journal.append(facts(5));
      journal.saveSnapshot({ seq: 2, version: 1, rows: ['old', 'older', 'oldest'] });
      journal.saveSnapshot({ seq: 5, version: 7, rows: ['{"text":"漢字"}', ''] });
      expect(journal.loadSnapshot()).toMatchObject({ seq: 5, version: 7 });
      expect(rowsOf(journal)).toEqual(['{"text":"漢字"}', '']);
      expect(journal.last).toBe(5);
    });

    it('refuses one of a state that the journal has not reached', () => {
      journal.append(facts(2));
      expect(() => journal.saveSnapshot({ seq: 3, version: 1, rows: [] })).toThrow(RangeError);
      expect(journal.loadSnapshot()).toBeUndefined();
    });

    it('keeps a row of eight million characters, and ten thousand rows', () => {
      const text = 'x'.repeat(8_000_000);
      const rows = Array.from({ length: 10_000 }, (_, index) => String(index));
      journal.saveSnapshot({ seq: 0, version: 1, rows: [text, ...rows] });
      const [first, ...others] = rowsOf(journal);
      expect(first === text).toBe(true);
      expect(others).toEqual(rows);
    });

    it('keeps the older one when the rows of a new one break off, and goes on', () => {
      journal.append(facts(2));
      journal.saveSnapshot({ seq: 1, version: 1, rows: ['whole'] });
      function* broken(): Generator<string> {
        yield 'half';
        throw new TypeError('There is no more');
      }
      expect(() => journal.saveSnapshot({ seq: 2, version: 1, rows: broken() })).toThrow('There is no more');
      expect(journal.loadSnapshot()).toMatchObject({ seq: 1, version: 1 });
      expect(rowsOf(journal)).toEqual(['whole']);
      expect(journal.append(facts(1))).toBe(3);
    });
  });

  describe('compaction', () => {
    const compacted = (count: number, upTo: number): void => {
      journal.append(facts(count));
      journal.saveSnapshot({ seq: count, version: 1, rows: [] });
      while (journal.compact(upTo));
    };

    it('removes the oldest records and numbers on', () => {
      compacted(10, 4);
      expect([journal.first, journal.last]).toEqual([5, 10]);
      expect(seqs(journal.read(0))).toEqual([5, 6, 7, 8, 9, 10]);
      expect(seqs(journal.read(0, 2))).toEqual([5, 6]);
      expect(seqs(journal.read(7, 2))).toEqual([8, 9]);
      expect(journal.append(facts(1))).toBe(11);
    });

    it('may remove all of them', () => {
      compacted(3, 3);
      expect([journal.first, journal.last]).toEqual([4, 3]);
      expect(seqs(journal.read(0))).toEqual([]);
      expect(journal.append(facts(1))).toBe(4);
      expect(seqs(journal.read(0))).toEqual([4]);
    });

    it('removes a bounded number in one call and says whether there are more', () => {
      journal.append(facts(COMPACT_RECORDS + 5));
      journal.saveSnapshot({ seq: COMPACT_RECORDS + 5, version: 1, rows: [] });
      expect(journal.compact(COMPACT_RECORDS + 1)).toBe(true);
      expect(journal.first).toBe(COMPACT_RECORDS + 1);
      expect(journal.compact(COMPACT_RECORDS + 1)).toBe(false);
      expect(journal.first).toBe(COMPACT_RECORDS + 2);
    });

    it('does nothing where those records are gone already', () => {
      compacted(10, 4);
      for (const upTo of [4, 2, 0, -7]) expect(journal.compact(upTo)).toBe(false);
      expect(journal.first).toBe(5);
    });

    it('refuses to remove what no snapshot stands for', () => {
      journal.append(facts(10));
      expect(() => journal.compact(1)).toThrow(RangeError);
      journal.saveSnapshot({ seq: 5, version: 1, rows: [] });
      expect(() => journal.compact(6)).toThrow(RangeError);
      expect(seqs(journal.read(0)).length).toBe(10);
      journal.compact(5);
      expect(() => journal.saveSnapshot({ seq: 4, version: 1, rows: [] })).toThrow(RangeError);
      expect(() => journal.saveSnapshot({ seq: 5, version: 1, rows: [] })).not.toThrow();
    });

    it('lets a reader that it overtakes go on', () => {
      journal.append(facts(2_000));
      journal.saveSnapshot({ seq: 2_000, version: 1, rows: [] });
      const reader = journal.read(0)[Symbol.iterator]();
      reader.next();
      journal.compact(1_990);
      const rest: number[] = [];
      for (let next = reader.next(); !next.done; next = reader.next()) rest.push(next.value.seq);
      expect(rest.slice(-10)).toEqual([1991, 1992, 1993, 1994, 1995, 1996, 1997, 1998, 1999, 2000]);
      expect(rest.length).toBeLessThan(1_999);
    });
  });

  describe('cursors', () => {
    it('are undefined until they are set, forwards or backwards, and again after removal', () => {
      expect(journal.cursor('a')).toBeUndefined();
      journal.setCursor('a', 7);
      journal.setCursor('__proto__', 1);
      expect([journal.cursor('a'), journal.cursor('b'), journal.cursor('__proto__')]).toEqual([
        7,
        undefined,
        1,
      ]);
      journal.setCursor('a', 3);
      expect(journal.cursor('a')).toBe(3);
      journal.append(facts(1));
      expect(journal.cursor('a')).toBe(3);
      journal.removeCursor('a');
      expect(journal.cursor('a')).toBeUndefined();
      journal.append(facts(1));
      expect(journal.cursor('a')).toBeUndefined();
      journal.removeCursor('never set');
    });

    it('stand for themselves, however many and however often they are set', () => {
      for (let round = 1; round <= 5; round += 1) {
        for (let name = 0; name < 300; name += 1) journal.setCursor(`client-${name}`, round * name);
      }
      for (let name = 0; name < 300; name += 1) expect(journal.cursor(`client-${name}`)).toBe(5 * name);
    });
  });

  describe('once closed', () => {
    const calls: [string, (journal: Journal) => unknown][] = [
      ['append', (it) => it.append(facts(1))],
      ['read', (it) => it.read(0)],
      ['saveSnapshot', (it) => it.saveSnapshot({ seq: 0, version: 1, rows: [] })],
      ['compact', (it) => it.compact(0)],
      ['loadSnapshot', (it) => it.loadSnapshot()],
      ['cursor', (it) => it.cursor('a')],
      ['setCursor', (it) => it.setCursor('a', 1)],
      ['removeCursor', (it) => it.removeCursor('a')],
    ];

    it.each(calls)('refuses %s', (_name, call) => {
      journal.close();
      expect(() => call(journal)).toThrow(expect.objectContaining({ name: 'JournalError', code: 'closed' }));
    });

    it('ends a reader that was under way with an error', () => {
      journal.append(facts(600));
      const reader = journal.read(0)[Symbol.iterator]();
      reader.next();
      journal.close();
      expect(() => {
        while (!reader.next().done);
      }).toThrow(JournalError);
    });

    it('may be closed again', () => {
      journal.close();
      expect(() => journal.close()).not.toThrow();
    });
  });
});
