import { writeFileSync } from 'node:fs';
import type { NodeSpec } from '../../api/spec.ts';
import { createSshAccess, type SshAccessOptions } from '../../src/drivers/ssh/access.ts';
import type { Scratch } from './scratch.ts';
import type { Sshd } from './sshd.ts';

/** Options to replace; undefined takes an option away. */
export type SshAccessChanges = { readonly [K in keyof SshAccessOptions]?: SshAccessOptions[K] | undefined };

/** An access that knows the server's host keys and has a key that it takes. */
export function accessTo(scratch: Scratch, sshd: Sshd, changes: SshAccessChanges = {}) {
  const knownHosts = scratch.path('ssh', 'known_hosts');
  writeFileSync(knownHosts, sshd.addresses.map((address) => sshd.knownHost(address)).join(''));
  const options = {
    identityFile: sshd.identityFile,
    hostKeys: 'strict',
    knownHostsFiles: [knownHosts],
    acceptedHostsFile: scratch.path('ssh', 'accepted'),
    defaultUser: sshd.user,
    ...changes,
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return createSshAccess(Object.fromEntries(given) as unknown as SshAccessOptions);
}

/** The node at one of the server's addresses, the first by default. */
export function nodeAt(sshd: Sshd, address = sshd.addresses[0] ?? ''): NodeSpec {
  return { hostname: address, type: 'ssh', ssh_port: sshd.port };
}
