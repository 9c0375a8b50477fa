/** Everybody to whom events are brought at a URL, classic clients and subscriptions alike, as the state has them. */
import type { Topic } from '../../api/events.ts';
import type { CallbackProtocol, XmlType } from '../../api/subscriptions.ts';
import type { CallbackClient, State, Subscription } from '../core/state.ts';
import { classicId, classicUrl } from '../core/subscription/decide.ts';

export interface Subscriber {
  readonly subscription_id: string;
  readonly url: string;
  readonly protocol: CallbackProtocol;
  /** Gets the seeds' calls, and whatever it answers is good. */
  readonly classic: boolean;
  readonly topics?: readonly Topic[];
  readonly details: boolean;
  readonly xml_types?: readonly XmlType[];
  readonly signed: boolean;
  readonly credentials?: string;
  readonly caller?: string;
  readonly since: string;
  /** Why nothing is tried any more. */
  readonly suspended?: string;
  /** Name of its cursor in the journal. */
  readonly cursor: string;
  /** Where it begins when it has no cursor yet; undefined: at the fact of its registration. */
  readonly after?: number;
}

export function subscriberOf(state: State, subscription_id: string): Subscriber | undefined {
  const subscription = state.subscriptions.get(subscription_id);
  if (subscription !== undefined) return fromSubscription(subscription);
  const url = classicUrl(subscription_id);
  const client = url === undefined ? undefined : state.clients.get(url);
  return client === undefined ? undefined : fromClient(client);
}

export function* subscribers({ clients, subscriptions }: State): Generator<Subscriber> {
  for (const client of clients.values()) yield fromClient(client);
  for (const subscription of subscriptions.values()) yield fromSubscription(subscription);
}

function fromClient({ url, since, suspended, message, ...known }: CallbackClient): Subscriber {
  const subscription_id = classicId(url);
  return {
    subscription_id,
    url,
    protocol: 'xmlrpc',
    classic: true,
    details: false,
    signed: false,
    since,
    cursor: subscription_id,
    ...known,
    ...(suspended ? { suspended: message ?? '' } : {}),
  };
}

function fromSubscription({ placed, suspended, ...subscription }: Subscription): Subscriber {
  return {
    ...subscription,
    classic: false,
    cursor: `subscription:${subscription.subscription_id}:${placed}`,
    ...(suspended === undefined ? {} : { suspended: suspended.message }),
  };
}
