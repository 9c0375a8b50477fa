import type { ParamsOf, ResultOf } from '../../api/methods.ts';
import type { Caller, CallOptions, PlushClient } from './client.ts';

/** States that a run does not leave. */
const FINAL = new Set(['succeeded', 'failed', 'aborted']);

export interface WaitOptions {
  /** Ends the wait with the signal's reason. The run goes on. */
  readonly signal?: AbortSignal;
  /** How long a plushd that does not answer is tried again. @default without an end */
  readonly patienceMs?: number;
}

/** Waits for the event that ends a run, so that plushd is not asked again and again. */
export async function waitRun(
  client: PlushClient,
  run: string,
  { signal, patienceMs = Number.POSITIVE_INFINITY }: WaitOptions,
): Promise<ResultOf<'plushGetRun'>> {
  const more: CallOptions = signal === undefined ? {} : { signal };
  const caller = client.with({ ...more, patienceMs });
  // Before the run is looked at, so that its end cannot fall between the two.
  const { last } = await caller.call('plushGetEvents', { after: -1 });
  const now = await caller.call('plushGetRun', run);
  if (FINAL.has(now.state)) return now;
  const events = client.events({ after: last, topics: ['run'], patienceMs, ...(signal && { signal }) });
  for await (const event of events) {
    const isEnd = event.type === 'run_ended' && event.run_id === run;
    if (!isEnd && event.type !== 'gap') continue;
    const found = await caller.call('plushGetRun', run);
    if (FINAL.has(found.state)) return found;
  }
  signal?.throwIfAborted();
  throw new Error('The client was closed while it waited for a run');
}

/** Which output: of a task (its id, or its block's name; without it the newest), stdout or stderr; or a file brought back. */
export type OutputChoice = Pick<NonNullable<ParamsOf<'plushGetOutput'>[2]>, 'stream' | 'task' | 'file'>;

/** What is there of a task's output, piece by piece. */
export async function* readOutput(
  caller: Caller,
  run: string,
  node: string,
  choice: OutputChoice,
): AsyncGenerator<string, void, undefined> {
  for await (const { data } of pages(caller, run, node, choice)) if (data !== '') yield data;
}

/** The same as the bytes that were written, with nothing replaced. */
export async function* readBytes(
  caller: Caller,
  run: string,
  node: string,
  choice: OutputChoice,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const { data } of pages(caller, run, node, { ...choice, encoding: 'base64' }))
    if (data !== '') yield Buffer.from(data, 'base64');
}

async function* pages(
  caller: Caller,
  run: string,
  node: string,
  choice: OutputChoice & { readonly encoding?: 'base64' },
): AsyncGenerator<ResultOf<'plushGetOutput'>, void, undefined> {
  for (let offset = 0; ; ) {
    const page = await caller.call('plushGetOutput', run, node, { ...choice, offset });
    yield page;
    if (page.eof || page.end === offset) return;
    offset = page.end;
  }
}
