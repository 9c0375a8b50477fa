/** What a WebSocket is to the handlers of the calls that come on it. */

import type { Topic } from '../../api/events.ts';

/** Which events a subscription of a socket wants. */
export interface SocketSubscription {
  /** Absent: all. */
  readonly topics?: readonly Topic[];
  /** Events after this number; -1 and absent: from now on. */
  readonly after?: number;
  /** False: events come with seq, time and type alone. @default true */
  readonly details?: boolean;
}

/** One WebSocket, for as long as it is open; its subscriptions end with it. */
export interface SocketSession {
  /**
   * From now on events come as notifications on this socket, in order.
   * @throws Fault TOO_MANY_SUBSCRIBERS
   */
  subscribe(options: SocketSubscription): { readonly subscription_id: string };
  /** Ends a subscription of this socket; false where it has none of that id. */
  unsubscribe(subscription_id: string): boolean;
}
