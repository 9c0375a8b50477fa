import { randomUUID } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResultOf } from '../../api/methods.ts';
import type { Caller } from '../typescript/client.ts';
import { PlushFault, sentenceOf, UnreachableError } from '../typescript/fault.ts';
import type { Daemon } from './daemon.ts';
import { explanationLines } from './explanation.ts';
import { CommandError, EXIT } from './failure.ts';
import { LineJoiner, OutputReader } from './output-reader.ts';
import { foldEvents, type Note, type RunProgress, startProgress, type TaskPlace } from './progress.ts';
import { blockLines, noteLine, summaryLines } from './progress-view.ts';
import { type Context, withDaemon } from './session.ts';
import { diagnosticLine, hasErrors, readSpecification, sendSpecification } from './specification.ts';
import { LiveBlock } from './terminal.ts';
import { wholeRun } from './whole-run.ts';
import { printable } from './wording.ts';

const POLL_MS = 200;
const EVENTS_AT_ONCE = 1000;
const FINAL_STATES = ['succeeded', 'failed', 'aborted'];

/** Ctrl-C, as the command hears of it. */
export interface Interrupts {
  /** @returns what ends the listening */
  listen(onInterrupt: () => void): () => void;
  /** Ends the process at once. */
  leave(exitCode: number): never;
}

/** `plush run FILE`: validates, loads, starts, follows. Answers the exit code. */
export async function runCommand(
  context: Context,
  interrupts: Interrupts,
  file: string,
  withOutput: boolean,
): Promise<number> {
  const text = readSpecification(file);
  const work = async (daemon: Daemon) => {
    const { terminal } = context;
    const show = new RunView(context, withOutput);
    const caller = daemon.patient(() => show.remark('plushd does not answer any more; looking for it'));
    const diagnostics = await sendSpecification(file, () => caller.call('plushValidateApp', text));
    for (const one of diagnostics) terminal.remark(diagnosticLine(file, one, terminal.paint));
    if (hasErrors(diagnostics)) return EXIT.usage;
    const app = await caller.call('plushLoadAppXml', text);
    return new RunFollower(context, caller, show, interrupts).run(app);
  };
  return withDaemon(context, 'keep', work, dirname(resolve(file)));
}

/** What a person sees while a run goes on: a live block on a terminal, plain lines elsewhere. */
class RunView {
  private readonly block: LiveBlock | undefined;
  private readonly startedAt = performance.now();
  readonly joiner: LineJoiner<TaskPlace>;

  constructor(
    private readonly context: Context,
    readonly withOutput: boolean,
  ) {
    const { terminal } = context;
    this.block = terminal.isLive ? new LiveBlock(terminal) : undefined;
    this.joiner = new LineJoiner((line, { hostname }) =>
      this.print([`${terminal.paint('cyan', `${hostname} |`)} ${printable(line)}`]),
    );
  }

  /** Something about the connection, not the run. */
  remark(line: string): void {
    if (this.block === undefined) this.context.terminal.remark(line);
    else this.block.print([line]);
  }

  /** The live block shows all but troubles by itself. */
  notes(notes: readonly Note[]): void {
    const { paint } = this.context.terminal;
    const shown = this.block === undefined ? notes : notes.filter(({ level }) => level === 'trouble');
    this.print(
      shown.map((note) => (note.level === 'trouble' ? paint('yellow', noteLine(note)) : noteLine(note))),
    );
  }

  progress(progress: RunProgress): void {
    this.block?.show(blockLines(progress, performance.now() - this.startedAt));
  }

  /** The block stays on the screen as it was last. */
  print(lines: readonly string[]): void {
    if (this.block !== undefined) this.block.print(lines);
    else for (const line of lines) this.context.terminal.print(line);
  }
}

class RunFollower {
  private runId: string | undefined;
  private interrupted = false;
  private abort: Promise<void> | undefined;

  constructor(
    private readonly context: Context,
    private readonly caller: Caller,
    private readonly view: RunView,
    private readonly interrupts: Interrupts,
  ) {}

