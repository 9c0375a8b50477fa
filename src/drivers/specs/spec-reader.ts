/**
 * Reads specifications beside the event loop: short texts at once, long ones on a thread of their own, one at a time. The thread
 * is started when it is first needed, ended when it has rested for a while, and replaced when a text was too much for it.
 */
import { Worker } from 'node:worker_threads';
import { MAX_XML_BYTES } from '../../core/spec/xml-text.ts';
import { errorCode, messageOf } from '../agent-error.ts';
import type { Log } from '../log.ts';
import { type Reading, readHere, type SpecAnswer, type SpecKind, type SpecText } from './readers.ts';
import { Rounds } from './rounds.ts';

/** Every bound; each can be set. */
export interface SpecLimits {
  /** Longest text that is read at once, which takes some milliseconds; in bytes or UTF-16 units. @default 16384 */
  readonly atOnce: number;
  /** How long the thread may read one text. @default 30000 */
  readonly readMs: number;
  /** Heap of the thread, in MiB; a process with --max-old-space-size gives it as much as that. @default 512 */
  readonly heapMb: number;
  /** Length of all texts of one token that wait together. @default 67108864 */
  readonly waitingOfToken: number;
  /** Length of all texts that wait together. @default 268435456 */
  readonly waiting: number;
  /** How long the thread rests before it is ended, and its memory given back. @default 60000 */
  readonly restMs: number;
}

const DEFAULT_LIMITS: SpecLimits = {
  atOnce: 16 << 10,
  readMs: 30_000,
  heapMb: 512,
  waitingOfToken: 64 << 20,
  waiting: 256 << 20,
  restMs: 60_000,
};

/** Who has a text read. */
export interface Asker {
  /** In whose name: tokens have their turns one after another. */
  readonly token: string;
  /** Aborted when nobody waits for it any more: it is not begun then. */
  readonly signal?: AbortSignal | undefined;
  /** Told how long the thread has read. */
  readonly took?: (ms: number) => void;
}

/** Why a text was not read to its end. */
export class SpecUnreadError extends Error {
  constructor(
    readonly reason: 'time' | 'memory' | 'died' | 'queue' | 'left' | 'closed',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'SpecUnreadError';
  }
}

interface Job {
  readonly text: SpecText;
  readonly token: string;
  readonly size: number;
  readonly took: (ms: number) => void;
  readonly done: (reading: Reading<SpecKind>) => void;
  readonly failed: (error: Error) => void;
}

/** The text that the thread reads now. */
interface Running {
  readonly job: Job;
  readonly startedMs: number;
  readonly timer: NodeJS.Timeout;
}

export interface SpecReaderOptions {
  /** thread.ts, built. */
  readonly threadFile: string;
  readonly limits?: Partial<SpecLimits>;
  readonly log: Log;
}

