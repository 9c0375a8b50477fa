import type { NodeAccess } from '../access.ts';
import { connectSsh } from './connection.ts';
import { type HostKeyOptions, HostKeys } from './host-keys.ts';
import { Identities, type IdentityOptions } from './identities.ts';
import { readRemoteFile } from './remote-file.ts';
import { SshSession } from './session.ts';
import { type SshTarget, targetOf } from './target.ts';

/** Time between two keepalives; a silent peer is given up after three of them. */
const KEEPALIVE_INTERVAL_MS = 3_000;

export interface SshAccessOptions extends IdentityOptions, HostKeyOptions {
  /** Account on machines for which none is named. */
  readonly defaultUser: string;
  /** Time between two keepalives; a silent peer is given up after three of them. @default 3000 */
  readonly keepaliveIntervalMs?: number;
}

export interface SshAccess extends Required<NodeAccess> {
  /** Connections that are logged in now. */
  readonly connections: number;
}

/** Machines reached with SSH: they need nothing but an sshd and a POSIX shell. */
export function createSshAccess(options: SshAccessOptions): SshAccess {
  const identities = new Identities(options);
  const hostKeys = new HostKeys(options);
  const keepaliveIntervalMs = options.keepaliveIntervalMs ?? KEEPALIVE_INTERVAL_MS;
  let connections = 0;
  const connect = async (target: SshTarget, timeoutMs: number) => {
    const plan = identities.planFor(target);
    const connection = await connectSsh(target, plan, hostKeys, { timeoutMs, keepaliveIntervalMs });
    if (!connection.socket.closed) {
      connections += 1;
      connection.socket.once('close', () => {
        connections -= 1;
      });
    }
    return connection;
  };
  return {
    get connections() {
      return connections;
    },
    async open(node, timeoutMs) {
      return new SshSession(await connect(targetOf(node, options.defaultUser), timeoutMs));
    },
    async readFile({ host, user, port, identity, path }, timeoutMs) {
      const node = {
        hostname: host,
        type: 'ssh' as const,
        ...(user === undefined ? {} : { user }),
        ...(port === undefined ? {} : { ssh_port: port }),
        ...(identity === undefined ? {} : { ssh_identity: identity }),
      };
      const deadline = performance.now() + timeoutMs;
      const connection = await connect(targetOf(node, options.defaultUser), timeoutMs);
      return await readRemoteFile(connection, path, deadline - performance.now());
    },
  };
}
