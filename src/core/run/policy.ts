/**
 * Which policy an exit leads to (Table II of plush-toit.2011): the process's own come first, then the application's; in each list
 * a policy that names the exit goes before one for any.
 */
import type { AppSpec, ExitPolicySpec, LivenessSpec, ProcessSpec, RestartBounds } from '../../../api/spec.ts';
import { BACKOFF_MS, MAX_BACKOFF_MS, MAX_RESTARTS, STOP_GRACE_MS } from '../limits.ts';
import { planOf } from './plan.ts';

/** How a task ended. */
export interface Exit {
  readonly cause?: string | undefined;
  readonly exit_code?: number | undefined;
  readonly signal?: string | undefined;
  readonly monitor?: number | undefined;
}

/** What to do about an exit, and within what bounds. */
export type Chosen = RestartBounds & Pick<ExitPolicySpec, 'policy'>;

/** Ends that are the node's trouble, not the program's: they are repaired, whatever the policies say. */
export const REPAIRED: ReadonlySet<string | undefined> = new Set([
  'lost',
  'stopped',
  'disk_full',
  'reinstall_failed',
]);

/** The process of a block, or of a step of a workflow; undefined for a block of another kind, and for one that is not there. */
export function processOf(app: AppSpec, block: string): ProcessSpec | undefined {
  const { blocks, steps } = planOf(app);
  const spec = steps.get(block)?.spec ?? blocks.get(block)?.spec;
  return spec?.kind === 'process' ? spec.process : undefined;
}

/** All monitors of a block's process: its own, then the application's. */
export function monitorsOf(app: AppSpec, block: string): readonly LivenessSpec[] {
  if (isCleanup(app, block)) return [];
  return [...(processOf(app, block)?.liveness ?? []), ...(app.liveness ?? [])];
}

/**
 * The policy for an exit; undefined where nothing else is to be done than without policies: 0 completes then, and anything
 * else fails the run.
 */
export function policyFor(app: AppSpec, block: string, exit: Exit): Chosen | undefined {
  if (REPAIRED.has(exit.cause)) return undefined;
  if (exit.monitor !== undefined) return monitorsOf(app, block)[exit.monitor];
  const chosen = exitPolicyFor(app, block, exit);
  return chosen?.policy === 'continue' && isSuccess(exit) ? undefined : chosen;
}

/** Whether a program did what it should, as far as its status tells. */
export function isSuccess({ exit_code, cause }: Exit): boolean {
  return exit_code === 0 && cause === undefined;
}

/** What cleans up is no process of the application's: its policies and monitors do not look at it. */
function isCleanup(app: AppSpec, block: string): boolean {
  return planOf(app).blocks.get(block)?.cleanup !== undefined;
}

function exitPolicyFor(app: AppSpec, block: string, exit: Exit): ExitPolicySpec | undefined {
  if (isCleanup(app, block)) return undefined;
  return firstMatch(processOf(app, block)?.exit_policies, exit) ?? firstMatch(app.exit_policies, exit);
}

function firstMatch(policies: readonly ExitPolicySpec[] = [], exit: Exit): ExitPolicySpec | undefined {
  return policies.find((policy) => names(policy, exit)) ?? policies.find((policy) => policy.any === true);
}

/** A program that never started, or was stopped for its time, has no status of its own: only `any` is meant for it. */
function names({ codes = [], signals = [] }: ExitPolicySpec, { cause, exit_code, signal }: Exit): boolean {
  if (cause !== undefined) return false;
  if (signal !== undefined) return signals.includes(signal);
  return exit_code !== undefined && codes.some(({ from, to }) => from <= exit_code && exit_code <= to);
}

/** The wait before a restart, doubled each time; undefined when there were enough. @param before restarts so far */
export function backoffMs(bounds: RestartBounds, before: number): number | undefined {
  const { max_restarts = MAX_RESTARTS, backoff_ms = BACKOFF_MS, max_backoff_ms = MAX_BACKOFF_MS } = bounds;
  if (before >= max_restarts) return undefined;
  // 2^30 times any backoff is beyond every bound already.
  return Math.min(Math.max(backoff_ms, max_backoff_ms), backoff_ms * 2 ** Math.min(before, 30));
}

/** How long the task of a block may take to obey its stop signal. */
export function graceOf(app: AppSpec, block: string): number {
  return processOf(app, block)?.stop_grace_ms ?? STOP_GRACE_MS;
}
