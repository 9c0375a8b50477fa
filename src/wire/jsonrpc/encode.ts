/**
 * JSON-RPC 2.0 from values to text. Dates become ISO 8601 strings in UTC, bytes base64 strings, numbers that are not
 * finite null; members that are undefined are left out.
 */
import { types } from 'node:util';
import { MAX_ENCODE_DEPTH } from '../values.ts';

/** An error as it is answered. */
export interface JsonRpcError {
  readonly code: number;
  readonly message: string;
  /** Anything more, for programs. */
  readonly data?: unknown;
}

/**
 * A response with a result.
 *
 * @param rawId the id's JSON text as the request had it
 * @throws TypeError or RangeError for what no protocol carries: functions, cycles
 */
export function encodeJsonRpcResult(rawId: string, value: unknown): string {
  return `{"jsonrpc":"2.0","id":${rawId},"result":${toJson(value)}}`;
}

/** A response with an error. @param rawId as above; `null` when the request's could not be told */
export function encodeJsonRpcError(rawId: string, error: JsonRpcError): string {
  const { code, message, data } = error;
  return `{"jsonrpc":"2.0","id":${rawId},"error":${toJson({ code, message, data })}}`;
}

/** A request. @param rawId the id's JSON text; undefined for a notification */
export function encodeJsonRpcCall(
  rawId: string | undefined,
  method: string,
  params: readonly unknown[] | Readonly<Record<string, unknown>>,
): string {
  const id = rawId === undefined ? '' : `"id":${rawId},`;
  return `{"jsonrpc":"2.0",${id}"method":${toJson(method)},"params":${toJson(params)}}`;
}

/** The answer of a batch. @param responses what was encoded for its items; not empty */
export function encodeJsonRpcBatch(responses: readonly string[]): string {
  return `[${responses.join(',')}]`;
}

function toJson(value: unknown): string {
  // A replacer makes the engine's serializer several times slower, so it is used only where it changes something.
  const text = needsReplacer(value, 0) ? JSON.stringify(value, replaceBytes) : JSON.stringify(value);
  return text ?? 'null';
}

/** Whether bytes or bigints are inside. Also the bound on depth, and the end of values that contain themselves. */
function needsReplacer(value: unknown, depth: number): boolean {
  if (typeof value === 'bigint') return true;
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`A ${typeof value} cannot be sent; turn it into data first`);
  }
  if (typeof value !== 'object' || value === null || types.isDate(value)) return false;
  if (types.isUint8Array(value)) return true;
  if (depth >= MAX_ENCODE_DEPTH) {
    throw new RangeError(`The value nests deeper than ${MAX_ENCODE_DEPTH} levels, or contains itself`);
  }
  let needed = false;
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    if (needsReplacer(member, depth + 1)) needed = true;
  }
  return needed;
}

/** Reads the member from its holder: a Buffer's own `toJSON` has already changed `value`. */
function replaceBytes(this: unknown, name: string, value: unknown): unknown {
  const member = (this as Record<string, unknown>)[name];
  if (types.isUint8Array(member)) {
    return Buffer.from(member.buffer, member.byteOffset, member.byteLength).toString('base64');
  }
  return typeof member === 'bigint' ? String(member) : value;
}
