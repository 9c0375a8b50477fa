import type { Log } from '../drivers/log.ts';
import type { Call, CallObserver } from './call.ts';

/** Longest part of a method's name that is logged; an unknown one may be a megabyte. */
const MAX_METHOD_CHARACTERS = 100;

/**
 * One line a call at debug. Its `facts` are sequence numbers of plushGetEvents, so that the line leads to all that the call
 * brought about. Parameters are left out: they may hold secrets, and what they changed is in the facts.
 */
export function createCallLog(log: Log): CallObserver {
  return {
    started() {},
    ended(call: Call, outcome, durationMs) {
      const { id, method, facts } = call;
      const { protocol, caller, remote } = call.request;
      log.debug(
        {
          call: id,
          method: method.slice(0, MAX_METHOD_CHARACTERS),
          protocol,
          caller: caller.name,
          remote,
          outcome,
          ms: Math.round(durationMs * 1000) / 1000,
          ...(facts === undefined ? {} : { facts: [facts.first, facts.last] }),
        },
        'Call',
      );
    },
    unreadable({ protocol, caller, remote }, outcome) {
      log.debug({ protocol, caller: caller.name, remote, outcome }, 'A request that is no call');
    },
  };
}
