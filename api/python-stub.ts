/** The methods as a stub for Python's type checkers and editors: clients/python/plush_methods.pyi, written by `npm run build`. */
import type { TSchema } from '@sinclair/typebox';
import { methodHelp } from './help.ts';
import { type MethodName, methodTable } from './methods.ts';

const HEAD = `"""Written by \`npm run build\` from the table of methods in api/. Read by type checkers and editors alone."""
from typing import Any, Dict, List

class Methods:`;

/** Names with a dot are no names of Python: those go through Client.call. */
export function pythonStub(): string {
  const names = (Object.keys(methodTable) as MethodName[]).filter((name) => !name.includes('.'));
  return `${[HEAD, ...names.map(methodStub)].join('\n')}\n`;
}

function methodStub(name: MethodName): string {
  const { params = [], result } = methodTable[name] ?? {};
  const list = params.map(
    (param) => `${snake(param.name)}: ${pythonType(param.schema)}${param.optional ? ' = ...' : ''}`,
  );
  // Two blanks at the ends of lines, and quotation marks that would end it, have no place in a docstring.
  const doc = methodHelp(name).replaceAll('\\', '\\\\').replaceAll('"""', '""\\"').split('\n');
  const lines = doc.map((line, index) => (index === 0 || line === '' ? line : `        ${line}`));
  const head = `    def ${name}(${['self', ...list].join(', ')}, /) -> ${pythonType(result)}:`;
  return `${head}\n        """${lines.join('\n')}\n        """`;
}

/** Words of Python that parameters are called by; they are by position alone, so the name is free. */
const KEYWORDS = ['from', 'class', 'global', 'import', 'in', 'is', 'lambda', 'with'];

function snake(name: string): string {
  const word = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return KEYWORDS.includes(word) ? `${word}_` : word;
}

function pythonType(schema: TSchema | undefined): string {
  switch (schema?.type as string | undefined) {
    case 'integer':
      return 'int';
    case 'number':
      return 'float';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'str';
    case 'array':
      return `List[${pythonType(schema?.items as TSchema | undefined)}]`;
    case 'object':
      return 'Dict[str, Any]';
    default:
      return Array.isArray(schema?.anyOf) && schema.anyOf.every((one: TSchema) => one.type === 'string')
        ? 'str'
        : 'Any';
  }
}
