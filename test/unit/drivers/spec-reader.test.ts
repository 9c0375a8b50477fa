/** The thread that reads specifications: the one that was built, and ones made for the test that fail. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseApplication } from '../../../src/core/spec/application.ts';
import { parseDirectory } from '../../../src/core/spec/directory.ts';
import { MAX_XML_BYTES } from '../../../src/core/spec/xml-text.ts';
import { type SpecLimits, SpecReader } from '../../../src/drivers/specs/spec-reader.ts';
import { longApplication, longNonsense } from '../../harness/long-specifications.ts';
import { buildPlush } from '../../harness/plushd.ts';
import { makeScratch, type Scratch } from '../../harness/scratch.ts';
import { waitFor } from '../../harness/wait.ts';

const BUILT = join(__dirname, '../../../dist/spec-thread.js');

/** A thread that does what its text says, and else answers with the text. */
const ACTOR = `
import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ source }) => {
  if (source === 'exit') process.exit(3);
  if (source === 'throw') throw new Error('Broken');
  if (source === 'never') for (;;);
  parentPort.postMessage(source === 'defect' ? { defect: 'Error: a trace' } : { reading: { diagnostics: [source] } });
});
`;

let scratch: Scratch;
let readers: SpecReader[];
let warnings: object[];

const log = {
  debug: () => {},
  info: () => {},
  warn: (facts: object) => warnings.push(facts),
  error: () => {},
};

beforeAll(async () => {
  await buildPlush();
  scratch = makeScratch();
  writeFileSync(scratch.path('actor.mjs'), ACTOR);
});

afterAll(() => scratch.remove());

beforeEach(() => {
  readers = [];
  warnings = [];
});

afterEach(() => {
  for (const reader of readers) reader.close();
});

function makeReader(threadFile: string, limits: Partial<SpecLimits> = {}): SpecReader {
  const reader = new SpecReader({ threadFile, limits, log });
  readers.push(reader);
  return reader;
}

const actor = (limits: Partial<SpecLimits> = {}) =>
  makeReader(scratch.path('actor.mjs'), { atOnce: 0, ...limits });
const ask = async (reader: SpecReader, text: string, token = 'a', signal?: AbortSignal) =>
  (await reader.read('application', text, 'x', { token, signal })).diagnostics as unknown[];

describe('what is read', () => {
  let reader: SpecReader;

  beforeAll(() => {
    reader = new SpecReader({ threadFile: BUILT, log });
  });

  afterAll(() => reader.close());

  const good = longApplication(20_000);
  const wide = good.replace('name="long"', 'name="läng€"');
  const nodes = Array.from({ length: 500 }, (_, i) => `<node hostname="n${i}.example.org"/>`).join('\n');
  const directory = `<plush><resource_manager type="ssh">${nodes}<node/></resource_manager></plush>`;

  it.each<[string, string | Buffer]>([
    ['correct', good],
    ['correct and not ASCII', wide],
    ['nonsense', longNonsense(20_000)],
    ['cut off', good.slice(0, 18_000)],
    ['no XML', 'x'.repeat(20_000)],
    ['empty but for spaces', ' '.repeat(20_000)],
    ['UTF-8', Buffer.from(wide)],
    ['UTF-16', Buffer.from(`\ufeff${wide}`, 'utf16le')],
    ['of no encoding', Buffer.from(wide, 'latin1')],
  ])('on the thread is the same as at once where the text is %s', async (_what, text) => {
    const reading = reader.read('application', text, 'app.xml', { token: 'a' });
    expect(reading).toBeInstanceOf(Promise);
    expect(await reading).toEqual(parseApplication(text, 'app.xml'));
  });

  it('of a directory is the same too', async () => {
    const read = await reader.read('directory', directory, 'nodes.xml', { token: '' });
    expect(read).toEqual(parseDirectory(directory, 'nodes.xml'));
    expect(read.nodes).toHaveLength(500);
    expect(read.diagnostics).toHaveLength(1);
  });

  it('is read at once, without a thread, where it is short or longer than anything that is read', () => {
    const fresh = makeReader(BUILT);
    for (const text of [longApplication(2_000), 'x'.repeat(MAX_XML_BYTES + 1)]) {
      expect(fresh.read('application', text, 'x', { token: 'a' })).toEqual(parseApplication(text, 'x'));
    }
    expect(fresh.hasThread).toBe(false);
  });
});

