/** Bounds of the lines that a report carries. */
export const TAIL_LINES = 20;
export const TAIL_LINE_CHARS = 500;
/** Bytes from the end of a stream that are enough for a tail: UTF-8 needs at most 4 bytes a character. */
export const TAIL_BYTES = TAIL_LINES * TAIL_LINE_CHARS * 4;

// biome-ignore lint/suspicious/noControlCharactersInRegex: replacing control characters is what this is for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * Last lines of a program's output for a person: at most 20, each at most 500 characters, control characters replaced by
 * U+FFFD so that a terminal that shows them does not obey them. A carriage return before the line's end is dropped.
 */
export function tailLines(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.slice(-TAIL_LINES).map((line) => {
    const text = (line.endsWith('\r') ? line.slice(0, -1) : line).slice(0, TAIL_LINE_CHARS + 1);
    const clean = text.replace(CONTROL, '\ufffd');
    return clean.length > TAIL_LINE_CHARS ? `${clean.slice(0, TAIL_LINE_CHARS - 1)}…` : clean;
  });
}
