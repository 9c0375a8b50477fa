import type { ResultOf } from '../../api/methods.ts';
import type { Caller } from '../typescript/client.ts';
import { PlushFault } from '../typescript/fault.ts';
import type { TaskPlace } from './progress.ts';
import { plain } from './wording.ts';

/** Pages that are asked for at the same time. */
const CONCURRENCY = 8;
/** Bytes asked for at once; the answer stays below what clients accept. */
const PAGE_BYTES = 131_072;
/** A line that is still longer is shown in pieces. */
const MAX_LINE_CHARACTERS = 65_536;

export type OutputStream = 'stdout' | 'stderr';

/** Takes output of a task, in order. `from` is the same object for all the output of a task's stream. */
export interface OutputSink {
  text(text: string, from: TaskPlace): void;
  /** Something is missing from here on: a sentence. */
  missing(sentence: string): void;
  /** In place of text: the bytes as they are. */
  readonly bytes?: (bytes: Buffer, from: TaskPlace) => void;
}

type Page = ResultOf<'plushGetOutput'>;

interface Open extends TaskPlace {
  readonly stream: OutputStream;
  offset: number;
  atEnd: boolean;
  /** It was told that bytes of it are lost. */
  isTold: boolean;
}

/** Reads the output of tasks as far as it has come, page by page. */
export class OutputReader {
  private readonly open = new Map<string, Open>();
  private readonly unreachable = new Set<string>();

  constructor(
    private readonly caller: Caller,
    private readonly runId: string,
    private readonly sink: OutputSink,
  ) {}

  /** Has the task's output read from now on. Again: nothing more happens. */
  add(task: TaskPlace, stream: OutputStream): void {
    const key = `${task.taskId} ${stream}`;
    if (!this.open.has(key)) this.open.set(key, { ...task, stream, offset: 0, atEnd: false, isTold: false });
  }

  /** Whether all that was added has been read to its end. */
  get isAtEnd(): boolean {
    return [...this.open.values()].every((task) => task.atEnd);
  }

  /** Nodes whose output could not be read because they do not answer. */
  get unreachableNodes(): readonly string[] {
    return [...this.unreachable];
  }

  /** Reads one task after the other, in the order they were added, each as far as it has come. */
  async readInOrder(): Promise<void> {
    for (const task of this.open.values()) await this.drain(task);
  }

  /** Reads a page of every task that is not at its end. @returns whether there was any */
  async readAll(): Promise<boolean> {
    const waiting = [...this.open.values()].filter((task) => !task.atEnd);
    let progressed = false;
    const work = async () => {
      for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
        if (await this.readPage(task)) progressed = true;
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, waiting.length) }, work));
    return progressed;
  }

  private async drain(task: Open): Promise<void> {
    while (!task.atEnd && (await this.readPage(task))) {
      // A page at a time, each written before the next is asked for.
    }
  }

  /** Whether there was something. */
  private async readPage(task: Open): Promise<boolean> {
    const page = await this.ask(task);
    if (page === undefined) return false;
    this.tellMissing(task, page);
    const progressed = page.end > task.offset;
    task.offset = Math.max(task.offset, page.end);
    task.atEnd = page.eof;
    if (page.data === '') return progressed;
    if (this.sink.bytes === undefined) this.sink.text(page.data, task);
    else this.sink.bytes(Buffer.from(page.data, 'base64'), task);
    return progressed;
  }

  private tellMissing(task: Open, { skipped_bytes: skipped = 0, lost_bytes: lost = 0, eof }: Page): void {
    const whose = `the ${task.stream} of ${plain(task.block)} on ${task.hostname}`;
    if (skipped > 0) {
      const which =
        task.offset === 0 ? `The first ${skipped} bytes of ${whose}` : `${skipped} bytes of ${whose}`;
      this.sink.missing(`${which} are not kept: it is longer than max_bytes of its log_manager allows`);
    }
    if (lost > 0 && eof && !task.isTold) {
      task.isTold = true;
      this.sink.missing(
        `At least ${lost} bytes of ${whose} are lost: it was written faster than its node could keep it`,
      );
    }
  }

  private async ask(task: Open): Promise<Page | undefined> {
    const { hostname, taskId, stream, offset } = task;
    try {
      const encoding = this.sink.bytes === undefined ? 'text' : 'base64';
      const page = { task: taskId, stream, offset, limit: PAGE_BYTES, encoding } as const;
      const answer = await this.caller.call('plushGetOutput', this.runId, hostname, page);
      this.unreachable.delete(hostname);
      return answer;
    } catch (error) {
      if (!(error instanceof PlushFault)) throw error;
      if (error.symbol === 'NO_OUTPUT') return undefined;
      if (error.symbol !== 'OUTPUT_UNREACHABLE') throw error;
      this.unreachable.add(hostname);
      return undefined;
    }
  }
}

/** Makes whole lines of text that comes in pieces from several sources. */
export class LineJoiner<Source extends object> {
  private readonly partial = new Map<Source, string>();

  constructor(private readonly emit: (line: string, source: Source) => void) {}

  push(source: Source, text: string): void {
    const lines = ((this.partial.get(source) ?? '') + text).split('\n');
    let rest = lines.pop() ?? '';
    for (const line of lines) this.emit(line, source);
    while (rest.length > MAX_LINE_CHARACTERS) {
      this.emit(rest.slice(0, MAX_LINE_CHARACTERS), source);
      rest = rest.slice(MAX_LINE_CHARACTERS);
    }
    if (rest === '') this.partial.delete(source);
    else this.partial.set(source, rest);
  }

  /** Emits what is left: last lines without a line feed. */
  flush(): void {
    for (const [source, rest] of this.partial) this.emit(rest, source);
    this.partial.clear();
  }
}
