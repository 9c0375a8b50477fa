/** Runs that were cleaned: an order that comes late must not start what has been cleaned away. */
import { join } from 'node:path';
import { AgentError } from '../drivers/agent-error.ts';
import { readJson, writeAtomic } from '../drivers/files/atomic.ts';

/** Runs remembered; the oldest are forgotten first. */
const MAX_CLEANED_RUNS = 10_000;

export class CleanedRuns {
  readonly #path: string;
  readonly #runs: Set<string>;

  constructor(dir: string) {
    this.#path = join(dir, 'cleaned.json');
    const saved = readJson(this.#path);
    this.#runs = new Set(Array.isArray(saved) ? saved.filter((id) => typeof id === 'string') : []);
  }

  has(runId: string): boolean {
    return this.#runs.has(runId);
  }

  /** Remembers a run. Not on the disk before `save`. */
  add(runId: string): void {
    this.#runs.add(runId);
    for (const oldest of this.#runs) {
      if (this.#runs.size <= MAX_CLEANED_RUNS) break;
      this.#runs.delete(oldest);
    }
  }

  /** Writes down what is remembered. @throws the system's error */
  save(): void {
    writeAtomic(this.#path, JSON.stringify([...this.#runs]));
  }

  /** @throws AgentError UNKNOWN_TASK for a run that was cleaned */
  readonly refuse = (runId: string): void => {
    if (this.has(runId)) throw new AgentError('UNKNOWN_TASK', `The run ${runId} was cleaned here`);
  };
}
