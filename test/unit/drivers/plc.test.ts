import { writeFileSync } from 'node:fs';
import { PlanetLab } from '../../../src/controller/planetlab.ts';
import type { Input } from '../../../src/core/input.ts';
import { nextQueryMs, nodesOfSlice } from '../../../src/core/pool/slice.ts';
import { emptyState } from '../../../src/core/state.ts';
import { PlcError, querySlices } from '../../../src/drivers/plc.ts';
import { readPassword } from '../../../src/drivers/plc-password.ts';
import { type Plc, type PlcData, startPlc } from '../../harness/plc.ts';
import { makeScratch, type Scratch } from '../../harness/scratch.ts';
import { waitFor } from '../../harness/wait.ts';

const USER = 'me@example.org';
const SLICES = [{ slice: 'mit', port: 1000 }];
const EMPTY: PlcData = { users: { [USER]: 'pw' }, slices: {}, nodes: [], mode: 'answer' };

let plc: Plc;
let scratch: Scratch;

beforeAll(async () => {
  plc = await startPlc(EMPTY);
  scratch = makeScratch();
});

beforeEach(() => plc.know(EMPTY));

afterAll(async () => {
  await plc.close();
  await scratch.remove();
});

const ask = (url = plc.url, callMs = 5_000) =>
  querySlices({ url, user: USER, password: 'pw' }, SLICES, { signal: new AbortController().signal, callMs });

async function failure(asking: Promise<unknown>): Promise<PlcError> {
  const error = await asking.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof PlcError) return error;
  throw new Error(`Not refused: ${String(error)}`);
}

describe('PlanetLab Central', () => {
  it('is asked for many nodes by several calls', async () => {
    const ids = Array.from({ length: 4_500 }, (_, i) => i + 1);
    await plc.know({
      slices: { mit: { members: [USER], node_ids: [...ids, 1, 9_999] } },
      nodes: ids.map((id) => [id, `n${id}.example.org`, id === 7 ? 'dbg' : 'boot']),
    });
    const before = plc.calls.length;
    const [slice] = await ask();
    expect(plc.calls.slice(before)).toEqual([
      'GetSlices 1',
      'GetNodes 2000',
      'GetNodes 2000',
      'GetNodes 501',
    ]);
    expect(slice?.nodes).toHaveLength(4_500);
    const nodes = slice === undefined ? [] : nodesOfSlice(slice);
    expect(nodes).toHaveLength(4_499);
    expect(nodes[0]).toEqual({ hostname: 'n1.example.org:1000', type: 'ssh', user: 'mit', group: 'mit' });
  });

  it('is believed no more than 100,000 nodes', async () => {
    const node_ids = Array.from({ length: 100_001 }, (_, i) => i);
    await plc.know({ slices: { mit: { members: [USER], node_ids } } });
    expect((await failure(ask())).message).toBe('The slices have 100001 nodes, and at most 100000 are taken');
  });

  it('that does not show a slice to the account is told apart from one without nodes', async () => {
    expect(await ask()).toEqual([{ slice: 'mit', port: 1000, found: false, nodes: [] }]);
    await plc.know({ slices: { mit: { members: [USER], node_ids: [] } } });
    expect(await ask()).toEqual([{ slice: 'mit', port: 1000, found: true, nodes: [] }]);
  });

  it.each([
    ['garbage', 'The answer to GetSlices is no XML-RPC: does --plc-url lead to PlanetLab Central?'],
    ['status', 'answered with status 503'],
    ['huge', 'longer than 8388608 bytes'],
    ['redirect', 'could not be asked: '],
  ] as const)('that answers %s is no good, in one sentence', async (mode, sentence) => {
    await plc.know({ mode });
    const error = await failure(ask());
    expect(error.message).toContain(sentence);
    expect(error.refused).toBe(false);
  });

  it('that is slow is given up, and so is one where nobody listens', async () => {
    await plc.know({ mode: 'silent' });
    expect((await failure(ask(plc.url, 100))).message).toContain('gave no whole answer within 0.1 s');
    expect((await failure(ask('http://127.0.0.1:1/'))).message).toContain(
      'http://127.0.0.1:1/ could not be asked: ',
    );
  });

  it('that tells nodes in another form is not believed', async () => {
    await plc.know({ slices: { mit: { members: [USER], node_ids: ['1'] as unknown as number[] } } });
    expect((await failure(ask())).message).toContain('without numbers in node_ids');
    await plc.know({
      slices: { mit: { members: [USER], node_ids: [1] } },
      nodes: [[1, 5 as unknown as string, 'boot']],
    });
    expect((await failure(ask())).message).toContain('without a text hostname');
  });

  it('that refuses is quoted without the password, in one line', async () => {
    await plc.know({ mode: 'echo' });
    const { message, refused } = await failure(ask());
    expect(message).toBe(
      "PlanetLab Central refused GetSlices with fault 103: Failed to authenticate call: '(hidden)' again (hidden)",
    );
    expect(refused).toBe(true);
  });

  it('is asked again and again, at once after another directory, and not after the end', async () => {
    const inputs: Input[] = [];
    const file = scratch.path('password');
    writeFileSync(file, 'pw\n', { mode: 0o600 });
    const silent = () => {};
    const log = { debug: silent, info: silent, warn: silent, error: silent };
    const submit = async (input: Input) => inputs.push(input);
    const state = emptyState();
    const planetlab = new PlanetLab({ url: plc.url, passwordFile: file, intervalMs: 20, state, submit, log });
    planetlab.use({ user: USER, slices: SLICES });
    expect(planetlab.info()?.state).toBe('asking');
    await waitFor('three answers', () => inputs.length >= 3);
    await plc.know({ mode: 'garbage' });
    await waitFor('the failure', () => planetlab.info()?.state === 'failing');
    await plc.know({ mode: 'answer' });
    await waitFor('the recovery', () => planetlab.info()?.state === 'current');
    planetlab.use({ user: USER, slices: [{ slice: 'ucsd', port: 1 }] });
    const already = inputs.length;
    await waitFor('another answer', () => inputs.length > already);
    expect(inputs.at(-1)).toEqual({
      type: 'planetlab_answered',
      slices: [{ slice: 'ucsd', port: 1, found: false, nodes: [] }],
    });
    planetlab.close();
    planetlab.use(undefined);
    expect(planetlab.info()).toBeUndefined();
  });
});

describe('the next query', () => {
  it('comes sooner after a failure, and later the more there are', () => {
    const after = (failures: number, refused = false, random = 0) =>
      nextQueryMs({ failures, refused }, 300_000, random);
    expect([0, 1, 2, 3, 7, 1_000].map((failures) => after(failures))).toEqual([
      300_000, 5_000, 10_000, 20_000, 300_000, 300_000,
    ]);
    expect(after(1, false, 1)).toBe(2_500);
    expect(after(1, true)).toBe(300_000);
  });
});

describe('the password', () => {
  it.each([
    ['', 'is empty'],
    ['\n', 'is empty'],
    ['a\nb', 'has to hold one line'],
    ['x'.repeat(5_000), 'is not a file with one line'],
  ])('of a file with %j is refused', (text, why) => {
    const file = scratch.path('bad-password');
    writeFileSync(file, text);
    expect(() => readPassword(file)).toThrow(why);
  });

  it('of a file that is gone is refused', () => {
    expect(() => readPassword(scratch.path('none'))).toThrow(/cannot be used: .*ENOENT/);
  });
});
