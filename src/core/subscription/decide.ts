/** Decisions about those to whom events are brought: subscriptions, and classic callback clients. */
import type { InputOf } from '../input.ts';
import { MAX_CALLER_SUBSCRIPTIONS, MAX_CLIENTS, MAX_SUBSCRIPTIONS } from '../limits.ts';
import { refuseWhenQuitting } from '../quitting.ts';
import { randomName } from '../random.ts';
import { Rejection } from '../rejection.ts';
import type { State, Subscription } from '../state.ts';
import type { Transaction } from '../transaction.ts';

/** Random characters of a subscription's id: 31^8 of them. */
const ID_CHARACTERS = 8;

/** Begins a subscription, or describes the caller's one with that URL and protocol anew; answers its id. */
export function subscribe(tx: Transaction, input: InputOf<'subscribe'>): string {
  const { type: _type, now, after, ...described } = input;
  const { subscriptions } = tx.state;
  refuseWhenQuitting(tx.state);
  const known = [...subscriptions.values()].find((one) => isSame(one, input));
  const begin = after === -1 ? now : after;
  if (known !== undefined) {
    const { subscription_id } = known;
    tx.emit('subscription_updated', {
      subscription_id,
      ...described,
      ...(begin === undefined ? {} : { after: begin }),
    });
    return subscription_id;
  }
  checkRoom(tx.state, input.caller);
  let subscription_id: string;
  do subscription_id = `sub-${randomName(tx.random, ID_CHARACTERS)}`;
  while (subscriptions.has(subscription_id));
  tx.emit('subscription_added', { subscription_id, ...described, after: begin ?? now });
  return subscription_id;
}

function isSame(one: Subscription, { url, protocol, caller }: InputOf<'subscribe'>): boolean {
  return one.url === url && one.protocol === protocol && one.caller === caller;
}

function checkRoom({ subscriptions }: State, caller: string): void {
  if (subscriptions.size >= MAX_SUBSCRIPTIONS)
    throw new Rejection('TOO_MANY_SUBSCRIBERS', `There are ${MAX_SUBSCRIPTIONS} subscriptions already`);
  let own = 0;
  for (const one of subscriptions.values()) if (one.caller === caller) own += 1;
  if (own >= MAX_CALLER_SUBSCRIPTIONS)
    throw new Rejection('TOO_MANY_SUBSCRIBERS', `${caller} has ${own} subscriptions already`);
}

/** Classic clients go by the same door, under the id that the list shows. */
export function unsubscribe(tx: Transaction, { subscription_id }: InputOf<'unsubscribe'>): void {
  const { clients, subscriptions } = tx.state;
  const url = classicUrl(subscription_id);
  if (url !== undefined && clients.has(url)) tx.emit('client_removed', { url });
  else if (subscriptions.has(subscription_id)) tx.emit('subscription_removed', { subscription_id });
  else throw new Rejection('SUBSCRIPTION_NOT_FOUND', `There is no subscription "${subscription_id}"`);
}

export function suspend(tx: Transaction, { subscription_id, message }: InputOf<'suspend'>): void {
  const { clients, subscriptions } = tx.state;
  const url = classicUrl(subscription_id);
  if (url !== undefined) {
    if (clients.get(url)?.suspended === false) tx.emit('client_suspended', { url, message });
    return;
  }
  const known = subscriptions.get(subscription_id);
  if (known !== undefined && known.suspended === undefined)
    tx.emit('subscription_suspended', { subscription_id, message });
}

export function registerClient(
  tx: Transaction,
  { type: _type, ...client }: InputOf<'register_client'>,
): void {
  const { clients } = tx.state;
  if (!clients.has(client.url) && clients.size >= MAX_CLIENTS)
    throw new Rejection('TOO_MANY_SUBSCRIBERS', `${MAX_CLIENTS} callback clients are registered already`);
  tx.emit('client_registered', client);
}

const CLASSIC = 'client:';

/** The id under which a classic client is listed and can be unsubscribed. */
export function classicId(url: string): string {
  return `${CLASSIC}${url}`;
}

/** The URL in such an id; undefined for another. */
export function classicUrl(subscription_id: string): string | undefined {
  return subscription_id.startsWith(CLASSIC) ? subscription_id.slice(CLASSIC.length) : undefined;
}