export class SpecReader {
  readonly #threadFile: string;
  readonly #limits: SpecLimits;
  readonly #log: Log;
  readonly #waiting: Rounds<Job>;
  #thread: Worker | undefined;
  #running: Running | undefined;
  #rest: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ threadFile, limits = {}, log }: SpecReaderOptions) {
    this.#threadFile = threadFile;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#log = log;
    this.#waiting = new Rounds({ ofToken: this.#limits.waitingOfToken, ofAll: this.#limits.waiting });
  }

  /** Texts that wait, and the one that is being read. */
  get pending(): number {
    return this.#waiting.count + (this.#running === undefined ? 0 : 1);
  }

  /** Whether there is a thread now. */
  get hasThread(): boolean {
    return this.#thread !== undefined;
  }

  /**
   * Reads a text: the answer is there at once, or comes later; it is the same either way.
   *
   * @param fileName named in messages about the file as a whole
   * @throws SpecUnreadError where it comes later; what the language itself refuses is a diagnostic
   */
  read<K extends SpecKind>(
    kind: K,
    source: string | Uint8Array,
    fileName: string,
    asker: Asker,
  ): Reading<K> | Promise<Reading<K>> {
    const size = source.length;
    // What is longer than the languages allow is refused by its length alone.
    if (size <= this.#limits.atOnce || size > MAX_XML_BYTES) return readHere(kind, source, fileName);
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closed();
      const { token, signal, took = () => {} } = asker;
      const leave = () => {
        this.#waiting.remove(job);
        reject(new SpecUnreadError('left', 'The connection ended before the specification was read'));
      };
      const settle = () => signal?.removeEventListener('abort', leave);
      const job: Job = {
        text: { kind, source, fileName },
        token,
        size,
        took,
        done: (reading) => {
          settle();
          resolve(reading as Reading<K>);
        },
        failed: (error) => {
          settle();
          reject(error);
        },
      };
      if (!this.#waiting.add(job)) throw this.#full();
      signal?.addEventListener('abort', leave, { once: true });
      if (signal?.aborted) leave();
      this.#next();
    });
  }

  /** Ends the thread, whatever it reads; nothing is read on it any more. */
  close(): void {
    this.#closed = true;
    this.#fail(closed());
    for (let job = this.#waiting.next(); job !== undefined; job = this.#waiting.next()) job.failed(closed());
    this.#endThread();
  }

  #next(): void {
    if (this.#running !== undefined || this.#closed) return;
    const job = this.#waiting.next();
    clearTimeout(this.#rest);
    if (job === undefined) {
      // A process that has nothing else to do may end.
      this.#thread?.unref();
      this.#rest = setTimeout(() => this.#endThread(), this.#limits.restMs).unref();
      return;
    }
    const { readMs } = this.#limits;
    const timer = setTimeout(() => {
      const sentence = `Reading the specification took more than ${readMs / 1000} s and was ended: make it smaller, or simpler`;
      this.#lose(new SpecUnreadError('time', sentence));
    }, readMs);
    this.#running = { job, startedMs: performance.now(), timer };
    this.#thread ??= this.#start();
    this.#thread.ref();
    this.#thread.postMessage(job.text);
  }

  #start(): Worker {
    const thread = new Worker(this.#threadFile, {
      name: 'specifications',
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMb },
    });
    const whenCurrent =
      <T>(act: (event: T) => void) =>
      (event: T) => {
        if (this.#thread === thread) act(event);
      };
    thread.on(
      'message',
      whenCurrent((answer: SpecAnswer) => this.#answered(answer)),
    );
    thread.on(
      'error',
      whenCurrent((error: unknown) => this.#lose(this.#whyDied(error))),
    );
    thread.on(
      'exit',
      whenCurrent((code: number) => this.#lose(this.#whyDied(new Error(`It ended with ${code}`)))),
    );
    return thread;
  }

  #answered(answer: SpecAnswer): void {
    if ('defect' in answer) this.#fail(new Error(answer.defect));
    else this.#take()?.done(answer.reading);
    this.#next();
  }

  /** The thread is of no use any more; the next text gets another one. */
  #lose(error: SpecUnreadError): void {
    const { text, token } = this.#running?.job ?? {};
    const err = error.cause === undefined ? undefined : messageOf(error.cause);
    this.#log.warn(
      { reason: error.reason, token, length: text?.source.length, err },
      'The thread that reads specifications was lost; the next text gets another one',
    );
    this.#endThread();
    this.#fail(error);
    this.#next();
  }

  #whyDied(cause: unknown): SpecUnreadError {
    if (errorCode(cause) === 'ERR_WORKER_OUT_OF_MEMORY') {
      const sentence = `Reading the specification takes more than the ${this.#limits.heapMb} MiB of memory that it may take: make it smaller, or simpler`;
      return new SpecUnreadError('memory', sentence, { cause });
    }
    const sentence =
      'The thread that reads specifications died before it was done; the log of plushd tells why. Send it again';
    return new SpecUnreadError('died', sentence, { cause });
  }

  #full(): SpecUnreadError {
    const sentence = `${this.#waiting.count} specifications wait to be read, which is all that there is room for. Send it again later`;
    return new SpecUnreadError('queue', sentence);
  }

  #fail(error: Error): void {
    this.#take()?.failed(error);
  }

  /** The text that was being read, which is over. */
  #take(): Job | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    this.#running = undefined;
    clearTimeout(running.timer);
    running.job.took(performance.now() - running.startedMs);
    return running.job;
  }

  #endThread(): void {
    clearTimeout(this.#rest);
    const thread = this.#thread;
    this.#thread = undefined;
    thread?.terminate().catch((error: unknown) => {
      this.#log.warn({ err: messageOf(error) }, 'The thread that reads specifications could not be ended');
    });
  }
}

function closed(): SpecUnreadError {
  return new SpecUnreadError('closed', 'The controller is stopping');
}
