import { faults } from '../../../api/faults.ts';
import { forPerson, inCommands } from '../../../clients/shell/hints.ts';
import { PlushFault } from '../../../clients/typescript/fault.ts';

describe('hints at the terminal', () => {
  test.each([
    [faults.NODE_NOT_FOUND.hint, '`plush nodes` lists the pool.'],
    [faults.RUN_NOT_FOUND.hint, '`plush runs` lists them.'],
    [faults.SUBJECT_NOT_FOUND.hint, '`plush runs` and `plush nodes` list them.'],
    [faults.NO_APP_LOADED.hint, 'Run `plush run FILE` first.'],
    [faults.BLOCK_NOT_FOUND.hint, '`plush call plushGetRun` lists its blocks.'],
    ['plushConnect clears it.', '`plush call plushConnect` clears it.'],
    [faults.TOO_LARGE.hint, faults.TOO_LARGE.hint],
  ])('say commands instead of methods: %j', (hint, words) => {
    expect(inCommands(hint)).toBe(words);
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
