/** What goes wrong while a node is prepared. */
import type { Failure } from '../../../api/schemas.ts';

/** A node could not be prepared. `cause` is a symbol, the message a sentence. */
export class BootstrapError extends Error {
  override readonly name = 'BootstrapError';

  constructor(
    readonly code: string,
    message: string,
    readonly details: Pick<Failure, 'command' | 'exit_code' | 'stderr_tail'> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
