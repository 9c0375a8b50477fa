/** The examples of the JSON-RPC 2.0 specification (section 7), through the codec and back. */
import { WireError } from '../../../src/wire/errors.ts';
import { decodeJsonRpc, type JsonRpcItem } from '../../../src/wire/jsonrpc/decode.ts';
import {
  encodeJsonRpcBatch,
  encodeJsonRpcError,
  encodeJsonRpcResult,
} from '../../../src/wire/jsonrpc/encode.ts';
import { examples } from '../../harness/jsonrpc-examples.ts';

const MESSAGES: Record<number, string> = { [-32700]: 'Parse error', [-32600]: 'Invalid Request' };

/** The server of the examples. */
function answerItem(item: JsonRpcItem): string | undefined {
  if (item.kind === 'invalid')
    return encodeJsonRpcError(item.rawId, {
      code: item.error.code,
      message: MESSAGES[item.error.code] ?? '',
    });
  if (item.rawId === undefined) return undefined;
  const list = Array.isArray(item.params) ? (item.params as number[]) : [];
  const named = Array.isArray(item.params) ? {} : item.params;
  switch (item.method) {
    case 'subtract': {
      const [minuend = Number(named.minuend), subtrahend = Number(named.subtrahend)] = list;
      return encodeJsonRpcResult(item.rawId, minuend - subtrahend);
    }
    case 'sum':
      return encodeJsonRpcResult(
        item.rawId,
        list.reduce((sum, one) => sum + one, 0),
      );
    case 'get_data':
      return encodeJsonRpcResult(item.rawId, ['hello', 5]);
    default:
      return encodeJsonRpcError(item.rawId, { code: -32601, message: 'Method not found' });
  }
}

function answer(body: string): string {
  try {
    const message = decodeJsonRpc(Buffer.from(body));
    if (!message.batch) return answerItem(message.item) ?? '';
    const answers = message.items.map(answerItem).filter((one) => one !== undefined);
    return answers.length === 0 ? '' : encodeJsonRpcBatch(answers);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return encodeJsonRpcError('null', { code: error.code, message: MESSAGES[error.code] ?? '' });
  }
}

describe('the specification of JSON-RPC 2.0 is kept for', () => {
  it.each(examples)('%s', (_what, request, response) => {
    const answered = answer(request);
    if (response === '') expect(answered).toBe('');
    else expect(JSON.parse(answered)).toEqual(JSON.parse(response));
  });
});
