import { bodiesOf, gapBodies } from '../../../src/controller/callback-calls.ts';
import { type RecentEvent, RecentEvents } from '../../../src/controller/recent-events.ts';
import { emptyState } from '../../../src/core/state.ts';
import { createMemoryJournal } from '../../../src/drivers/journal-memory.ts';

const FIRST = 5_000_000_001;

test('a call has only the types of the specification, unless its receiver understands more', () => {
  const form = { protocol: 'xmlrpc', details: true } as const;
  expect(gapBodies(form, FIRST).join()).toContain('<string>5000000000</string>');
  expect(gapBodies({ ...form, xml_types: ['i8'] }, FIRST).join()).toContain('<i8>5000000000</i8>');
});

test('the classic client is told when the lease of a node is over, which it can only ask for then', () => {
  const journal = createMemoryJournal();
  const time = '2026-01-01T00:00:00.000Z';
  journal.append([{ time, type: 'node_lease_expired', body: { hostname: 'n1', lease: 'l' } }]);
  const recent = new RecentEvents(journal);
  const event = recent.next(0) as RecentEvent;
  const form = { protocol: 'jsonrpc', details: false } as const;
  expect(bodiesOf(event, form, emptyState(), recent)).toEqual([
    '{"jsonrpc":"2.0","id":1,"method":"sendHostStatus","params":["n1"]}',
  ]);
});
