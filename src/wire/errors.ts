/**
 * The ways a body can fail to be a call, with the numbers that XML-RPC's "Specification for Fault Code
 * Interoperability" and JSON-RPC 2.0 (section 5.1) give them.
 */

const WIRE_CODES = {
  /** The text breaks the rules of XML or JSON, or uses a DOCTYPE. */
  NOT_WELL_FORMED: -32700,
  /** The text is in an encoding that is not read. */
  UNSUPPORTED_ENCODING: -32701,
  /** The bytes are not in the encoding they claim, or name a character that XML does not allow. */
  INVALID_CHARACTER: -32702,
  /** Well formed, but not a call or an answer. */
  INVALID_REQUEST: -32600,
} as const;

/** Stable name of a wire error; callers match on it, never on the message. */
export type WireSymbol = keyof typeof WIRE_CODES;

/** An error as plain data, ready to be answered. */
export interface WireFault {
  readonly code: number;
  readonly symbol: WireSymbol;
  /** One sentence: what is wrong and where. */
  readonly message: string;
}

/** A body that is not what it should be. It concerns the body alone: the decoder can go on with the next one. */
export class WireError extends Error implements WireFault {
  override readonly name = 'WireError';
  readonly code: number;
  readonly symbol: WireSymbol;

  constructor(symbol: WireSymbol, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.symbol = symbol;
    this.code = WIRE_CODES[symbol];
  }
}

/** The same as plain data, for one bad item among good ones. */
export function wireFault(symbol: WireSymbol, message: string): WireFault {
  return { code: WIRE_CODES[symbol], symbol, message };
}

const MAX_QUOTED_CHARS = 40;

/** A piece of the input for use in a message: quoted, cut to a bound, free of control characters. */
export function quoted(piece: string): string {
  const cut = piece.length > MAX_QUOTED_CHARS ? `${piece.slice(0, MAX_QUOTED_CHARS)}…` : piece;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return `"${cut.replace(/[\u0000-\u001f\u007f-\u009f\p{Cs}\ufffe\uffff]/gu, '\ufffd')}"`;
}
