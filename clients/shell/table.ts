import { clip, plain } from './wording.ts';

/** A column: its heading, and its cell for a row. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number | undefined;
  /** @default left */
  readonly align?: 'left' | 'right';
}

interface TableStyle {
  readonly paintTitle?: (line: string) => string;
  /** @default Infinity */
  readonly width?: number;
}

/**
 * Aligned lines, headings first. A column that is empty in every row is left out; the last is not padded.
 *
 * @param style `paintTitle` is given the line of headings; lines are cut to `width` characters
 */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { paintTitle = (line) => line, width = Infinity }: TableStyle = {},
): string[] {
  const filled = columns
    .map((column) => ({ ...column, cells: rows.map((row) => plain(String(column.cell(row) ?? ''))) }))
    .filter((column) => rows.length === 0 || column.cells.some((cell) => cell !== ''))
    .map((column) => ({
      ...column,
      width: Math.max(...[column.title, ...column.cells].map((text) => [...text].length)),
    }));
  const line = (cellOf: (column: (typeof filled)[number]) => string) =>
    clip(
      filled
        .map((column) => pad(cellOf(column), column.width, column.align))
        .join('  ')
        .trimEnd(),
      width,
    );
  return [
    paintTitle(line((column) => column.title)),
    ...rows.map((_row, index) => line((column) => column.cells[index] ?? '')),
  ];
}

function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, width - [...text].length));
  return align === 'right' ? `${blanks}${text}` : `${text}${blanks}`;
}
