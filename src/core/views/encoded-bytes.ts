/** How much text takes on the wire, so that an answer stays within what clients accept. */

const AMPERSAND = 0x26;
const LESS = 0x3c;
const GREATER = 0x3e;
const RETURN = 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Bytes of one UTF-16 unit in XML-RPC or JSON-RPC, whichever takes more. */
function unitBytes(unit: number): number {
  if (unit >= 0x80) return unit < 0x800 ? 2 : 3;
  if (unit === AMPERSAND || unit === RETURN) return 5;
  if (unit === LESS || unit === GREATER) return 4;
  return unit === QUOTE || unit === BACKSLASH || unit < 0x20 ? 2 : 1;
}

/** Bytes of a text in XML-RPC or JSON-RPC, at most. Control characters other than tab and line ends must be gone already. */
export function encodedBytes(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i += 1) bytes += unitBytes(text.charCodeAt(i));
  return bytes;
}

/** The beginning of a text that takes so much at most; never ends inside a character. */
export function fitEncoded(text: string, maxBytes: number): string {
  // The commonest text takes a byte a character: most are short enough whatever they hold.
  if (text.length * 5 <= maxBytes) return text;
  let bytes = 0;
  for (let i = 0; i < text.length; i += 1) {
    bytes += unitBytes(text.charCodeAt(i));
    if (bytes > maxBytes) return text.slice(0, isLowHalf(text.charCodeAt(i)) ? i - 1 : i);
  }
  return text;
}

/** The second half of a surrogate pair. */
function isLowHalf(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
