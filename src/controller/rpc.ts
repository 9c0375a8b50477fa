/** The two protocols over one dispatcher: bodies in, bodies out. */
import { type FaultSymbol, faults } from '../../api/faults.ts';
import type { RpcHandlers } from '../drivers/http/face.ts';
import { WireError, type WireFault } from '../wire/errors.ts';
import { decodeJsonRpc, type JsonRpcItem } from '../wire/jsonrpc/decode.ts';
import { encodeJsonRpcBatch, encodeJsonRpcError, encodeJsonRpcResult } from '../wire/jsonrpc/encode.ts';
import { decodeCall } from '../wire/xmlrpc/decode.ts';
import { type EncodeOptions, encodeFault, encodeResponse } from '../wire/xmlrpc/encode.ts';
import { type CallObserver, CallRequest } from './call.ts';
import { type Dispatcher, isRead } from './dispatcher.ts';
import { doublesOfAnswer } from './doubles.ts';
import { asFault, ended, type Fault } from './fault.ts';
import { inTurns } from './turns.ts';

const XML = 'text/xml; charset=utf-8';
const MULTICALL = 'system.multicall';

/** The data of a JSON-RPC error: all members always, empty where there is nothing to say. */
interface FaultData {
  readonly code: FaultSymbol;
  readonly hint: string;
  readonly details: unknown;
}

/** What the protocols need of a dispatcher. */
type Calls = Pick<Dispatcher, 'call'>;

/** A JSON-RPC answer, and the status that it has over HTTP. */
interface Answered {
  readonly status: number;
  readonly text: string;
}

/**
 * Serves a JSON-RPC call or batch; undefined where there is nothing to answer. Never rejects for what a client sends.
 *
 * @param begun is called as soon as every call is begun, so that calls of a later request cannot overtake one
 */
export type Converse = (
  body: Buffer,
  request: CallRequest,
  begun: () => void,
) => Promise<Answered | undefined>;

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
      const isLong = items.some((item) => item.kind === 'request' && item.method === MULTICALL);
      const texts = await inTurns(
        items,
        (item) => item.kind === 'invalid' || isRead(item.method),
        (item) => answer(dispatcher, observer, item, request),
        request.work,
        isLong ? undefined : begun,
      );
      const answers = texts.filter((text) => text !== undefined);
      if (!message.batch || answers.length === 0) return answers[0];
      return { status: 200, text: encodeJsonRpcBatch(answers.map(({ text }) => text)) };
    } catch (error) {
      if (error instanceof WireError) observer.unreadable(request, error.symbol);
      return { status: 200, text: encodeJsonRpcError('null', answerable(error)) };
    } finally {
      begun();
    }
  };
  return {
    converse,
    async xmlrpc(body, contentType, caller, remote, head = {}) {
      const request = new CallRequest('xmlrpc', caller, remote, head.isPaid, undefined, head.signal);
      try {
        const { method, params } = decodeCall(body, contentType);
        const answering = dispatcher.call(method, params, request);
        // A multicall begins its calls itself, and does not say when.
        const begun = method === MULTICALL ? settled(answering) : request.work.held;
        if (begun !== undefined) head.hold?.(begun);
        const answer = await answering;
        const doubles = doublesOfAnswer(method, params, answer);
        const text = encodeResponse(answer, encoding(head.xmlTypes), doubles);
        return { body: text, contentType: XML };
      } catch (error) {
        if (error instanceof WireError) observer.unreadable(request, error.symbol);
        const { code, message } = answerable(error);
        const answer = { body: encodeFault(code, message), contentType: XML };
        const status = statusOf(code);
        // Of another status than 200 most clients show nothing but the reason phrase.
        return status === 200 ? answer : { ...answer, status, reason: message };
      }
    },
    async jsonrpc(body, caller, remote, head = {}) {
      const request = new CallRequest('jsonrpc', caller, remote, head.isPaid, undefined, head.signal);
      let isBegun = false;
      let tell = () => {};
      const answering = converse(body, request, () => {
        isBegun = true;
        tell();
      });
      if (!isBegun) head.hold?.(new Promise((resolve) => (tell = resolve)));
      const answered = await answering;
      return answered === undefined ? { status: 204 } : { status: answered.status, body: answered.text };
    },
  };
}

async function settled(answering: Promise<unknown>): Promise<void> {
  await Promise.allSettled([answering]);
}

async function answer(
  dispatcher: Calls,
  observer: Pick<CallObserver, 'unreadable'>,
  item: JsonRpcItem,
  request: CallRequest,
): Promise<Answered | undefined> {
  if (item.kind === 'invalid') {
    observer.unreadable(request, item.error.symbol);
    return { status: 200, text: encodeJsonRpcError(item.rawId, wireAnswer(item.error)) };
  }
  try {
    const result = await dispatcher.call(item.method, item.params, request);
    if (item.rawId === undefined) return undefined;
    return { status: 200, text: encodeJsonRpcResult(item.rawId, result) };
  } catch (error) {
    if (item.rawId === undefined) return undefined;
    const fault = answerable(error);
    return { status: statusOf(fault.code), text: encodeJsonRpcError(item.rawId, fault) };
  }
}

/** A call for which the token is not good is refused by HTTP too; as one of many, by its fault alone. */
function statusOf(code: number): number {
  return code === faults.FORBIDDEN.code ? 403 : 200;
}

/** The types beyond the specification that a client has asked for; of others nothing is known, and they are not sent. */
function encoding(asked: string | undefined): EncodeOptions {
  if (asked === undefined) return {};
  const types = asked.split(',').map((type) => type.trim().toLowerCase());
  return { nil: types.includes('nil'), i8: types.includes('i8') };
}

function wireAnswer({ code, symbol, message }: WireFault) {
  return {
    code,
    message: `${symbol}: ${ended(message)}`,
    data: { code: symbol, hint: faults[symbol].hint, details: {} },
  };
}

/** The error object of JSON-RPC, of which a fault is the first two members. @throws what is no fault */
function answerable(error: unknown): { code: number; message: string; data: FaultData } {
  if (error instanceof WireError) return wireAnswer(error);
  const fault: Fault | undefined = asFault(error);
  if (fault === undefined) throw error;
  const { code, symbol, message, hint, details } = fault;
  return { code, message, data: { code: symbol, hint, details: details ?? {} } };
}
