import { isIPv6 } from 'node:net';
import type { NodeSpec } from '../../../api/spec.ts';
import { AccessError } from '../access.ts';

/** RFC 4253 gives SSH this port. */
const SSH_PORT = 22;

const MAX_PORT = 65_535;

/** Where a connection goes, and as whom. */
export interface SshTarget {
  /** Name or address, an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private key file for this machine alone. */
  readonly identityFile?: string;
  /** For messages: "10.0.0.7 port 22". */
  readonly place: string;
}

/**
 * Where to reach a node. The port in its hostname is part of its name alone; SSH listens on `ssh_port`.
 *
 * @throws AccessError `unresolved` when the hostname holds no host, `failed` when the port is none
 */
export function targetOf(node: NodeSpec, defaultUser: string): SshTarget {
  const host = hostOf(node.hostname);
  const port = node.ssh_port ?? SSH_PORT;
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) {
    throw new AccessError('failed', `The SSH port ${port} of ${host} is not between 1 and ${MAX_PORT}`);
  }
  return {
    host,
    port,
    user: node.user ?? defaultUser,
    place: `${host} port ${port}`,
    ...(node.ssh_identity === undefined ? {} : { identityFile: node.ssh_identity }),
  };
}

/** "host", "host:port", an IPv6 address bare or in brackets, with or without a port after them. */
function hostOf(hostname: string): string {
  if (isIPv6(hostname)) return hostname;
  const host = /^\[([^\]]+)\](?::\d+)?$/.exec(hostname)?.[1] ?? /^([^:[\]\s]+)(?::\d+)?$/.exec(hostname)?.[1];
  if (host === undefined) {
    throw new AccessError(
      'unresolved',
      `The name ${JSON.stringify(hostname)} holds no host; write host or host:port`,
    );
  }
  return host;
}
