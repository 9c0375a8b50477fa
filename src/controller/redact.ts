/** Parameters as an audit may show them: without secrets, and never large. */
const SECRET = /secret|token|passw|credential|api_?key|private_?key/i;
const HIDDEN = '(hidden)';
/** Longest text that is shown whole. */
const MAX_CHARACTERS = 512;
/** Of a longer text so much is searched for what must be hidden: more than is shown, so that no half of it is. */
const LOOKED_AT_CHARACTERS = 2 * MAX_CHARACTERS;
const USERINFO = /:\/\/[^\s/?#@]{1,512}@/g;
/** Members or values of one level that are shown. */
const MAX_MEMBERS = 32;
const MAX_DEPTH = 4;
/** What all parameters of a call take together, about. */
const MAX_TOTAL = 4_096;

/** @param params as they came: anything a decoder makes */
export function redacted(params: unknown): unknown {
  const room = { left: MAX_TOTAL };
  return shown(params, 0, room);
}

interface Room {
  left: number;
}

function shown(value: unknown, depth: number, room: Room): unknown {
  if (typeof value === 'string') return text(value, room);
  room.left -= 8;
  if (value instanceof Date) return value;
  if (value instanceof Uint8Array) return `(${value.length} bytes)`;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH || room.left < 0) return '(left out)';
  return Array.isArray(value) ? list(value, depth, room) : struct(value, depth, room);
}

function list(values: readonly unknown[], depth: number, room: Room): unknown[] {
  const some = values.slice(0, MAX_MEMBERS).map((value) => shown(value, depth + 1, room));
  const more = values.length - some.length;
  return more === 0 ? some : [...some, `(${more} more)`];
}

function struct(value: object, depth: number, room: Room): object {
  const all = Object.entries(value);
  const some: [string, unknown][] = all
    .slice(0, MAX_MEMBERS)
    .map(([name, member]) => [
      cut(name),
      SECRET.test(name) && isText(member) ? HIDDEN : shown(member, depth + 1, room),
    ]);
  const more = all.length - some.length;
  // Object.fromEntries makes a member of __proto__ too.
  return Object.fromEntries(more === 0 ? some : [...some, ['…', `(${more} more)`]]);
}

/** A member such as `token_count` is a number and no secret. */
function isText(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Uint8Array;
}

function text(value: string, room: Room): string {
  if (room.left < 0) return '(left out)';
  const short = cut(value);
  room.left -= short.length;
  return short;
}

/** Before it is cut, name and password go from the URLs in it. */
function cut(value: string): string {
  const start = value.slice(0, LOOKED_AT_CHARACTERS);
  const clean = start.includes('://') ? start.replace(USERINFO, `://${HIDDEN}@`) : start;
  if (value.length <= MAX_CHARACTERS) return clean;
  return `${clean.slice(0, MAX_CHARACTERS)}… (${value.length} characters)`;
}
