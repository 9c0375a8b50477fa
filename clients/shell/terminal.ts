import { clip } from './wording.ts';

/** Where a stream has no width of its own. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

const COLOURS = { red: 31, green: 32, yellow: 33, cyan: 36, bold: 1, dim: 2 } as const;
export type Colour = keyof typeof COLOURS;

/** Paints text where colours are wanted, and leaves it alone elsewhere. */
export type Paint = (colour: Colour, text: string) => string;

/** Lines for people: what was asked for on stdout, remarks on stderr. */
export interface Terminal {
  /** Writes a line to stdout. */
  print(line: string): void;
  /** Writes to stdout as it is. */
  write(text: string | Uint8Array): void;
  /** Writes a remark to stderr. */
  remark(line: string): void;
  readonly paint: Paint;
  /** Whether stdout is a terminal on which lines can be redrawn. */
  readonly isLive: boolean;
  columns(): number;
  rows(): number;
}

/** The part of a stream that is used. */
export interface TerminalStream {
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** A terminal over two streams. Colours follow https://no-color.org. */
export function makeTerminal(
  stdout: TerminalStream,
  stderr: TerminalStream,
  env: NodeJS.ProcessEnv = {},
): Terminal {
  const isLive = stdout.isTTY === true && env.TERM !== 'dumb';
  const isColoured = isLive && (env.NO_COLOR ?? '') === '';
  return {
    print: (line) => stdout.write(`${line}\n`),
    write: (text) => stdout.write(text),
    remark: (line) => stderr.write(`${line}\n`),
    paint: (colour, text) => (isColoured ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text),
    isLive,
    columns: () => stdout.columns || DEFAULT_COLUMNS,
    rows: () => stdout.rows || DEFAULT_ROWS,
  };
}

/** A line of the live block, painted after it was cut to the terminal's width. */
export interface BlockLine {
  readonly text: string;
  readonly colour?: Colour;
}

/** Some lines at the bottom of a terminal that are drawn anew in place; other lines scroll past above them. */
export class LiveBlock {
  private height = 0;
  private lines: readonly BlockLine[] = [];

  constructor(private readonly terminal: Terminal) {}

  /** Replaces the block. */
  show(lines: readonly BlockLine[]): void {
    this.lines = lines;
    this.terminal.write(this.erased() + this.drawn());
  }

  /** Writes lines above the block, for good. */
  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.terminal.write(this.erased() + lines.map((line) => `${line}\n`).join('') + this.drawn());
  }

  /** Takes the block away. */
  clear(): void {
    this.lines = [];
    this.terminal.write(this.erased());
  }

  private erased(): string {
    const up = this.height === 0 ? '' : `\u001b[${this.height}A\r\u001b[J`;
    this.height = 0;
    return up;
  }

  private drawn(): string {
    // A line that wraps, or a block higher than the screen, could not be found again.
    const width = this.terminal.columns() - 1;
    const lines = this.lines.slice(0, Math.max(1, this.terminal.rows() - 1));
    this.height = lines.length;
    return lines
      .map(({ text, colour }) => {
        const clipped = clip(text, width);
        return `${colour === undefined ? clipped : this.terminal.paint(colour, clipped)}\n`;
      })
      .join('');
  }
}
