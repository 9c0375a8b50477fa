import type { ResultOf } from '../../api/methods.ts';
import type { Caller } from '../typescript/client.ts';
import type { Daemon } from './daemon.ts';
import { EXIT } from './failure.ts';
import { type Context, withDaemon } from './session.ts';
import type { Paint } from './terminal.ts';
import { count, listNames, plain, printable } from './wording.ts';

type Operation = ResultOf<'plushGetOperation'>;
type Result = Operation['results'][number];

/** How long one call waits for the end. */
const WAIT_S = 10;

export interface ShellRequest {
  readonly command: string;
  readonly nodes?: readonly string[];
  readonly group?: string;
  readonly timeout_s?: number;
}

/** `plush shell`: 0 when the command ended with exit code 0 on every node. */
export function shellCommand(context: Context, request: ShellRequest, asJson: boolean): Promise<number> {
  return withDaemon(context, 'borrow', async (daemon: Daemon) => {
    const { terminal } = context;
    const { command, nodes, ...rest } = request;
    const options = { ...rest, ...(nodes === undefined ? {} : { nodes: [...nodes] }) };
    const id = await daemon.call('plushShell', command, options);
    const caller = daemon.patient(() => terminal.remark('plushd does not answer any more; looking for it'));
    const operation = await wholeOperation(caller, id);
    const lines = asJson ? [JSON.stringify(operation, null, 2)] : operationLines(operation, terminal.paint);
    terminal.print(lines.join('\n'));
    return operation.state === 'succeeded' ? EXIT.ok : EXIT.failed;
  });
}

/** Waits until the operation is over, and reads all its results. */
async function wholeOperation(caller: Caller, id: string): Promise<Operation> {
  let operation: Operation;
  do operation = await caller.call('plushGetOperation', id, { wait_s: WAIT_S });
  while (operation.state === 'running');
  const results = [...operation.results];
  for (let { cursor } = operation; cursor !== undefined; ) {
    const page = await caller.call('plushGetOperation', id, { cursor });
    results.push(...page.results);
    cursor = page.cursor;
  }
  const { cursor: _first, ...whole } = operation;
  return { ...whole, results };
}

/** A command's results for a person: a heading for each, and under it what was printed. */
export function operationLines(operation: Operation, paint: Paint): string[] {
  const { results, message, total, succeeded } = operation;
  const lines = results.flatMap((result, index) => [
    ...(index === 0 ? [] : ['']),
    ...resultLines(result, paint),
  ]);
  if (message !== undefined) lines.push(paint('red', plain(message)));
  else if (succeeded < total)
    lines.push('', paint('red', `${succeeded} of ${count(total, 'node')} succeeded`));
  return lines;
}

function resultLines(result: Result, paint: Paint): string[] {
  const { count: nodes, nodes: names, stdout, stderr, stdout_cut, stderr_cut } = result;
  const more = nodes > names.length ? `, of ${nodes}` : '';
  const who = `${count(nodes, 'node')} (${listNames(names)}${more})`;
  const isGood = result.exit_code === 0 && result.cause === undefined;
  return [
    paint(isGood ? 'bold' : 'red', `${who}: ${endOf(result)}`),
    ...streamLines(stdout, stdout_cut, '', paint),
    ...streamLines(stderr, stderr_cut, 'stderr | ', paint),
  ];
}

function endOf({ exit_code, signal, cause, message }: Result): string {
  if (cause !== undefined) return `${plain(message ?? '')} (${plain(cause)})`;
  const end = signal === undefined ? `exit code ${exit_code ?? 'unknown'}` : `ended by ${plain(signal)}`;
  return message === undefined ? end : `${end}. ${plain(message)}`;
}

function streamLines(text: string, isCut: boolean, prefix: string, paint: Paint): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const dim = (line: string) => (prefix === '' ? line : `${paint('dim', prefix)}${line}`);
  return [
    ...lines.map((line) => dim(printable(line.replace(/\r$/, '')))),
    ...(isCut ? [dim(paint('yellow', '[there was more, which was not kept]'))] : []),
  ];
}
