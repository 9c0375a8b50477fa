import type { AstNode } from './ast.ts';
import type { Unit } from './project.ts';
import { type Finding, inUnits, type Rule } from './rule.ts';

const CORE = /^src\/core\/.*(?<!\.test)\.ts$/;
const PURE = /^src\/(core|wire)\/.*(?<!\.test)\.ts$/;

/** Globals that reach the clock, timers, the machine or the network. Time and randomness arrive in the input. */
const WORLD = [
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'console',
  'crypto',
  'fetch',
  'globalThis',
  'performance',
  'process',
  'queueMicrotask',
  'require',
  'setImmediate',
  'setInterval',
  'setTimeout',
];

function findWorld(unit: Unit): Finding[] {
  return unit.nodes.flatMap((node) => {
    const name = WORLD.find((one) => node.isGlobal(one)) ?? impureCall(node);
    return name === undefined
      ? []
      : [{ path: unit.path, line: unit.lineAt(node), message: `${name} in a pure room` }];
  });
}

function impureCall(node: AstNode): string | undefined {
  if (node.type === 'MemberExpression') {
    const object = node.child('object');
    const member = node.child('property')?.text('value');
    if (object?.isGlobal('Date') && member === 'now') return 'Date.now';
    if (object?.isGlobal('Math') && member === 'random') return 'Math.random';
  }
  const callee = node.child('callee');
  if (callee?.isGlobal('Date') !== true || node.children('arguments').length > 0) return undefined;
  return node.type === 'NewExpression' ? 'new Date()' : 'Date()';
}

function findAsync(unit: Unit): Finding[] {
  return unit.nodes.flatMap((node) => {
    const found =
      node.flag('async') ||
      node.type === 'AwaitExpression' ||
      node.flag('isAwait') ||
      node.isGlobal('Promise');
    return found ? [{ path: unit.path, line: unit.lineAt(node), message: 'async work in the core' }] : [];
  });
}

export const purityRules: readonly Rule[] = [
  {
    name: 'keeps clock, timers, randomness and input or output out of core and wire',
    find: inUnits(PURE, findWorld),
    broken: [
      {
        'src/core/a.ts':
          'export const a = (when: number, process: number) => new Date(when).getTime() + process;',
        'src/core/b.ts': 'export const b = () => Date.now();',
        'src/drivers/c.ts': 'export const c = () => Date.now();',
      },
      { 'src/core/a.ts': 'export const a = () => new Date();' },
      { 'src/wire/a.ts': 'export const a = () => process.pid;' },
      { 'src/core/a.ts': 'export const a = Math.random;' },
    ],
  },
  {
    name: 'keeps the core synchronous',
    find: inUnits(CORE, findAsync),
    broken: [
      {
        'src/core/a.ts': 'export async function a() {}',
        'src/wire/b.ts': 'export async function b() {}',
      },
    ],
  },
];
