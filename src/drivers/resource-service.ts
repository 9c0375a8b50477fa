/**
 * Asks a resource service (Shirako, Usher) for resources over XML-RPC (section 4.4 of plush-toit.2011). The paper gives no
 * name for the call; ours is `createResources(struct)` with the request's attributes, and the service answers when it has
 * taken the request. It hands over the resources later, with plushAddNode.
 *
 * SWORD is asked what it thinks of the nodes there are (section 4.3): `query(struct)` answers a list of structs with `hostname` and
 * `penalty`, or a struct of such lists by group.
 */
import type { ResourceRequest } from '../../api/spec.ts';
import type { Judgement } from '../core/input.ts';
import { decodeResponse } from '../wire/xmlrpc/decode.ts';
import { encodeCall } from '../wire/xmlrpc/encode.ts';
import { messageOf } from './agent-error.ts';
import { readBody } from './bounded-body.ts';

const CALL_MS = 30_000;
const MAX_ANSWER_BYTES = 1 << 20;

/** Nodes that one answer of SWORD may judge. */
const MAX_JUDGED = 10_000;

export interface ServiceAnswer {
  readonly ok: boolean;
  readonly message: string;
  readonly judged?: readonly Judgement[];
}

function readJudgements(value: unknown, server: string): ServiceAnswer {
  const isStruct = typeof value === 'object' && value !== null && !Array.isArray(value);
  const lists: unknown[] = isStruct ? Object.values(value) : [value];
  const entries = lists.every(Array.isArray) ? (lists as unknown[][]).flat() : undefined;
  const judged = entries?.flatMap(readJudgement);
  if (entries === undefined || judged?.length !== entries.length || judged.length > MAX_JUDGED) {
    const message = `${server} did not answer a list of at most ${MAX_JUDGED} structs with hostname and penalty`;
    return { ok: false, message };
  }
  return { ok: true, message: `${server} names ${judged.length} nodes`, judged };
}

function readJudgement(entry: unknown): Judgement[] {
  const { hostname, penalty } = (entry ?? {}) as Partial<Record<string, unknown>>;
  const isGood = typeof hostname === 'string' && typeof penalty === 'number' && penalty >= 0;
  return isGood && Number.isFinite(penalty) ? [{ hostname, penalty }] : [];
}

/** Makes the call; never rejects. `message` is the service's word or what went wrong. */
export async function requestResources(
  request: ResourceRequest,
  component: string,
  operation_id: string,
): Promise<ServiceAnswer> {
  const { server, service, attributes } = request;
  if (server === undefined) return { ok: false, message: `The ${service} request names no server` };
  try {
    const method = service === 'sword' ? 'query' : 'createResources';
    const body = encodeCall(method, [{ ...attributes, service, component, operation_id }]);
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
    if (service === 'sword') return readJudgements(answer.value, server);
    const said = typeof answer.value === 'string' ? `: ${answer.value.slice(0, 500)}` : '';
    return { ok: true, message: `${server} took the request${said}` };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
    return { ok: false, message: `${server} could not be reached: ${messageOf(error)}${cause}` };
  }
}
