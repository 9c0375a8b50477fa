/** A fault on its way to a caller: number, symbol, and one sentence that ends with what to do. */
import { type FaultSymbol, faults } from '../../api/faults.ts';
import { Rejection } from '../core/rejection.ts';

export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: number;
  readonly hint: string;

  /** @param sentence without symbol and hint */
  constructor(
    readonly symbol: FaultSymbol,
    sentence: string,
    readonly details?: unknown,
  ) {
    const { code, hint } = faults[symbol];
    super(`${symbol}: ${sentence}${/[.!?]$/.test(sentence) ? '' : '.'}${hint === '' ? '' : ` ${hint}`}`);
    this.code = code;
    this.hint = hint;
  }
}

/** What a handler threw, as a fault; undefined for a defect of ours. */
export function asFault(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error;
  if (error instanceof Rejection) return new Fault(error.symbol, error.message, error.details);
  return undefined;
}
