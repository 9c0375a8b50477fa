/** Small documents and values for the tests of the codecs. */
import type { Random } from '../../../src/core/random.ts';
import { WireError } from '../../../src/wire/errors.ts';
import { type RpcStruct, type RpcValue, setMember } from '../../../src/wire/values.ts';
import { decodeCall } from '../../../src/wire/xmlrpc/decode.ts';

/** A call of `m` with the given content of `<params>`. */
export function callWith(params: string): Buffer {
  return Buffer.from(
    `<?xml version="1.0"?><methodCall><methodName>m</methodName><params>${params}</params></methodCall>`,
  );
}

/** The value read from `<value>content</value>` as the only parameter. */
export function readValue(content: string): RpcValue | undefined {
  return decodeCall(callWith(`<param><value>${content}</value></param>`)).params[0];
}

/** What `run` throws, which has to be a WireError. */
export function wireErrorOf(run: () => unknown): WireError {
  try {
    run();
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

// biome-ignore format: one row is easier to read than one a line
const PIECES = [
  'a', 'Z', '0', ' ', '\n', '\t', '\r', '\r\n', '<', '>', '&', ']]>', '"', "'", '&amp;', '\\', '<!--', '\u0085',
  'ä', 'ß', '\u00a0', '漢', '\u2028', '\ufffd', '😀', '𝔘', '\ue000', '\u{10ffff}',
];
const NAMES = [
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '0',
  '17',
  'a b',
  '<&>',
  'naïve',
  'id',
];

/** A value that XML-RPC carries without loss: ints of 32 bits, dates of whole seconds, and so on. */
export function randomValue(random: Random, depth = 0): RpcValue {
  const below = (bound: number): number => Math.floor(random() * bound);
  switch (below(depth < 4 ? 9 : 6)) {
    case 0:
      return randomText(random);
    case 1:
      return below(2 ** 32) - 2 ** 31;
    case 2:
      return (random() - 0.5 + Number.EPSILON) * 10 ** (below(40) - 35);
    case 3:
      return random() < 0.5;
    case 4:
      return new Date((below(3.1e11) - 6e10) * 1000);
    case 5:
      return Uint8Array.from({ length: below(40) }, () => below(256));
    case 6:
      return Array.from({ length: below(5) }, () => randomValue(random, depth + 1));
    default: {
      const struct: RpcStruct = {};
      for (let left = below(6); left > 0; left--) {
        const name = random() < 0.5 ? (NAMES[below(NAMES.length)] ?? '') : randomText(random);
        setMember(struct, name, randomValue(random, depth + 1));
      }
      return struct;
    }
  }
}

function randomText(random: Random): string {
  const length = Math.floor(random() * 20);
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)] ?? '').join('');
}

/** `body` with a few bytes changed, taken out, repeated or brought in from elsewhere in it. */
export function mutate(random: Random, body: Buffer): Buffer {
  const below = (bound: number): number => Math.floor(random() * bound);
  let mutant = Buffer.from(body);
  for (let left = 1 + below(4); left > 0; left--) {
    const at = below(mutant.length + 1);
    const piece = mutant.subarray(below(mutant.length), below(mutant.length));
    const [before, after] = [mutant.subarray(0, at), mutant.subarray(at)];
    switch (below(6)) {
      case 0:
        mutant = Buffer.concat([before, after.subarray(below(12))]);
        break;
      case 1:
        mutant = Buffer.concat([before, piece, after]);
        break;
      case 2:
        mutant = Buffer.concat([before, Buffer.from([below(256)]), after.subarray(1)]);
        break;
      case 3:
        mutant = Buffer.from(before);
        break;
      default:
        mutant = Buffer.concat([before, Buffer.from(TOKENS[below(TOKENS.length)] ?? ''), after]);
    }
  }
  return mutant;
}

// biome-ignore format: as above
const TOKENS = [
  '<', '>', '</', '/>', '&', ';', '&#', '&#x0;', '<!--', '-->', '<![CDATA[', ']]>', '<?', '?>', '<!DOCTYPE', '"', "'", '=',
  '<value>', '</value>', '<struct>', '<nil/>', '<int>', '-', '\u0000', '\ufeff', '{', '}', '[', ']', ',', ':', '\\', '\\u',
  '"id"', 'null', '1e999', '0', '"__proto__":',
];
