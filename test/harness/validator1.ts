/**
 * The "validator1" suite of XML-RPC (Userland's validator, 1998): eight calls that any server has to answer, served by the
 * codec, the RPC layer and the HTTP face of the controller.
 */

import { unknownMethod } from '../../src/controller/fault.ts';
import { createRpc } from '../../src/controller/rpc.ts';
import { type StartedFace, startFace, TOKEN } from './http-face.ts';

type Numbers = Readonly<Record<string, number>>;
type Handler = (...params: never[]) => unknown;

const ENTITIES = {
  ctLeftAngleBrackets: '<',
  ctRightAngleBrackets: '>',
  ctAmpersands: '&',
  ctApostrophes: "'",
  ctQuotes: '"',
};

const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['arrayOfStructsTest', (structs: readonly Numbers[]) => sum(structs.map((one) => one.curly ?? 0))],
  [
    'countTheEntities',
    (text: string) =>
      Object.fromEntries(Object.entries(ENTITIES).map(([name, char]) => [name, text.split(char).length - 1])),
  ],
  ['easyStructTest', ({ moe = 0, larry = 0, curly = 0 }: Numbers) => moe + larry + curly],
  ['echoStructTest', (struct: unknown) => struct],
  ['manyTypesTest', (...values: unknown[]) => values],
  ['moderateSizeArrayCheck', (texts: readonly string[]) => `${texts[0] ?? ''}${texts.at(-1) ?? ''}`],
  [
    'nestedStructTest',
    (years: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Numbers>>>>>>) => {
      const { moe = 0, larry = 0, curly = 0 } = years['2000']?.['04']?.['01'] ?? {};
      return moe + larry + curly;
    },
  ],
  [
    'simpleStructReturnTest',
    (number: number) => ({ times10: number * 10, times100: number * 100, times1000: number * 1000 }),
  ],
]);

export interface Validator {
  /** With credentials. */
  readonly url: string;
  close(): Promise<void>;
}

export async function startValidator(): Promise<Validator> {
  const calls = {
    async call(method: string, params: unknown): Promise<unknown> {
      const handler = HANDLERS.get(method.replace(/^validator1\./, ''));
      if (handler === undefined) throw unknownMethod(method);
      return handler(...(params as never[]));
    },
  };
  const face: StartedFace = await startFace({
    rpc: { ...createRpc(calls, { unreadable() {} }), async *events() {} },
  });
  return {
    url: `http://plush:${TOKEN}@127.0.0.1:${face.port}/RPC2`,
    close: () => face.close({ graceMs: 0 }),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
