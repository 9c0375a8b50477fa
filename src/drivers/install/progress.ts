/** How far an installation's packages have come, told while they come: often enough to see by, and no more. */
import type { Progress } from '../../core/barrier/flow.ts';
import { monotonicMs } from '../clock.ts';

/** A report at most so often, … */
const LEAST_MS = 250;
/** … no sooner than this share of all has come, … */
const LEAST_SHARE = 0.02;
/** … and at least so often, even when nothing comes. */
const MOST_MS = 5_000;

/** Time from one report to the next: what the least share would take at the pace so far. */
export function nextReportMs(ms: number, bytes: number, total: number | undefined): number {
  if (total === undefined || bytes <= 0) return LEAST_MS;
  return Math.min(MOST_MS, Math.max(LEAST_MS, (ms * LEAST_SHARE * total) / bytes));
}

/** Counts what comes, and tells of it while it does. */
export class TransferProgress {
  readonly #tell: (progress: Progress) => void;
  readonly #fromMs = monotonicMs();
  #bytes = 0;
  #total: number | undefined;
  #timer: NodeJS.Timeout;

  constructor(tell: (progress: Progress) => void) {
    this.#tell = tell;
    this.#timer = this.#later(LEAST_MS);
  }

  /** So many more bytes are announced, beyond those that have come; undefined where nobody says. */
  expect(bytes: number | undefined): void {
    this.#total = bytes === undefined ? undefined : this.#bytes + bytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Nothing more comes. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#bytes > 0) this.#tell({ ...this.#soFar(), done: true });
  }

  #later(afterMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      const soFar = this.#soFar();
      // What has not begun needs no telling.
      if (soFar.bytes > 0) this.#tell(soFar);
      this.#timer = this.#later(nextReportMs(soFar.ms, soFar.bytes, soFar.total));
    }, afterMs).unref();
  }

  #soFar(): Progress {
    const total = this.#total === undefined ? {} : { total: this.#total };
    return { bytes: this.#bytes, ms: Math.round(monotonicMs() - this.#fromMs), ...total };
  }
}
