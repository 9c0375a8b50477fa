/** state + fact → state. Total, never throws, the only place that changes state. */
import type { EventType, Fact, FactOf } from '../../api/events.ts';
import { isNeeded } from './needed.ts';
import { operationEvolvers } from './operation/evolve.ts';
import { keepAwaited, outageEvolvers } from './pool/contact.ts';
import { poolEvolvers, setLink } from './pool/evolve.ts';
import { runEvolvers } from './run/evolve.ts';
import { missedEvolvers } from './run/missed.ts';
import { policyEvolvers } from './run/policy-evolve.ts';
import { serviceEvolvers, stopShortfalls } from './run/service-evolve.ts';
import { untidyEvolvers } from './run/untidy.ts';
import { workflowEvolvers } from './run/workflow-state.ts';
import type { State } from './state.ts';
import { subscriptionEvolvers } from './subscription/evolve.ts';

export type Evolver<T extends EventType> = (state: State, body: FactOf<T>['body'], time: string) => void;

/** One evolver for every type of fact: a forgotten one does not compile. */
const evolvers: { readonly [T in EventType]: Evolver<T> } = {
  ...poolEvolvers,
  ...outageEvolvers,
  ...runEvolvers,
  ...policyEvolvers,
  ...missedEvolvers,
  ...untidyEvolvers,
  ...serviceEvolvers,
  ...workflowEvolvers,
  ...operationEvolvers,
  ...subscriptionEvolvers,
  controller_started: (state, { epoch, controller }, time) => {
    state.epoch = epoch;
    state.controller = controller;
    state.quitting = false;
    stopShortfalls(state, time);
    keepAwaited(state);
    for (const node of state.nodes.values()) {
      node.held = false;
      node.attempts = 0;
      if (node.link === 'idle') continue;
      // Only what a run or a cleaning waits for is connected to again; the others are as good as never asked.
      if (isNeeded(state, node)) {
        setLink(node, 'lost', time);
        node.trouble = { cause: 'controller_restarted', message: 'The controller was started again' };
      } else {
        setLink(node, 'idle', time);
        delete node.trouble;
      }
    }
  },
  quit_requested: (state) => {
    state.quitting = true;
  },
  app_loaded: (state, { app, file }, time) => {
    state.apps.set(app.name, { spec: app, file, loaded: time });
    state.loaded = app.name;
  },
};

/**
 * Folds one fact into the state, in place. Facts about what is no longer known change nothing, and neither do types that
 * only another version of the daemon writes.
 */
export function evolve(state: State, fact: Fact): State {
  const evolver = evolvers[fact.type] as
    | ((state: State, body: Fact['body'], time: string) => void)
    | undefined;
  evolver?.(state, fact.body, fact.time);
  return state;
}
