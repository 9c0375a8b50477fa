/** One word for a POSIX shell, and for csh and fish as far as the text has no line breaks or `!`. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
