import { parseApplication } from '../../../src/core/spec/application.ts';
import { parseDirectory } from '../../../src/core/spec/directory.ts';
import { example, fixture } from './fixture.ts';

/** Mulberry32: the same numbers from the same seed. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The text with a piece taken out, doubled, put elsewhere, or replaced by something awkward. */
function mutate(text: string, below: (bound: number) => number): string {
  const from = below(text.length);
  const to = Math.min(text.length, from + 1 + below(60));
  const piece = text.slice(from, to);
  const awkward = [
    '<',
    '>',
    '"',
    '&',
    '\0',
    '/>',
    '<a>',
    '-1',
    '..',
    '</path>',
    ' ',
    '\u{1F600}',
    '<!--',
    ']]>',
    '="',
  ];
  switch (below(5)) {
    case 0:
      return text.slice(0, from) + text.slice(to);
    case 1:
      return text.slice(0, to) + piece + text.slice(to);
    case 2: {
      const place = below(text.length);
      return text.slice(0, place) + piece + text.slice(place);
    }
    case 3:
      return text.slice(0, from) + (awkward[below(awkward.length)] ?? '') + text.slice(to);
    default:
      return text.slice(0, from);
  }
}

/** Lines removed, doubled or swapped: mistakes that leave the file well formed more often. */
function mutateLines(text: string, below: (bound: number) => number): string {
  const lines = text.split('\n');
  const at = below(lines.length);
  const line = lines[at] ?? '';
  const kind = below(3);
  if (kind === 0) lines.splice(at, 1);
  else if (kind === 1) lines.splice(below(lines.length), 0, line);
  else
    lines.splice(
      at,
      1,
      line.replace(/[a-z]+/, (word) => word.slice(1)),
    );
  return lines.join('\n');
}

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);
const MUTANTS = 60;

describe('a damaged file', () => {
  test.each(SEEDS)('is an application or has an error, never neither nor both (seed %i)', (seed) => {
    const below = numbersFrom(seed);
    const sources = [
      fixture('valid/everything.xml'),
      example('two-phases.xml'),
      fixture('errors/values.xml'),
      fixture('valid/language.xml'),
      fixture('valid/configurations.xml'),
      fixture('errors/blocks.xml'),
    ];
    for (let mutant = 0; mutant < MUTANTS; mutant += 1) {
      const source = sources[mutant % sources.length] ?? '';
      const text = mutant % 2 === 0 ? mutate(source, below) : mutateLines(source, below);
      const { app, diagnostics } = parseApplication(text, 'mutant.xml');
      const failed = diagnostics.some(({ severity }) => severity === 'error');
      expect({ text, loaded: app !== undefined }).toEqual({ text, loaded: !failed });
      const lines = text.split(/\r\n?|\n/);
      for (const { line, column } of diagnostics) {
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1);
      }
    }
  });

  test.each(SEEDS)('gives only nodes with names (seed %i)', (seed) => {
    const below = numbersFrom(seed);
    for (let mutant = 0; mutant < MUTANTS; mutant += 1) {
      const { nodes } = parseDirectory(mutate(fixture('figures/figure9.xml'), below), 'mutant.xml');
      for (const node of nodes) expect(node.hostname).toMatch(/^[\w.-]+(:\d+)?$/);
    }
  });
});
