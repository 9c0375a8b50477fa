import { type CommandResult, ResultFold } from '../../../src/core/operation/fold.ts';
import type { Operation } from '../../../src/core/state.ts';
import { encodedBytes } from '../../../src/core/views/encoded-bytes.ts';
import { operationInfo } from '../../../src/core/views/operations.ts';
import { encodeResponse } from '../../../src/wire/xmlrpc/encode.ts';

const MAX_SIZE = 1 << 20;

const result = (changes: Partial<CommandResult> = {}): CommandResult => ({
  exit_code: 0,
  stdout: '',
  stderr: '',
  stdout_cut: false,
  stderr_cut: false,
  ...changes,
});

const operation = (changes: Partial<Operation> = {}): Operation => ({
  operation_id: 'op-1',
  kind: 'shell',
  state: 'succeeded',
  started: '2026-01-01T00:00:00.000Z',
  total: 0,
  succeeded: 0,
  failed: 0,
  parts: [],
  ...changes,
});

function foldOf(results: Readonly<Record<string, CommandResult>>, maxSize = MAX_SIZE): ResultFold {
  const fold = new ResultFold(maxSize);
  for (const [hostname, one] of Object.entries(results)) fold.add(hostname, one);
  return fold;
}

const shown = (fold: ResultFold) => operationInfo(operation(), fold, {}).results;

describe('results', () => {
  it('are folded when all of them is equal, most nodes first and names in order', () => {
    const fold = foldOf({
      n4: result({ stdout: 'other\n' }),
      n3: result({ stdout: 'same\n' }),
      n1: result({ stdout: 'same\n' }),
    });
    expect(shown(fold).map(({ count, nodes, stdout }) => ({ count, nodes, stdout }))).toEqual([
      { count: 2, nodes: ['n1', 'n3'], stdout: 'same\n' },
      { count: 1, nodes: ['n4'], stdout: 'other\n' },
    ]);
  });

  it('are not folded when they differ in anything', () => {
    const fold = foldOf({
      n1: result(),
      n2: result({ exit_code: 1 }),
      n3: result({ stdout: 'a' }),
      n4: result({ stderr: 'a' }),
      n5: result({ stdout: 'a', stdout_cut: true }),
      n6: result({ stdout: 'ab', stderr: 'c' }),
      n7: result({ stdout: 'a', stderr: 'bc' }),
      n8: result({ cause: 'timeout', message: 'late' }),
    });
    expect(shown(fold)).toHaveLength(8);
    expect(fold).toMatchObject({ succeeded: 6, failed: 2 });
  });

  it('count as failed when a signal ended the command', () => {
    const { exit_code: _code, ...rest } = result({ signal: 'SIGKILL' });
    expect(foldOf({ n1: rest })).toMatchObject({ succeeded: 0, failed: 1 });
  });

  it('take no more memory than their bound, and say that something is missing', () => {
    const fold = new ResultFold(1000);
    for (let i = 0; i < 50; i += 1) fold.add(`n${i}`, result({ stdout: `${i}`.padStart(100, '.') }));
    expect(fold.size).toBe(1000);
    expect(shown(fold)[0]).toMatchObject({ count: 40, stdout: '', stdout_cut: true, stderr_cut: false });
    expect(shown(fold)).toHaveLength(11);
  });
});

describe('the page of an operation', () => {
  it('stays small enough for every client, and all pages together are everything', () => {
    const fold = new ResultFold(64 << 20);
    const text = '&'.repeat(30_000);
    for (let i = 0; i < 40; i += 1) fold.add(`n${i}`, result({ stdout: `${i}${text}` }));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = operationInfo(operation(), fold, cursor === undefined ? {} : { cursor });
      const bytes = page.results.reduce((sum, { stdout }) => sum + encodedBytes(stdout), 0);
      expect(bytes).toBeLessThan(450 << 10);
      expect(page.results.length).toBeGreaterThan(0);
      seen.push(...page.results.flatMap(({ nodes }) => nodes));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(40);
    expect(seen).toHaveLength(40);
  });

  it('lists at most a thousand names of a result, and counts them all', () => {
    const fold = new ResultFold(MAX_SIZE);
    for (let i = 0; i < 5000; i += 1) fold.add(`n${i}`, result());
    const [all] = shown(fold);
    expect(all).toMatchObject({ count: 5000 });
    expect(all?.nodes).toHaveLength(1000);
  });

  it('refuses the cursor of another operation', () => {
    const fold = foldOf({ n1: result({ stdout: 'a' }), n2: result({ stdout: 'b' }) });
    const { cursor } = operationInfo(operation(), fold, { limit: 1 });
    expect(cursor).toBeDefined();
    const other = operation({ operation_id: 'op-2' });
    expect(() => operationInfo(other, fold, { cursor: cursor as string })).toThrow(/another operation/);
    expect(() => operationInfo(other, fold, { cursor: 'nonsense' })).toThrow(/does not come from/);
  });

  it('tells why there are no results', () => {
    expect(operationInfo(operation({ state: 'interrupted' }), undefined, {}).message).toMatch(/restarted/);
    expect(operationInfo(operation(), undefined, {}).message).toMatch(/not kept/);
    expect(operationInfo(operation({ kind: 'resources' }), undefined, {}).message).toBeUndefined();
  });
});

describe('results that are no text', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  const fold = () =>
    foldOf({
      n1: result({ stdout: '\ufffd', raw: { stdout: bytes(0x80) } }),
      n2: result({ stdout: '\ufffd', raw: { stdout: bytes(0x81) } }),
      n3: result({ stdout: '\ufffd', raw: { stdout: bytes(0x80) } }),
      n4: result({ stdout: 'ü', stderr: 'e' }),
    });

  it('are equal where their bytes are, and are told as text or as these', () => {
    expect(shown(fold()).map(({ nodes, stdout }) => [nodes, stdout])).toEqual([
      [['n1', 'n3'], '\ufffd'],
      [['n2'], '\ufffd'],
      [['n4'], 'ü'],
    ]);
    const raw = operationInfo(operation(), fold(), { encoding: 'base64' }).results;
    expect(raw.map(({ stdout, stderr }) => [stdout, stderr].map((one) => [...Buffer.from(one)]))).toEqual([
      [[0x80], []],
      [[0x81], []],
      [[0xc3, 0xbc], [0x65]],
    ]);
    for (const one of [...raw, ...shown(fold())]) expect(one).not.toHaveProperty('raw');
  });

  it('count against the bound of what is kept, and fit into pages that all clients accept', () => {
    const large = (fill: number) => ({ stdout: new Uint8Array(65_536).fill(fill) });
    const names = Array.from({ length: 40 }, (_, i) => `n${i}`);
    const many = foldOf(Object.fromEntries(names.map((name, i) => [name, result({ raw: large(i) })])));
    expect(many.size).toBeLessThanOrEqual(MAX_SIZE);
    const info = operationInfo(operation(), many, { encoding: 'base64' });
    expect(info.results.length).toBeGreaterThan(1);
    expect(Buffer.byteLength(encodeResponse(info))).toBeLessThan(512 << 10);
    expect(info.cursor).toBeDefined();
  });
});
