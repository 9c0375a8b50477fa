import { gapBodies } from '../../../src/controller/callback-calls.ts';

const FIRST = 5_000_000_001;

test('a call has only the types of the specification, unless its receiver understands more', () => {
  const form = { protocol: 'xmlrpc', details: true } as const;
  expect(gapBodies(form, FIRST).join()).toContain('<string>5000000000</string>');
  expect(gapBodies({ ...form, xml_types: ['i8'] }, FIRST).join()).toContain('<i8>5000000000</i8>');
});
