import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { OutputFile } from '../../../src/drivers/tasks/output.ts';
import { makeScratch, type Scratch } from '../../harness/scratch.ts';
import { waitFor } from '../../harness/wait.ts';

const BOUNDS = { min: 10, max: 200 };
let scratch: Scratch;
let path: string;
let logged: string[];

beforeEach(() => {
  scratch = makeScratch();
  path = scratch.path('stdout');
  logged = [];
});
afterEach(() => scratch.remove());

function open(maxBytes = 20): OutputFile {
  return new OutputFile(path, maxBytes, (message) => logged.push(message));
}

function all(output: OutputFile): [number, string, number] {
  const { bytes, offset, end } = output.read(0, 1000);
  return [offset, bytes.toString(), end];
}

test('keeps everything up to the bound, and the newest beyond it', () => {
  const output = open();
  fs.appendFileSync(path, '0123456789');
  expect(output.look(100, BOUNDS)).toBe(BOUNDS.min);
  expect(all(output)).toEqual([0, '0123456789', 10]);
  fs.appendFileSync(path, 'abcdefghijkl');
  output.look(100, BOUNDS);
  expect(all(output)).toEqual([12, 'cdefghijkl', 22]);
  fs.appendFileSync(path, 'XYZ');
  expect(all(output)).toEqual([12, 'cdefghijklXYZ', 25]);
  expect(output.tail(4).toString()).toBe('lXYZ');
  expect(all(open())).toEqual([12, 'cdefghijklXYZ', 25]);
});

test('reads a stream that is not there as empty', () => {
  expect(all(open())).toEqual([0, '', 0]);
});

interface Disk {
  readonly live: string;
  readonly next?: string;
  readonly older?: string;
  readonly json?: object;
}

const LIVE = '0123456789abcdef';
const EMPTYING = { older: 6, base: 0, emptying: true };

/** What was on the disk at each step of emptying a file of 16 bytes, of which the last ten are kept. */
const STEPS: readonly (readonly [string, Disk, [number, string, number]])[] = [
  ['before it noted anything', { live: LIVE, next: '' }, [0, LIVE, 16]],
  ['before it copied', { live: LIVE, next: '', json: EMPTYING }, [6, '6789abcdef', 16]],
  ['while it copied', { live: LIVE, next: '678', json: EMPTYING }, [6, '6789abcdef', 16]],
  ['while the program went on', { live: `${LIVE}gh`, next: '678', json: EMPTYING }, [6, '6789abcdefgh', 18]],
  ['before it emptied the file', { live: LIVE, next: '6789abcdef', json: EMPTYING }, [6, '6789abcdef', 16]],
  [
    'after it emptied the file',
    { live: 'new', next: '6789abcdef', json: EMPTYING },
    [6, '6789abcdefnew', 19],
  ],
  ['before it was done', { live: 'new', older: '6789abcdef', json: EMPTYING }, [6, '6789abcdefnew', 19]],
  ['with its notes cut off', { live: 'new' }, [0, 'new', 3]],
];

test.each(STEPS)('takes up output whose agent died %s', (_when, { live, next, older, json }, expected) => {
  fs.writeFileSync(path, live);
  if (next !== undefined) fs.writeFileSync(`${path}.next`, next);
  if (older !== undefined) fs.writeFileSync(`${path}.older`, older);
  if (json !== undefined) fs.writeFileSync(`${path}.json`, JSON.stringify(json));
  expect(all(open())).toEqual(expected);
  expect(all(open())).toEqual(expected);
  expect(logged).toEqual([]);
});

test('does not go back when a program empties its own output', () => {
  const output = open();
  fs.appendFileSync(path, '01234567');
  output.look(100, BOUNDS);
  fs.writeFileSync(path, 'ab');
  expect(all(output)).toEqual([8, 'ab', 10]);
  expect(all(open())).toEqual([8, 'ab', 10]);
});

test('empties the file without a copy when there is no room for one', () => {
  fs.mkdirSync(`${path}.next`);
  const output = open();
  fs.appendFileSync(path, '0123456789');
  expect(() => output.look(100, BOUNDS)).not.toThrow();
  expect(fs.statSync(path).size).toBe(0);
});

test('counts what a program loses that is faster than its output can be moved', async () => {
  const words = ['if=/dev/zero', `of=${path}`, 'bs=4096', 'oflag=append', 'conv=notrunc'];
  const writer = spawn('dd', words, { env: { ...process.env, LC_ALL: 'C' } });
  let told = '';
  writer.stderr.on('data', (data: Buffer) => {
    told += data.toString();
  });
  const over = once(writer, 'close');
  const output = open(4000);
  const lostYet = () => {
    output.look(1, BOUNDS);
    return output.read(0, 1).lost > 0;
  };
  await waitFor('bytes to be lost', lostYet);
  writer.kill('SIGINT');
  await over;
  const total = Number(/(\d+) bytes/.exec(told)?.[1]);
  const { bytes, end, lost } = output.read(0, total);
  expect(bytes.length).toBeLessThanOrEqual(4000);
  expect(end + lost).toBeLessThanOrEqual(total);
  expect(end + lost).toBeGreaterThan(total / 2);
  const again = open(4000).read(0, 1);
  expect([again.end, again.lost]).toEqual([end, lost]);
});
