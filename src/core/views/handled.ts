/** What exit policies did about equal failures, in words: "Restarted 3 times, then the run was ended". */
import type { Policy } from '../../../api/spec.ts';
import type { Handled } from '../state.ts';

const PHRASES: { readonly [P in Policy]: (times: number, nodes: number) => string } = {
  restart_process: (times) => `restarted ${often(times)}`,
  restart_application: (times) => `the application was begun again ${often(times)}`,
  continue: (times) => (times === 1 ? 'it counted as complete' : `${times} of them counted as complete`),
  ignore: (_times, nodes) =>
    `the run went on without the process on ${nodes === 1 ? 'a node' : `${nodes} nodes`}`,
  end_application: () => 'the run was ended as succeeded',
  fail_application: () => 'the run was ended',
};

/** Policies that leave nothing to do. */
const LAST: ReadonlySet<Policy> = new Set(['end_application', 'fail_application']);

/** @param handled at least one, all of equal failures */
export function handledSentence(handled: readonly Handled[]): string {
  const byPolicy = new Map<Policy, { times: number; hosts: Set<string> }>();
  for (const { policy, times, hosts } of handled) {
    const sum = byPolicy.get(policy) ?? { times: 0, hosts: new Set<string>() };
    sum.times += times;
    for (const host of hosts) sum.hosts.add(host);
    byPolicy.set(policy, sum);
  }
  const phrase = ([policy, { times, hosts }]: [Policy, { times: number; hosts: Set<string> }]) =>
    PHRASES[policy](times, hosts.size);
  const entries = [...byPolicy];
  const before = entries.filter(([policy]) => !LAST.has(policy)).map(phrase);
  const last = entries.filter(([policy]) => LAST.has(policy)).map(phrase);
  const text = [before.join('; '), ...last].filter((part) => part !== '').join(', then ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function often(times: number): string {
  return times === 1 ? 'once' : `${times} times`;
}
