/** How facts change who answers, and what is suspected where most nodes fall silent at once. */
import type { Evolver } from '../evolve.ts';
import { isNeeded } from '../needed.ts';
import type { PoolNode, State } from '../state.ts';

/** Which nodes the network leads to, as far as it tells something about the controller's own side of it. */
export interface Contact {
  /** Nodes whose connection is there, or was there until a moment ago: nobody has heard otherwise yet. */
  readonly answering: Set<string>;
  /** Nodes of runs that answered and fell silent, in the order in which they did → when (ms). */
  readonly silent: Map<string, number>;
}

/** Most nodes fell silent at once. */
export interface Outage {
  /** ISO 8601. */
  readonly since: string;
  /** Until then no node is replaced for its silence; ISO 8601. */
  readonly until: string;
  readonly silent: number;
  readonly of: number;
  /** It took too long: nodes are replaced again, and the next outage can only be seen once none of these is silent any more. */
  spent?: boolean;
}

/** Causes for which an attempt to connect says that nothing came back from the node at all. */
const NO_ANSWER: ReadonlySet<string> = new Set(['unreachable', 'unresolved', 'timeout']);

/**
 * Whether the network may be what is wrong with the node, and not the node.
 * @param wasUp an established connection ended: its end says nothing of why
 */
export function isSilence({ spec }: PoolNode, cause: string, wasUp: boolean): boolean {
  // Local nodes are processes of the controller's own machine.
  if (spec.type === 'local' || cause === 'requested') return false;
  return wasUp || NO_ANSWER.has(cause);
}

export function noContact(): Contact {
  return { answering: new Set(), silent: new Map() };
}

/** Folded before the fact changes the node. */
export function noteDown(
  state: State,
  node: PoolNode,
  cause: string,
  isAwaited: boolean,
  time: string,
): void {
  const { hostname } = node.spec;
  const { answering, silent } = state.contact;
  const member = state.runs.get(node.run_id ?? '')?.members.get(hostname);
  const hasPart = member !== undefined && member.phase !== 'done';
  const isSilent = isAwaited && hasPart && isSilence(node, cause, node.link === 'connected');
  if (!isSilent) unheard(state, hostname);
  else if (answering.delete(hostname)) silent.set(hostname, Date.parse(time));
}

export function noteUp(state: State, { spec }: PoolNode): void {
  hush(state, spec.hostname);
  if (spec.type !== 'local') state.contact.answering.add(spec.hostname);
}

/** The node's silence means nothing to any run any more. */
export function hush(state: State, hostname: string): void {
  const { silent } = state.contact;
  if (silent.delete(hostname) && silent.size === 0 && state.outage?.spent === true) delete state.outage;
}

/** Nothing is known about the node any more. */
export function unheard(state: State, hostname: string): void {
  hush(state, hostname);
  state.contact.answering.delete(hostname);
}

/** A new daemon begins with what the one before it heard, of the nodes that it will connect to. */
export function keepAwaited(state: State): void {
  for (const hostname of state.contact.answering) {
    const node = state.nodes.get(hostname);
    if (node === undefined || !isNeeded(state, node)) state.contact.answering.delete(hostname);
  }
}

export const outageEvolvers: {
  readonly outage_suspected: Evolver<'outage_suspected'>;
  readonly outage_over: Evolver<'outage_over'>;
} = {
  outage_suspected: (state, { silent, of, until }, time) => {
    state.outage = { since: time, until, silent, of };
    // That the connection was lost is not held against a node then.
    for (const [hostname, sinceMs] of state.contact.silent) {
      const node = state.nodes.get(hostname);
      if (node !== undefined) node.drops = node.drops.filter((at) => at < sinceMs);
    }
  },
  outage_over: (state, { cause }) => {
    const { silent } = state.contact;
    if (cause === 'too_long' && state.outage !== undefined && silent.size > 0) {
      state.outage.spent = true;
      return;
    }
    delete state.outage;
    // What is left is judged like any other node: attempts that could not succeed do not count.
    for (const hostname of silent.keys()) {
      const node = state.nodes.get(hostname);
      if (node !== undefined) node.attempts = 0;
    }
  },
};
