/** Answers about operations. */
import type { ParamsOf, ResultOf } from '../../../api/methods.ts';
import type { CommandResult, ResultFold } from '../operation/fold.ts';
import { Rejection } from '../rejection.ts';
import type { Operation, State } from '../state.ts';
import { encodedBytes } from './encoded-bytes.ts';
import { DEFAULT_PAGE_ITEMS, makeCursor, readCursor } from './page.ts';

type OperationInfo = ResultOf<'plushGetOperation'>;
type Result = OperationInfo['results'][number];
type Page = Omit<NonNullable<ParamsOf<'plushGetOperation'>[1]>, 'wait_s'>;
/** What a stream takes on the wire. */
type Shown = Pick<Result, 'stdout' | 'stderr'>;

/** Names of nodes that one result lists, by number and by what they take on the wire. */
const MAX_NAMES = 1000;
const MAX_NAMES_BYTES = 64 << 10;
/** What the results of one answer take on the wire, with room for what is around them: clients refuse more than 512 KiB. */
const MAX_RESULTS_BYTES = 440 << 10;
/** Around a result, its names left out. */
const RESULT_BYTES = 1000;
/** Around a name in a list. */
const NAME_BYTES = 40;
const MAX_REQUESTS = 500;

/** @throws Rejection OPERATION_NOT_FOUND */
export function operationOf(state: State, operation_id: string): Operation {
  const operation = state.operations.get(operation_id);
  if (operation !== undefined) return operation;
  throw new Rejection('OPERATION_NOT_FOUND', `There is no operation "${operation_id}"`, {
    operation: operation_id,
  });
}

/**
 * One operation.
 * @param fold its results so far; undefined where they are not kept any more
 * @throws Rejection BAD_CURSOR
 */
export function operationInfo(operation: Operation, fold: ResultFold | undefined, page: Page): OperationInfo {
  const { operation_id, kind, state, started, ended, total, parts } = operation;
  const { succeeded, failed } = state === 'running' && fold !== undefined ? fold : operation;
  const message = whyNoResults(operation, fold);
  const { results, next } =
    fold === undefined ? { results: [], next: undefined } : resultPage(fold, operation, page);
  return {
    operation_id,
    kind,
    state,
    started,
    ...(ended === undefined ? {} : { ended }),
    total,
    pending: total - succeeded - failed,
    succeeded,
    failed,
    ...(message === undefined ? {} : { message }),
    results,
    requests: parts.slice(0, MAX_REQUESTS).map(({ request: _request, ...part }) => part),
    ...(next === undefined ? {} : { cursor: makeCursor('results', `${operation_id} ${next}`) }),
  };
}

function whyNoResults({ kind, state }: Operation, fold: ResultFold | undefined): string | undefined {
  if (kind !== 'shell' || fold !== undefined) return undefined;
  return state === 'interrupted'
    ? 'The controller was restarted while the command ran; the nodes end it, and how far it came is not known'
    : 'The results are not kept any more';
}

function resultPage(
  fold: ResultFold,
  { operation_id }: Operation,
  { limit = DEFAULT_PAGE_ITEMS, cursor, encoding = 'text' }: Page,
): { results: Result[]; next: number | undefined } {
  const all = fold.list();
  const results: Result[] = [];
  const from = readPosition(operation_id, cursor);
  let room = MAX_RESULTS_BYTES;
  let at = from;
  for (; at < all.length && results.length < limit; at += 1) {
    const folded = all[at] as (typeof all)[number];
    const nodes = fitNames(fold.names(folded, MAX_NAMES));
    const { raw: _raw, ...result } = folded.result;
    const output = encoding === 'base64' ? asBytes(folded.result) : folded.result;
    room -= RESULT_BYTES + nodes.bytes + wireBytes(output.stdout) + wireBytes(output.stderr);
    // One result alone always fits: its parts are bounded.
    if (room < 0 && results.length > 0) break;
    const { stdout, stderr } = output;
    // The contract has what JSON-RPC clients get: bytes become a string when they are written.
    results.push({
      count: folded.nodes.length,
      nodes: nodes.names,
      ...result,
      ...({ stdout, stderr } as Shown),
    });
  }
  return { results, next: at < all.length ? at : undefined };
}

/** What was printed, as bytes. */
function asBytes({ stdout, stderr, raw }: CommandResult): { stdout: Uint8Array; stderr: Uint8Array } {
  return { stdout: raw?.stdout ?? Buffer.from(stdout), stderr: raw?.stderr ?? Buffer.from(stderr) };
}

function wireBytes(output: string | Uint8Array): number {
  return typeof output === 'string' ? encodedBytes(output) : Math.ceil(output.length / 3) * 4;
}

function readPosition(operation_id: string, cursor: string | undefined): number {
  const key = readCursor('results', cursor);
  if (key === undefined) return 0;
  const [of, position] = key.split(' ');
  if (of !== operation_id || !/^\d{1,9}$/.test(position ?? ''))
    throw new Rejection('BAD_CURSOR', 'The cursor comes from another operation');
  return Number(position);
}

function fitNames(names: string[]): { names: string[]; bytes: number } {
  let bytes = 0;
  let count = 0;
  for (const name of names) {
    bytes += NAME_BYTES + encodedBytes(name);
    if (bytes > MAX_NAMES_BYTES) break;
    count += 1;
  }
  return { names: names.slice(0, count), bytes: Math.min(bytes, MAX_NAMES_BYTES) };
}
