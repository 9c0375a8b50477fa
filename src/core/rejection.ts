/** A command that cannot be carried out. Nothing has become true; the caller gets the fault of that symbol. */
import type { FaultSymbol } from '../../api/faults.ts';

export class Rejection extends Error {
  override readonly name = 'Rejection';

  /** @param message one sentence without the symbol and without the hint */
  constructor(
    readonly symbol: FaultSymbol,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
  }
}
