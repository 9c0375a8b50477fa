/**
 * The form of a scenario file: paragraphs, parted by empty lines. A paragraph of lines that begin with "#" is prose. Any other
 * is a command, a rule of four hyphens, and the complete trace of what it led to:
 *
 *     fail n1
 *     ----
 *     + node_failed …      a fact
 *     > connect n2         an effect
 *     = greet#1            an answer
 *     ! QUITTING: …        a refusal
 */
export interface Paragraph {
  /** The lines before the rule, or of prose. */
  readonly lines: readonly string[];
  /** What follows the rule; undefined for prose. */
  readonly trace?: readonly string[];
}

const RULE = '----';

export function parseScript(text: string): Paragraph[] {
  return text
    .split(/\n{2,}/)
    .map((part) => part.split('\n').filter((line) => line !== ''))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      if (lines.every((line) => line.startsWith('#'))) return { lines };
      const rule = lines.indexOf(RULE);
      return rule === -1
        ? { lines, trace: [] }
        : { lines: lines.slice(0, rule), trace: lines.slice(rule + 1) };
    });
}

export function printScript(paragraphs: readonly Paragraph[]): string {
  const parts = paragraphs.map(({ lines, trace }) =>
    [...lines, ...(trace === undefined ? [] : [RULE, ...trace])].join('\n'),
  );
  return `${parts.join('\n\n')}\n`;
}
