/**
 * Why sshd did not bring us to a socket. OpenSSH answers "open failed" with one and the same reason, whether nobody listens
 * or forwarding is forbidden, so the machine itself is asked.
 */
import { AccessError, type NodeSession } from '../access.ts';
import { quote } from './shell.ts';

/** Reasons for not opening a channel: RFC 4254, section 5.1. */
const CONNECT_FAILED = 2;
const RESOURCE_SHORTAGE = 4;

/** Longest time to ask the machine; the answer only makes the error better. */
const INSPECT_TIMEOUT_MS = 5_000;

/**
 * Says what is the matter with the socket $1. Linux lists its Unix sockets in /proc/net/unix, with the flag 00010000 for one
 * that listens. In one line, because not every login shell takes line breaks in quotes.
 */
const INSPECT = [
  '[ -S "$1" ] || { echo silent; exit; }',
  '[ -w "$1" ] || { echo denied; exit; }',
  '[ -r /proc/net/unix ] || { echo unknown; exit; }',
  'while read -r num refs protocol flags type state inode path',
  'do [ "$flags" = 00010000 ] && [ "$path" = "$1" ] && { echo listening; exit; }',
  'done </proc/net/unix',
  'echo silent',
].join('; ');

/**
 * @param error what ssh2 said when it could not open the channel
 * @param timeoutMs what is left of the caller's time
 */
export async function explainDialFailure(
  error: Error,
  session: Pick<NodeSession, 'exec'>,
  setting: { readonly place: string; readonly socketPath: string; readonly timeoutMs: number },
): Promise<AccessError> {
  const { place, socketPath } = setting;
  const reason = 'reason' in error ? error.reason : undefined;
  if (reason === RESOURCE_SHORTAGE) {
    return new AccessError('failed', `${place} has no room for another channel: ${error.message}`, {
      cause: error,
    });
  }
  if (reason !== CONNECT_FAILED) return forwardingRefused(place, error);
  const finding = await inspect(session, setting);
  switch (finding) {
    case 'listening':
      return forwardingRefused(place, error);
    case 'denied': {
      const message = `The account on ${place} may not write to the socket ${socketPath}`;
      return new AccessError('failed', message, { cause: error });
    }
    case 'unknown': {
      const message = `Nobody listens on the socket ${socketPath} of ${place}, or its sshd forwards to no Unix socket`;
      return new AccessError('not_listening', message, { cause: error });
    }
    case 'silent':
      return new AccessError('not_listening', `Nobody listens on the socket ${socketPath} of ${place}`, {
        cause: error,
      });
  }
}

const FINDINGS = ['silent', 'denied', 'listening'] as const;
type Finding = (typeof FINDINGS)[number] | 'unknown';

async function inspect(
  session: Pick<NodeSession, 'exec'>,
  setting: { readonly socketPath: string; readonly timeoutMs: number },
): Promise<Finding> {
  const timeoutMs = Math.min(setting.timeoutMs, INSPECT_TIMEOUT_MS);
  try {
    const command = `exec /bin/sh -c ${quote(INSPECT)} sh ${quote(setting.socketPath)}`;
    const { stdout } = await session.exec(command, { timeoutMs });
    // The login shell may have printed something before.
    return FINDINGS.find((word) => stdout.trimEnd().endsWith(word)) ?? 'unknown';
  } catch {
    // The dial's own error is what the caller must hear of.
    return 'unknown';
  }
}

function forwardingRefused(place: string, cause: Error): AccessError {
  const message = `The sshd of ${place} forwards to no Unix socket; set AllowStreamLocalForwarding yes in its sshd_config`;
  return new AccessError('forwarding_refused', message, { cause });
}
