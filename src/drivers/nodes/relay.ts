/**
 * The way to an agent's socket through a command, for machines whose sshd forwards to no Unix socket: the agent's own
 * program, started as `--relay SOCKET`, carries its standard input and output to the socket and back. So a node needs
 * nothing but an sshd and a shell.
 */

import type { Duplex } from 'node:stream';
import { durationText } from '../../core/duration.ts';
import { RELAY_READY } from '../../wire/agent.ts';
import { AccessError, type NodeSession } from '../access.ts';
import { startDeadline } from '../deadline.ts';

/** What a login shell may print before the relay begins; more is no greeting. */
const MAX_GREETING_BYTES = 64 << 10;

const MARK = Buffer.from(`${RELAY_READY}\n`);

/**
 * Opens a stream to the agent's socket.
 * @throws AccessError `not_listening`, `timeout`, `closed`, or `failed` when the command answers otherwise than a relay
 */
export async function dialThroughRelay(
  session: NodeSession,
  command: string,
  timeoutMs: number,
): Promise<Duplex> {
  const deadline = performance.now() + timeoutMs;
  const stream = await session.pipe(command, timeoutMs);
  try {
    await skipGreeting(stream, Math.max(1, deadline - performance.now()));
    return stream;
  } catch (error) {
    // The error is told here already.
    stream.once('error', () => undefined);
    stream.destroy();
    throw error;
  }
}

/** Takes everything up to the relay's first line off the stream. */
function skipGreeting(stream: Duplex, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const settle = (end: () => void) => {
      clearTimeout(timer);
      stream.off('readable', onReadable).off('error', onError).off('end', onEnd);
      end();
    };
    const fail = (error: AccessError) => settle(() => reject(error));
    const onError = (error: Error) =>
      fail(error instanceof AccessError ? error : new AccessError('failed', error.message, { cause: error }));
    const onEnd = () => fail(new AccessError('failed', 'The relay to the agent ended before it began'));
    // Not 'data', after which a stream that is paused would stay so for its next reader.
    const onReadable = () => {
      const chunk = stream.read() as Buffer | null;
      if (chunk === null) return;
      seen = Buffer.concat([seen, chunk]);
      const at = seen.indexOf(MARK);
      if (at >= 0) {
        const rest = seen.subarray(at + MARK.length);
        if (rest.length > 0) stream.unshift(rest);
        settle(resolve);
      } else if (seen.length > MAX_GREETING_BYTES) {
        fail(new AccessError('failed', 'The relay to the agent answers with something else than a relay'));
      }
    };
    const timer = startDeadline(timeoutMs, () => {
      fail(
        new AccessError('timeout', `The relay to the agent did not begin within ${durationText(timeoutMs)}`),
      );
    });
    stream.on('readable', onReadable).once('error', onError).once('end', onEnd);
  });
}
