import { argument } from '../../../clients/shell/call-command.ts';
import { explanationLines } from '../../../clients/shell/explanation.ts';
import { LineJoiner } from '../../../clients/shell/output-reader.ts';
import { sentencesInLog } from '../../../clients/shell/private-daemon.ts';
import { diagnosticLine } from '../../../clients/shell/specification.ts';
import { tableLines } from '../../../clients/shell/table.ts';
import { LiveBlock, makeTerminal } from '../../../clients/shell/terminal.ts';
import { clip, clock, listNames, moment, plain, printable } from '../../../clients/shell/wording.ts';

const unpainted = (_colour: string, text: string) => text;

function makeScreen(env: NodeJS.ProcessEnv, size: { isTTY?: boolean; columns?: number; rows?: number }) {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text), ...size };
  return { terminal: makeTerminal(stream, stream, env), written };
}

describe('pieces of text', () => {
  it('writes times as a clock', () => {
    const times = [0, 3999, 600_000, 3_723_000, -5];
    expect(times.map(clock)).toEqual(['00:00', '00:03', '10:00', '1:02:03', '00:00']);
  });

  it('shows what is no time as it is', () => {
    expect(moment('not a time')).toBe('not a time');
    expect(moment('2026-05-04T10:11:12.345Z')).toMatch(/^2026-05-0[345] \d\d:\d\d:12$/);
  });

  it('keeps lists of names short', () => {
    expect(listNames(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
    expect(listNames([])).toBe('');
  });

  it('cuts by characters, not by halves of them', () => {
    expect(clip('😀😀😀', 2)).toBe('😀…');
    expect(clip('abc', 3)).toBe('abc');
    expect(clip('abc', 0)).toBe('');
  });

  it('leaves nothing in foreign text that a terminal would act on', () => {
    expect(plain('a\n\tb\u001b[31m\u009b')).toBe('a b�[31m�');
    expect(printable('a\tb\u001b]0;title\u0007\r')).toBe('a\tb�]0;title��');
  });
});

describe('a table', () => {
  it('aligns its columns and leaves out those that are empty', () => {
    const rows = [
      { name: 'é', number: 5 },
      { name: 'longer', number: 1234 },
    ];
    const columns = [
      { title: 'NAME', cell: (row: (typeof rows)[number]) => row.name },
      { title: 'EMPTY', cell: () => undefined },
      { title: 'NUMBER', cell: (row: (typeof rows)[number]) => row.number, align: 'right' as const },
    ];
    expect(tableLines(columns, rows)).toEqual(['NAME    NUMBER', 'é            5', 'longer    1234']);
  });
});

describe('the live block', () => {
  it('is drawn over itself, with lines for good above it', () => {
    const { terminal, written } = makeScreen({}, { isTTY: true, columns: 10, rows: 24 });
    const block = new LiveBlock(terminal);
    block.show([{ text: 'one' }, { text: 'longer than the screen', colour: 'red' }]);
    block.print(['for good']);
    block.clear();
    expect(written).toEqual([
      'one\n\u001b[31mlonger t…\u001b[0m\n',
      '\u001b[2A\r\u001b[Jfor good\none\n\u001b[31mlonger t…\u001b[0m\n',
      '\u001b[2A\r\u001b[J',
    ]);
  });

  it('is never higher than the screen', () => {
    const { terminal, written } = makeScreen({}, { isTTY: true, columns: 10, rows: 3 });
    new LiveBlock(terminal).show(['1', '2', '3', '4'].map((text) => ({ text })));
    expect(written).toEqual(['1\n2\n']);
  });
});

describe('colours', () => {
  it.each([
    ['are used on a terminal', {}, true, '\u001b[31mx\u001b[0m'],
    ['are left out where NO_COLOR is set', { NO_COLOR: '1' }, true, 'x'],
    ['are used where NO_COLOR is empty', { NO_COLOR: '' }, true, '\u001b[31mx\u001b[0m'],
    ['are left out on a dumb terminal', { TERM: 'dumb' }, true, 'x'],
    ['are left out in a pipe', {}, false, 'x'],
  ])('%s', (_name, env, isTTY, expected) => {
    expect(makeScreen(env, { isTTY }).terminal.paint('red', 'x')).toBe(expected);
  });
});

describe('lines of output', () => {
  it('are put together from pieces, each source by itself', () => {
    const lines: string[] = [];
    const [a, b] = [{ name: 'a' }, { name: 'b' }];
    const joiner = new LineJoiner<{ name: string }>((line, { name }) => lines.push(`${name}:${line}`));
    joiner.push(a, 'one\ntw');
    joiner.push(b, 'x');
    joiner.push(a, 'o\n\nrest');
    joiner.flush();
    joiner.flush();
    expect(lines).toEqual(['a:one', 'a:two', 'a:', 'a:rest', 'b:x']);
  });

  it('are cut where they never end', () => {
    const lengths: number[] = [];
    const joiner = new LineJoiner<object>((line) => lengths.push(line.length));
    joiner.push({}, 'x'.repeat(200_000));
    joiner.flush();
    expect(lengths).toEqual([65_536, 65_536, 65_536, 3392]);
  });
});

describe('the end of a log', () => {
  it('is told as sentences, whether they are JSON or not', () => {
    const log =
      '{"level":30,"msg":"Ready"}\nplushd: The port is taken\n{"msg":"Bad","err":{"message":"why"}}\n';
    expect(sentencesInLog(log)).toBe('Ready The port is taken Bad: why');
  });

  it('is told without a stack trace', () => {
    const log =
      'file.js:7\nthrow new Error()\n\nTypeError: x is no function\n    at a (b.js:1:2)\n\nNode.js v20.1.0\n';
    expect(sentencesInLog(log)).toBe('TypeError: x is no function');
  });
});

describe('an argument of a call', () => {
  it.each<[string, unknown]>([
    ['{"a":[1,true]}', { a: [1, true] }],
    ['10', 10],
    ['"10"', '10'],
    ['null', null],
    ['127.0.0.1', '127.0.0.1'],
    ['node-1', 'node-1'],
    ['', ''],
  ])('%j is taken as what it says', (word, value) => {
    expect(argument(word)).toEqual(value);
  });
});

describe('a diagnostic', () => {
  it('is written as editors read it', () => {
    const diagnostic = {
      severity: 'error',
      code: 'CYCLE',
      message: 'a\nb',
      line: 3,
      column: 4,
      path: '/',
    } as const;
    expect(diagnosticLine('app.xml', diagnostic, unpainted)).toBe('app.xml:3:4: error CYCLE: a b');
  });
});

describe('an explanation', () => {
  it('says what happened, what was done, what to do, and how each node is', () => {
    const failure = {
      phase: 'start' as const,
      cause: 'exit_code',
      message: 'Exited with 3',
      command: 'work',
      stderr_tail: ['no such file'],
      attempt: 1,
    };
    const lines = explanationLines(
      {
        subject: 'r1',
        kind: 'run',
        state: 'failed',
        summary: 'Block "work" failed.',
        causes: [
          {
            cause: 'exit_code',
            phase: 'start',
            message: 'Exited with 3',
            nodes: 30,
            examples: ['n1', 'n2'],
            action: 'ended the run',
            hint: 'look at the output',
            failure,
          },
        ],
        shortfalls: [
          {
            component: 'c',
            wanted: 3,
            found: 1,
            pool: 5,
            removed: [{ requirement: 'in group "x"', nodes: 4, sentence: '4 nodes are not in group "x"' }],
          },
        ],
        waiting: [],
        nodes: [{ hostname: 'n1', component: 'c', state: 'failed', phase: 'start', exit_code: 3 }],
      },
      unpainted,
    );
    expect(lines).toEqual([
      'Run r1: failed',
      'Block "work" failed.',
      '',
      '30 nodes: Exited with 3 (exit_code, while in start)',
      '  nodes: n1, n2 of 30',
      '  command: work',
      '  Plush: ended the run',
      '  hint: look at the output',
      '  last lines of its stderr:',
      '    | no such file',
      '',
      'Component c needs 3 nodes and can have 1 of the 5 in the pool',
      '  4 nodes are not in group "x"',
      '',
      'NODE  COMPONENT  STATE   PHASE  EXIT',
      'n1    c          failed  start  3',
    ]);
  });
});
