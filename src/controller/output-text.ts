/**
 * Bytes of a task's output, as they are or as text that every client can take: control characters and bytes that are not
 * UTF-8 are replaced. A page of text never ends inside a character, so pages put together are the whole text.
 */
export interface RawPage {
  readonly bytes: Buffer;
  /** Logical offset of the first byte. */
  readonly offset: number;
  /** The task is over and the bytes reach its end. */
  readonly eof: boolean;
}

export interface TextPage {
  data: string;
  offset: number;
  end: number;
  eof: boolean;
}

/** How the data of a page goes out. */
export type Encoding = 'text' | 'base64';

/** With base64 the data is the bytes as they are, which the protocols write so. */
export type OutputPage = Omit<TextPage, 'data'> & { data: string | Uint8Array };

export function encodedPage(page: RawPage, encoding: Encoding): OutputPage {
  if (encoding === 'text') return pageOf(page);
  const { bytes, offset, eof } = page;
  return { data: bytes, offset, end: offset + bytes.length, eof };
}

export function pageOf({ bytes, offset, eof }: RawPage): TextPage {
  const whole = eof ? bytes.length : completeLength(bytes);
  const text = bytes.subarray(0, whole).toString('utf8');
  return { data: printable(text), offset, end: offset + whole, eof };
}

/** Length without the beginning of a character at the end; a page of nothing else goes out as it is. */
function completeLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back && bytes.length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Control characters other than tab and line ends become the replacement character; a lone CR becomes a line end. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/g, '\ufffd');
}
