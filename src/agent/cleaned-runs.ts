/**
 * Runs that were cleaned: an order that comes late must not start what has been cleaned away. A node that joins a run again
 * begins another generation of it, whose orders are taken.
 */
import { join } from 'node:path';
import { AgentError } from '../drivers/agent-error.ts';
import { readJson, writeAtomic } from '../drivers/files/atomic.ts';

/** Runs remembered; the oldest are forgotten first. */
const MAX_CLEANED_RUNS = 10_000;

interface Known {
  /** The newest that was begun; 1 where nobody said. */
  readonly generation: number;
  readonly isCleaned: boolean;
}

/** On the disk: an id, cleaned in its first generation, or all of it. */
type Saved = string | readonly [runId: string, generation: number, isCleaned: boolean];

export class CleanedRuns {
  readonly #path: string;
  readonly #runs: Map<string, Known>;

  constructor(dir: string) {
    this.#path = join(dir, 'cleaned.json');
    const saved = readJson(this.#path);
    this.#runs = new Map(Array.isArray(saved) ? saved.flatMap(read) : []);
  }

  has(runId: string): boolean {
    return this.#runs.get(runId)?.isCleaned === true;
  }

  /** The newest generation of the run that began here. */
  generation(runId: string): number {
    return this.#runs.get(runId)?.generation ?? 1;
  }

  /** Remembers that a run is cleaned. Not on the disk before `save`. */
  add(runId: string): void {
    this.#set(runId, { generation: this.generation(runId), isCleaned: true });
  }

  /** Remembers a generation whose orders are taken. @throws the system's error; nothing is taken then */
  begin(runId: string, generation: number): void {
    const before = this.#runs.get(runId);
    this.#set(runId, { generation, isCleaned: false });
    try {
      this.save();
    } catch (error) {
      this.#runs.delete(runId);
      if (before !== undefined) this.#runs.set(runId, before);
      throw error;
    }
  }

  /** Writes down what is remembered. @throws the system's error */
  save(): void {
    const saved: Saved[] = [...this.#runs].map(([runId, { generation, isCleaned }]) =>
      generation === 1 && isCleaned ? runId : [runId, generation, isCleaned],
    );
    writeAtomic(this.#path, JSON.stringify(saved));
  }

  /** @throws AgentError UNKNOWN_TASK for a run that was cleaned */
  readonly refuse = (runId: string): void => {
    if (this.has(runId)) throw new AgentError('UNKNOWN_TASK', `The run ${runId} was cleaned here`);
  };

  #set(runId: string, known: Known): void {
    this.#runs.delete(runId);
    this.#runs.set(runId, known);
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= MAX_CLEANED_RUNS) break;
      this.#runs.delete(oldest);
    }
  }
}

function read(saved: unknown): [string, Known][] {
  if (typeof saved === 'string') return [[saved, { generation: 1, isCleaned: true }]];
  if (!Array.isArray(saved)) return [];
  const [runId, generation, isCleaned] = saved as unknown[];
  if (typeof runId !== 'string' || typeof generation !== 'number') return [];
  return [[runId, { generation, isCleaned: isCleaned === true }]];
}
