/** Events about who is told of events. */
import { Type } from '@sinclair/typebox';
import { event, type Topic, topics } from './event.ts';
import { optional } from './schemas.ts';

const message = Type.String({ description: 'One sentence for a person' });
const subscription_id = Type.String();
const credentials = optional(
  Type.String({ description: 'Name under which the state folder keeps its secret and password' }),
);
const described = {
  subscription_id,
  url: Type.String({ description: 'Without user and password' }),
  protocol: Type.Union([Type.Literal('xmlrpc'), Type.Literal('jsonrpc')]),
  topics: optional(Type.Array(Type.Union(topics.map((topic) => Type.Literal<Topic>(topic))))),
  details: Type.Boolean(),
  xml_types: optional(Type.Array(Type.Union([Type.Literal('nil'), Type.Literal('i8')]))),
  signed: Type.Boolean({ description: 'With a secret' }),
  credentials,
  caller: Type.String({ description: 'Who subscribed' }),
};

export const subscriptionEvents = {
  subscription_added: event('subscription', 'Somebody subscribed with plushSubscribe and a URL.', {
    ...described,
    after: Type.Integer({ description: 'It gets the events after this one' }),
  }),
  subscription_updated: event(
    'subscription',
    'A subscription was described anew by subscribing again; a suspended one goes on.',
    {
      ...described,
      after: optional(Type.Integer({ description: 'It goes on after this event; absent: where it was' })),
    },
  ),
  subscription_suspended: event(
    'subscription',
    'A subscriber failed for too long; it goes on by subscribing again.',
    { subscription_id, message },
  ),
  subscription_removed: event('subscription', 'plushUnsubscribe ended a subscription.', { subscription_id }),
  client_registered: event('subscription', 'A classic callback client registered, or registered again.', {
    url: Type.String(),
    credentials,
    caller: optional(Type.String({ description: 'Who registered it' })),
  }),
  client_removed: event('subscription', 'plushUnsubscribe ended the calls to a classic callback client.', {
    url: Type.String(),
  }),
  client_suspended: event(
    'subscription',
    'A callback client was unreachable for too long; it resumes by registering again.',
    {
      url: Type.String(),
      message,
    },
  ),
} as const;
