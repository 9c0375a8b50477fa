/** What system.methodHelp and system.methodSignature answer, and the reference page, all from the table. */
import type { TSchema } from '@sinclair/typebox';
import { described, members, shape } from './describe.ts';
import { type FaultSymbol, faults } from './faults.ts';
import { type MethodName, methodTable, type Parameter } from './methods.ts';
import { xmlRpcType } from './schemas.ts';

interface Definition {
  readonly doc: string;
  readonly params: readonly Parameter[];
  readonly result: TSchema;
  readonly scope: string;
  readonly ownNodes?: boolean;
  readonly faults: readonly FaultSymbol[];
}

/** Signatures by number of parameters, the result's type first: one for each way the optional ones can be left out. */
export function methodSignature(name: MethodName): string[][] {
  const { params, result } = methodTable[name] as Definition;
  const types = params.map((param) => xmlRpcType(param.schema));
  const required = params.filter((param) => !param.optional).length;
  const signatures: string[][] = [];
  for (let count = required; count <= types.length; count += 1) {
    signatures.push([xmlRpcType(result), ...types.slice(0, count)]);
  }
  return signatures;
}

/** A method's documentation as plain text. */
export function methodHelp(name: MethodName): string {
  const { doc, params, result, scope, ownNodes, faults: symbols } = methodTable[name] as Definition;
  const lines = [
    `${name}(${params.map((p) => (p.optional ? `[${p.name}]` : p.name)).join(', ')})`,
    '',
    doc,
    '',
  ];
  for (const { name: of, schema, optional, doc: meaning } of params)
    lines.push(...described(of, schema, optional, meaning));
  const note = result.description === undefined ? '' : `: ${result.description}`;
  lines.push(`Answers ${shape(result)}${note}`, ...members(result));
  lines.push('', `Scope: ${scope}${ownNodes === true ? ', or broker for own nodes' : ''}`);
  for (const symbol of symbols)
    lines.push(`Fault ${faults[symbol].code} ${symbol}: ${faults[symbol].meaning}`);
  return lines.join('\n');
}
