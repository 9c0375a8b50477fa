import { MAX_FRAME_BYTES } from '../../../src/wire/agent.ts';
import { encodeFrame, type Frame, FrameError, FrameReader } from '../../../src/wire/frames.ts';

function head(length: number, jsonLength: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(jsonLength, 4);
  return bytes;
}

/** Frames as plain values, binary parts copied, since a reader hands out views of its buffers. */
function plain(frames: readonly Frame[]): unknown[] {
  return frames.map(({ message, binary }) => [message, binary.toString('hex')]);
}

const MESSAGES: readonly (readonly [unknown, Buffer])[] = [
  [{ id: 1, op: 'ping' }, Buffer.alloc(0)],
  [{ text: 'ünïcode ☃ "quoted"\n' }, Buffer.from([0, 1, 2, 255])],
  [null, Buffer.alloc(1000, 7)],
  [[], Buffer.alloc(0)],
];
const STREAM = Buffer.concat(MESSAGES.map(([message, binary]) => encodeFrame(message, binary)));
const EXPECTED = MESSAGES.map(([message, binary]) => [message, binary.toString('hex')]);

test('lays a frame out as two big-endian lengths, JSON and the binary part', () => {
  expect(encodeFrame({ a: 'é' }, Buffer.from('bin')).toString('latin1')).toBe(
    Buffer.concat([head(4 + 10 + 3, 10), Buffer.from('{"a":"é"}bin')]).toString('latin1'),
  );
});

test('hands out all frames of one piece of bytes in order', () => {
  expect(plain(new FrameReader().push(STREAM))).toEqual(EXPECTED);
});

test.each([1, 2, 3, 7, 8, 9, 64, 1021])('puts frames together from pieces of %i bytes', (size) => {
  const reader = new FrameReader();
  const seen: unknown[] = [];
  for (let at = 0; at < STREAM.length; at += size)
    seen.push(...plain(reader.push(STREAM.subarray(at, at + size))));
  expect(seen).toEqual(EXPECTED);
});

test('puts frames together wherever the stream is cut in two', () => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) {
    const reader = new FrameReader();
    const seen = [
      ...plain(reader.push(STREAM.subarray(0, cut))),
      ...plain(reader.push(STREAM.subarray(cut))),
    ];
    expect(seen).toEqual(EXPECTED);
  }
});

test('hands out nothing of a frame that is cut off', () => {
  const frame = encodeFrame({ id: 1 }, Buffer.from('rest'));
  expect(new FrameReader().push(frame.subarray(0, -1))).toEqual([]);
  expect(new FrameReader().push(Buffer.alloc(0))).toEqual([]);
});

test('refuses a length over the bound before the bytes have come', () => {
  expect(() => new FrameReader().push(head(MAX_FRAME_BYTES + 1, 2))).toThrow(FrameError);
  expect(() => new FrameReader().push(head(0xffffffff, 0xfffffffb))).toThrow(FrameError);
});

test('takes a frame of exactly the bound and refuses to make a larger one', () => {
  const json = 2;
  const binary = Buffer.alloc(MAX_FRAME_BYTES - 4 - json, 1);
  const [frame] = new FrameReader().push(encodeFrame({}, binary));
  expect(frame?.binary.equals(binary)).toBe(true);
  expect(() => encodeFrame({}, Buffer.alloc(binary.length + 1))).toThrow(FrameError);
});

test.each([
  ['a JSON part longer than the frame', head(10, 7)],
  ['a frame too short for its own JSON length', head(0, 0)],
  ['a frame too short for a JSON part', head(3, 0)],
])('refuses %s', (_what, bytes) => {
  expect(() => new FrameReader().push(bytes)).toThrow(FrameError);
});

test('refuses a JSON part that does not parse, and keeps the cause', () => {
  const bad = (json: string) => Buffer.concat([head(4 + json.length, json.length), Buffer.from(json)]);
  for (const json of ['', '{', '{"a":1}}', 'undefined', '['.repeat(100_000)]) {
    expect(() => new FrameReader().push(bad(json))).toThrow(FrameError);
  }
  expect.assertions(6);
  try {
    new FrameReader().push(bad('{'));
  } catch (error) {
    expect((error as FrameError).cause).toBeDefined();
  }
});

test('keeps the frames before a bad one apart from it', () => {
  const reader = new FrameReader();
  expect(plain(reader.push(encodeFrame(1)))).toEqual([[1, '']]);
  expect(() => reader.push(head(MAX_FRAME_BYTES + 1, 2))).toThrow(FrameError);
});
