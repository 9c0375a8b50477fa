/**
 * What a call may carry: the values that XML-RPC and JSON-RPC have in common, and the bounds on them.
 */

/**
 * One value on the wire, whatever the protocol. A struct is a plain object whose members are all its own: a
 * member named `__proto__` is data like any other. Numbers are finite when they were read; whole numbers beyond
 * 2^53 arrive as a string of digits from XML-RPC. Dates have a resolution of one second in XML-RPC.
 */
export type RpcValue = string | number | boolean | null | Date | Uint8Array | RpcValue[] | RpcStruct;

/** A struct (XML-RPC) or object (JSON). */
export type RpcStruct = { [member: string]: RpcValue };

/** Bounds on what is read. The size of a body is bounded by the transport, before a decoder sees it. */
export interface DecodeLimits {
  /** How deep arrays and structs may nest. @default 64 */
  readonly maxDepth?: number;
  /** How many calls one JSON-RPC batch may hold. @default 1000 */
  readonly maxBatch?: number;
}

/** How deep arrays and structs may nest in what is read. */
export const MAX_DECODE_DEPTH = 64;

/** How many calls one JSON-RPC batch may hold. */
export const MAX_BATCH_ITEMS = 1000;

/**
 * How deep arrays and structs may nest in what is written: more than what may be read, so that every value that
 * came in can go out inside a larger answer. It also ends the walk through a value that contains itself.
 */
export const MAX_ENCODE_DEPTH = 128;

/** Sets a member as plain data, also the one name whose assignment would change the object's prototype. */
export function setMember(struct: RpcStruct, name: string, value: RpcValue): void {
  if (name === '__proto__') {
    Object.defineProperty(struct, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    struct[name] = value;
  }
}
