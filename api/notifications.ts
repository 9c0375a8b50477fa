/** What plushd sends on a WebSocket of its own accord, as JSON-RPC notifications with parameters by name. */
import { type TSchema, Type } from '@sinclair/typebox';

interface NotificationDefinition {
  readonly doc: string;
  readonly params: readonly { readonly name: string; readonly schema: TSchema }[];
}

export const notifications = {
  plushEvent: {
    doc: 'An event of a subscription that was made on this socket by plushSubscribe. The first comes behind the answer that names the subscription; those of one subscription come in the order of their numbers, each once. Where events were removed before the client had them, one of type gap stands for them, and its first is the number of the oldest that is still there. After a lost connection, subscribe anew with after, the number of the last event that came.',
    params: [
      { name: 'subscription_id', schema: Type.String() },
      {
        name: 'event',
        schema: Type.Unsafe<Record<string, unknown>>({
          type: 'object',
          description:
            '{seq, time, type} and the members of the event; without these where the subscription has details false. A gap is {seq, type, first}',
        }),
      },
    ],
  },
} as const satisfies Record<string, NotificationDefinition>;

export type NotificationName = keyof typeof notifications;
