import { constants } from 'node:os';
import { exitStatus, parseStatus } from '../../../src/core/agent/exit-status.ts';
import { folderName, MAX_FOLDER_NAME_BYTES } from '../../../src/core/agent/folder-name.ts';
import { insideSegments } from '../../../src/core/agent/relative-path.ts';
import { TAIL_LINE_CHARS, TAIL_LINES, tailLines } from '../../../src/core/agent/tail.ts';

test('makes one path segment of any identity', () => {
  expect(folderName('run/a b/n-1.x_y/1')).toBe('run%2Fa%20b%2Fn-1.x_y%2F1');
  expect(folderName('..')).toBe('%2E.');
  expect(folderName('☃')).toBe('%E2%98%83');
  expect(folderName('')).toBe('%');
});

test('gives different identities different folders, also where they are long or look encoded', () => {
  const ids = [
    'a/b',
    'a%2Fb',
    'A/b',
    '',
    '%',
    '.',
    '%2E',
    'x'.repeat(300),
    'x'.repeat(301),
    `${'x'.repeat(300)}/`,
  ];
  expect(new Set(ids.map((id) => folderName(id))).size).toBe(ids.length);
  expect(folderName('x'.repeat(301))).not.toBe(folderName('x'.repeat(300)));
  expect(Math.max(...ids.map((id) => folderName(id).length))).toBeLessThanOrEqual(MAX_FOLDER_NAME_BYTES);
});

test('takes relative paths and nothing that may lead out', () => {
  expect(insideSegments('a//b/./c/')).toEqual(['a', 'b', 'c']);
  expect(insideSegments('.')).toEqual([]);
  expect(insideSegments('..a/b..')).toEqual(['..a', 'b..']);
  for (const path of ['/a', '..', 'a/../b', 'a\0b', 'x/'.repeat(5000)])
    expect(insideSegments(path)).toBeUndefined();
});

test('keeps the last lines, short and without control characters', () => {
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  expect(tailLines(Buffer.from(`${lines.join('\n')}\n`))).toEqual(lines.slice(-TAIL_LINES));
  expect(tailLines(Buffer.from('a\r\n\u001b[2Jb\u0000\tc\n\nend'))).toEqual([
    'a',
    '\ufffd[2Jb\ufffd\tc',
    '',
    'end',
  ]);
  expect(tailLines(Buffer.alloc(0))).toEqual([]);
  const [long] = tailLines(Buffer.from('ü'.repeat(2000)));
  expect([long?.length, long?.at(-1)]).toEqual([TAIL_LINE_CHARS, '…']);
  expect(tailLines(Buffer.from([0xff, 0x41]))).toEqual(['\ufffdA']);
});

test('tells exit codes and signals apart as the shell does', () => {
  expect(exitStatus(0, constants.signals)).toEqual({ exit_code: 0 });
  expect(exitStatus(127, constants.signals)).toEqual({ exit_code: 127 });
  expect(exitStatus(128 + 9, constants.signals)).toEqual({ signal: 'SIGKILL' });
  expect(exitStatus(255, constants.signals)).toEqual({ exit_code: 255 });
});

test('takes a status only when it is complete', () => {
  expect(['0\n', '137\n'].map(parseStatus)).toEqual([0, 137]);
  expect(['', '1', '13', 'x\n', '1\n\n', '1234\n', ' 1\n'].map(parseStatus)).toEqual(
    Array(7).fill(undefined),
  );
});
