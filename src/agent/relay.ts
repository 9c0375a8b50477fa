import { connect } from 'node:net';
import { RELAY_READY } from '../wire/agent.ts';

/** Exit code when nobody listens on the socket. */
const EXIT_NOT_LISTENING = 4;

/**
 * Carries standard input and output to a Unix socket and back, for controllers whose sshd would not. The first line out is
 * RELAY_READY; what a login shell printed before it is not ours.
 */
export function relay(socketPath: string): void {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  let failed = false;
  socket.once('connect', () => {
    process.stdout.write(`\n${RELAY_READY}\n`);
    process.stdin.pipe(socket);
    socket.pipe(process.stdout);
  });
  socket.on('error', (error) => {
    failed = true;
    process.stderr.write(`Nobody answers at the agent's socket: ${error.message}\n`);
  });
  // Whoever asked for the relay has gone; nothing is left to carry.
  process.stdout.on('error', () => socket.destroy());
  process.stdin.on('error', () => socket.destroy());
  socket.once('close', () => {
    process.exitCode = failed ? EXIT_NOT_LISTENING : 0;
    process.stdin.destroy();
  });
}
