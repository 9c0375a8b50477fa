import type { FaultSymbol } from '../../api/faults.ts';

/** plushd answered that it will not. `message` is the fault's sentence: symbol, what is wrong, and what to do. */
export class PlushFault extends Error {
  constructor(
    message: string,
    /** The number of the table of faults. */
    readonly code: number,
    /** Stable; match on this. Empty where the answer had none. A newer plushd may have symbols that are not listed here. */
    readonly symbol: FaultSymbol | (string & {}),
    /** What the caller can do; may be empty. */
    readonly hint: string = '',
    /** What the fault is about, where there is more than the sentence. */
    readonly details?: unknown,
  ) {
    super(message);
    this.name = 'PlushFault';
  }
}

/**
 * Nobody answers there now; it may be worth another try. Whether plushd acted on the call is not known: it may have gone
 * away before the call, or after it.
 */
export class UnreachableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnreachableError';
  }
}

/** Somebody answers, but not to us: a wrong token, or no plushd at all. Another try changes nothing. */
export class RefusedError extends Error {
  constructor(
    message: string,
    /** What was not good enough: the token is unknown or unreadable, it lacks the scope, the request is too large, or the other side is no plushd. */
    readonly reason: 'token' | 'scope' | 'stranger' | 'request' | 'size',
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'RefusedError';
  }
}

/** A fault out of the `error` member of a JSON-RPC answer, whatever that holds. */
export function faultOf(error: unknown): PlushFault {
  const { code, message, data } = (error ?? {}) as { code?: unknown; message?: unknown; data?: unknown };
  const { code: symbol, hint, details } = (data ?? {}) as Readonly<Record<string, unknown>>;
  return new PlushFault(
    typeof message === 'string' ? message : 'The call was refused without a reason',
    typeof code === 'number' ? code : 0,
    typeof symbol === 'string' ? symbol : '',
    typeof hint === 'string' ? hint : '',
    details,
  );
}

/** What a person needs to know of an error; one that stands for several addresses says what happened at the first. */
export function sentenceOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return sentenceOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
