import type { ResultOf } from '../../../api/methods.ts';
import { operationLines } from '../../../clients/shell/shell-command.ts';

type Operation = ResultOf<'plushGetOperation'>;
type Result = Operation['results'][number];

const unpainted = (_colour: string, text: string) => text;

const result = (changes: Partial<Result>): Result => ({
  count: 1,
  nodes: ['n1'],
  stdout: '',
  stderr: '',
  stdout_cut: false,
  stderr_cut: false,
  ...changes,
});

function linesOf(results: Result[], changes: Partial<Operation> = {}): string[] {
  const total = results.reduce((sum, { count }) => sum + count, 0);
  const started = '2026-01-01T00:00:00.000Z';
  const operation = { operation_id: 'op', kind: 'shell', state: 'succeeded', started, requests: [] };
  const counts = { total, pending: 0, succeeded: total, failed: 0 };
  return operationLines({ ...operation, ...counts, results, ...changes }, unpainted);
}

describe('the results of a command', () => {
  it('name some nodes and count them all', () => {
    const nodes = Array.from({ length: 7 }, (_, i) => `n${i}`);
    expect(linesOf([result({ count: 9000, nodes, exit_code: 0, stdout: 'a\n\nb' })])).toEqual([
      '9000 nodes (n0, n1, n2, n3, n4 and 2 more, of 9000): exit code 0',
      'a',
      '',
      'b',
    ]);
  });

  it('say how a command ended that has no exit code, and that output is missing', () => {
    const results = [
      result({ signal: 'SIGSEGV', stdout: 'a\r\n', stdout_cut: true }),
      result({ cause: 'refused', message: 'Nothing listens', stderr: '\u001b[2J', stderr_cut: true }),
    ];
    expect(linesOf(results, { succeeded: 0, failed: 2 })).toEqual([
      '1 node (n1): ended by SIGSEGV',
      'a',
      '[there was more, which was not kept]',
      '',
      '1 node (n1): Nothing listens (refused)',
      'stderr | \ufffd[2J',
      'stderr | [there was more, which was not kept]',
      '',
      '0 of 2 nodes succeeded',
    ]);
  });

  it('are replaced by the reason where there are none', () => {
    const changes = { state: 'interrupted', total: 3, succeeded: 0, message: 'The controller was restarted' };
    expect(linesOf([], changes)).toEqual(['The controller was restarted']);
  });
});
