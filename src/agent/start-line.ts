/**
 * The line in which tasks wait to be started. A start keeps the agent busy for some milliseconds, and is over when its program has
 * appeared: of thousands at once none would come to its end, nobody else would be answered, and the agent be taken for dead.
 */
import { AgentError } from '../drivers/agent-error.ts';

/** Tasks in the line; the supervisor knows no more either. */
const MAX_LINE = 10_000;
/** Starts under way at once. More would not make them faster, and each keeps the agent for as long as the system takes to fork. */
const MAX_STARTS = 16;

interface Waiting {
  readonly runId: string;
  readonly go: () => void;
  readonly refuse: (error: AgentError) => void;
}

export class StartLine<T> {
  readonly #starts = new Map<string, Promise<T>>();
  /** In the order in which they came. */
  readonly #waiting = new Map<string, Waiting>();
  #underway = 0;

  /** Starts a task when it is its turn; asked for again meanwhile, that is the same start. @throws what `start` throws, AgentError */
  pass(taskId: string, runId: string, start: () => Promise<T>): Promise<T> {
    const known = this.#starts.get(taskId);
    if (known !== undefined) return known;
    if (this.#starts.size >= MAX_LINE) {
      const why = `${MAX_LINE} tasks wait to be started here already`;
      return Promise.reject(new AgentError('start_failed', why));
    }
    const started = this.#begin(taskId, runId, start).finally(() => this.#starts.delete(taskId));
    this.#starts.set(taskId, started);
    return started;
  }

  /** Settles when the task does not wait any more: one that waits goes at once, so that it can be stopped. */
  async hurry(taskId: string): Promise<void> {
    this.#waiting.get(taskId)?.go();
    // Whether it was started is told to whom ordered it.
    await Promise.allSettled([this.#starts.get(taskId)]);
  }

  /** Whatever waits is not started any more, of one run or of all. */
  drop(why: string, runId?: string): void {
    for (const waiting of [...this.#waiting.values()]) {
      if (runId === undefined || waiting.runId === runId) waiting.refuse(new AgentError('UNKNOWN_TASK', why));
    }
  }

  /** Whether the task waits, or is being started. */
  has(taskId: string): boolean {
    return this.#starts.has(taskId);
  }

  async #begin(taskId: string, runId: string, start: () => Promise<T>): Promise<T> {
    if (this.#underway >= MAX_STARTS) await this.#turn(taskId, runId);
    this.#underway += 1;
    try {
      return await start();
    } finally {
      this.#underway -= 1;
      // Not before what has arrived meanwhile is served.
      setImmediate(() => this.#next());
    }
  }

  #turn(taskId: string, runId: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => {
        this.#waiting.delete(taskId);
        how();
      };
      this.#waiting.set(taskId, {
        runId,
        go: () => settle(resolve),
        refuse: (error) => settle(() => reject(error)),
      });
    });
  }

  #next(): void {
    if (this.#underway >= MAX_STARTS) return;
    const [first] = this.#waiting.values();
    first?.go();
  }
}
