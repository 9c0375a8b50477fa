import { redacted } from '../../../src/controller/redact.ts';

describe('parameters for the audit', () => {
  it.each([
    [
      [{ secret: 'a', Token: 'b', db_password: 'c', apiKey: 'd', private_key: 'e' }],
      [
        {
          secret: '(hidden)',
          Token: '(hidden)',
          db_password: '(hidden)',
          apiKey: '(hidden)',
          private_key: '(hidden)',
        },
      ],
    ],
    [
      { url: 'see https://me:pw@a.example/x and ftp://you@b' },
      { url: 'see https://(hidden)@a.example/x and ftp://(hidden)@b' },
    ],
    [['http://a.example/@me'], ['http://a.example/@me']],
    [
      [Buffer.from('secret'), 3n, null, 1.5, true],
      ['(6 bytes)', '3', null, 1.5, true],
    ],
    [[[[[['deep']]]]], [[[['(left out)']]]]],
    [undefined, undefined],
  ])('%j become %j', (params, shown) => {
    expect(redacted(params)).toEqual(shown);
  });

  it('hide a password at the end of what is shown of a long text', () => {
    const url = `${'x'.repeat(500)}http://me:${'p'.repeat(100)}@a.example/${'y'.repeat(1000)}`;
    expect(redacted([url])).toEqual([expect.not.stringContaining('pp')]);
  });

  it('are never large, whatever came', () => {
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`m${i}`, 'x'.repeat(1000)]));
    const shown = JSON.stringify(
      redacted([wide, Array(100_000).fill('y'.repeat(100)), [wide], 'z'.repeat(1 << 20)]),
    );
    expect(shown.length).toBeLessThan(16_384);
    expect(shown).toContain('more)');
  });

  it('keep a member called __proto__ as data', () => {
    const params = JSON.parse('{"__proto__":{"password":"p"}}') as unknown;
    expect(JSON.stringify(redacted(params))).toBe('{"__proto__":{"password":"(hidden)"}}');
  });
});
