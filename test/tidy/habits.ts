import type { AstNode } from './ast.ts';
import type { Project, Unit } from './project.ts';
import { type Finding, inUnits, type Rule } from './rule.ts';

const MAX_LINES = 400;
/** What a program takes along as one file, and with how many lines. */
const MAX_LINES_OF: ReadonlyMap<string, number> = new Map([['clients/python/plush.py', 600]]);
const CODE_FILE = /\.(ts|mjs|js|cjs|py|sh)$/;
const TESTS = /^test\/|\.test\.ts$/;

/** Spelled apart, since this file is looked at too. */
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);
const MACHINE_PATH = /(?:^|[\s"'`=(:])\/(?:root|work|Users)\/\w/;

/** Rules about plain text, line by line. */
function inLines(paths: RegExp, wrong: RegExp, message: string): (project: Project) => Finding[] {
  return (project) =>
    project.files
      .filter((file) => paths.test(file.path))
      .flatMap(({ path, text }) =>
        text
          .split('\n')
          .flatMap((line, index) => (wrong.test(line) ? [{ path, line: index + 1, message }] : [])),
      );
}

/** Rules about a node of the syntax tree. */
function inNodes(
  paths: RegExp,
  why: (node: AstNode, unit: Unit) => string | undefined,
): (project: Project) => Finding[] {
  return inUnits(paths, (unit) =>
    unit.nodes.flatMap((node) => {
      const message = why(node, unit);
      return message === undefined ? [] : [{ path: unit.path, line: unit.lineAt(node), message }];
    }),
  );
}

function whyNotRun(node: AstNode): string | undefined {
  if (['fit', 'fdescribe', 'xit', 'xtest', 'xdescribe'].some((name) => node.isGlobal(name))) {
    return 'every test runs, always';
  }
  if (node.type !== 'MemberExpression') return undefined;
  const object = node.child('object');
  const member = node.child('property')?.text('value') ?? '';
  const jest = ['it', 'test', 'describe'].some((name) => object?.isGlobal(name));
  return jest && ['only', 'skip', 'todo', 'failing'].includes(member) ? 'every test runs, always' : undefined;
}

/** `new Promise((resolve) => setTimeout(resolve, …))`, in whatever form. */
function whySleeps(node: AstNode): string | undefined {
  if (node.type !== 'NewExpression' || node.child('callee')?.isGlobal('Promise') !== true) return undefined;
  const executor = node.children('arguments')[0]?.child('expression');
  const body = executor?.child('body');
  const only = body?.statements ?? (body === undefined ? [] : [body]);
  const call = only.length === 1 ? (only[0]?.child('expression') ?? only[0]) : undefined;
  return call?.child('callee')?.isGlobal('setTimeout') === true
    ? 'wait for the event, not for time to pass'
    : undefined;
}

function findSleeps(project: Project): Finding[] {
  const outside = /^(?!test\/harness\/).*\.ts$/;
  const inTests = { ...project, units: project.units.filter((unit) => TESTS.test(unit.path)) };
  const imported = inUnits(outside, (unit) =>
    unit.imports
      .filter((used) => /^(node:)?timers\/promises$/.test(used.specifier))
      .map(({ line }) => ({ path: unit.path, line, message: 'wait for the event, not for time to pass' })),
  );
  return [...inNodes(outside, whySleeps)(inTests), ...imported(inTests)];
}

/** A handler that does nothing must at least say why. */
function whySwallows(node: AstNode, unit: Unit): string | undefined {
  const body = node.type === 'CatchClause' ? node.child('body') : rejectionHandler(node)?.child('body');
  if (body?.statements?.length !== 0) return undefined;
  const inside = Buffer.from(unit.text).subarray(body.start, body.end).toString();
  return /\/[/*]/.test(inside)
    ? undefined
    : 'an error is swallowed: handle it, or say why nothing need be done';
}

function rejectionHandler(node: AstNode): AstNode | undefined {
  if (node.type !== 'CallExpression') return undefined;
  if (node.child('callee')?.child('property')?.text('value') !== 'catch') return undefined;
  return node.children('arguments')[0]?.child('expression');
}

export const habitRules: readonly Rule[] = [
  {
    name: `has no file over ${MAX_LINES} lines`,
    find: (project) =>
      project.files
        .filter((file) => CODE_FILE.test(file.path))
        .map(({ path, text }) => ({ path, line: text.split('\n').length - (text.endsWith('\n') ? 1 : 0) }))
        .filter(({ path, line }) => line > (MAX_LINES_OF.get(path) ?? MAX_LINES))
        .map((file) => ({ ...file, message: `${file.line} lines: one noun a file` })),
    broken: [{ 'src/core/a.ts': '\n'.repeat(MAX_LINES + 1), 'src/core/b.ts': '\n'.repeat(MAX_LINES) }],
  },
  {
    name: 'names files by what lives in them',
    find: (project) =>
      project.files
        .filter(({ path }) => /(^|[/._-])(utils?|helpers?|misc|common)\.\w+$/i.test(path))
        .map(({ path }) => ({ path, line: 1, message: 'the name says nothing: name the noun' })),
    broken: [{ 'src/core/utils.ts': '', 'src/core/futile.ts': '' }],
  },
  {
    name: 'runs every test it has',
    find: inNodes(TESTS, whyNotRun),
    broken: [{ 'test/a.test.ts': "it.skip('a', () => {});\nit('b', () => {});" }],
  },
  {
    name: 'does not sleep in tests',
    find: findSleeps,
    broken: [
      {
        'test/a.test.ts': 'await new Promise((done) => setTimeout(done, 10));',
        'test/harness/wait.ts': 'await new Promise((done) => setTimeout(done, 10));',
      },
      { 'test/a.test.ts': 'await new Promise<void>((done) => { setTimeout(() => done(), 10); });' },
      { 'test/a.test.ts': "import { setTimeout as sleep } from 'node:timers/promises';" },
    ],
  },
  {
    name: 'swallows no error and no rejection',
    find: inNodes(/\.ts$/, whySwallows),
    broken: [
      { 'src/core/a.ts': 'try { a(); } catch { /* it may be gone */ }\ntry { a(); } catch {}' },
      { 'src/core/a.ts': 'a().catch(() => {});\na().catch(() => { b(); });' },
    ],
  },
  {
    name: 'holds nothing unfinished',
    find: inLines(/^(?!package-lock\.json$)/, UNFINISHED, 'finish it, or leave it out'),
    broken: [{ 'docs/a.md': `# ${'TO'}DO\n` }],
  },
  {
    name: 'names no folder of the machine it was written on',
    find: inLines(/^(?!test\/tidy\/)/, MACHINE_PATH, 'this path exists on one machine only'),
    broken: [{ 'scripts/a.mjs': "const a = '/root/a';\nconst b = 'a/root/b';" }],
  },
  {
    name: 'locks packages by content, not by the registry they came from',
    find: inLines(/^package-lock\.json$/, /"resolved"|registry\./, 'names a registry: see .npmrc'),
    broken: [{ 'package-lock.json': '{\n"resolved": "a"\n}' }],
  },
];
