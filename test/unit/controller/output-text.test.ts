import { encodedPage, pageOf } from '../../../src/controller/output-text.ts';

describe('pageOf', () => {
  const text = 'aé€😀z'.repeat(50);
  const bytes = Buffer.from(text);

  test.each([4, 5, 7, 16, 1000])('puts pages of %i bytes together to the whole text', (limit) => {
    let offset = 0;
    let whole = '';
    while (offset < bytes.length) {
      const piece = bytes.subarray(offset, offset + limit);
      const page = pageOf({ bytes: piece, offset, eof: offset + limit >= bytes.length });
      expect(page.end).toBeGreaterThan(offset);
      whole += page.data;
      offset = page.end;
    }
    expect(whole).toBe(text);
  });

  test('replaces what XML cannot carry, and keeps tabs and line ends', () => {
    expect(pageOf({ bytes: Buffer.from('a\tb\r\n\u0000\u001b[1m\u007f'), offset: 0, eof: true }).data).toBe(
      'a\tb\r\n\ufffd\ufffd[1m\ufffd',
    );
  });

  test('goes on past bytes that are no UTF-8', () => {
    const page = pageOf({ bytes: Buffer.from([0xff, 0xfe, 0xc3]), offset: 10, eof: false });
    expect(page.end).toBeGreaterThan(10);
  });

  test('leaves bytes as they are, and cuts none off, where base64 is wanted', () => {
    const cut = Buffer.from([0x61, 0x00, 0xff, 0xc3]);
    const page = { bytes: cut, offset: 5, eof: false };
    expect(encodedPage(page, 'base64')).toEqual({ data: cut, offset: 5, end: 9, eof: false });
    expect(encodedPage(page, 'text')).toMatchObject({ data: 'a\ufffd\ufffd', end: 8 });
  });
});
