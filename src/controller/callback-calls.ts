/** Facts as the calls that tell subscribers of them. */
import { type CallbackName, callbacks, detailed } from '../../api/callbacks.ts';
import { type EventType, events, type Topic } from '../../api/events.ts';
import { planOf } from '../core/run/plan.ts';
import type { State } from '../core/state.ts';
import { matching } from '../core/views/runs.ts';
import type { StreamedEvent } from '../drivers/http/events.ts';
import type { JournalRecord } from '../drivers/journal.ts';
import { encodeJsonRpcCall } from '../wire/jsonrpc/encode.ts';
import { encodeCall } from '../wire/xmlrpc/encode.ts';
import { doublesOfEvent } from './doubles.ts';
import { eventOf } from './event-stream.ts';
import type { RecentEvent, RecentEvents } from './recent-events.ts';
import type { Subscriber } from './subscribers.ts';

type Form = Pick<Subscriber, 'protocol' | 'details' | 'xml_types'>;

/** Type of fact → the classic calls it leads to. */
const classicCalls = new Map<string, CallbackName[]>();
for (const [name, { when }] of Object.entries(callbacks)) {
  for (const type of when as readonly EventType[])
    classicCalls.set(type, [...(classicCalls.get(type) ?? []), name as CallbackName]);
}

/** Whether a subscriber of these topics has asked for a fact of that type. */
export function isWanted(type: string, topics: readonly Topic[] | undefined): boolean {
  if (topics === undefined) return true;
  return Object.hasOwn(events, type) && topics.includes(events[type as EventType].topic);
}

/**
 * The bodies to send for a fact, in order: made once for all subscribers of the same form.
 * None where there is nothing to say (any more).
 */
export function bodiesOf(
  { record, bodies }: RecentEvent,
  form: Form,
  state: State,
  recent: RecentEvents,
): readonly string[] {
  const names = classicCalls.get(record.type) ?? [];
  if (names.length === 0 && !form.details) return [];
  const key = `${form.protocol} ${form.details} ${form.xml_types?.join() ?? ''}`;
  const known = bodies.get(key);
  if (known !== undefined) return known;
  const made = makeBodies(names, record, form, state);
  // The matching is that of the time of the call.
  if (names.includes('sendResourceMatching')) return made;
  bodies.set(key, made);
  recent.grew(
    record.seq,
    made.reduce((bytes, body) => bytes + body.length, 0),
  );
  return made;
}

function makeBodies(
  names: readonly CallbackName[],
  record: JournalRecord,
  form: Form,
  state: State,
): string[] {
  const event = eventOf(record);
  const made: string[] = [];
  for (const name of names) {
    const params = paramsOf(name, record, state);
    if (params !== undefined) made.push(encode(form, event, name, params));
  }
  // With details nothing is left out, also where a classic call would have nothing to say.
  if (made.length === 0 && form.details) made.push(encode(form, event, detailed.generic.name, []));
  return made;
}

/** The call that stands for facts that were removed; only subscribers with details have one for it. */
export function gapBodies(form: Form, first: number): readonly string[] {
  const gap = { seq: first - 1, type: 'gap', first };
  return form.details ? [encode(form, gap, detailed.generic.name, [])] : [];
}

/** @param event is a parameter more where details are wanted */
function encode(form: Form, event: StreamedEvent, name: string, params: unknown[]): string {
  const { protocol, details, xml_types = [] } = form;
  const all = details ? [...params, event] : params;
  if (protocol === 'jsonrpc') return encodeJsonRpcCall(String(event.seq), name, all);
  const options = { nil: xml_types.includes('nil'), i8: xml_types.includes('i8') };
  // The classic parameters hold no numbers.
  const doubles = [...params.map(() => undefined), doublesOfEvent(event.type)];
  return encodeCall(name, all, options, doubles);
}

/** The block that a fact is about; of an entry by a task, the first block of the barrier. */
function blockOf({ block, barrier, run_id }: JournalRecord['body'], state: State): unknown[] | undefined {
  if (block !== undefined) return [block];
  const run = state.runs.get(String(run_id));
  const name = run && planOf(run.spec).barriers.get(String(barrier))?.blocks[0]?.spec.name;
  return name === undefined ? undefined : [name];
}

/** The parameters of a classic call; undefined where there is nothing to say any more. */
function paramsOf(name: CallbackName, { body }: JournalRecord, state: State): unknown[] | undefined {
  switch (name) {
    case 'sendHostStatus':
      return [body.hostname ?? (body.node as { hostname: string }).hostname];
    case 'sendBlockStatus':
      return blockOf(body, state);
    case 'sendResourceMatching': {
      const run = state.runs.get(String(body.run_id));
      return run === undefined ? undefined : [matching(run)];
    }
    case 'sendSliceNodes':
      return [body.slice];
    default:
      return [];
  }
}
