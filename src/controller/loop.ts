/**
 * The loop (architecture.md): input → decide → journal → effects. Inputs that arrive while the journal is being written
 * share the next write (group commit); answers and effects wait until their facts are durable.
 */
import type { Fact } from '../../api/events.ts';
import { type Answer, decide } from '../core/decide.ts';
import type { Effect } from '../core/effect.ts';
import { resume } from '../core/effects.ts';
import { evolve } from '../core/evolve.ts';
import type { Input, Moment } from '../core/input.ts';
import { decodeState, encodeState, FOLD_VERSION } from '../core/snapshot.ts';
import { emptyState, type State } from '../core/state.ts';
import type { Journal, JournalRecord } from '../drivers/journal.ts';

/** Facts in one write at most; the next write takes the rest. */
const MAX_BATCH_FACTS = 20_000;
/** Facts after which the fold is written down, so that a restart need not begin at the first one. */
const SNAPSHOT_FACTS = 50_000;

interface Waiting {
  readonly facts: readonly Fact[];
  readonly effects: readonly Effect[];
  readonly done: () => void;
}

export interface LoopOptions {
  readonly journal: Journal;
  readonly moment: () => Moment;
  readonly carryOut: (effect: Effect) => void;
  /** Facts up to this sequence number have become durable. */
  readonly onCommit: (seq: number) => void;
  /** The journal cannot be written: nothing more may happen. */
  readonly onFatal: (error: unknown) => void;
}

export class Loop {
  readonly state: State;
  readonly #options: LoopOptions;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #broken = false;
  #lastSnapshot: number;

  constructor(options: LoopOptions) {
    this.#options = options;
    const { state, seq } = fold(options.journal);
    this.state = state;
    this.#lastSnapshot = seq;
  }

  /**
   * Decides one input and answers once its facts are durable.
   * @throws Rejection at once, for a command that cannot be carried out
   */
  submit(input: Input): Promise<Answer> {
    if (this.#broken) return Promise.reject(new Error('The journal cannot be written'));
    try {
      const { facts, effects, answer } = decide(this.state, input, this.#options.moment());
      if (facts.length === 0 && effects.length === 0 && this.#waiting.length === 0)
        return Promise.resolve(answer);
      return new Promise((resolve) => {
        this.#waiting.push({ facts, effects, done: () => resolve(answer) });
        this.#schedule();
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Asks for everything that the facts say is under way. */
  resume(): void {
    for (const effect of resume(this.state, this.#options.moment().nowMs)) this.#options.carryOut(effect);
  }

  /** Writes what waits, and the fold, before the journal is closed. */
  close(): void {
    this.#flush();
    if (!this.#broken) this.#snapshot();
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
    if (this.#broken || this.#waiting.length === 0) return;
    let count = 0;
    let taken = 0;
    while (taken < this.#waiting.length && (taken === 0 || count < MAX_BATCH_FACTS)) {
      count += (this.#waiting[taken] as Waiting).facts.length;
      taken += 1;
    }
    const batch = this.#waiting.splice(0, taken);
    const { journal, carryOut, onCommit, onFatal } = this.#options;
    try {
      const facts = batch.flatMap((entry) => entry.facts);
      if (facts.length > 0) journal.append(facts);
    } catch (error) {
      this.#broken = true;
      onFatal(error);
      return;
    }
    for (const { effects, done } of batch) {
      for (const effect of effects) carryOut(effect);
      done();
    }
    onCommit(journal.last);
    // The state may be ahead of the journal only by what still waits; a fold is written when nothing does.
    if (this.#waiting.length === 0 && journal.last - this.#lastSnapshot >= SNAPSHOT_FACTS) this.#snapshot();
  }

  #snapshot(): void {
    const { journal } = this.#options;
    if (journal.last === this.#lastSnapshot) return;
    journal.saveSnapshot({ seq: journal.last, version: FOLD_VERSION, state: encodeState(this.state) });
    this.#lastSnapshot = journal.last;
  }
}

/** The state as the journal has it: the newest fold, and the facts after it. */
function fold(journal: Journal): { state: State; seq: number } {
  const snapshot = journal.loadSnapshot();
  const usable = snapshot?.version === FOLD_VERSION ? snapshot : undefined;
  const state = usable === undefined ? emptyState() : decodeState(usable.state);
  const seq = usable?.seq ?? 0;
  for (const record of journal.read(seq)) evolve(state, factOf(record));
  return { state, seq };
}

/** A record of the journal as the fact it is. */
export function factOf({ type, time, body }: JournalRecord): Fact {
  return { type, time, body } as Fact;
}
