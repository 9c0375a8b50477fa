/**
 * How the controller judges nodes, as its options say. Rules are for decisions alone: what was decided is in the facts, so that a
 * journal folds to the same state whatever the options are then.
 */
import type { Moment } from '../input.ts';
import type { PoolNode } from '../state.ts';

export interface NodeRules {
  /** How long a failed flag stands (section 4.2 of plush-toit.2011, note 4). */
  readonly failedMs: number;
  /** The same for a cause that is not the node's: once a person has mended that, the nodes are good. */
  readonly failedShortMs: number;
  /** A node that loses its connection this often … */
  readonly dropCount: number;
  /** … within this time is failed for good (engine, Repair). */
  readonly dropWindowMs: number;
  /** Where most nodes fall silent at once, none is replaced for so long; 0: they are replaced like any other. */
  readonly holdMs: number;
  /** … which is so many of all nodes that answered, in percent. */
  readonly holdPercent: number;
}

export const NODE_RULES: NodeRules = {
  failedMs: 10 * 60_000,
  failedShortMs: 10_000,
  dropCount: 3,
  dropWindowMs: 10 * 60_000,
  holdMs: 10 * 60_000,
  holdPercent: 80,
};

/** The rules that a moment brings, or those of a daemon without options. */
export function rulesOf({ rules = NODE_RULES }: Moment): NodeRules {
  return rules;
}

/** The controller's own set-up, a package's server, or the program. */
const NOT_THE_NODES: ReadonlySet<string> = new Set([
  'auth_failed',
  'no_identity',
  'host_key_unknown',
  'download_failed',
  'download_incomplete',
  'download_stalled',
  'exit_code',
  'signal',
]);

/** How long a failed flag of that cause stands. */
export function flagMs({ failedMs, failedShortMs }: NodeRules, cause: string): number {
  return NOT_THE_NODES.has(cause) ? Math.min(failedShortMs, failedMs) : failedMs;
}

/** When a failed flag ends, in ms since 1970. Journals of the first version do not tell it: it was always the same then. */
export function flagEndMs({ at, until, failure }: NonNullable<PoolNode['failed']>): number {
  return until === undefined ? Date.parse(at) + flagMs(NODE_RULES, failure.cause) : Date.parse(until);
}

/** Losses of the connection that count at that time, with the one that is now. */
export function dropsNow({ dropWindowMs }: NodeRules, drops: readonly number[], nowMs: number): number {
  return drops.filter((at) => at > nowMs - dropWindowMs).length + 1;
}

/** @param count how many are remembered, as the fact says; journals of the first version do not */
export function addDrop(drops: readonly number[], atMs: number, count: number | undefined): number[] {
  if (count !== undefined) return [...drops, atMs].slice(-Math.max(1, count));
  const { dropCount, dropWindowMs } = NODE_RULES;
  return [...drops.filter((drop) => drop > atMs - dropWindowMs), atMs].slice(-dropCount);
}
