/** How nodes are reached over SSH, as the options and the account's own configuration say. */
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createSshAccess, type SshAccess } from '../drivers/ssh/access.ts';
import type { StateDir } from '../drivers/state-dir.ts';
import type { Options } from './options.ts';

const IDENTITIES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

export function sshAccess(options: Options, stateDir: StateDir): SshAccess {
  const home = homedir();
  return createSshAccess({
    ...(options.sshIdentity === undefined ? {} : { identityFile: options.sshIdentity }),
    ...(process.env.SSH_AUTH_SOCK ? { agentSocket: process.env.SSH_AUTH_SOCK } : {}),
    defaultIdentityFiles: IDENTITIES.map((name) => join(home, '.ssh', name)),
    hostKeys: options.sshHostKeys,
    knownHostsFiles: [join(home, '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'],
    acceptedHostsFile: stateDir.file('known_hosts'),
    defaultUser: userInfo().username,
  });
}
