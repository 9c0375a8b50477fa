/**
 * JSON-RPC 2.0 from bytes to requests and answers (https://www.jsonrpc.org/specification).
 */
import { quoted, WireError, type WireFault, wireFault } from '../errors.ts';
import { decodeUtf8 } from '../utf8.ts';
import {
  type DecodeLimits,
  MAX_BATCH_ITEMS,
  MAX_DECODE_DEPTH,
  type RpcStruct,
  type RpcValue,
} from '../values.ts';
import { type ItemScan, scanItems } from './scan.ts';

/** A valid request. */
export interface JsonRpcRequest {
  readonly kind: 'request';
  /** The id's JSON text, to be echoed to the letter (`1.0` stays `1.0`); undefined for a notification. */
  readonly rawId: string | undefined;
  /** The id as a value; undefined for a notification. Large numbers may have lost digits here. */
  readonly id: string | number | null | undefined;
  /** True when no answer may be given, not even an error. */
  readonly notification: boolean;
  readonly method: string;
  /** By position or by name; empty when absent. */
  readonly params: RpcValue[] | RpcStruct;
}

/** An item that is no request; it is answered with `error`. */
export interface JsonRpcInvalid {
  readonly kind: 'invalid';
  /** The id's JSON text when it could be told, else `null`. */
  readonly rawId: string;
  readonly error: WireFault;
}

export type JsonRpcItem = JsonRpcRequest | JsonRpcInvalid;

/** What a body held. A batch has at least one item, and is answered with an array. */
export type JsonRpcMessage =
  | { readonly batch: false; readonly item: JsonRpcItem }
  | { readonly batch: true; readonly items: readonly JsonRpcItem[] };

/** What a server answered: a value, or its error. */
export type JsonRpcResponse =
  | { readonly rawId: string; readonly value: RpcValue }
  | { readonly rawId: string; readonly fault: { readonly code: number; readonly message: string } };

/**
 * Reads a request or a batch. A bad item of a batch does not spoil the others.
 *
 * @throws WireError when the whole body is to be answered with one error and id null: malformed, too deep, an empty
 *   batch or one with too many items
 */
export function decodeJsonRpc(body: Buffer, limits: DecodeLimits = {}): JsonRpcMessage {
  const { value, scans } = parse(body, limits);
  if (!Array.isArray(value)) return { batch: false, item: toItem(value, scans[0]) };
  return { batch: true, items: value.map((item, index) => toItem(item as RpcValue, scans[index])) };
}

/**
 * Reads one answer, as a callback server gives it.
 *
 * @throws WireError
 */
export function decodeJsonRpcResponse(body: Buffer, limits: DecodeLimits = {}): JsonRpcResponse {
  const { value, scans } = parse(body, limits);
  const rawId = scans[0]?.rawId;
  if (!isObject(value) || own(value, 'jsonrpc') !== '2.0' || rawId === undefined) {
    throw new WireError(
      'INVALID_REQUEST',
      'Not a JSON-RPC 2.0 response: it is an object with jsonrpc "2.0" and an id',
    );
  }
  const problem = scans[0]?.problem;
  if (problem !== undefined) throw new WireError('INVALID_REQUEST', problem);
  const result = own(value, 'result');
  const error = own(value, 'error');
  if ((result === undefined) === (error === undefined)) {
    throw new WireError('INVALID_REQUEST', 'Response has to have either result or error');
  }
  if (result !== undefined) return { rawId, value: result };
  const code = isObject(error) ? own(error, 'code') : undefined;
  const message = isObject(error) ? own(error, 'message') : undefined;
  if (typeof code !== 'number' || !Number.isInteger(code) || typeof message !== 'string') {
    throw new WireError(
      'INVALID_REQUEST',
      'Error of a response has to have an integer code and a string message',
    );
  }
  return { rawId, fault: { code, message } };
}

/** The JSON value, and what was seen in the text of each item. */
function parse(body: Buffer, limits: DecodeLimits): { value: RpcValue; scans: ItemScan[] } {
  const text = decodeUtf8(body, 'NOT_WELL_FORMED');
  let value: RpcValue;
  try {
    value = JSON.parse(text) as RpcValue;
  } catch (cause) {
    throw new WireError('NOT_WELL_FORMED', notJson(text, cause), { cause });
  }
  const maxBatch = limits.maxBatch ?? MAX_BATCH_ITEMS;
  if (Array.isArray(value) && value.length === 0) {
    throw new WireError('INVALID_REQUEST', 'Batch is empty');
  }
  if (Array.isArray(value) && value.length > maxBatch) {
    throw new WireError(
      'INVALID_REQUEST',
      `Batch has ${value.length} items; at most ${maxBatch} are allowed`,
    );
  }
  return { value, scans: scanItems(text, limits.maxDepth ?? MAX_DECODE_DEPTH) };
}

function notJson(text: string, cause: unknown): string {
  if (text.trim() === '') return 'Body is empty where JSON belongs';
  const position = / at position (\d+)/.exec(cause instanceof Error ? cause.message : '')?.[1];
  const where = position === undefined ? `: it starts with ${quoted(text)}` : ` at character ${position}`;
  return `Body is not valid JSON${where}`;
}

function toItem(value: RpcValue, scan: ItemScan | undefined): JsonRpcItem {
  if (!isObject(value)) return invalid('null', 'Request is not an object');
  const id = own(value, 'id');
  const idIsValid = id === undefined || id === null || typeof id === 'string' || typeof id === 'number';
  const problem = scan?.problem ?? requestProblem(value, idIsValid);
  if (problem !== undefined) return invalid(idIsValid ? (scan?.rawId ?? 'null') : 'null', problem);
  return {
    kind: 'request',
    rawId: scan?.rawId,
    id: id as JsonRpcRequest['id'],
    notification: id === undefined,
    method: own(value, 'method') as string,
    params: (own(value, 'params') ?? []) as RpcValue[] | RpcStruct,
  };
}

/** What keeps an object from being a request, in one sentence. */
function requestProblem(value: RpcStruct, idIsValid: boolean): string | undefined {
  const params = own(value, 'params');
  if (own(value, 'jsonrpc') !== '2.0') return 'Request has no jsonrpc member with the value "2.0"';
  if (!idIsValid) return 'Request id is neither a string nor a number nor null';
  if (typeof own(value, 'method') !== 'string') return 'Request has no method that is a string';
  if (params !== undefined && (params === null || typeof params !== 'object')) {
    return 'Request params are neither an array nor an object';
  }
  return undefined;
}

function invalid(rawId: string, message: string): JsonRpcInvalid {
  return { kind: 'invalid', rawId, error: wireFault('INVALID_REQUEST', message) };
}

function isObject(value: RpcValue | undefined): value is RpcStruct {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member of the object itself, never of its prototype. */
function own(object: RpcStruct, name: string): RpcValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
