/** Exit codes of `plush`. */
export const EXIT = {
  ok: 0,
  /** The run did not succeed, or a call was refused. */
  failed: 1,
  /** Wrong usage, or a specification with errors. */
  usage: 2,
  /** Ended by Ctrl-C: 128 + SIGINT. */
  interrupted: 130,
  /** Nobody reads our output any more: 128 + SIGPIPE, as the shell reports it of other programs. */
  brokenPipe: 141,
} as const;

/** Ends a command: a sentence for the person, and the exit code. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode: number = EXIT.failed,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CommandError';
  }
}
