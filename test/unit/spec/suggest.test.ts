import { didYouMean, nearestName } from '../../../src/core/suggest.ts';

describe('the nearest name', () => {
  test.each([
    ['senders', ['receiver', 'sender'], 'sender'],
    ['nmae', ['type', 'name'], 'name'],
    ['componnet_blok', ['component', 'component_block'], 'component_block'],
    ['Process', ['process'], 'process'],
    ['num-hosts', ['num_hosts'], 'num_hosts'],
    ['bleu', ['blue', 'bleus'], 'blue'],
  ])('to %s of %j is %s', (name, candidates, expected) => {
    expect(nearestName(name, candidates)).toBe(expected);
  });

  test.each([
    ['abc', ['xyz']],
    ['a', ['bcd']],
    ['name', []],
    ['name', ['name']],
    ['', ['a']],
    ['x'.repeat(65), ['x'.repeat(64)]],
    ['hostname', ['path', 'cwd']],
  ])('to %s of %j is none', (name, candidates) => {
    expect(nearestName(name, candidates)).toBeUndefined();
  });

  test('ends a message as a question', () => {
    expect(`x is not known${didYouMean('tol', ['tool'])}`).toBe('x is not known. Did you mean "tool"?');
    expect(didYouMean('tol', [])).toBe('');
  });
});
