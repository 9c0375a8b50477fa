import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';

/**
 * Host key algorithms in the order of our liking: the cheapest to verify first. SHA-1 (`ssh-rsa`) comes last, for old
 * servers that have nothing else.
 */
const HOST_KEY_ALGORITHMS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
];

const RSA_ALGORITHMS: ReadonlySet<string> = new Set(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']);

/**
 * What to offer a server. Key exchange and ciphers are left to ssh2, which puts the fast ones first (curve25519-sha256,
 * aes128-gcm) and knows which of them this machine has. Host keys of a type that we know come first, so that a server
 * with several keys shows the one that can be checked. No compression: agents' traffic is small, and CPU is what a
 * thousand connections lack.
 *
 * @param knownTypes types of the keys in known_hosts for this host, such as `ssh-rsa`
 */
export function algorithmsFor(knownTypes: ReadonlySet<string>): Algorithms {
  const isKnown = (algorithm: ServerHostKeyAlgorithm) =>
    knownTypes.has(RSA_ALGORITHMS.has(algorithm) ? 'ssh-rsa' : algorithm);
  return {
    serverHostKey: [
      ...HOST_KEY_ALGORITHMS.filter((algorithm) => isKnown(algorithm)),
      ...HOST_KEY_ALGORITHMS.filter((algorithm) => !isKnown(algorithm)),
    ],
    compress: ['none'],
  };
}
