/** Exit policies and monitors in simulations, and that what they do is bounded. */
import { strict as assert } from 'node:assert';
import type { AppSpec, ExitPolicySpec, LivenessSpec, Policy } from '../../api/spec.ts';
import { MAX_RESTARTS } from '../../src/core/limits.ts';
import { subjectOf } from '../../src/core/run/evolve.ts';
import { planOf } from '../../src/core/run/plan.ts';
import { monitorsOf, processOf } from '../../src/core/run/policy.ts';
import type { Chance } from './chance.ts';
import type { Controller } from './controller.ts';

const POLICIES: readonly Policy[] = [
  'end_application',
  'fail_application',
  'restart_application',
  'restart_process',
  'restart_process',
  'continue',
  'ignore',
];

/** Mostly for exits that are failures; a policy for any exit would keep a program from ever completing. */
export function makePolicies(chance: Chance): Pick<AppSpec, 'exit_policies' | 'liveness'> {
  if (chance.is(0.5)) return {};
  const bounds = () => ({
    ...(chance.is(0.5) ? { max_restarts: chance.int(0, 3) } : {}),
    ...(chance.is(0.5) ? { backoff_ms: chance.delay(3000) } : {}),
  });
  const exit_policies = Array.from({ length: chance.int(1, 3) }, (): ExitPolicySpec => {
    const policy = chance.pick(POLICIES);
    if (chance.is(0.3)) return { signals: ['SIGSEGV'], policy, ...bounds() };
    const from = chance.int(1, 255);
    return { codes: [{ from, to: chance.int(from, 255) }], policy, ...bounds() };
  });
  if (chance.is(0.3)) {
    exit_policies.push({ codes: [{ from: 0, to: 0 }], policy: 'continue' });
    exit_policies.push({ any: true, policy: chance.pick(POLICIES), ...bounds() });
  }
  if (chance.is(0.7)) return { exit_policies };
  const times = { interval_ms: 1000, timeout_ms: 1000, failures: chance.int(1, 3) };
  const liveness = Array.from(
    { length: chance.int(1, 2) },
    (): LivenessSpec => ({
      ...{ type: 'output', ...times, policy: chance.pick(POLICIES), ...bounds() },
    }),
  );
  return { exit_policies, liveness };
}

/** No process and no application is begun again more often than the most generous of its policies allows. */
export function checkPolicies({ durable, state }: Controller): void {
  const again = new Map<string, number>();
  for (const { type, body } of durable) {
    if (type === 'run_restarting') {
      const spec = state.runs.get(body.run_id)?.spec;
      const { blocks, steps } = spec === undefined ? { blocks: new Map(), steps: new Map() } : planOf(spec);
      const all = [...blocks.keys(), ...steps.keys()];
      const most = Math.max(...all.map((block) => (spec === undefined ? 0 : mostRestarts(spec, block))));
      assert(body.restart <= most, `${body.run_id} was begun again ${body.restart} times`);
      for (const key of again.keys()) if (key.startsWith(`${body.run_id}/`)) again.delete(key);
    }
    if (type !== 'policy_applied' || body.policy !== 'restart_process') continue;
    const run = state.runs.get(body.run_id);
    if (run === undefined || run.service !== undefined) continue;
    const { block, hostname, number = 0 } = subjectOf(body.task_id);
    // In a workflow each of its tasks is counted for itself.
    const key = `${body.run_id}/${block}/${hostname}/${number}`;
    const restarts = (again.get(key) ?? 0) + 1;
    again.set(key, restarts);
    assert(restarts <= mostRestarts(run.spec, block), `${key} was started again ${restarts} times`);
  }
}

function mostRestarts(app: AppSpec, block: string): number {
  const policies = [
    ...(processOf(app, block)?.exit_policies ?? []),
    ...(app.exit_policies ?? []),
    ...monitorsOf(app, block),
  ];
  const restarting = policies.filter(({ policy }) => policy.startsWith('restart_'));
  return Math.max(0, ...restarting.map(({ max_restarts = MAX_RESTARTS }) => max_restarts));
}
