/** The two protocols over one dispatcher: bodies in, bodies out. */
import { faults } from '../../api/faults.ts';
import type { RpcHandlers } from '../drivers/http/face.ts';
import { WireError } from '../wire/errors.ts';
import { decodeJsonRpc, type JsonRpcItem } from '../wire/jsonrpc/decode.ts';
import { encodeJsonRpcBatch, encodeJsonRpcError, encodeJsonRpcResult } from '../wire/jsonrpc/encode.ts';
import { decodeCall } from '../wire/xmlrpc/decode.ts';
import { encodeFault, encodeResponse } from '../wire/xmlrpc/encode.ts';
import { type CallObserver, CallRequest } from './call.ts';
import { type Dispatcher, isRead } from './dispatcher.ts';
import { asFault, type Fault } from './fault.ts';
import { inTurns } from './turns.ts';

const XML = 'text/xml; charset=utf-8';

/** What the protocols need of a dispatcher. */
type Calls = Pick<Dispatcher, 'call'>;

/**
 * Serves a JSON-RPC call or batch; undefined where there is nothing to answer. Never rejects for what a client sends.
 *
 * @param begun is called as soon as every call is begun, so that calls of a later request cannot overtake one
 */
export type Converse = (body: Buffer, request: CallRequest, begun: () => void) => Promise<string | undefined>;

/** @param observer is told what is no call; the dispatcher tells it of calls */
export function createRpc(
  dispatcher: Calls,
  observer: Pick<CallObserver, 'unreadable'>,
): Pick<RpcHandlers, 'xmlrpc' | 'jsonrpc'> & { readonly converse: Converse } {
  const converse: Converse = async (body, request, begun) => {
    try {
      const message = decodeJsonRpc(body);
      const items = message.batch ? message.items : [message.item];
      // A multicall begins its calls itself, and does not say when.
      const isLong = items.some((item) => item.kind === 'request' && item.method === 'system.multicall');
      const texts = await inTurns(
        items,
        (item) => item.kind === 'invalid' || isRead(item.method),
        (item) => answer(dispatcher, observer, item, request),
        isLong ? undefined : begun,
      );
      const answers = texts.filter((text) => text !== undefined);
      return message.batch && answers.length > 0 ? encodeJsonRpcBatch(answers) : answers[0];
    } catch (error) {
      if (error instanceof WireError) observer.unreadable(request, error.symbol);
      return encodeJsonRpcError('null', answerable(error));
    } finally {
      begun();
    }
  };
  return {
    converse,
    async xmlrpc(body, contentType, caller, remote) {
      const request = new CallRequest('xmlrpc', caller, remote);
      try {
        const { method, params } = decodeCall(body, contentType);
        return { body: encodeResponse(await dispatcher.call(method, params, request)), contentType: XML };
      } catch (error) {
        if (error instanceof WireError) observer.unreadable(request, error.symbol);
        const { code, message } = answerable(error);
        return { body: encodeFault(code, message), contentType: XML };
      }
    },
    async jsonrpc(body, caller, remote) {
      const text = await converse(body, new CallRequest('jsonrpc', caller, remote), () => {});
      return text === undefined ? { status: 204 } : { status: 200, body: text };
    },
  };
}

async function answer(
  dispatcher: Calls,
  observer: Pick<CallObserver, 'unreadable'>,
  item: JsonRpcItem,
  request: CallRequest,
): Promise<string | undefined> {
  if (item.kind === 'invalid') {
    const { code, symbol, message } = item.error;
    observer.unreadable(request, symbol);
    return encodeJsonRpcError(item.rawId, { code, message: `${symbol}: ${message}`, data: { code: symbol } });
  }
  try {
    const result = await dispatcher.call(item.method, item.params, request);
    return item.rawId === undefined ? undefined : encodeJsonRpcResult(item.rawId, result);
  } catch (error) {
    return item.rawId === undefined ? undefined : encodeJsonRpcError(item.rawId, answerable(error));
  }
}

/** The error object of JSON-RPC, of which a fault is the first two members. @throws what is no fault */
function answerable(error: unknown): { code: number; message: string; data: Record<string, unknown> } {
  if (error instanceof WireError) {
    const { hint } = faults[error.symbol];
    return {
      code: error.code,
      message: `${error.symbol}: ${error.message}`,
      data: { code: error.symbol, ...(hint === '' ? {} : { hint }) },
    };
  }
  const fault: Fault | undefined = asFault(error);
  if (fault === undefined) throw error;
  const { code, symbol, message, hint, details } = fault;
  return {
    code,
    message,
    data: { code: symbol, ...(hint === '' ? {} : { hint }), ...(details === undefined ? {} : { details }) },
  };
}
