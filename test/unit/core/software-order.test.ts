import type { AppSpec, SoftwareSpec } from '../../../api/spec.ts';
import { softwareOf } from '../../../src/core/run/software.ts';

function app(software: readonly [string, ...string[]][], wanted: readonly string[]): AppSpec {
  const pieces = software.map(
    ([name, ...requires]): SoftwareSpec => ({ name, type: 'none', ...(requires.length > 0 && { requires }) }),
  );
  const component = {
    name: 'c',
    min: 1,
    max: 1,
    static_hosts: [],
    preferred_hosts: [],
    resources: [],
    requests: [],
  };
  return {
    name: 'a',
    project: 'p',
    software: pieces,
    components: [{ ...component, software: wanted }],
    component_blocks: [],
  };
}

const order = (...args: Parameters<typeof app>) => softwareOf(app(...args), 'c').map(({ name }) => name);

describe('the order of software', () => {
  test('is that of the component where nothing is required', () => {
    expect(order([['a'], ['b'], ['c']], ['c', 'a'])).toEqual(['c', 'a']);
  });

  test('has everything behind what it requires, once', () => {
    const software: [string, ...string[]][] = [
      ['tool', 'lib', 'base'],
      ['lib', 'base'],
      ['base'],
      ['other', 'lib'],
    ];
    expect(order(software, ['tool', 'other', 'base'])).toEqual(['base', 'lib', 'tool', 'other']);
  });

  test('takes a chain as long as a specification may be', () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `s${i}`);
    const chain = names.map((name, i): [string, ...string[]] => [name, ...names.slice(i + 1, i + 2)]);
    expect(order(chain, ['s0'])).toEqual([...names].reverse());
  });

  test('is the same list for every node', () => {
    const spec = app([['a']], ['a']);
    expect(softwareOf(spec, 'c')).toBe(softwareOf(spec, 'c'));
  });
});
