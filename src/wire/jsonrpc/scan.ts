/**
 * What `JSON.parse` does not tell: how deep the text nests, which member names come twice, which numbers are beyond
 * a double, and how a request's `id` is written to the letter. One pass, no recursion, over text that is already
 * known to be valid JSON.
 */
import { quoted, WireError } from '../errors.ts';

/** What was found in one request (or in one element of a batch). */
export interface ItemScan {
  /** The `id` as it is written; undefined when there is none, or more than one. */
  rawId: string | undefined;
  /** Why the item is refused, in one sentence; undefined when nothing was found. */
  problem: string | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Shortest text of a number beyond a double that has no exponent. */
const MIN_OVERFLOW_DIGITS = 309;

/**
 * One entry for each element of a batch, or one for the whole text when it is no array.
 *
 * @param text valid JSON
 * @throws WireError INVALID_REQUEST when it nests deeper than `maxDepth` arrays and objects
 */
export function scanItems(text: string, maxDepth: number): ItemScan[] {
  return new ItemScanner(text, maxDepth).run();
}

class ItemScanner {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #items: ItemScan[] = [];
  /** The names seen in each open object; undefined for an open array. */
  readonly #open: (Set<string> | undefined)[] = [];
  /** How many arrays and objects are open inside an item's own object. */
  #itemDepth = 1;
  #item: ItemScan = { rawId: undefined, problem: undefined };
  #pos = 0;
  #nameIsNext = false;
  /** Where the value of the item's `id` starts, while inside it. */
  #idStart = -1;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  run(): ItemScan[] {
    const text = this.#text;
    const isBatch = /^[ \t\r\n]*\[/.test(text);
    if (isBatch) this.#itemDepth = 2;
    else this.#startItem();
    for (; this.#pos < text.length; this.#pos++) {
      const code = text.charCodeAt(this.#pos);
      switch (code) {
        case QUOTE:
          this.#string();
          break;
        case OPEN_ARRAY:
        case OPEN_OBJECT:
          this.#enter(code === OPEN_OBJECT);
          break;
        case CLOSE_ARRAY:
        case CLOSE_OBJECT:
          this.#endId();
          this.#open.pop();
          this.#nameIsNext = false;
          break;
        case COMMA:
          this.#endId();
          this.#nameIsNext = this.#open[this.#open.length - 1] !== undefined;
          if (isBatch && this.#open.length === 1) this.#startItem();
          break;
        default:
          if (code === 0x2d || (code >= 0x30 && code <= 0x39)) this.#number();
      }
    }
    return this.#items;
  }

  #startItem(): void {
    this.#item = { rawId: undefined, problem: undefined };
    this.#items.push(this.#item);
  }

  #enter(isObject: boolean): void {
    if (this.#open.length >= this.#maxDepth) {
      throw new WireError(
        'INVALID_REQUEST',
        `JSON nests deeper than ${this.#maxDepth} levels at character ${this.#pos}`,
      );
    }
    this.#open.push(isObject ? new Set() : undefined);
    this.#nameIsNext = isObject;
    const isBatchRoot = this.#open.length === 1 && this.#itemDepth === 2;
    if (isBatchRoot) this.#startItem();
  }

  /** The `id` ends with the comma or brace after it, on its own level. */
  #endId(): void {
    if (this.#idStart < 0 || this.#open.length !== this.#itemDepth) return;
    this.#item.rawId = this.#text.slice(this.#idStart, this.#pos).trim();
    this.#idStart = -1;
  }

  #string(): void {
    const text = this.#text;
    const start = this.#pos;
    let end = text.indexOf('"', start + 1);
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
    this.#pos = end;
    if (this.#nameIsNext) this.#name(text.slice(start + 1, end), start);
  }

  #name(written: string, start: number): void {
    this.#nameIsNext = false;
    const name = written.includes('\\') ? (JSON.parse(`"${written}"`) as string) : written;
    const names = this.#open[this.#open.length - 1];
    const isId = name === 'id' && this.#open.length === this.#itemDepth;
    if (names?.has(name) === true) {
      this.#item.problem ??= `Object has member ${quoted(name)} twice at character ${start}`;
      // Of two ids neither can be taken for the right one.
      if (isId) this.#item.rawId = undefined;
      return;
    }
    names?.add(name);
    if (!isId) return;
    while (this.#text.charCodeAt(this.#pos) !== COLON) this.#pos++;
    this.#idStart = this.#pos + 1;
  }

  #number(): void {
    const start = this.#pos;
    let at = start + 1;
    let hasExponent = false;
    for (; ; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x65 || code === 0x45) hasExponent = true;
      else if (!((code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x2b || code === 0x2d)) break;
    }
    this.#pos = at - 1;
    if (!hasExponent && at - start < MIN_OVERFLOW_DIGITS) return;
    if (this.#idStart >= 0 && this.#open.length === this.#itemDepth) return;
    const written = this.#text.slice(start, at);
    if (!Number.isFinite(Number(written))) {
      this.#item.problem ??= `Number ${quoted(written)} is out of range at character ${start}`;
    }
  }
}

/** Whether the quote at `at` has an odd number of backslashes before it. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text.charCodeAt(from - 1) === BACKSLASH) from--;
  return (at - from) % 2 === 1;
}
