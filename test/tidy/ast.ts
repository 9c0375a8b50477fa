import { parseSync } from '@swc/core';

/** swc marks an identifier that no declaration of the file binds, a global, with this context. */
const GLOBAL_CONTEXT = 1;

/** A node of swc's syntax tree, read without its types: the rules look at few of its hundred kinds. */
export class AstNode {
  constructor(private readonly raw: Readonly<Record<string, unknown>>) {}

  /** Empty for a part without a kind of its own. */
  get type(): string {
    return this.text('type') ?? '';
  }

  /** Byte offsets into the file. */
  get start(): number {
    return this.offset('start');
  }

  get end(): number {
    return this.offset('end');
  }

  text(member: string): string | undefined {
    const value = this.raw[member];
    return typeof value === 'string' ? value : undefined;
  }

  flag(member: string): boolean {
    return this.raw[member] === true;
  }

  child(member: string): AstNode | undefined {
    const value = this.raw[member];
    return isRecord(value) ? new AstNode(value) : undefined;
  }

  children(member: string): AstNode[] {
    const value = this.raw[member];
    return Array.isArray(value) ? value.filter(isRecord).map((one) => new AstNode(one)) : [];
  }

  /** The statements between braces; undefined for an expression. */
  get statements(): AstNode[] | undefined {
    return Array.isArray(this.raw.stmts) ? this.children('stmts') : undefined;
  }

  /** True for a use of the global `name`, false for a local or a member of that name. */
  isGlobal(name: string): boolean {
    return this.type === 'Identifier' && this.raw.ctxt === GLOBAL_CONTEXT && this.raw.value === name;
  }

  /** This node and everything in it, outermost first. */
  *descendants(): Generator<AstNode> {
    yield this;
    for (const value of Object.values(this.raw)) {
      for (const part of Array.isArray(value) ? value : [value]) {
        if (isRecord(part)) yield* new AstNode(part).descendants();
      }
    }
  }

  private offset(end: 'start' | 'end'): number {
    const span = this.raw.span;
    const value = isRecord(span) ? span[end] : undefined;
    // swc counts bytes from 1.
    return typeof value === 'number' ? value - 1 : 0;
  }
}

/** @throws Error naming the file, when it is not TypeScript. */
export function parse(path: string, text: string): AstNode {
  try {
    return new AstNode({ ...parseSync(text, { syntax: 'typescript', target: 'es2022' }) });
  } catch (cause) {
    throw new Error(`${path} cannot be parsed`, { cause });
  }
}

/** Line of a node, from 1. */
export function lineOf(bytes: Buffer, node: AstNode): number {
  let line = 1;
  for (let at = bytes.indexOf(10); at !== -1 && at < node.start; at = bytes.indexOf(10, at + 1)) line += 1;
  return line;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
