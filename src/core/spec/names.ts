/** Names that must differ within one file. */
import type { Problems } from './problems.ts';
import { quoted } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** Names of one kind in one file; reports DUPLICATE_NAME with the first one's line. */
export class Names {
  private readonly first = new Map<string, XmlElement>();

  /**
   * @param what what is named, for the message
   * @param use whether a name defines something, or mentions what is defined elsewhere
   */
  constructor(
    private readonly what: string,
    private readonly problems: Problems,
    private readonly use: 'definition' | 'mention' = 'definition',
  ) {}

  /** Takes the name for the element. False, and a report at the element, when it is taken. */
  claim(name: string, element: XmlElement, attribute?: string): boolean {
    const holder = this.first.get(name);
    if (holder === undefined) {
      this.first.set(name, element);
      return true;
    }
    const line = this.problems.lineOf(holder);
    const message =
      this.use === 'definition'
        ? `The name ${quoted(name)} is taken by the ${this.what} in line ${line}: give this one another`
        : `${this.what} ${quoted(name)} stands here again; the first is in line ${line}`;
    this.problems.error('DUPLICATE_NAME', element, message, attribute);
    return false;
  }

  has(name: string): boolean {
    return this.first.has(name);
  }

  all(): Iterable<string> {
    return this.first.keys();
  }
}
