import { existsSync } from 'node:fs';
import { GrowingOutput } from '../../../src/drivers/growing-output.ts';
import { makeScratch, type Scratch } from '../../harness/scratch.ts';

let scratch: Scratch;
let output: GrowingOutput;

beforeEach(() => {
  scratch = makeScratch();
  output = new GrowingOutput(scratch.path('a.1.stdout'));
});
afterEach(() => scratch.remove());

const read = async (offset: number, limit = 1000) => {
  const piece = await output.read(offset, limit);
  return piece && { ...piece, bytes: piece.bytes.toString() };
};

test('has nothing before anything came, and makes no folder for asking', async () => {
  expect(await read(0)).toBeUndefined();
  expect(await output.kept()).toEqual({ end: 0, isWhole: false });
  expect(existsSync(scratch.path('a.1.stdout.stream'))).toBe(false);
});

test('goes on where it stopped, and is whole when it is told so', async () => {
  await output.append(0, Buffer.from('abc'), 100);
  await new GrowingOutput(scratch.path('a.1.stdout')).append(3, Buffer.from('def'), 100);
  expect(await read(2)).toEqual({ bytes: 'cdef', offset: 2, size: 6, isWhole: false });
  await output.finish(6);
  expect(await read(6)).toEqual({ bytes: '', offset: 6, size: 6, isWhole: true });
  expect(await output.kept()).toEqual({ end: 6, isWhole: true });
});

test('tells what its node lost once it is whole', async () => {
  await output.append(0, Buffer.from('abc'), 100);
  await output.finish(3, 17);
  expect(await read(0)).toEqual({ bytes: 'abc', offset: 0, size: 3, isWhole: true, lost: 17 });
  expect(await read(3)).toMatchObject({ isWhole: true, lost: 17 });
});

test('tells a gap by the offset at which it goes on', async () => {
  await output.append(0, Buffer.from('abc'), 100);
  await output.append(10, Buffer.from('xyz'), 100);
  expect(await read(1)).toMatchObject({ bytes: 'bc', offset: 1 });
  expect(await read(3)).toMatchObject({ bytes: 'xyz', offset: 10, size: 13 });
});

test('never keeps more than its bound, however large the pieces, and always the newest', async () => {
  const all = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
  for (let at = 0; at < all.length; at += 70)
    await output.append(at, Buffer.from(all.slice(at, at + 70)), 100);
  let text = '';
  const first = await read(0);
  for (let at = first?.offset ?? 0; at < all.length; ) {
    const piece = await read(at, 7);
    text += piece?.bytes;
    at += piece?.bytes.length ?? 0;
  }
  expect(text.length).toBeLessThanOrEqual(100);
  expect(text.length).toBeGreaterThanOrEqual(75);
  expect(all.endsWith(text)).toBe(true);
});

test('of an empty output is whole too', async () => {
  await output.finish(0);
  expect(await read(0)).toEqual({ bytes: '', offset: 0, size: 0, isWhole: true });
});
