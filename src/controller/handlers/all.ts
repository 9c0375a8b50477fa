import type { Context } from '../context.ts';
import type { Handlers } from '../dispatcher.ts';
import { appHandlers } from './apps.ts';
import { barrierHandlers } from './barriers.ts';
import { controlHandlers } from './control.ts';
import { nodeHandlers } from './nodes.ts';
import { operationHandlers } from './operations.ts';
import { runHandlers } from './runs.ts';
import { subscriptionHandlers } from './subscriptions.ts';
import { tokenHandlers } from './tokens.ts';

/** Every method's handler but that of system.multicall, which is the dispatcher's own. */
export function allHandlers(context: Context): Omit<Handlers, 'system.multicall'> {
  return {
    ...nodeHandlers(context),
    ...appHandlers(context),
    ...runHandlers(context),
    ...operationHandlers(context),
    ...barrierHandlers(context),
    ...subscriptionHandlers(context),
    ...controlHandlers(context),
    ...tokenHandlers(context),
  };
}
