import type { Client, ClientChannel } from 'ssh2';
import { AccessError } from '../access.ts';
import type { CommandEnd, RunningCommand } from '../command.ts';

/**
 * Starts a command on a connection.
 *
 * @throws AccessError `failed` when the server opens no session for it
 */
export function startOnChannel(client: Client, command: string, place: string): Promise<RunningCommand> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      const message = `${place} starts no command: ${error.message}; it may have too many at once (MaxSessions)`;
      reject(new AccessError('failed', message, { cause: error }));
    };
    try {
      client.exec(command, (error, channel) => {
        if (error) refuse(error);
        else resolve(watchable(channel));
      });
    } catch (error) {
      // The connection has just ended; ssh2 throws for that alone.
      reject(new AccessError('closed', `The connection to ${place} has ended`, { cause: error }));
    }
  });
}

function watchable(channel: ClientChannel): RunningCommand {
  const ended = new Promise<CommandEnd | undefined>((resolve) => {
    let end: CommandEnd | undefined;
    channel.once('exit', (code: number | null, signal?: string) => {
      end = code === null ? { signal: signal ?? 'SIGKILL' } : { code };
    });
    channel.once('close', () => resolve(end));
  });
  // The channel's own close is all there is: sshd signals no command that has reached the end of its input.
  const release = () => {
    channel.resume();
    channel.stderr.resume();
    channel.close();
  };
  return { stdin: channel, stdout: channel, stderr: channel.stderr, ended, kill: release, release };
}
