/**
 * The loop (architecture.md): input → decide → journal → effects. Inputs that arrive while the journal is being written
 * share the next write (group commit); answers and effects wait until their facts are durable.
 */
import type { Fact } from '../../api/events.ts';
import { type Answer, BrokenDecision, decide } from '../core/decide.ts';
import type { Effect } from '../core/effect.ts';
import { resume } from '../core/effects.ts';
import { evolve } from '../core/evolve.ts';
import type { Input, Moment } from '../core/input.ts';
import { decodeState, encodeState, FOLD_VERSION } from '../core/snapshot.ts';
import { emptyState, type State } from '../core/state.ts';
import { type Journal, JournalError, type JournalRecord } from '../drivers/journal.ts';

/** Facts in one write at most; the next write takes the rest. */
const MAX_BATCH_FACTS = 20_000;
/** Facts after which the fold is written down, so that a restart need not begin at the first one. */
const SNAPSHOT_FACTS = 50_000;
/** The newest facts, which compaction leaves in the journal for those who ask for events late. */
const KEEP_FACTS = 200_000;

/** Learns of facts: sequence numbers of the first and the last, once they are durable. */
export interface Writer {
  wrote(first: number, last: number): void;
}

interface Waiting {
  readonly facts: readonly Fact[];
  readonly writer?: Writer | undefined;
  readonly effects: readonly Effect[];
  readonly done: () => void;
}

export interface LoopOptions {
  readonly journal: Journal;
  readonly moment: () => Moment;
  readonly carryOut: (effect: Effect) => void;
  /** Facts up to this sequence number have become durable. */
  readonly onCommit: (seq: number) => void;
  /** The journal cannot be written, or the state is ahead of it (BrokenDecision): nothing more may happen. */
  readonly onFatal: (error: unknown) => void;
  /**
   * A fold could not be written down or read, or old facts not be removed. All goes on; it is tried again SNAPSHOT_FACTS
   * facts later.
   */
  readonly onSnapshotFailed: (error: unknown) => void;
  /** Facts after this sequence number are still needed by a reader, and stay. */
  readonly keepAfter: () => number;
}

export class Loop {
  readonly state: State;
  readonly #options: LoopOptions;
  #waiting: Waiting[] = [];
  #scheduled = false;
  /** Why nothing more may happen. */
  #broken: string | undefined;
  #closed = false;
  /** Where the newest fold is, and where the last attempt to write one was. */
  #lastSnapshot: number;
  #lastAttempt: number;

  /** @throws JournalError (`foreign`, `damaged`, `io`) when the journal does not tell the state */
  constructor(options: LoopOptions) {
    this.#options = options;
    const { state, seq } = fold(options);
    this.state = state;
    this.#lastSnapshot = seq;
    this.#lastAttempt = seq;
  }

