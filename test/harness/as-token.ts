/** Calls of a plushd with a token of the test's choice, with all that HTTP says. */
import type { Plushd } from './plushd.ts';

export interface Answer {
  readonly status: number;
  /** The reason phrase. */
  readonly reason: string;
  readonly headers: Headers;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
}

export interface RpcAnswer extends Answer {
  readonly result: unknown;
  /** Symbol of the fault; undefined for none. */
  readonly fault: string | undefined;
}

/** Posts a body to a path, as JSON unless it is a text. */
export async function postAs(
  { url }: Pick<Plushd, 'url'>,
  token: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const isText = typeof body === 'string';
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': isText ? 'text/xml' : 'application/json',
      ...headers,
    },
    body: isText ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  const { status, statusText: reason } = response;
  return { status, reason, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** One JSON-RPC call. */
export async function callAs(
  plushd: Pick<Plushd, 'url'>,
  token: string,
  method: string,
  ...params: readonly unknown[]
): Promise<RpcAnswer> {
  const answer = await postAs(plushd, token, '/rpc', { jsonrpc: '2.0', id: 1, method, params });
  const { result, error } = answer.body as { result?: unknown; error?: { data?: { code?: string } } };
  return { ...answer, result, fault: error?.data?.code };
}
