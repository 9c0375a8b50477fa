/** A fault on its way to a caller: number, symbol, and one sentence that ends with what to do. */
import { type FaultSymbol, faults } from '../../api/faults.ts';
import { methodTable } from '../../api/methods.ts';
import { Rejection } from '../core/rejection.ts';
import { didYouMean } from '../core/suggest.ts';

export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: number;
  readonly hint: string;

  /**
   * @param sentence without symbol and hint
   * @param better what to do, where that is less general than what the table says
   */
  constructor(
    readonly symbol: FaultSymbol,
    sentence: string,
    readonly details?: unknown,
    better?: string,
  ) {
    const { code, hint: general } = faults[symbol];
    const hint = better ?? general;
    super(`${symbol}: ${ended(sentence)}${hint === '' ? '' : ` ${hint}`}`);
    this.code = code;
    this.hint = hint;
  }
}

/** With a full stop, where the sentence has no end yet. */
export function ended(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** Longest part of a wrong name that is repeated to the caller. */
const MAX_SHOWN_CHARACTERS = 100;

/** The fault for a method that the table does not have. */
export function unknownMethod(method: string): Fault {
  const shown = JSON.stringify(method.slice(0, MAX_SHOWN_CHARACTERS));
  return new Fault(
    'UNKNOWN_METHOD',
    `There is no method ${shown}${didYouMean(method, Object.keys(methodTable))}`,
  );
}

/** What a handler threw, as a fault; undefined for a defect of ours. */
export function asFault(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error;
  if (error instanceof Rejection) return new Fault(error.symbol, error.message, error.details);
  return undefined;
}