  /**
   * Decides one input and answers once its facts are durable.
   * @param writer learns which they are, before the answer
   * @throws Rejection at once, for a command that cannot be carried out
   * @throws Error once nothing more may happen
   */
  submit(input: Input, writer?: Writer): Promise<Answer> {
    if (this.#broken !== undefined) return Promise.reject(new Error(this.#broken));
    try {
      const { facts, effects, answer } = decide(this.state, input, this.#options.moment());
      if (facts.length === 0 && effects.length === 0 && this.#waiting.length === 0)
        return Promise.resolve(answer);
      return new Promise((resolve) => {
        this.#waiting.push({ facts, effects, writer, done: () => resolve(answer) });
        this.#schedule();
      });
    } catch (error) {
      if (error instanceof BrokenDecision) this.#break('The state is ahead of the journal', error);
      return Promise.reject(error);
    }
  }

  /**
   * Resolves once all that the state tells now is durable, so that nobody is told what a crash would take back.
   * @throws Error once nothing more may happen
   */
  durable(): Promise<void> | undefined {
    if (this.#broken !== undefined) return Promise.reject(new Error(this.#broken));
    if (this.#waiting.length === 0) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push({ facts: [], effects: [], done: resolve });
      this.#schedule();
    });
  }

  /** Asks for everything that the facts say is under way. */
  resume(): void {
    for (const effect of resume(this.state, this.#options.moment().nowMs)) this.#options.carryOut(effect);
  }

  /** Writes what waits, and the fold, before the journal is closed. */
  close(): void {
    this.#closed = true;
    while (this.#broken === undefined && this.#waiting.length > 0) this.#flush();
    if (this.#broken === undefined) this.#snapshot();
  }

  #break(message: string, error: unknown): void {
    this.#broken = message;
    this.#options.onFatal(error);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #flush(): void {
    if (this.#broken !== undefined || this.#waiting.length === 0) return;
    let count = 0;
    let taken = 0;
    while (taken < this.#waiting.length && (taken === 0 || count < MAX_BATCH_FACTS)) {
      count += (this.#waiting[taken] as Waiting).facts.length;
      taken += 1;
    }
    const batch = this.#waiting.splice(0, taken);
    const { journal, carryOut, onCommit } = this.#options;
    try {
      const facts = batch.flatMap((entry) => entry.facts);
      if (facts.length > 0) journal.append(facts);
    } catch (error) {
      this.#break('The journal cannot be written', error);
      return;
    }
    let seq = journal.last - count;
    for (const { facts, effects, writer, done } of batch) {
      if (facts.length > 0) writer?.wrote(seq + 1, seq + facts.length);
      seq += facts.length;
      for (const effect of effects) carryOut(effect);
      done();
    }
    onCommit(journal.last);
    // The state may be ahead of the journal only by what still waits; a fold is written when nothing does.
    if (this.#waiting.length === 0 && journal.last - this.#lastAttempt >= SNAPSHOT_FACTS && this.#snapshot())
      this.#compact();
  }

  /** Never fatal: the facts are durable, and a fold only shortens the next start. @returns whether the fold is written */
  #snapshot(): boolean {
    const { journal, onSnapshotFailed } = this.#options;
    const seq = journal.last;
    if (seq === this.#lastSnapshot) return true;
    this.#lastAttempt = seq;
    try {
      journal.saveSnapshot({ seq, version: FOLD_VERSION, rows: encodeState(this.state) });
      this.#lastSnapshot = seq;
      return true;
    } catch (error) {
      onSnapshotFailed(error);
      return false;
    }
  }

  /** Removes old facts piece by piece, with turns of everything else between. */
  #compact(): void {
    if (this.#closed || this.#broken !== undefined) return;
    const { journal, keepAfter, onSnapshotFailed } = this.#options;
    try {
      const upTo = Math.min(this.#lastSnapshot, keepAfter(), journal.last - KEEP_FACTS);
      if (journal.compact(upTo)) setImmediate(() => this.#compact());
    } catch (error) {
      onSnapshotFailed(error);
    }
  }
}

/** The state as the journal has it: the newest fold, and the facts after it. */
function fold({ journal, onSnapshotFailed }: LoopOptions): { state: State; seq: number } {
  const { state, seq } = readSnapshot(journal, onSnapshotFailed) ?? { state: emptyState(), seq: 0 };
  if (seq + 1 < journal.first) {
    throw new JournalError(
      'foreign',
      `The journal begins at fact ${journal.first}, and this version of Plush cannot read its snapshot of what was before. Use the version that wrote it or another state folder.`,
    );
  }
  for (const record of journal.read(seq)) evolve(state, factOf(record));
  return { state, seq };
}

/** Undefined where there is none to begin at; the facts then tell the state, if they are all there. */
function readSnapshot(
  journal: Journal,
  onSnapshotFailed: LoopOptions['onSnapshotFailed'],
): { state: State; seq: number } | undefined {
  const snapshot = journal.loadSnapshot();
  if (snapshot?.version !== FOLD_VERSION) return undefined;
  try {
    return { state: decodeState(snapshot.rows), seq: snapshot.seq };
  } catch (error) {
    onSnapshotFailed(error);
    return undefined;
  }
}

/** A record of the journal as the fact it is. */
function factOf({ type, time, body }: JournalRecord): Fact {
  return { type, time, body } as Fact;
}
