/** Calls by name: parameters checked, scope checked, the handler called, and whatever it throws made a fault. */

import { randomBytes } from 'node:crypto';
import { type MethodName, methodTable, type ParamsOf, type ResultOf } from '../../api/methods.ts';
import type { Caller } from '../drivers/http/auth.ts';
import type { Log } from '../drivers/log.ts';
import { AnswerRoom } from './answer-room.ts';
import { asFault, Fault, unknownMethod } from './fault.ts';
import { checkParameters } from './parameters.ts';
import { inTurns } from './turns.ts';

/** What a handler knows of its call. */
export interface CallContext {
  readonly caller: Caller;
}

/** One handler for each method of the table: a forgotten one does not compile. */
export type Handlers = {
  readonly [M in MethodName]: (
    context: CallContext,
    ...params: ParamsOf<M>
  ) => ResultOf<M> | Promise<ResultOf<M>>;
};

/** Calls inside one system.multicall. */
const MAX_MULTICALL = 10_000;

/** Whether a call changes nothing, as far as its method tells. */
export function isRead(method: unknown): boolean {
  if (typeof method !== 'string' || !Object.hasOwn(methodTable, method)) return true;
  return methodTable[method as MethodName]?.scope === 'read';
}

export class Dispatcher {
  readonly #handlers: Omit<Handlers, 'system.multicall'>;
  readonly #log: Log;
  readonly #durable: () => Promise<void> | undefined;

  /** @param durable resolves once all that handlers can read now is durable; undefined when it is already */
  constructor(
    handlers: Omit<Handlers, 'system.multicall'>,
    log: Log,
    durable: () => Promise<void> | undefined,
  ) {
    this.#handlers = handlers;
    this.#log = log;
    this.#durable = durable;
  }

  /**
   * Makes a call.
   * @param params by position (an array) or by name (an object)
   * @param room what all calls of the same request share
   * @throws Fault, and nothing else
   */
  async call(method: string, params: unknown, caller: Caller, room = new AnswerRoom()): Promise<unknown> {
    try {
      room.check();
      return await this.#call(method, params, caller, room);
    } catch (error) {
      const fault = asFault(error);
      if (fault !== undefined) {
        this.#log.debug({ method, caller: caller.name, fault: fault.symbol }, 'Call refused');
        throw fault;
      }
      const id = randomBytes(6).toString('hex');
      this.#log.error(
        { method, id, err: error instanceof Error ? (error.stack ?? error.message) : String(error) },
        'Call failed',
      );
      throw new Fault('INTERNAL', `Something went wrong in Plush itself; the log tells more under ${id}`, {
        id,
      });
    }
  }

  async #call(method: string, params: unknown, caller: Caller, room: AnswerRoom): Promise<unknown> {
    if (!Object.hasOwn(methodTable, method)) {
      throw unknownMethod(method);
    }
    const name = method as MethodName;
    const { scope } = methodTable[name] as { scope: 'read' };
    if (!caller.scopes.has(scope))
      throw new Fault('INVALID_REQUEST', `The token may not call ${name}: it lacks the scope ${scope}`);
    const values = checkParameters(name, params);
    if (name === 'system.multicall') return this.#multicall(values[0] as unknown[], caller, room);
    const handler = this.#handlers[name] as (context: CallContext, ...params: unknown[]) => unknown;
    const answer = await handler({ caller }, ...values);
    // What has changed something is told once it is durable, and never takes much.
    if (scope !== 'read') return answer;
    await this.#durable();
    return room.take(answer);
  }

  /**
   * Calls are begun in order and share the journal's writes; the answers are in the same order. Every handler that changes
   * something decides before it first awaits, so a later call sees what an earlier one did.
   */
  async #multicall(calls: readonly unknown[], caller: Caller, room: AnswerRoom): Promise<unknown[]> {
    if (calls.length > MAX_MULTICALL)
      throw new Fault('INVALID_PARAMETERS', `system.multicall takes at most ${MAX_MULTICALL} calls`);
    return inTurns(
      calls,
      (call) => isRead((call as { methodName?: unknown } | null)?.methodName),
      (call) => this.#multicallItem(call, caller, room),
    );
  }

  async #multicallItem(call: unknown, caller: Caller, room: AnswerRoom): Promise<unknown> {
    try {
      const { methodName, params } = (call ?? {}) as { methodName?: unknown; params?: unknown };
      if (typeof methodName !== 'string' || (params !== undefined && !Array.isArray(params))) {
        throw new Fault(
          'INVALID_PARAMETERS',
          'Each call is a struct with methodName (string) and params (array)',
        );
      }
      if (methodName === 'system.multicall')
        throw new Fault('INVALID_REQUEST', 'system.multicall does not nest');
      return [await this.call(methodName, params ?? [], caller, room)];
    } catch (error) {
      const fault = asFault(error);
      if (fault === undefined) throw error;
      return { faultCode: fault.code, faultString: fault.message };
    }
  }
}
