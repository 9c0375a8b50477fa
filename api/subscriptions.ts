/** Methods by which a program has events brought to it, and what they answer. */
import { type Static, Type } from '@sinclair/typebox';
import { type Topic, topics } from './events.ts';
import { closed, type MethodDefinition, maybe, page, param } from './method.ts';
import { optional, Time } from './schemas.ts';

const Topics = Type.Array(Type.Union(topics.map((topic) => Type.Literal<Topic>(topic))), {
  minItems: 1,
  maxItems: 16,
  description: `${topics.join(', ')}; absent: all`,
});

const Protocol = Type.Union([Type.Literal('xmlrpc'), Type.Literal('jsonrpc')], {
  description: 'xmlrpc (default) or jsonrpc; with url',
});
export type CallbackProtocol = Static<typeof Protocol>;

/** Types beyond the XML-RPC specification that a client understands. */
export const XmlType = Type.Union([Type.Literal('nil'), Type.Literal('i8')]);
export type XmlType = Static<typeof XmlType>;

const Order = Type.Object(
  {
    url: optional(
      Type.String({
        minLength: 1,
        maxLength: 2048,
        description:
          'Where to call, http or https; a user and password in it are sent as HTTP Basic. Absent, on a WebSocket alone: events come as notifications on it',
      }),
    ),
    protocol: optional(Protocol),
    topics: optional(Topics),
    details: optional(
      Type.Boolean({
        description:
          'Every call has one more struct, the event {seq, time, type, …}, and events without a call of their own come as sendEvent; default false. On a WebSocket it says whether events come with their members, or as seq, time and type alone; there the default is true',
      }),
    ),
    xml_types: optional(
      Type.Array(XmlType, {
        minItems: 1,
        maxItems: 2,
        description:
          'With protocol xmlrpc: what the client understands beyond the specification; without it members without a value are left out, and whole numbers beyond 32 bits are strings',
      }),
    ),
    secret: optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'With url: signs each body, in the header X-Plush-Signature: sha256=HEX (HMAC-SHA256). Give at least 16 random characters',
      }),
    ),
    after: optional(
      Type.Integer({
        minimum: -1,
        description:
          'Begin after the event of this number; 0 is the oldest, -1 is now. Absent: now, or where the subscription is already',
      }),
    ),
  },
  closed,
);

const SubscriptionInfo = Type.Object({
  subscription_id: Type.String({
    description: 'Of a classic client: "client:" and its URL; of a WebSocket: it begins with "socket:"',
  }),
  url: Type.String({ description: 'Without user and password; empty: a WebSocket' }),
  protocol: Type.String({ description: 'xmlrpc or jsonrpc' }),
  classic: Type.Boolean({ description: 'Registered with setXmlRpcClientUrl' }),
  details: Type.Boolean(),
  topics: optional(Type.Array(Type.String(), { description: 'Absent: all' })),
  xml_types: optional(Type.Array(Type.String(), { description: 'nil, i8' })),
  signed: Type.Boolean({ description: 'A secret was given; it is never shown' }),
  caller: optional(Type.String({ description: 'Who subscribed' })),
  since: Time,
  delivered: Type.Integer({
    description: 'Every event up to this number is delivered (of a WebSocket: on its way), or was not wanted',
  }),
  behind: Type.Integer({ description: 'Events in the journal after that' }),
  state: Type.String({
    description:
      'active; failing: the last call failed and is tried again; suspended: 24 h of failures, nothing is tried until it subscribes again',
  }),
  failures: optional(Type.Integer({ description: 'Of failing: calls that failed in a row' })),
  failing_since: optional(Time),
  message: optional(Type.String({ description: 'Why the last call failed, or why it is suspended' })),
});

const SubscriptionPage = Type.Object({
  subscriptions: Type.Array(SubscriptionInfo),
  total: Type.Integer(),
  cursor: optional(Type.String({ description: 'Hand it to the next call for the next page' })),
});

export const subscriptionMethods = {
  plushSubscribe: {
    doc: 'Has events brought to the caller, in order and at least once: by calls to a URL (scope operate), or as notifications on the WebSocket on which this is called. A subscription with a URL outlives both sides; the same caller subscribing with the same URL and protocol again describes it anew, and resumes it where it was suspended. Events that were removed meanwhile are stood for by one of type gap, whose first is the oldest event that is still there.',
    params: [param('subscription', Order, 'Where and which')],
    result: Type.Object({
      subscription_id: Type.String({ description: 'For plushUnsubscribe' }),
    }),
    scope: 'read',
    mayChange: true,
    faults: ['BAD_URL', 'URL_NOT_ALLOWED', 'TOO_MANY_SUBSCRIBERS', 'QUITTING'],
  },
  plushUnsubscribe: {
    doc: "Ends a subscription; nothing is sent to it any more. One with a URL takes scope operate; one of a WebSocket is ended on that socket alone. A classic client's id is in plushListSubscriptions.",
    params: [param('subscription', Type.String({ minLength: 1, maxLength: 2100 }), "The subscription's id")],
    result: Type.Boolean({ description: 'Always true' }),
    scope: 'read',
    mayChange: true,
    faults: ['SUBSCRIPTION_NOT_FOUND'],
  },
  plushListSubscriptions: {
    doc: 'The subscriptions and how each stands, by page, in the order of their ids: those with a URL, classic clients, and those of the WebSockets that are open. Secrets and passwords are not shown.',
    params: [maybe('filter', Type.Object(page, closed), 'limit and cursor')],
    result: SubscriptionPage,
    scope: 'read',
    faults: ['BAD_CURSOR'],
  },
} as const satisfies Record<string, MethodDefinition>;