  async run(app: string): Promise<number> {
    const stopListening = this.interrupts.listen(() => this.onInterrupt());
    try {
      const { last } = await this.caller.call('plushGetEvents', { after: -1 });
      this.runId = await this.caller.call('plushStartRun', { app, request_id: randomUUID() });
      if (this.interrupted) this.abort = this.askToAbort(this.runId);
      await this.follow(this.runId, last);
      await this.abort;
      return await this.finish(this.runId);
    } catch (error) {
      throw this.runId !== undefined && error instanceof UnreachableError ? gone(this.runId, error) : error;
    } finally {
      stopListening();
    }
  }

  private onInterrupt(): void {
    if (this.interrupted) this.interrupts.leave(EXIT.interrupted);
    this.interrupted = true;
    this.view.remark('Aborting the run; Ctrl-C again leaves at once, and the run is aborted without you');
    if (this.runId !== undefined) this.abort = this.askToAbort(this.runId);
  }

  private async askToAbort(runId: string): Promise<void> {
    try {
      await this.caller.call('plushAbortRun', runId);
    } catch (error) {
      if (error instanceof PlushFault && error.symbol === 'RUN_ENDED') return;
      this.view.remark(`The run could not be aborted: ${sentenceOf(error)}`);
    }
  }

  private async follow(runId: string, from: number): Promise<void> {
    const progress = startProgress(await wholeRun(this.caller, runId));
    const reader = new OutputReader(this.caller, runId, {
      text: (text, task) => this.view.joiner.push(task, text),
      missing: (sentence) => this.view.remark(sentence),
    });
    for (let after = from; ; ) {
      const page = await this.caller.call('plushGetEvents', {
        after,
        limit: EVENTS_AT_ONCE,
        topics: ['run', 'task', 'node'],
      });
      after = page.last;
      this.view.notes(foldEvents(progress, page.events));
      if (progress.hasGap) await this.catchUp(progress);
      this.view.progress(progress);
      if (this.view.withOutput) await readOutput(progress, reader);
      if (page.more) continue;
      if (progress.outcome !== undefined) break;
      await sleep(POLL_MS);
    }
    if (this.view.withOutput) await this.readRest(reader);
  }

  /** Events were compacted away before we could read them; the end of the run may have been among them. */
  private async catchUp(progress: RunProgress): Promise<void> {
    const run = await this.caller.call('plushGetRun', progress.runId);
    progress.state = run.state;
    if (FINAL_STATES.includes(run.state)) progress.outcome = run.state;
  }

  private async readRest(reader: OutputReader): Promise<void> {
    while (await reader.readAll()) {
      // As long as there is more; the run is over, so this ends.
    }
    this.view.joiner.flush();
  }

  private async finish(runId: string): Promise<number> {
    const { terminal } = this.context;
    const run = await wholeRun(this.caller, runId);
    const [first = '', ...rest] = summaryLines(run);
    const colour = run.state === 'succeeded' ? 'green' : 'red';
    terminal.print([terminal.paint(colour, first), ...rest].join('\n'));
    if (run.state === 'succeeded') return EXIT.ok;
    if (run.state === 'failed') await this.explain(run);
    return this.interrupted ? EXIT.interrupted : EXIT.failed;
  }

  private async explain({ run_id }: ResultOf<'plushGetRun'>): Promise<void> {
    const { terminal } = this.context;
    const lines = explanationLines(await this.caller.call('plushExplain', run_id), terminal.paint);
    terminal.print(['', ...lines].join('\n'));
  }
}

/** Both streams of every task, in one stream of lines. */
async function readOutput(progress: RunProgress, reader: OutputReader): Promise<void> {
  for (const task of progress.tasks.values()) {
    reader.add(task, 'stdout');
    reader.add(task, 'stderr');
  }
  await reader.readAll();
}

function gone(runId: string, cause: Error): CommandError {
  const sentence = `${sentenceOf(cause)}, and has not come back. The run goes on without it where it can`;
  return new CommandError(
    `${sentence}; when plushd runs again, \`plush explain ${runId}\` tells what became of it`,
    EXIT.failed,
    { cause },
  );
}
