/**
 * Character and entity references (XML 1.0, 4.1 and 4.6): the five predefined entities and characters by number.
 *
 * Decoding is done here and not by fast-xml-parser, which leaves what it does not know as it is; an "&nbsp;" that
 * silently reaches a program's argument is worse than an error.
 */
import { XmlFault } from './xml-fault.ts';

const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** The longest reference that means anything is "&#x10FFFF;"; leading zeros are allowed some room. */
const MAX_REFERENCE_LENGTH = 32;

/** `raw` with its references replaced, in one pass; what they make is not read again. Throws XmlFault at `place()`. */
export function decodeReferences(raw: string, place: () => number): string {
  let at = raw.indexOf('&');
  if (at === -1) return raw;
  const pieces: string[] = [];
  let done = 0;
  while (at !== -1) {
    const reference = /^&([^;&\s]*);/.exec(raw.slice(at, at + MAX_REFERENCE_LENGTH))?.[1];
    if (reference === undefined) {
      throw new XmlFault(
        'NOT_XML',
        '"&" does not begin a reference: write "&amp;" for the character',
        place(),
      );
    }
    pieces.push(raw.slice(done, at), characterOf(reference, place));
    done = at + reference.length + 2;
    at = raw.indexOf('&', done);
  }
  pieces.push(raw.slice(done));
  return pieces.join('');
}

function characterOf(reference: string, place: () => number): string {
  if (!reference.startsWith('#')) {
    const character = PREDEFINED.get(reference);
    if (character !== undefined) return character;
    const known = [...PREDEFINED.keys()].map((name) => `&${name};`).join(' ');
    throw new XmlFault(
      'NOT_XML',
      `Entity &${reference}; is not defined; known are ${known} and &#number;`,
      place(),
    );
  }
  const code = /^#[0-9]+$/.test(reference)
    ? Number.parseInt(reference.slice(1), 10)
    : /^#x[0-9A-Fa-f]+$/.test(reference)
      ? Number.parseInt(reference.slice(2), 16)
      : Number.NaN;
  if (isXmlCharacter(code)) return String.fromCodePoint(code);
  throw new XmlFault('NOT_XML', `Reference &${reference}; is not a character that XML allows`, place());
}

function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}
