/** A hundred machines to reach: addresses of the loopback network behind one real OpenSSH server. */
import { readFileSync } from 'node:fs';
import type { NodeSpec } from '../../api/spec.ts';
import { createSshAccess } from '../../src/drivers/ssh/access.ts';
import type { Scratch } from '../../test/harness/scratch.ts';
import { type Sshd, startSshd } from '../../test/harness/sshd.ts';
import { waitFor } from '../../test/harness/wait.ts';

export const MACHINES = 100;

/** How long connections that were closed may take to be gone. */
const QUIET_MS = 60_000;
/** State of an established connection in /proc/net/tcp. */
const ESTABLISHED = '01';

export interface Farm {
  readonly sshd: Sshd;
  readonly nodes: readonly NodeSpec[];
  /** Resolves when no connection to the server is left, so that one measurement's end is not in the next one. */
  quiet(): Promise<void>;
}

/** @param config lines for the server's configuration */
export async function startFarm(
  scratch: Scratch,
  subnet: `127.${number}.${number}`,
  config: readonly string[] = [],
): Promise<Farm> {
  const sshd = await startSshd(scratch, { subnet, addresses: MACHINES, config });
  return {
    sshd,
    nodes: sshd.addresses.map((hostname) => ({ hostname, type: 'ssh', ssh_port: sshd.port })),
    quiet: async () => {
      await waitFor('the connections to end', () => connectionsTo(sshd.port) === 0, QUIET_MS);
    },
  };
}

/** The product's way to the farm, as a controller that was just started has it: no connection, no key in memory. */
export function accessToFarm(scratch: Scratch, { sshd }: Farm) {
  return createSshAccess({
    identityFile: sshd.identityFile,
    hostKeys: 'accept-new',
    knownHostsFiles: [],
    acceptedHostsFile: scratch.path('accepted_hosts'),
    defaultUser: sshd.user,
  });
}

function connectionsTo(port: number): number {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${wanted}`) && state === ESTABLISHED).length;
}
