/** Calls by name: parameters checked, scope checked, the handler called, and whatever it throws made a fault. */

import type { MethodDefinition } from '../../api/method.ts';
import { type MethodName, methodTable, type ParamsOf, type ResultOf } from '../../api/methods.ts';
import type { Caller } from '../drivers/http/auth.ts';
import type { Log } from '../drivers/log.ts';
import { Call, type CallObserver, type CallRequest } from './call.ts';
import { asFault, Fault, unknownMethod } from './fault.ts';
import { checkParameters } from './parameters.ts';
import { inTurns } from './turns.ts';

/** What a handler knows of its call; submitted with an input, it learns which facts that led to. */
export type CallContext = Pick<Call, 'caller' | 'wrote' | 'socket' | 'work'>;

/** One handler for each method of the table: a forgotten one does not compile. */
export type Handlers = {
  readonly [M in MethodName]: (
    context: CallContext,
    ...params: ParamsOf<M>
  ) => ResultOf<M> | Promise<ResultOf<M>>;
};

const MULTICALL = 'system.multicall';

/** Calls inside one system.multicall. */
const MAX_MULTICALL = 10_000;

/** Whether a call changes nothing, as far as its method tells. */
export function isRead(method: unknown): boolean {
  if (typeof method !== 'string' || !Object.hasOwn(methodTable, method)) return true;
  const { scope, isRead: tells = false } = methodTable[method] as MethodDefinition;
  return scope === 'read' || scope === 'any' || tells;
}

/** Whether a call that was refused would have changed something, as far as its method tells. */
export function mayChange(method: MethodName): boolean {
  const { mayChange: marked = false } = methodTable[method] as MethodDefinition;
  return marked || !isRead(method);
}

/** @throws Fault FORBIDDEN */
function checkScope(name: MethodName, { scopes, name: token }: Caller): void {
  const { scope, ownNodes } = methodTable[name] as MethodDefinition;
  if (scope === 'any' || scopes.has(scope)) return;
  if (ownNodes === true && scopes.has('broker')) return;
  // Who runs applications on all nodes may also say which there are.
  if (scope === 'broker' && scopes.has('operate')) return;
  throw new Fault('FORBIDDEN', `The token "${token}" may not call ${name}: it lacks the scope ${scope}`, {
    scope,
  });
}

export class Dispatcher {
  readonly #handlers: Omit<Handlers, 'system.multicall'>;
  readonly #log: Log;
  readonly #durable: () => Promise<void> | undefined;
  readonly #observer: CallObserver;

  /** @param durable resolves once all that handlers can read now is durable; undefined when it is already */
  constructor(
    handlers: Omit<Handlers, 'system.multicall'>,
    log: Log,
    durable: () => Promise<void> | undefined,
    observer: CallObserver,
  ) {
    this.#handlers = handlers;
    this.#log = log;
    this.#durable = durable;
    this.#observer = observer;
  }

  /**
   * Makes a call.
   * @param params by position (an array) or by name (an object)
   * @param request what all calls of the same request share
   * @throws Fault, and nothing else
   */
  async call(method: string, params: unknown, request: CallRequest): Promise<unknown> {
    const call = new Call(method, params, request);
    this.#observer.started(call);
    try {
      request.pay();
      request.room.check();
      // The calls in it are checked one by one: what changes something is done also for who has gone.
      if (method !== MULTICALL && isRead(method)) request.work.check();
      const answer = await this.#call(call);
      this.#observer.ended(call, 'ok', performance.now() - call.startedMs);
      return answer;
    } catch (error) {
      const fault = asFault(error) ?? this.#internal(call, error);
      this.#observer.ended(call, fault.symbol, performance.now() - call.startedMs);
      throw fault;
    }
  }

  /** A defect of ours: the caller gets an id, the log the cause. */
  #internal({ id, method }: Call, error: unknown): Fault {
    const err = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#log.error({ method, call: id, err }, 'Call failed');
    return new Fault('INTERNAL', `Something went wrong in Plush itself; the log tells more under ${id}`, {
      id,
    });
  }

  async #call(call: Call): Promise<unknown> {
    const { method, params, request } = call;
    const { caller, room } = request;
    if (!Object.hasOwn(methodTable, method)) {
      throw unknownMethod(method);
    }
    const name = method as MethodName;
    checkScope(name, caller);
    const values = checkParameters(name, params, request.protocol);
    if (name === MULTICALL) return this.#multicall(values[0] as unknown[], request);
    const handler = this.#handlers[name] as (context: CallContext, ...params: unknown[]) => unknown;
    const answer = await handler(call, ...values);
    // What has changed something is told once it is durable, and never takes much.
    if (!isRead(name)) return answer;
    await this.#durable();
    return room.take(answer);
  }

  /**
   * Calls are begun in order and share the journal's writes; the answers are in the same order. Every handler that changes
   * something decides before it first awaits, or holds the calls behind it, so a later call sees what an earlier one did.
   */
  async #multicall(calls: readonly unknown[], request: CallRequest): Promise<unknown[]> {
    if (calls.length > MAX_MULTICALL)
      throw new Fault('INVALID_PARAMETERS', `system.multicall takes at most ${MAX_MULTICALL} calls`);
    if (calls.length > 0) request.passOn();
    return inTurns(
      calls,
      (call) => isRead((call as { methodName?: unknown } | null)?.methodName),
      (call) => this.#multicallItem(call, request),
      request.work,
    );
  }

  async #multicallItem(call: unknown, request: CallRequest): Promise<unknown> {
    try {
      const { methodName, params } = (call ?? {}) as { methodName?: unknown; params?: unknown };
      if (typeof methodName !== 'string' || (params !== undefined && !Array.isArray(params))) {
        throw new Fault(
          'INVALID_PARAMETERS',
          'Each call is a struct with methodName (string) and params (array)',
        );
      }
      if (methodName === MULTICALL) throw new Fault('INVALID_REQUEST', 'system.multicall does not nest');
      return [await this.call(methodName, params ?? [], request)];
    } catch (error) {
      const fault = asFault(error);
      if (fault === undefined) throw error;
      return { faultCode: fault.code, faultString: fault.message };
    }
  }
}
