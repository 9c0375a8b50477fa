import type { ParamsOf, ResultOf } from '../../../api/methods.ts';
import type { Answer } from '../../core/decide.ts';
import { classicId } from '../../core/subscription/decide.ts';
import { DEFAULT_PAGE_ITEMS, fitting, indexAfter, makeCursor, readCursor } from '../../core/views/page.ts';
import type { Credentials } from '../../drivers/callback-secrets.ts';
import { checkCallbackUrl } from '../callback-url.ts';
import type { Standing } from '../callbacks.ts';
import type { Context } from '../context.ts';
import type { CallContext, Handlers } from '../dispatcher.ts';
import { refuseFuture } from '../event-stream.ts';
import { Fault } from '../fault.ts';
import type { SocketStanding } from '../socket-subscriptions.ts';
import { subscriberOf } from '../subscribers.ts';

type SubscriptionMethods =
  | 'setXmlRpcClientUrl'
  | 'plushSubscribe'
  | 'plushUnsubscribe'
  | 'plushListSubscriptions';
type Order = Omit<ParamsOf<'plushSubscribe'>[0], 'url'>;
type Page = ResultOf<'plushListSubscriptions'>;

/** Methods by which events are brought to programs. */
export function subscriptionHandlers(context: Context): Pick<Handlers, SubscriptionMethods> {
  const { state, callbacks, submit } = context;
  return {
    setXmlRpcClientUrl: async (call, text) => {
      const { url, userinfo } = checkCallbackUrl(text, context.callbackHosts);
      const given = userinfo === undefined ? {} : { userinfo };
      const before = state.clients.get(url)?.credentials;
      await withCredentials(context, given, before, (kept) =>
        submit({ type: 'register_client', url, caller: call.caller.name, ...kept }, call),
      );
      callbacks.registered(classicId(url));
      return true;
    },
    plushSubscribe: (call, { url, ...order }) =>
      url === undefined ? onSocket(call, order) : atUrl(context, call, url, order),
    plushUnsubscribe: async (call, subscription_id) => {
      if (call.socket?.unsubscribe(subscription_id) === true) return true;
      mayCallOut(call, 'plushUnsubscribe of a subscription with a url');
      const before = subscriberOf(state, subscription_id)?.credentials;
      await submit({ type: 'unsubscribe', subscription_id }, call);
      callbacks.removed(subscription_id);
      if (before !== undefined) context.secrets.forget(before);
      return true;
    },
    plushListSubscriptions: (_call, filter) =>
      listed(
        [...callbacks.list(), ...context.socketSubscriptions.list().map(ofSocket)],
        context.journal.last,
        filter ?? {},
      ),
  };
}

function onSocket({ socket }: CallContext, { protocol, secret, ...wanted }: Order) {
  if (socket === undefined) {
    throw new Fault(
      'INVALID_PARAMETERS',
      'plushSubscribe needs a url over HTTP; without one it is for the WebSocket at /rpc',
    );
  }
  if (protocol !== undefined || secret !== undefined)
    throw new Fault('INVALID_PARAMETERS', 'protocol and secret go with a url; a WebSocket needs neither');
  return socket.subscribe(wanted);
}

async function atUrl(context: Context, call: CallContext, text: string, order: Order) {
  mayCallOut(call, 'plushSubscribe with a url');
  const { state, journal, callbacks, submit } = context;
  const { url, userinfo } = checkCallbackUrl(text, context.callbackHosts);
  const { protocol = 'xmlrpc', details = false, topics, after, secret, xml_types } = order;
  refuseFuture(after, journal.last);
  const caller = call.caller.name;
  const before = [...state.subscriptions.values()].find(
    (one) => one.url === url && one.protocol === protocol && one.caller === caller,
  );
  const given = {
    ...(secret === undefined ? {} : { secret }),
    ...(userinfo === undefined ? {} : { userinfo }),
  };
  const described = {
    url,
    protocol,
    details,
    caller,
    signed: secret !== undefined,
    now: journal.last,
    ...(topics === undefined ? {} : { topics: [...new Set(topics)] }),
    ...(xml_types === undefined ? {} : { xml_types: [...new Set(xml_types)] }),
    ...(after === undefined ? {} : { after }),
  };
  const subscription_id = (await withCredentials(context, given, before?.credentials, (kept) =>
    submit({ type: 'subscribe', ...described, ...kept }, call),
  )) as string;
  callbacks.registered(subscription_id);
  return { subscription_id };
}

/** Reading events takes scope read; having the daemon call others takes more. */
function mayCallOut({ caller: { name, scopes } }: CallContext, what: string): void {
  if (scopes.has('operate')) return;
  const sentence = `The token "${name}" may not call ${what}: it lacks the scope operate`;
  throw new Fault('FORBIDDEN', sentence, { scope: 'operate' });
}

/** Has what is secret on the disk before the fact that names it, and not for longer than one does. */
async function withCredentials(
  { secrets }: Context,
  given: Credentials,
  before: string | undefined,
  decide: (kept: { credentials?: string }) => Promise<Answer>,
): Promise<Answer> {
  const credentials = Object.keys(given).length === 0 ? undefined : secrets.keep(given);
  let answer: Answer;
  try {
    answer = await decide(credentials === undefined ? {} : { credentials });
  } catch (error) {
    if (credentials !== undefined) secrets.forget(credentials);
    throw error;
  }
  if (before !== undefined) secrets.forget(before);
  return answer;
}

function listed(all: Standing[], newest: number, { limit = DEFAULT_PAGE_ITEMS, cursor }: PageOrder): Page {
  all.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const from = indexAfter(all, readCursor('subscriptions', cursor), idOf);
  const shown = fitting(all.slice(from, from + limit).map((standing) => shownAs(standing, newest)));
  const last = from + shown.length < all.length ? shown.at(-1) : undefined;
  return {
    subscriptions: shown,
    total: all.length,
    ...(last === undefined ? {} : { cursor: makeCursor('subscriptions', last.subscription_id) }),
  };
}

/** A subscription of a WebSocket: it has no URL and no durable cursor, and ends with its socket instead of failing. */
function ofSocket(standing: SocketStanding): Standing {
  const call = { url: '', protocol: 'jsonrpc', classic: false, signed: false, cursor: '' } as const;
  return {
    ...standing,
    ...call,
    state: 'active',
    failures: 0,
    failingSinceMs: undefined,
    message: undefined,
  };
}

type PageOrder = NonNullable<ParamsOf<'plushListSubscriptions'>[0]>;

const idOf = ({ subscription_id }: Standing) => subscription_id;

function shownAs(standing: Standing, newest: number): Page['subscriptions'][number] {
  const { subscription_id, url, protocol, classic, details, topics, xml_types, signed, caller, since } =
    standing;
  return {
    subscription_id,
    url,
    protocol,
    classic,
    details,
    ...(topics === undefined ? {} : { topics: [...topics] }),
    ...(xml_types === undefined ? {} : { xml_types: [...xml_types] }),
    signed,
    ...(caller === undefined ? {} : { caller }),
    since,
    delivered: standing.delivered,
    behind: newest - standing.delivered,
    ...trouble(standing),
  };
}

function trouble({ state, suspended, failures, failingSinceMs, message }: Standing) {
  if (suspended !== undefined) return { state, message: suspended };
  if (failingSinceMs === undefined) return { state };
  return {
    state,
    failures,
    failing_since: new Date(failingSinceMs).toISOString(),
    ...(message === undefined ? {} : { message }),
  };
}
