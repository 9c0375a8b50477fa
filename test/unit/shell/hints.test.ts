import { faults } from '../../../api/faults.ts';
import { forPerson, inCommands } from '../../../clients/shell/hints.ts';
import { PlushFault } from '../../../clients/typescript/fault.ts';
import { hintFor } from '../../../src/core/views/hints.ts';

describe('hints at the terminal', () => {
  test.each([
    [faults.NODE_NOT_FOUND.hint, '`plush nodes` lists the pool.'],
    [faults.RUN_NOT_FOUND.hint, '`plush runs` lists them.'],
    [faults.SUBJECT_NOT_FOUND.hint, '`plush runs` and `plush nodes` list them.'],
    [faults.NO_APP_LOADED.hint, 'Run `plush run FILE` first.'],
    [faults.BLOCK_NOT_FOUND.hint, '`plush call plushGetRun` lists its blocks.'],
    ['plushConnect clears it.', '`plush call plushConnect NODE` clears it.'],
    [hintFor('exit_code'), 'Read the last lines of stderr, and the whole output with `plush logs RUN NODE`.'],
    [faults.TOO_LARGE.hint, faults.TOO_LARGE.hint],
  ])('say commands instead of methods: %j', (hint, words) => {
    expect(inCommands(hint)).toBe(words);
  });

  test('name the run and the node that they are about, where that is known', () => {
    const names = { run: 'job-1', node: 'n1' };
    expect(inCommands('plushGetOutput tells.', names)).toBe('`plush logs job-1 n1` tells.');
    expect(inCommands('plushConnect clears it.', names)).toBe('`plush call plushConnect n1` clears it.');
  });

  test('stand in the sentence of a fault, whose other words stay', () => {
    const { hint, code } = faults.NODE_NOT_FOUND;
    const fault = new PlushFault(
      `NODE_NOT_FOUND: No "plushListNodes()". ${hint}`,
      code,
      'NODE_NOT_FOUND',
      hint,
    );
    expect(forPerson(fault)).toBe('NODE_NOT_FOUND: No "plushListNodes()". `plush nodes` lists the pool.');
    expect(forPerson(new Error(hint))).toBe(hint);
  });
});
