/** What benchmarks say: one line of JSON a figure on stdout for programs, a table on stderr for people. */

export interface Peer {
  readonly name: string;
  /** In the unit that the peer is measured in: seconds where the figure is a ratio of times. */
  readonly value: number;
}

export interface Figure {
  /** Name of the benchmark, as `npm run bench` takes it. */
  readonly bench: string;
  readonly figure: string;
  readonly value: number;
  /** "s", "ms", "MB" (10^6 bytes), "events/s", "x" for a ratio. */
  readonly unit: string;
  /** What the same run measured of the other program; null where there is none. */
  readonly peer: Peer | null;
  /** Such as ">= 3" or "<= 12"; null for a figure that is there for orientation. */
  readonly target: string | null;
}

/** The middle value; of an even number of them, the mean of the two in the middle. NaN when there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** Three significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** Whether a value keeps a target of the form ">= 3" or "<= 12". @throws Error for any other form */
function keeps(value: number, target: string): boolean {
  const [, relation, bound] = /^([<>]=) (\d+(?:\.\d+)?)$/.exec(target) ?? [];
  if (relation === undefined) throw new Error(`A target reads ">= N" or "<= N", and not ${target}`);
  return relation === '>=' ? value >= Number(bound) : value <= Number(bound);
}

/** Prints the figures, rounded. */
export function printFigures(figures: readonly Figure[]): void {
  const told = figures.map((figure) => ({
    bench: figure.bench,
    figure: figure.figure,
    value: rounded(figure.value),
    unit: figure.unit,
    peer: figure.peer === null ? null : { ...figure.peer, value: rounded(figure.peer.value) },
    target: figure.target,
  }));
  for (const figure of told) process.stdout.write(`${JSON.stringify(figure)}\n`);
  const rows = told.map(({ figure, value, unit, peer, target }) => [
    figure,
    `${value} ${unit}`,
    peer === null ? '' : `${peer.name} ${peer.value}`,
    target === null ? '' : `${target} ${keeps(value, target) ? 'met' : 'MISSED'}`,
  ]);
  process.stderr.write(table([['figure', 'value', 'peer', 'target'], ...rows]));
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}
