import { join } from 'node:path';
import { exportRules } from './tidy/exports.ts';
import { habitRules } from './tidy/habits.ts';
import { makeProject, readProject } from './tidy/project.ts';
import { purityRules } from './tidy/purity.ts';
import { roomRules } from './tidy/rooms.ts';
import type { Finding } from './tidy/rule.ts';

const rules = [...roomRules, ...purityRules, ...habitRules, ...exportRules];

function show(findings: readonly Finding[]): string[] {
  return findings.map(({ path, line, message }) => `${path}:${line}: ${message}`);
}

describe('the project', () => {
  const project = readProject(join(__dirname, '..'));

  it('is all looked at', () => {
    expect(project.files.map((file) => file.path)).toEqual(
      expect.arrayContaining(['package.json', '.ci/run', 'test/tidy.test.ts']),
    );
  });

  it.each(rules)('$name', (rule) => {
    expect(show(rule.find(project))).toEqual([]);
  });
});

describe('examples made for it are found out by the rule that the project', () => {
  it.each(rules)('$name', ({ find, broken }) => {
    expect(broken.map((files) => show(find(makeProject(files))))).toEqual(
      broken.map(() => [expect.any(String)]),
    );
  });
});
