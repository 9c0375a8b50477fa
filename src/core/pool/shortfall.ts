/** Too few nodes, in words: which requirement removed how many. */
import type { Shortfall } from '../../../api/schemas.ts';
import type { HostReference } from '../../../api/spec.ts';
import type { PoolNode, State } from '../state.ts';
import { hostPart } from './hostname.ts';
import { AT_LEAST, AT_MOST } from './requirements.ts';

/** How a requirement begins that names a static host. */
const STATIC = 'static host ';

/** Requirements on what a node is not, by what is said of one and of several nodes that are. */
const NOT: Readonly<Record<string, readonly [one: string, several: string]>> = {
  'not lost to this run': ['was lost by this run before', 'were lost by this run before'],
  'not past the end of their lease': ['is past the end of its lease', 'are past the end of their leases'],
  'not still to be cleaned of their earlier part in this run': [
    'is still to be cleaned of its earlier part in this run',
    'are still to be cleaned of their earlier part in this run',
  ],
  'not still being cleaned after their removal': [
    'is still being cleaned after its removal',
    'are still being cleaned after their removal',
  ],
};

type Removed = Shortfall['removed'][number];

/** What is said of the nodes that a requirement removed: "are marked failed" */
function phrase({ requirement, nodes }: Removed): string {
  const isOne = nodes === 1;
  const [is, has] = isOne ? ['is', 'has'] : ['are', 'have'];
  const known = NOT[requirement];
  if (known !== undefined) return isOne ? known[0] : known[1];
  if (requirement.startsWith(AT_LEAST)) return `${has} less than ${requirement.slice(AT_LEAST.length)}`;
  if (requirement.startsWith(AT_MOST)) return `${has} more than ${requirement.slice(AT_MOST.length)}`;
  return requirement.startsWith('not ') ? `${is} ${requirement.slice(4)}` : `${is} not ${requirement}`;
}

/** "2 nodes are marked failed"; of a static host, "Static host "n1" is not in the pool" */
function removedSentence(removed: Removed): string {
  const { requirement, nodes } = removed;
  if (requirement.startsWith(STATIC)) return staticSentence(requirement);
  return `${nodes} ${nodes === 1 ? 'node' : 'nodes'} ${phrase(removed)}`;
}

function staticSentence(requirement: string): string {
  const [name, reason] = split(requirement);
  return `S${name.slice(1)} ${reason}`;
}

/** Journals of earlier versions do not tell what is the matter with a static host. */
function split(requirement: string): readonly [name: string, reason: string] {
  const at = requirement.lastIndexOf(', which ');
  return at < 0
    ? [requirement, 'is missing, marked failed or in use']
    : [requirement.slice(0, at), requirement.slice(at + 8)];
}

/** The shortfall with a sentence beside each requirement, for those who show them one by one. */
export function toldShortfall(shortfall: Shortfall): Shortfall {
  const removed = shortfall.removed.map((one) => ({ ...one, sentence: removedSentence(one) }));
  return { ...shortfall, removed };
}

/** A shortfall as two sentences. */
export function shortfallSentence({ component, wanted, found, pool, removed }: Shortfall): string {
  const needs: string[] = [];
  if (found < wanted) {
    const can = found === 0 ? 'none' : `only ${found}`;
    needs.push(`needs at least ${wanted} ${wanted === 1 ? 'node' : 'nodes'} and can have ${can}`);
  }
  const why: string[] = [];
  for (const one of removed) {
    if (!one.requirement.startsWith(STATIC)) {
      why.push(`${one.nodes} ${phrase(one)}`);
      continue;
    }
    const [name, reason] = split(one.requirement);
    needs.push(`needs the ${name}, which ${reason}`);
  }
  const size =
    pool === 1 ? 'The pool has 1 node' : pool === 0 ? 'The pool is empty' : `The pool has ${pool} nodes`;
  const reasons = why.length === 0 ? '' : `: ${why.join('; ')}`;
  return `Component "${component}" ${needs.join(', and ')}. ${size}${reasons}.`;
}

/**
 * The requirement that a static host is not there for.
 * @param unmet why a node of the pool that is meant cannot be had, as a requirement; undefined where nothing says so
 */
export function staticRequirement(
  state: State,
  host: HostReference,
  refersTo: (node: PoolNode) => boolean,
  unmet: (node: PoolNode) => string | undefined,
): string {
  const name = `${STATIC}"${host.user === undefined ? '' : `${host.user}@`}${host.hostname}"`;
  let other: PoolNode | undefined;
  for (const node of state.nodes.values()) {
    if (refersTo(node)) {
      const requirement = unmet(node) ?? 'not wanted by another component too';
      return `${name}, which ${phrase({ requirement, nodes: 1 })}`;
    }
    const { hostname } = node.spec;
    if (host.hostname === hostname || host.hostname === hostPart(hostname)) other = node;
  }
  if (other === undefined) return `${name}, which is not in the pool`;
  return `${name}, which is in the pool with the user "${other.spec.user}"`;
}
