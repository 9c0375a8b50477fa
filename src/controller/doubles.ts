/** Which numbers of answers and events are doubles, as the table has them: in XML-RPC 3 is an int and 3.0 is not. */
import type { TSchema } from '@sinclair/typebox';
import { events } from '../../api/events.ts';
import { methodTable } from '../../api/methods.ts';
import type { Doubles } from '../wire/xmlrpc/encode.ts';

const ofMethods = new Map(Object.entries(methodTable).map(([name, { result }]) => [name, doublesIn(result)]));
const ofEvents = new Map(Object.entries(events).map(([type, { body }]) => [type, doublesIn(body)]));

/** Of what a schema describes; undefined where there are none. */
function doublesIn({ type, properties, items }: TSchema): Doubles | undefined {
  if (type === 'number') return true;
  if (type === 'array') {
    const ofItems = doublesIn(items as TSchema);
    return ofItems === undefined ? undefined : { items: ofItems };
  }
  const members = new Map<string, Doubles>();
  for (const [name, member] of Object.entries((properties ?? {}) as Record<string, TSchema>)) {
    const ofMember = doublesIn(member);
    if (ofMember !== undefined) members.set(name, ofMember);
  }
  return members.size === 0 ? undefined : { members };
}

/** Of an event as it goes out. */
export function doublesOfEvent(type: string): Doubles | undefined {
  return ofEvents.get(type);
}

/** Of the answer to a call. @param params as they came */
export function doublesOfAnswer(
  method: string,
  params: readonly unknown[],
  answer: unknown,
): Doubles | undefined {
  switch (method) {
    case 'plushGetEvents': {
      const found = (answer as { events: readonly { type: string }[] }).events;
      const each = found.map(({ type }) => doublesOfEvent(type));
      return { members: new Map([['events', { each }]]) };
    }
    case 'system.multicall': {
      const calls = params[0] as readonly { methodName?: string; params?: readonly unknown[] }[];
      // Each answer is an array of one; a fault is a struct, in which nothing is looked for.
      const each = (answer as unknown[]).map((one, place) => {
        const { methodName = '', params: given = [] } = calls[place] ?? {};
        return Array.isArray(one) ? { each: [doublesOfAnswer(methodName, given, one[0])] } : undefined;
      });
      return { each };
    }
    default:
      return ofMethods.get(method);
  }
}
