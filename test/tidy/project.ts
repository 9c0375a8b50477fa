import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type AstNode, lineOf, parse } from './ast.ts';

/** What is made, not written; `.git` is a file where the checkout is one of several. */
const MADE = new Set(['node_modules', 'dist', '.git', 'coverage', '__pycache__', '.pytest_cache']);

/** Larger files are data. */
const MAX_FILE_BYTES = 1 << 20;

export interface SourceFile {
  /** Relative to the project's folder, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** One `import`, `export … from`, `import()` or `import('…')` type. */
export interface Import {
  readonly line: number;
  readonly specifier: string;
  /** Path inside the project, for a relative specifier. */
  readonly target?: string;
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean;
  /** Names taken; `*` for all of them. */
  readonly names: readonly string[];
}

/** A parsed TypeScript file. */
export interface Unit extends SourceFile {
  readonly root: AstNode;
  /** Every node of the syntax tree, outermost first. */
  readonly nodes: readonly AstNode[];
  readonly imports: readonly Import[];
  /** Line of a byte offset of the syntax tree. */
  lineAt(node: AstNode): number;
}

/** What the rules look at: the checkout, or an example made of strings. */
export interface Project {
  readonly files: readonly SourceFile[];
  readonly units: readonly Unit[];
}

/** Reads the checkout in `root`, without what is made or installed. */
export function readProject(root: string): Project {
  return makeProject(Object.fromEntries(listFiles(root, '').map((path) => [path, readText(root, path)])));
}

/** A project of the given files: path → text. */
export function makeProject(texts: Readonly<Record<string, string | undefined>>): Project {
  const files = Object.entries(texts).flatMap(([path, text]) => (text === undefined ? [] : [{ path, text }]));
  return { files, units: files.filter((file) => file.path.endsWith('.ts')).map(makeUnit) };
}

export function fileAt(project: Project, path: string): SourceFile | undefined {
  return project.files.find((file) => file.path === path);
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return MADE.has(entry.name) ? [] : listFiles(root, path);
    return entry.isFile() && !MADE.has(entry.name) && !entry.name.startsWith('.setup.lock') ? [path] : [];
  });
}

function readText(root: string, path: string): string | undefined {
  const bytes = readFileSync(join(root, path));
  return bytes.length > MAX_FILE_BYTES || bytes.includes(0) ? undefined : bytes.toString('utf8');
}

function makeUnit(file: SourceFile): Unit {
  const root = parse(file.path, file.text);
  const bytes = Buffer.from(file.text);
  const lineAt = (node: AstNode): number => lineOf(bytes, node);
  const nodes = [...root.descendants()];
  return { ...file, root, nodes, lineAt, imports: listImports(file.path, nodes, lineAt) };
}

function listImports(path: string, nodes: readonly AstNode[], lineAt: (node: AstNode) => number): Import[] {
  return nodes.flatMap((node) => {
    const found = readImport(node);
    if (found === undefined) return [];
    const relative = found.specifier.startsWith('.');
    const target = relative ? posix.normalize(posix.join(posix.dirname(path), found.specifier)) : undefined;
    return [{ line: lineAt(node), ...found, ...(target === undefined ? {} : { target }) }];
  });
}

function readImport(node: AstNode): Pick<Import, 'specifier' | 'typeOnly' | 'names'> | undefined {
  const specifier = node.child('source')?.text('value');
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration': {
      if (specifier === undefined) return undefined;
      const parts = node.children('specifiers');
      const typeOnly =
        node.flag('typeOnly') || (parts.length > 0 && parts.every((part) => part.flag('isTypeOnly')));
      return { specifier, typeOnly, names: parts.map(nameTaken) };
    }
    case 'ExportAllDeclaration':
      return specifier === undefined ? undefined : { specifier, typeOnly: false, names: ['*'] };
    case 'TsImportType':
      return { specifier: node.child('argument')?.text('value') ?? '', typeOnly: true, names: ['*'] };
    case 'CallExpression': {
      if (node.child('callee')?.type !== 'Import') return undefined;
      const argument = node.children('arguments')[0]?.child('expression')?.text('value');
      return argument === undefined ? undefined : { specifier: argument, typeOnly: false, names: ['*'] };
    }
    default:
      return undefined;
  }
}

function nameTaken(part: AstNode): string {
  switch (part.type) {
    case 'ImportDefaultSpecifier':
      return 'default';
    case 'ImportSpecifier':
      return (part.child('imported') ?? part.child('local'))?.text('value') ?? '*';
    case 'ExportSpecifier':
      return part.child('orig')?.text('value') ?? '*';
    default:
      return '*';
  }
}
