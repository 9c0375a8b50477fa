import { posix } from 'node:path';
import { fileAt, type Import, type Project } from './project.ts';
import { type Finding, inImports, inUnits, type Rule } from './rule.ts';

interface Room {
  readonly name: string;
  readonly holds: RegExp;
  /** Rooms it may import from; a name with "types of" in front, for types alone. */
  readonly from: readonly string[];
  /** npm packages it may import; absent: every runtime dependency of package.json. */
  readonly packages?: readonly string[];
  /** Node's modules it may import; absent: all. */
  readonly builtins?: readonly string[];
}

/** Imports point down only (docs: "Rooms"). The first room that holds a path is its room. */
const ROOMS: readonly Room[] = [
  {
    name: 'test',
    holds: /^test\/|\.test\.ts$/,
    from: ['test', 'bench', 'clients', 'library', 'controller', 'agent', 'drivers', 'wire', 'core', 'api'],
  },
  {
    name: 'bench',
    holds: /^bench\//,
    from: ['bench', 'test', 'clients', 'library', 'controller', 'agent', 'drivers', 'wire', 'core', 'api'],
  },
  // A callback server has to read XML-RPC as plushd writes it, so it has plushd's codec; its build brings that along.
  { name: 'library', holds: /^clients\/typescript\//, from: ['library', 'wire', 'api'] },
  { name: 'clients', holds: /^clients\//, from: ['clients', 'library', 'api'] },
  { name: 'controller', holds: /^src\/controller\//, from: ['controller', 'drivers', 'wire', 'core', 'api'] },
  { name: 'agent', holds: /^src\/agent\//, from: ['agent', 'drivers', 'wire', 'core', 'api'] },
  { name: 'drivers', holds: /^src\/drivers\//, from: ['drivers', 'wire', 'core', 'api'] },
  {
    name: 'wire',
    holds: /^src\/wire\//,
    from: ['wire', 'types of core', 'api'],
    packages: [],
    builtins: ['node:buffer', 'node:string_decoder', 'node:util', 'node:zlib'],
  },
  {
    name: 'core',
    holds: /^src\/core\//,
    from: ['core', 'types of api'],
    packages: ['fast-xml-parser'],
    builtins: [],
  },
  { name: 'api', holds: /^api\//, from: ['api'], packages: ['@sinclair/typebox'], builtins: [] },
];

/** Rooms that may use development dependencies. */
const WORKSHOPS = new Set(['test', 'bench']);

/** What a published package has is one list. */
const PACKAGE_ENTRY = 'clients/typescript/index.ts';

const CODE = /^(api|src|clients|bench|test)\//;

function roomOf(path: string): Room | undefined {
  return ROOMS.find((room) => room.holds.test(path));
}

function whyNotFrom(used: Import, path: string): string | undefined {
  const here = roomOf(path);
  const there = used.target === undefined ? undefined : roomOf(used.target);
  if (used.target === undefined) return undefined;
  if (here === undefined || there === undefined) return `${used.specifier} is in no room of the project`;
  if (here.from.includes(there.name)) return undefined;
  if (here.from.includes(`types of ${there.name}`)) {
    return used.typeOnly
      ? undefined
      : `${here.name} may import types only from ${there.name}, with \`import type\``;
  }
  return `${here.name} may not import from ${there.name}`;
}

function whyNotBuiltin(used: Import, path: string): string | undefined {
  const allowed = roomOf(path)?.builtins;
  if (!used.specifier.startsWith('node:') || used.typeOnly || allowed === undefined) return undefined;
  return allowed.includes(used.specifier) ? undefined : `${used.specifier} does not belong in a pure room`;
}

/** npm package of a specifier such as `@swc/core/spec`; undefined for a path or a module of Node. */
function packageOf(specifier: string): string | undefined {
  if (/^(\.|node:)/.test(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function manifestOf(project: Project): { runtime: readonly string[]; development: readonly string[] } {
  const manifest = JSON.parse(fileAt(project, 'package.json')?.text ?? '{}') as Manifest;
  return {
    runtime: Object.keys(manifest.dependencies ?? {}),
    development: Object.keys(manifest.devDependencies ?? {}),
  };
}

function findPackages(project: Project): Finding[] {
  const { runtime, development } = manifestOf(project);
  return inImports(CODE, (used, unit) => {
    const name = packageOf(used.specifier);
    const room = roomOf(unit.path);
    if (name === undefined || used.typeOnly || room === undefined) return undefined;
    const allowed = room.packages ?? [...runtime, ...(WORKSHOPS.has(room.name) ? development : [])];
    return allowed.includes(name) ? undefined : `${room.name} may not import the package ${name}`;
  })(project);
}

function findUnusedPackages(project: Project): Finding[] {
  const used = new Set(
    project.units
      .filter((unit) => roomOf(unit.path)?.name !== 'test')
      .flatMap((unit) => unit.imports.map((one) => packageOf(one.specifier))),
  );
  return manifestOf(project)
    .runtime.filter((name) => !used.has(name))
    .map((name) => ({ path: 'package.json', line: 1, message: `${name} is imported by no program` }));
}

const DECISIONS = 'docs/decisions/dependencies.md';

function findUnexplainedPackages(project: Project): Finding[] {
  const page = fileAt(project, DECISIONS)?.text ?? '';
  const { runtime, development } = manifestOf(project);
  return [...runtime, ...development]
    .filter((name) => !page.split('\n').some((line) => line.includes(`\`${name}\``)))
    .map((name) => ({ path: DECISIONS, line: 1, message: `no line says why \`${name}\`` }));
}

export const roomRules: readonly Rule[] = [
  {
    name: 'imports downwards only',
    find: inImports(CODE, (used, unit) => whyNotFrom(used, unit.path)),
    broken: [
      { 'src/agent/a.ts': "import { b } from '../controller/b.ts';" },
      {
        'src/core/a.ts': "import type { T } from '../../api/t.ts';\nimport { b } from '../../api/t.ts';",
      },
      { 'clients/shell/a.ts': "import { b } from '../../src/core/b.ts';" },
      { 'clients/shell/a.ts': "import { b } from '../../src/wire/b.ts';" },
      {
        'clients/typescript/a.ts':
          "import { b } from '../../src/wire/b.ts';\nimport { c } from '../shell/c.ts';",
      },
    ],
  },
  {
    name: 'keeps the modules of Node out of the pure rooms',
    find: inImports(CODE, (used, unit) => whyNotBuiltin(used, unit.path)),
    broken: [
      {
        'src/wire/a.ts': "import type { Socket } from 'node:net';\nimport { connect } from 'node:net';",
      },
    ],
  },
  {
    name: 'imports packages only where they belong',
    find: findPackages,
    broken: [
      {
        'package.json': '{"dependencies":{"b":"1"},"devDependencies":{"c":"1"}}',
        'src/drivers/a.ts': "import 'b';\nimport 'c';",
        'test/a.test.ts': "import 'c';",
      },
    ],
  },
  {
    name: 'uses every package its programs bring along',
    find: findUnusedPackages,
    broken: [
      {
        'package.json': '{"dependencies":{"@b/c":"1","d":"1"}}',
        'src/drivers/a.ts': "import '@b/c/e';",
      },
    ],
  },
  {
    name: 'says of each dependency why it and not another',
    find: findUnexplainedPackages,
    broken: [{ 'package.json': '{"devDependencies":{"b":"1","c":"1"}}', [DECISIONS]: '- `b`: because' }],
  },
  {
    name: 'writes relative imports with their extension',
    find: inImports(CODE, (used) =>
      used.target === undefined || posix.extname(used.target) !== ''
        ? undefined
        : `${used.specifier} lacks .ts`,
    ),
    broken: [{ 'src/core/a.ts': "import { b } from './b.ts';\nimport { c } from './c';" }],
  },
  {
    name: 'has no barrels',
    find: inUnits(CODE, (unit) => {
      if (unit.path === PACKAGE_ENTRY) return [];
      const statements = unit.root.children('body');
      const passedOn = statements.filter(
        (one) => one.child('source') !== undefined && one.type.startsWith('Export'),
      );
      return statements.length > 0 && passedOn.length === statements.length
        ? [{ path: unit.path, line: 1, message: 'only passes on what other files export: import from those' }]
        : [];
    }),
    broken: [{ 'src/core/a.ts': "export { b } from './b.ts';\nexport * from './c.ts';" }],
  },
];