describe('a text that is too much', () => {
  it('for the memory is refused, and the next one is read', async () => {
    const reader = makeReader(BUILT, { heapMb: 24 });
    await expect(ask(reader, longApplication(1_500_000))).rejects.toMatchObject({
      reason: 'memory',
      message: expect.stringMatching(/more than the 24 MiB of memory .*: make it smaller, or simpler$/),
    });
    const small = longApplication(20_000);
    expect(await reader.read('application', small, 'x', { token: 'a' })).toEqual(
      parseApplication(small, 'x'),
    );
    expect(warnings).toMatchObject([{ reason: 'memory', token: 'a', length: expect.any(Number) }]);
  });

  it('for the time is refused, and those behind it are read', async () => {
    const reader = actor({ readMs: 300 });
    const never = ask(reader, 'never');
    const next = ask(reader, 'next');
    await expect(never).rejects.toMatchObject({
      reason: 'time',
      message: expect.stringMatching(/more than 0\.3 s and was ended/),
    });
    expect(await next).toEqual(['next']);
  });

  it.each(['exit', 'throw'])(
    'for the thread, which ends by %s, is refused, and those behind it are read',
    async (how) => {
      const reader = actor();
      const dying = ask(reader, how);
      const next = ask(reader, 'next');
      await expect(dying).rejects.toMatchObject({
        reason: 'died',
        message: expect.stringMatching(/died before it was done.* Send it again$/),
      });
      expect(await next).toEqual(['next']);
      expect(warnings).toMatchObject([
        { reason: 'died', err: expect.stringMatching(how === 'exit' ? 'ended with 3' : 'Broken') },
      ]);
    },
  );

  it('for the parser itself tells the trace, and the thread goes on', async () => {
    const reader = actor();
    await expect(ask(reader, 'defect')).rejects.toThrow('a trace');
    expect(await ask(reader, 'next')).toEqual(['next']);
    expect(warnings).toEqual([]);
  });

  it('is refused as often as it comes where the thread cannot be started', async () => {
    const reader = makeReader(scratch.path('missing.mjs'), { atOnce: 0 });
    await expect(ask(reader, 'one')).rejects.toMatchObject({ reason: 'died' });
    await expect(ask(reader, 'two')).rejects.toMatchObject({ reason: 'died' });
  });
});

describe('texts that wait', () => {
  it('have their turns by token', async () => {
    const reader = actor();
    const order: unknown[] = [];
    const texts: [string, string][] = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map((text) => [
      text,
      text.charAt(0),
    ]);
    await Promise.all(texts.map(async ([text, token]) => order.push(...(await ask(reader, text, token)))));
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  it('are so many as there is room for, of a token and in all', async () => {
    const reader = actor({ waitingOfToken: 10, waiting: 18 });
    // The first one is read at once and waits no more.
    const taken = [
      ask(reader, 'first'),
      ask(reader, 'a-fours'),
      ask(reader, 'a-3'),
      ask(reader, 'b-fours', 'b'),
    ];
    const full = {
      reason: 'queue',
      message: expect.stringMatching(/^3 specifications wait .* Send it again later$/),
    };
    await expect(ask(reader, '+')).rejects.toMatchObject(full);
    await expect(ask(reader, '+', 'b')).resolves.toEqual(['+']);
    expect(await Promise.all(taken)).toEqual([['first'], ['a-fours'], ['a-3'], ['b-fours']]);
    expect(await ask(reader, 'again')).toEqual(['again']);
    expect(reader.pending).toBe(0);
  });

  it('are left out once nobody asks for them any more', async () => {
    const reader = actor({ waitingOfToken: 12 });
    const leaving = new AbortController();
    const first = ask(reader, 'first');
    const left = ask(reader, 'left behind', 'a', leaving.signal);
    await expect(ask(reader, 'kept')).rejects.toMatchObject({ reason: 'queue' });
    leaving.abort();
    await expect(left).rejects.toMatchObject({ reason: 'left' });
    await expect(ask(reader, 'late', 'a', leaving.signal)).rejects.toMatchObject({ reason: 'left' });
    expect(reader.pending).toBe(1);
    expect(await ask(reader, 'kept')).toEqual(['kept']);
    expect(await first).toEqual(['first']);
  });

  it('are refused when the reader is closed, as are later ones', async () => {
    const reader = actor();
    const texts = [ask(reader, 'never'), ask(reader, 'second')];
    reader.close();
    for (const text of [...texts, ask(reader, 'third')]) {
      await expect(text).rejects.toMatchObject({ reason: 'closed', message: 'The controller is stopping' });
    }
    expect(reader.hasThread).toBe(false);
  });
});

test('a thread that rests is ended, and another one is there when it is needed', async () => {
  const reader = actor({ restMs: 1 });
  expect(await ask(reader, 'one')).toEqual(['one']);
  await waitFor('the thread to be ended', () => !reader.hasThread);
  expect(await ask(reader, 'two')).toEqual(['two']);
  expect(warnings).toEqual([]);
});
