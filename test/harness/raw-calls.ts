/** Calls to a live plushd whose bodies a test writes itself. */
import { decodeResponse, type XmlRpcResponse } from '../../src/wire/xmlrpc/decode.ts';
import type { Plushd } from './plushd.ts';
import { exchange, type RawResponse } from './raw-exchange.ts';

/** As much of a JSON-RPC answer as tests look at. */
interface JsonAnswer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

export class RawCalls {
  readonly #plushd: Plushd;

  constructor(plushd: Plushd) {
    this.#plushd = plushd;
  }

  /** The bytes of a POST with a token and the right length. */
  request(path: string, body: Buffer | string, headers: readonly string[] = []): Buffer {
    const bytes = Buffer.from(body);
    const lines = [
      `POST ${path} HTTP/1.1`,
      'Host: localhost',
      `Authorization: Bearer ${this.#plushd.token}`,
      `Content-Length: ${bytes.length}`,
      ...headers,
    ];
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
  }

  async send(path: string, body: Buffer | string, headers: readonly string[] = []): Promise<RawResponse> {
    const responses = await exchange(this.#plushd.url, this.request(path, body, headers));
    // A server may say meanwhile that it is still there.
    const response = responses.find(({ status }) => status !== 100);
    if (response === undefined) throw new Error('There was no answer');
    return response;
  }

  async xml(body: Buffer | string, headers?: readonly string[]): Promise<XmlRpcResponse> {
    const response = await this.send('/RPC2', body, headers);
    expect(response.status).toBe(200);
    return decodeResponse(Buffer.from(response.body, 'latin1'));
  }

  async json(body: Buffer | string): Promise<JsonAnswer> {
    const response = await this.send('/rpc', body);
    expect(response.status).toBe(200);
    return JSON.parse(Buffer.from(response.body, 'latin1').toString()) as JsonAnswer;
  }
}

/** An XML-RPC call with one value, of which the content is given. */
export function xmlCall(content: string, method = 'plushGetNode'): string {
  return `<methodCall><methodName>${method}</methodName><params><param><value>${content}</value></param></params></methodCall>`;
}

/** A JSON-RPC call. @param params JSON text */
export function jsonCall(method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`;
}

/** Matches an XML-RPC fault. */
export function faultOf(code: number, words = ''): object {
  return { fault: { code, message: sentenceWith(words) } };
}

/** Matches a JSON-RPC error. */
export function errorOf(code: number, words = ''): object {
  return expect.objectContaining({
    error: expect.objectContaining({ code, message: sentenceWith(words) }),
  });
}

/** Every fault is a sentence, to its full stop. */
function sentenceWith(words: string): RegExp {
  const literal = words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return expect.stringMatching(new RegExp(`${literal}[^]*[.!?]$`)) as RegExp;
}
