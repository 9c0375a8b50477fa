import { ArchiveMembers, type Member } from '../../../src/core/agent/archive-members.ts';

/** What is wrong with an archive of these members. */
function problemOf(...members: readonly Member[]): string | undefined {
  const check = new ArchiveMembers();
  for (const member of members) {
    const problem = check.add(member);
    if (problem !== undefined) return problem;
  }
  return check.finish();
}

const file = (name: string): Member => ({ name, type: 'file' });
const symlink = (name: string, target: string): Member => ({ name, type: 'symlink', target });
const link = (name: string, target: string): Member => ({ name, type: 'link', target });

test('takes an archive that stays inside', () => {
  const dots = [file('./a'), { name: './', type: 'directory' } as const, file('..a/b..'), file('a.b/...')];
  expect(problemOf(...dots)).toBeUndefined();
  expect(
    problemOf(symlink('bin/run', '../lib/run'), file('lib/run'), link('hard', 'lib/run')),
  ).toBeUndefined();
  expect(
    problemOf(symlink('a/b/c', '../..'), symlink('loop', 'loop'), symlink('dangling', 'no/where')),
  ).toBeUndefined();
});

test.each([
  ['an absolute name', [file('/a')]],
  ['a name with ..', [file('a/../b')]],
  ['a name that is ..', [file('..')]],
  ['a name with NUL', [file('a\0b')]],
  ['an absolute link', [symlink('l', '/')]],
  ['a link above the folder', [symlink('l', '..')]],
  ['a link deeper that goes up too far', [symlink('a/b/l', '../../../x')]],
  ['a link with .. after a name', [symlink('a/l', 'x/..')]],
  ['a member below a link', [symlink('l', 'd'), file('l/x')]],
  ['a member below a link that comes later', [file('l/x'), symlink('l', 'd')]],
  ['a member deep below a link', [symlink('a/l', 'd'), file('a/l/x/y/z')]],
  ['a link below a link', [symlink('a', '.'), symlink('a/b', '..')]],
  ['a link redefined after a good one', [symlink('a/l', 'x'), symlink('a/l', '../..')]],
  ['a hard link to an absolute path', [link('h', '/etc/passwd')]],
  ['a hard link with ..', [link('h', 'a/../../x')]],
  ['a hard link through a link', [symlink('l', 'd'), link('h', 'l/x')]],
  ['a hard link that lifts a link', [symlink('a/l', '..'), link('h', 'a/l')]],
  ['a hard link to a link that comes later', [link('h', 'a/l'), symlink('a/l', '..')]],
  ['a device', [{ name: 'd', type: 'special' } as const]],
])('refuses %s', (_what, members) => {
  expect(problemOf(...members)).toMatch(/^[A-Z]/);
});

test('takes a link under other spellings of its own name', () => {
  expect(problemOf(symlink('./a//l', 'd'), file('a/l/x'))).toContain('"a/l"');
});

test('tells the folders that members lie in', () => {
  const check = new ArchiveMembers();
  for (const name of ['a/b/c', 'a/b/d', './e/f', 'g']) check.add(file(name));
  expect([...check.folders]).toEqual(['a/b', 'e']);
});

test('shortens a long name in its message', () => {
  expect(problemOf(file(`/${'x'.repeat(10_000)}`))?.length).toBeLessThan(300);
});
