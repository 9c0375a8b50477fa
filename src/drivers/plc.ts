/**
 * Asks PlanetLab Central for the nodes of slices, over XML-RPC (PLCAPI: GetSlices, GetNodes, each with an authentication struct
 * first). Slices that the account may not see are left out of its answers. What it answers is bounded, and is believed only in
 * the form that is asked for.
 */
import { MAX_SLICE_NODES, type SliceAnswer, type SliceNode, type SlicePort } from '../core/pool/slice.ts';
import type { RpcStruct, RpcValue } from '../wire/values.ts';
import { decodeResponse } from '../wire/xmlrpc/decode.ts';
import { encodeCall } from '../wire/xmlrpc/encode.ts';
import { messageOf } from './agent-error.ts';
import { readBody } from './bounded-body.ts';

const CALL_MS = 60_000;
const QUERY_MS = 10 * 60_000;
/** The numbers of MAX_SLICE_NODES nodes take half of it. */
const MAX_ANSWER_BYTES = 8 << 20;
/** Nodes asked for by one call: an answer is then some hundred KiB. */
const NODES_A_CALL = 2_000;
/** Characters of a fault's sentence that are kept. */
const MAX_FAULT_CHARACTERS = 200;

export interface PlcAccess {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

export interface PlcBounds {
  /** Ends the query. */
  readonly signal: AbortSignal;
  /** Time for one call, the whole answer included. @default 60000 */
  readonly callMs?: number;
}

/** Why there is no answer, in one sentence without the password. */
export class PlcError extends Error {
  override readonly name = 'PlcError';
  /** @param refused PlanetLab Central has answered with a fault: the same question will have the same answer */
  constructor(
    message: string,
    readonly refused: boolean,
  ) {
    super(message);
  }
}

/**
 * All nodes of the slices, in whatever state.
 * @throws PlcError
 */
export async function querySlices(
  access: PlcAccess,
  slices: readonly SlicePort[],
  bounds: PlcBounds,
): Promise<SliceAnswer[]> {
  const signal = AbortSignal.any([bounds.signal, AbortSignal.timeout(QUERY_MS)]);
  const call = (method: string, filter: RpcValue, fields: readonly string[]) =>
    callPlc(access, method, [filter, [...fields]], { ...bounds, signal });
  if (slices.length === 0) return [];
  const names = slices.map(({ slice }) => slice);
  const listed = await call('GetSlices', names, ['name', 'node_ids']);
  const idsOf = new Map(listed.map((slice) => [textOf(slice, 'name'), idsIn(slice)]));
  const total = slices.reduce((sum, { slice }) => sum + (idsOf.get(slice)?.length ?? 0), 0);
  if (total > MAX_SLICE_NODES)
    throw new PlcError(`The slices have ${total} nodes, and at most ${MAX_SLICE_NODES} are taken`, false);
  const ids = [...new Set(slices.flatMap(({ slice }) => idsOf.get(slice) ?? []))];
  const nodes = new Map<number, SliceNode>();
  for (let from = 0; from < ids.length; from += NODES_A_CALL) {
    const some = ids.slice(from, from + NODES_A_CALL);
    for (const node of await call('GetNodes', some, ['node_id', 'hostname', 'boot_state']))
      nodes.set(numberOf(node, 'node_id'), {
        hostname: textOf(node, 'hostname'),
        boot_state: textOf(node, 'boot_state'),
      });
  }
  return slices.map((slice) => {
    const own = idsOf.get(slice.slice);
    return { ...slice, found: own !== undefined, nodes: (own ?? []).flatMap((id) => nodes.get(id) ?? []) };
  });
}

/** One call; its answer is a list of structs. */
async function callPlc(
  { url, user, password }: PlcAccess,
  method: string,
  params: readonly RpcValue[],
  { signal, callMs = CALL_MS }: PlcBounds,
): Promise<RpcStruct[]> {
  const auth = { AuthMethod: 'password', Username: user, AuthString: password };
  const bytes = await post(url, encodeCall(method, [auth, ...params]), signal, callMs);
  const answer = decoded(method, bytes);
  if ('fault' in answer) {
    const { code, message } = answer.fault;
    throw new PlcError(
      `PlanetLab Central refused ${method} with fault ${code}: ${harmless(message, password)}`,
      true,
    );
  }
  if (!Array.isArray(answer.value) || !answer.value.every(isStruct))
    throw unexpected(method, 'no list of structs');
  return answer.value;
}

interface Answer {
  readonly body: Buffer;
  readonly contentType: string | undefined;
}

async function post(url: string, body: string, signal: AbortSignal, callMs: number): Promise<Answer> {
  const overdue = AbortSignal.timeout(callMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'text/xml; charset=utf-8' },
      body,
      // The password goes nowhere else.
      redirect: 'error',
      signal: AbortSignal.any([signal, overdue]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new PlcError(`${url} answered with status ${response.status}`, false);
    }
    return {
      body: await readBody(response, MAX_ANSWER_BYTES),
      contentType: response.headers.get('content-type') ?? undefined,
    };
  } catch (error) {
    if (error instanceof PlcError) throw error;
    if (overdue.aborted) throw new PlcError(`${url} gave no whole answer within ${callMs / 1000} s`, false);
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
    throw new PlcError(`${url} could not be asked: ${messageOf(error)}${cause}`, false);
  }
}

function decoded(method: string, { body, contentType }: Answer): ReturnType<typeof decodeResponse> {
  try {
    return decodeResponse(body, contentType);
  } catch {
    // The decoder's words may quote what was sent back, and that is not to be in logs.
    throw unexpected(method, 'no XML-RPC');
  }
}

/** A server that repeats what it was sent must not bring the password into logs; nor may it write more than one line there. */
function harmless(message: string, password: string): string {
  const hidden = message.replaceAll(password, '(hidden)');
  return hidden.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, MAX_FAULT_CHARACTERS);
}

function unexpected(method: string, what: string): PlcError {
  return new PlcError(`The answer to ${method} is ${what}: does --plc-url lead to PlanetLab Central?`, false);
}

function isStruct(value: RpcValue): value is RpcStruct {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function memberOf(struct: RpcStruct, name: string): RpcValue {
  return Object.hasOwn(struct, name) ? (struct[name] as RpcValue) : null;
}

function textOf(struct: RpcStruct, name: string): string {
  const value = memberOf(struct, name);
  if (typeof value === 'string') return value;
  throw unexpected('GetSlices or GetNodes', `without a text ${name}`);
}

function numberOf(struct: RpcStruct, name: string): number {
  const value = memberOf(struct, name);
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw unexpected('GetSlices or GetNodes', `without a number ${name}`);
}

function idsIn(slice: RpcStruct): number[] {
  const ids = memberOf(slice, 'node_ids');
  if (Array.isArray(ids) && ids.every((id) => Number.isInteger(id))) return [...new Set(ids as number[])];
  throw unexpected('GetSlices', 'without numbers in node_ids');
}
