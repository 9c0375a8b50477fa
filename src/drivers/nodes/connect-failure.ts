/** What went wrong on the way to an agent, as facts carry it. */
import type { Failure } from '../../../api/schemas.ts';
import type { NodeSpec } from '../../../api/spec.ts';
import { type AccessCause, AccessError } from '../access.ts';
import { messageOf } from '../agent-error.ts';
import { BootstrapError } from './bootstrap-error.ts';

/**
 * The same sentence whichever node it is, so that a hundred of them fold into one; what was seen on this node, with its
 * address and keys, stands beside it.
 */
const SENTENCES: Readonly<Record<Exclude<AccessCause, 'failed'>, string>> = {
  unresolved: "The node's name does not resolve",
  refused: "Nothing listens on the node's SSH port",
  unreachable: 'The node does not answer',
  auth_failed: 'The node lets us in with none of our SSH keys',
  no_identity: 'There is no SSH key to log in with',
  host_key_unknown: "The node's SSH host key is not known",
  host_key_changed: "The node's SSH host key has changed",
  timeout: 'The node did not answer in time',
  closed: 'The SSH connection to the node broke',
  forwarding_refused:
    "The node's SSH server lets us neither reach the agent's socket nor start a relay to it",
  not_listening: "Nobody listens on the agent's socket",
};

/** @param error AccessError, BootstrapError, LinkError, or anything else that an attempt to connect ended with */
export function connectFailure(error: unknown, node: NodeSpec): Failure {
  if (error instanceof BootstrapError) {
    return { phase: 'bootstrap', cause: error.code, message: error.message, attempt: 1, ...error.details };
  }
  if (error instanceof AccessError) {
    const { code, message } = error;
    if (code === 'failed') return { phase: 'bootstrap', cause: code, message, attempt: 1 };
    const seen = node.type === 'ssh' ? { command: sshCommand(node) } : {};
    return {
      phase: 'bootstrap',
      cause: code,
      message: SENTENCES[code],
      ...seen,
      stderr_tail: [message],
      attempt: 1,
    };
  }
  return { phase: 'bootstrap', cause: 'agent_unreachable', message: messageOf(error), attempt: 1 };
}

/** What a person would type to try the same. */
function sshCommand({ hostname, user, ssh_port, ssh_identity }: NodeSpec): string {
  const host = /^(.*?)(:\d+)?$/.exec(hostname)?.[1] ?? hostname;
  return [
    'ssh',
    ...(ssh_identity === undefined ? [] : ['-i', ssh_identity]),
    ...(ssh_port === undefined ? [] : ['-p', String(ssh_port)]),
    `${user === undefined ? '' : `${user}@`}${host.replace(/^\[|\]$/g, '')}`,
  ].join(' ');
}
