import type { Handlers } from '../dispatcher.ts';
import { Fault } from '../fault.ts';

type SubscriptionMethods = 'plushSubscribe' | 'plushUnsubscribe' | 'plushListSubscriptions';

/** Methods by which events are brought to programs. */
export function subscriptionHandlers(): Pick<Handlers, SubscriptionMethods> {
  return {
    plushSubscribe: ({ socket }, { url, ...order }) => {
      if (url !== undefined)
        throw new Fault('URL_NOT_ALLOWED', 'Subscriptions with a URL are not served yet');
      if (socket === undefined) throw noUrl();
      const { protocol, secret, ...wanted } = order;
      if (protocol !== undefined || secret !== undefined)
        throw new Fault('INVALID_PARAMETERS', 'protocol and secret go with a url; a socket needs neither');
      return socket.subscribe(wanted);
    },
    plushUnsubscribe: ({ socket }, id) => {
      if (socket?.unsubscribe(id) === true) return true;
      throw new Fault('SUBSCRIPTION_NOT_FOUND', `No subscription "${id.slice(0, 200)}" is known`);
    },
    plushListSubscriptions: () => ({ subscriptions: [], total: 0 }),
  };
}

function noUrl(): Fault {
  return new Fault(
    'INVALID_PARAMETERS',
    'plushSubscribe needs a url over HTTP; without one it is for the WebSocket at /rpc',
  );
}
