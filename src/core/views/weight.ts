/** How large an answer becomes, told from its value before it is written. */

/** What the tags of one value take in XML-RPC, with those of the member that it may be. */
const VALUE_BYTES = 80;

/** Dates have longer tags, and a text of their own. */
const DATE_BYTES = 104;

/** A number without its exponent: 1e-300 is written with 300 digits. */
const LONG_NUMBER_BYTES = 400;

/** A character takes at most so much: in JSON NUL becomes "\u0000", and no other takes more. */
const MAX_CHARACTER_BYTES = 6;

const NEEDS_MORE = /[^ -~]|[&<>"\\]/;

/**
 * At least the bytes that a value takes in XML-RPC and in JSON; for plain text hardly more.
 *
 * @param most in bytes; a value found to be larger is looked at no further
 */
export function weigh(value: unknown, most: number): number {
  if (typeof value === 'string') return VALUE_BYTES + textBytes(value);
  if (typeof value === 'number') return isShort(value) ? VALUE_BYTES : LONG_NUMBER_BYTES;
  if (typeof value !== 'object' || value === null) return VALUE_BYTES;
  if (value instanceof Date) return DATE_BYTES;
  if (value instanceof Uint8Array) return VALUE_BYTES + Math.ceil(value.length / 3) * 4;
  let bytes = VALUE_BYTES;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (bytes > most) return bytes;
      bytes += weigh(item, most - bytes);
    }
    return bytes;
  }
  for (const [name, member] of Object.entries(value)) {
    if (bytes > most) return bytes;
    bytes += textBytes(name) + weigh(member, most - bytes);
  }
  return bytes;
}

function isShort(value: number): boolean {
  const magnitude = Math.abs(value);
  return value === 0 || (magnitude > 1e-6 && magnitude < 1e12);
}

function textBytes(text: string): number {
  return NEEDS_MORE.test(text) ? text.length * MAX_CHARACTER_BYTES : text.length;
}
