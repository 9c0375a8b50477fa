/** Collects what is wrong with a file, all of it at once, each with the place where it is. */
import type { Diagnostic } from '../../../api/spec.ts';
import type { XmlDocument, XmlElement } from './xml-tree.ts';

/** Most problems that are listed; a last note says how many more there are. */
const MAX_DIAGNOSTICS = 200;

/** Stable symbols of what can be wrong with a well-formed file. Those of other files are in XmlFault. */
export type ProblemCode =
  | 'UNKNOWN_ELEMENT'
  | 'UNKNOWN_ATTRIBUTE'
  | 'MISSING_ELEMENT'
  | 'MISSING_ATTRIBUTE'
  | 'REPEATED_ELEMENT'
  | 'UNEXPECTED_TEXT'
  | 'EMPTY'
  | 'TOO_LARGE'
  | 'DUPLICATE_NAME'
  | 'UNKNOWN_COMPONENT'
  | 'UNKNOWN_SOFTWARE'
  | 'UNKNOWN_BLOCK'
  | 'UNKNOWN_BARRIER'
  | 'UNKNOWN_WORKFLOW'
  | 'UNKNOWN_CONFIGURATION'
  | 'CONTRADICTION'
  | 'UNSATISFIABLE'
  | 'CYCLE'
  | 'BAD_NUMBER'
  | 'BAD_VALUE'
  | 'BAD_HASH'
  | 'BAD_URL'
  | 'PATH_ESCAPES';

type WarningCode = 'UNUSED_COMPONENT' | 'UNUSED_SOFTWARE';

/** A message, or how to make it where that costs something (a suggestion over thousands of names). */
type Message = string | (() => string);

interface Problem {
  readonly severity: 'error' | 'warning';
  readonly code: ProblemCode | WarningCode;
  readonly element: XmlElement;
  readonly attribute: string | undefined;
  readonly message: string;
}

/** The problems of one file. */
export class Problems {
  private readonly errors: Problem[] = [];
  private readonly warnings: Problem[] = [];
  private errorCount = 0;
  private warningCount = 0;

  constructor(private readonly document: XmlDocument) {}

  /** Whether there is an error, listed or not. */
  get failed(): boolean {
    return this.errorCount > 0;
  }

  /** An error at an element or, with `attribute`, at one of its attributes. */
  error(code: ProblemCode, element: XmlElement, message: Message, attribute?: string): void {
    if ((this.errorCount += 1) > MAX_DIAGNOSTICS) return;
    this.errors.push({ severity: 'error', code, element, attribute, message: textOf(message) });
  }

  warning(code: WarningCode, element: XmlElement, message: Message): void {
    if ((this.warningCount += 1) > MAX_DIAGNOSTICS) return;
    this.warnings.push({
      severity: 'warning',
      code,
      element,
      attribute: undefined,
      message: textOf(message),
    });
  }

  /** The line of an element, for messages that name a second place. */
  lineOf(element: XmlElement): number {
    return this.document.position(element).line;
  }

  /** All problems in the order of the file, errors preferred over warnings where the bound cuts. */
  list(): Diagnostic[] {
    const room = MAX_DIAGNOSTICS - this.errors.length;
    const paths = new Paths();
    const listed = [...this.errors, ...this.warnings.slice(0, room)].map((problem) =>
      this.diagnose(problem, paths),
    );
    listed.sort((left, right) => left.line - right.line || left.column - right.column);
    const more = this.errorCount + this.warningCount - listed.length;
    const last = listed.at(-1);
    if (more === 0 || !last) return listed;
    const severity = this.failed ? 'error' : 'warning';
    const message = `${more} more ${more === 1 ? 'problem is' : 'problems are'} not listed; mend these first`;
    return [...listed, { ...last, severity, code: 'TOO_MANY_PROBLEMS', message }];
  }

  private diagnose({ severity, code, element, attribute, message }: Problem, paths: Paths): Diagnostic {
    const position = this.document.position(element, attribute);
    return { severity, code, message, ...position, path: paths.of(element) };
  }
}

function textOf(message: Message): string {
  return typeof message === 'string' ? message : message();
}

/** Paths such as /plush/project/component[2]/rspec; a number only where siblings share the name. */
class Paths {
  /** The numbers of the children of one element, counted once: many problems are of siblings, of which there may be many. */
  private readonly numbers = new Map<XmlElement, ReadonlyMap<XmlElement, number>>();

  of(element: XmlElement): string {
    const steps: string[] = [];
    for (let at: XmlElement | undefined = element; at; at = at.parent) steps.push(this.stepOf(at));
    return `/${steps.reverse().join('/')}`;
  }

  private stepOf(element: XmlElement): string {
    const { name, parent } = element;
    if (!parent) return name;
    let numbers = this.numbers.get(parent);
    if (numbers === undefined) {
      numbers = numbersOf(parent.children);
      this.numbers.set(parent, numbers);
    }
    const number = numbers.get(element);
    return number === undefined ? name : `${name}[${number}]`;
  }
}

/** The numbers, from 1, of those that have namesakes. */
function numbersOf(siblings: readonly XmlElement[]): ReadonlyMap<XmlElement, number> {
  const counts = new Map<string, number>();
  const numbers = new Map<XmlElement, number>();
  for (const { name } of siblings) counts.set(name, (counts.get(name) ?? 0) + 1);
  const seen = new Map<string, number>();
  for (const sibling of siblings) {
    const { name } = sibling;
    if (counts.get(name) === 1) continue;
    const number = (seen.get(name) ?? 0) + 1;
    seen.set(name, number);
    numbers.set(sibling, number);
  }
  return numbers;
}
