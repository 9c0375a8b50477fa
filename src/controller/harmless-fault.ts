/** Faults of subscribers that calling again would not mend, and that do not mean that something went wrong. */

/** There is no method of that name: "method not found" of JSON-RPC and of the fault code interoperability, of xmlrpc-c, and of Twisted. */
const CODES = new Set([-32601, -506, 8001]);

/** Servers without a code of their own for it: Python's, Ruby's, Perl's RPC::XML and Frontier, phpxmlrpc, Apache's. */
const WORDS = [
  /\bmethod ["'`]?[\w.]+["'`]? (?:is not supported|not found|is not defined|missing or wrong number)/i,
  /\b(?:unknown|no such) (?:method|handler|procedure|function)\b/i,
  // Python's server, when a handler has ended well and returned nothing.
  /cannot marshal None unless allow_none is enabled/,
];

/** Whether a subscriber says that it has no method of the name that was called, or only that it has nothing to answer. */
export function isHarmless({ code, message }: { readonly code: number; readonly message: string }): boolean {
  return CODES.has(code) || WORDS.some((words) => words.test(message));
}
