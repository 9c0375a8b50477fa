/**
 * Asks a resource service (Shirako, Usher) for resources over XML-RPC (section 4.4 of plush-toit.2011). The paper gives no
 * name for the call; ours is `createResources(struct)` with the request's attributes, and the service answers when it has
 * taken the request. It hands over the resources later, with plushAddNode.
 */
import type { ResourceRequest } from '../../api/spec.ts';
import { decodeResponse } from '../wire/xmlrpc/decode.ts';
import { encodeCall } from '../wire/xmlrpc/encode.ts';
import { messageOf } from './agent-error.ts';
import { readBody } from './bounded-body.ts';

const CALL_MS = 30_000;
const MAX_ANSWER_BYTES = 1 << 20;

/** Makes the call; never rejects. `message` is the service's word or what went wrong. */
export async function requestResources(
  request: ResourceRequest,
  component: string,
  operation_id: string,
): Promise<{ ok: boolean; message: string }> {
  const { server, service, attributes } = request;
  if (server === undefined) return { ok: false, message: `The ${service} request names no server` };
  try {
    const body = encodeCall('createResources', [{ ...attributes, service, component, operation_id }]);
    const response = await fetch(server, {
      method: 'POST',
      headers: { 'Content-Type': 'text/xml; charset=utf-8' },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(CALL_MS),
    });
    if (!response.ok) return { ok: false, message: `${server} answered with status ${response.status}` };
    const bytes = await readBody(response, MAX_ANSWER_BYTES);
    const answer = decodeResponse(bytes, response.headers.get('content-type') ?? undefined);
    if ('fault' in answer) return { ok: false, message: `${server} refused: ${answer.fault.message}` };
    const said = typeof answer.value === 'string' ? `: ${answer.value.slice(0, 500)}` : '';
    return { ok: true, message: `${server} took the request${said}` };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
    return { ok: false, message: `${server} could not be reached: ${messageOf(error)}${cause}` };
  }
}
