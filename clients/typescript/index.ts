/** What the package @plush/client has. */
export type { CallbackName } from '../../api/callbacks.ts';
export type { EventType, Topic } from '../../api/events.ts';
export type { FaultSymbol } from '../../api/faults.ts';
export type { MethodName, ParamsOf, ResultOf } from '../../api/methods.ts';
export {
  type CallbackHandlers,
  type CallbackParamsOf,
  type CallbackServer,
  type CallbackServerOptions,
  isSigned,
  startCallbackServer,
} from './callbacks.ts';
export { type Call, type Caller, type CallOptions, type ClientOptions, PlushClient } from './client.ts';
export type { EventOf, EventOptions, GapEvent, PlushEvent } from './events.ts';
export { PlushFault, RefusedError, UnreachableError } from './fault.ts';
export type { OutputChoice, WaitOptions } from './runs.ts';
export type { PlushSocket, SocketSubscription } from './socket.ts';
