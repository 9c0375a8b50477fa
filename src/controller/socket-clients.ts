/**
 * The clients on WebSockets: their calls, and their subscriptions, which are readers of the journal. What a slow one has not
 * had yet stays in the journal and costs no memory; where compaction overtakes it, an event of type gap says so.
 */
import { randomBytes } from 'node:crypto';
import type { NotificationName } from '../../api/notifications.ts';
import type { Caller } from '../drivers/http/auth.ts';
import type { StreamedEvent } from '../drivers/http/events.ts';
import type { SocketHandler, SocketMessage, SocketPeer } from '../drivers/http/face.ts';
import type { Journal } from '../drivers/journal.ts';
import type { Log } from '../drivers/log.ts';
import { encodeJsonRpcCall } from '../wire/jsonrpc/encode.ts';
import { CallRequest } from './call.ts';
import { type EventStream, refuseFuture } from './event-stream.ts';
import { Fault } from './fault.ts';
import type { Converse } from './rpc.ts';
import type { SocketSession, SocketSubscription } from './socket-session.ts';
import type { SocketSubscriptions } from './socket-subscriptions.ts';

const EVENT: NotificationName = 'plushEvent';

/** Subscriptions of one socket, and of all. Each reads the journal on its own, and holds a page of events. */
const MAX_OF_SOCKET = 32;
const MAX_OF_ALL = 256;

export interface SocketClientsOptions {
  readonly converse: Converse;
  readonly events: EventStream;
  readonly journal: Pick<Journal, 'last'>;
  /** Learns which subscriptions there are, and how far each has come. */
  readonly socketSubscriptions: SocketSubscriptions;
  readonly log: Log;
}

export class SocketClients {
  readonly #options: SocketClientsOptions;

  constructor(options: SocketClientsOptions) {
    this.#options = options;
  }

  /** A client has come. */
  readonly open = (peer: SocketPeer, remote: string | undefined): SocketHandler => {
    const subscriptions = new Map<string, AbortController>();
    peer.signal.addEventListener('abort', () => {
      for (const subscription of subscriptions.values()) subscription.abort();
    });
    return { message: (body, caller) => this.#message(body, caller, peer, remote, subscriptions) };
  };

  #message(
    body: Buffer,
    caller: Caller,
    peer: SocketPeer,
    remote: string | undefined,
    subscriptions: Map<string, AbortController>,
  ): SocketMessage {
    const starts: (() => void)[] = [];
    const session: SocketSession = {
      subscribe: (wanted) => {
        const { subscription_id, start } = this.#subscribe(wanted, caller.name, peer, subscriptions);
        starts.push(start);
        return { subscription_id };
      },
      unsubscribe: (subscription_id) => {
        const subscription = subscriptions.get(subscription_id);
        subscription?.abort();
        return subscription !== undefined;
      },
    };
    const request = new CallRequest('jsonrpc', caller, remote, false, session, peer.signal);
    let isBegun = false;
    let tell = () => {};
    const answered = this.#options.converse(body, request, () => {
      isBegun = true;
      tell();
    });
    // The first event comes behind the answer that names the subscription.
    const sent = () => {
      for (const start of starts) start();
    };
    return {
      // Nearly always every call is begun by now.
      begun: isBegun ? undefined : new Promise((resolve) => (tell = resolve)),
      answer: answered.then((answer) => ({ text: answer?.text, sent })),
    };
  }

  #subscribe(
    { after = -1, topics, details = true }: SocketSubscription,
    caller: string,
    peer: SocketPeer,
    subscriptions: Map<string, AbortController>,
  ): { readonly subscription_id: string; readonly start: () => void } {
    if (subscriptions.size >= MAX_OF_SOCKET)
      throw new Fault(
        'TOO_MANY_SUBSCRIBERS',
        `A socket has at most ${MAX_OF_SOCKET} subscriptions; end one with plushUnsubscribe, or name several topics in one`,
      );
    const { socketSubscriptions, journal } = this.#options;
    if (socketSubscriptions.size >= MAX_OF_ALL)
      throw new Fault(
        'TOO_MANY_SUBSCRIBERS',
        `All sockets together have at most ${MAX_OF_ALL} subscriptions`,
      );
    refuseFuture(after, journal.last);
    const subscription_id = `socket:${randomBytes(8).toString('hex')}`;
    const subscription = new AbortController();
    subscriptions.set(subscription_id, subscription);
    // What "now" is, is settled now.
    const from = after < 0 ? journal.last : after;
    const wanted = topics === undefined ? {} : { topics };
    const since = new Date().toISOString();
    socketSubscriptions.add({ subscription_id, caller, ...wanted, details, since, delivered: from });
    const { signal } = subscription;
    signal.addEventListener('abort', () => {
      subscriptions.delete(subscription_id);
      socketSubscriptions.remove(subscription_id);
    });
    if (peer.signal.aborted) subscription.abort();
    const reached = (seq: number) => socketSubscriptions.reached(subscription_id, seq);
    const query = { after: from, fromNow: false, signal, ...wanted, reached };
    const start = () => {
      this.#feed(this.#options.events.stream(query), subscription_id, details, peer, signal).catch(
        (error: unknown) => {
          this.#options.log.error({ err: error }, 'A subscription on a WebSocket failed unexpectedly');
          subscription.abort();
        },
      );
    };
    return { subscription_id, start };
  }

  /** At the reader's pace: an event is asked for once there is room for it. */
  async #feed(
    source: AsyncIterable<StreamedEvent>,
    subscription_id: string,
    whole: boolean,
    peer: SocketPeer,
    signal: AbortSignal,
  ): Promise<void> {
    for await (const event of source) {
      if (signal.aborted) return;
      const params = { subscription_id, event: whole ? event : brief(event) };
      await peer.send(encodeJsonRpcCall(undefined, EVENT, params));
      this.#options.socketSubscriptions.reached(subscription_id, event.seq);
    }
  }
}

/** That something happened; what, is a call away. */
function brief({ seq, time, type, first }: StreamedEvent): StreamedEvent {
  return type === 'gap' ? { seq, type, first } : { seq, time, type };
}
