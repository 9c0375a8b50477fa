/** How facts about subscriptions and classic callback clients change the state. */
import type { Evolver } from '../evolve.ts';

type SubscriptionEvents =
  | 'subscription_added'
  | 'subscription_updated'
  | 'subscription_suspended'
  | 'subscription_removed'
  | 'client_registered'
  | 'client_suspended'
  | 'client_removed';

export const subscriptionEvolvers: { readonly [T in SubscriptionEvents]: Evolver<T> } = {
  subscription_added: (state, body, time) => {
    state.subscriptions.set(body.subscription_id, { ...body, since: time, placed: 1 });
  },
  subscription_updated: (state, { after, ...body }, time) => {
    const known = state.subscriptions.get(body.subscription_id);
    if (known === undefined) return;
    // Nothing of the old description stays but the place, unless a new one is given.
    const place =
      after === undefined
        ? { after: known.after, placed: known.placed }
        : { after, placed: known.placed + 1 };
    state.subscriptions.set(body.subscription_id, { ...body, ...place, since: time });
  },
  subscription_suspended: (state, { subscription_id, message }, time) => {
    const known = state.subscriptions.get(subscription_id);
    if (known !== undefined) known.suspended = { at: time, message };
  },
  subscription_removed: (state, { subscription_id }) => {
    state.subscriptions.delete(subscription_id);
  },
  client_registered: (state, client, time) => {
    state.clients.set(client.url, { ...client, since: time, suspended: false });
  },
  client_suspended: (state, { url, message }) => {
    const client = state.clients.get(url);
    if (client !== undefined) Object.assign(client, { suspended: true, message });
  },
  client_removed: (state, { url }) => {
    state.clients.delete(url);
  },
};
