import type { AstNode } from './ast.ts';
import type { Project, Unit } from './project.ts';
import type { Finding, Rule } from './rule.ts';

/** Files whose exports are for somebody outside the TypeScript of this project. */
const PUBLISHED = [
  /^api\/(openrpc|python-stub)\.ts$/, // scripts/generate.mjs
  /^clients\/typescript\//, // a library
  /^(src|clients)\/[^/]+\/main\.ts$/,
];

/** Files whose types are the published contract, used here or not. */
const CONTRACT = /^api\//;

interface Export {
  readonly name: string;
  readonly node: AstNode;
  readonly isType: boolean;
}

function findDead(project: Project): Finding[] {
  const used = new Set(
    project.units.flatMap((unit) =>
      unit.imports.flatMap(({ target, names }) => names.map((name) => `${target ?? ''}#${name}`)),
    ),
  );
  return project.units
    .filter((unit) => !PUBLISHED.some((path) => path.test(unit.path)))
    .flatMap((unit) =>
      listExports(unit)
        .filter(({ name }) => !used.has(`${unit.path}#${name}`) && !used.has(`${unit.path}#*`))
        .filter((one) => !one.isType || !(CONTRACT.test(unit.path) || isMentioned(unit, one.name)))
        .map(({ name, node }) => ({
          path: unit.path,
          line: unit.lineAt(node),
          message: `nobody imports ${name}: remove it, or its \`export\``,
        })),
    );
}

/** A type named in another declaration of its file is part of that one's signature. */
function isMentioned(unit: Unit, name: string): boolean {
  return unit.nodes.filter((node) => node.type === 'Identifier' && node.text('value') === name).length > 1;
}

function listExports(unit: Unit): Export[] {
  return unit.root.children('body').flatMap((statement) => {
    switch (statement.type) {
      case 'ExportDeclaration':
        return declared(statement.child('declaration'));
      case 'ExportNamedDeclaration':
        return statement.children('specifiers').map((part) => ({
          name: (part.child('exported') ?? part.child('orig') ?? part.child('name'))?.text('value') ?? '',
          node: part,
          isType: statement.flag('typeOnly') || part.flag('isTypeOnly'),
        }));
      case 'ExportDefaultExpression':
      case 'ExportDefaultDeclaration':
        return [{ name: 'default', node: statement, isType: false }];
      default:
        return [];
    }
  });
}

function declared(declaration: AstNode | undefined): Export[] {
  if (declaration === undefined) return [];
  const isType = ['TsInterfaceDeclaration', 'TsTypeAliasDeclaration'].includes(declaration.type);
  const names =
    declaration.type === 'VariableDeclaration'
      ? declaration.children('declarations').flatMap((one) => boundNames(one.child('id')))
      : [declaration.child('identifier') ?? declaration.child('id')];
  return names.flatMap((id) => {
    const name = id?.text('value');
    return id === undefined || name === undefined ? [] : [{ name, node: id, isType }];
  });
}

/** Identifiers that a pattern binds. */
function boundNames(pattern: AstNode | undefined): AstNode[] {
  if (pattern === undefined) return [];
  return pattern.type === 'Identifier'
    ? [pattern]
    : [...pattern.descendants()].filter((node) => node.type === 'Identifier');
}

export const exportRules: readonly Rule[] = [
  {
    name: 'exports nothing that nobody imports',
    find: findDead,
    broken: [
      {
        'src/core/a.ts': 'export const used = 1;\nexport const dead = 2;',
        'test/a.test.ts': "import { used } from '../src/core/a.ts';",
      },
      {
        'api/a.ts': 'export interface Contract {}',
        'src/core/a.ts': 'interface Kept {}\nexport type { Kept };\nexport interface Dead {}',
        'src/agent/main.ts': 'export const entry = 1;',
      },
    ],
  },
];
