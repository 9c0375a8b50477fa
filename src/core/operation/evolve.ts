/** How facts about operations change the state. */
import type { Evolver } from '../evolve.ts';
import type { Judgement } from '../input.ts';
import { BEST_RATING, MAX_OPERATIONS } from '../limits.ts';
import type { State } from '../state.ts';

type OperationEvents = 'operation_started' | 'operation_ended' | 'resources_requested' | 'resources_answered';

export const operationEvolvers: { readonly [T in OperationEvents]: Evolver<T> } = {
  operation_started: (state, { operation_id, kind, total, run_id, request_id, request_digest }, time) => {
    state.operations.set(operation_id, {
      operation_id,
      kind,
      state: 'running',
      started: time,
      total,
      succeeded: 0,
      failed: 0,
      parts: [],
      ...(run_id === undefined ? {} : { run_id }),
      ...(request_id === undefined ? {} : { request_id }),
      ...(request_digest === undefined ? {} : { request_digest }),
    });
    forgetOldest(state);
  },
  operation_ended: (state, { operation_id, state: end, succeeded, failed }, time) => {
    const operation = state.operations.get(operation_id);
    if (operation === undefined) return;
    Object.assign(operation, { state: end, ended: time, succeeded, failed });
    for (const part of operation.parts) if (part.state === 'pending') part.state = 'unknown';
  },
  resources_requested: (state, { operation_id, component, request = 0, service, server }) => {
    state.operations
      .get(operation_id)
      ?.parts.push({ component, request, service, server, state: 'pending', message: '' });
  },
  resources_answered: (state, { operation_id, component, request = 0, ok, message, judged }) => {
    if (judged !== undefined) rate(state, component, judged);
    const operation = state.operations.get(operation_id);
    const part = operation?.parts.find((p) => p.component === component && p.request === request);
    if (operation === undefined || part?.state !== 'pending') return;
    part.state = ok ? 'accepted' : 'refused';
    part.message = message;
    if (ok) operation.succeeded += 1;
    else operation.failed += 1;
  },
};

/** Nodes are rated anew by the newest answer for a component; see preferenceOf in pool/match.ts. */
function rate(state: State, component: string, judged: readonly Judgement[]): void {
  for (const node of state.nodes.values()) if (node.rating?.component === component) delete node.rating;
  for (const { hostname, penalty } of judged) {
    const node = state.nodes.get(hostname);
    if (node !== undefined) node.rating = { component, value: BEST_RATING / (1 + Math.max(0, penalty)) };
  }
}

function forgetOldest(state: State): void {
  for (const { operation_id, state: now } of state.operations.values()) {
    if (state.operations.size <= MAX_OPERATIONS) return;
    if (now !== 'running') state.operations.delete(operation_id);
  }
}
