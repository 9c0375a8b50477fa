import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseApplication } from '../../../src/core/spec/application.ts';
import { DIRECTORY } from '../../../src/core/spec/directory.ts';
import { APPLICATION } from '../../../src/core/spec/grammar.ts';
import { publishedFiles } from '../../../src/core/spec/publish/published.ts';
import type { ElementRule } from '../../../src/core/spec/rule.ts';
import { readXml, type XmlElement } from '../../../src/core/spec/xml-tree.ts';
import { makeScratch } from '../../harness/scratch.ts';

const ROOT = join(__dirname, '../../..');
const FIXTURES = 'test/unit/spec/fixtures';
const APPLICATION_SCHEMA = 'api/plush-application.xsd';
const DIRECTORY_SCHEMA = 'api/plush-directory.xsd';

/** Values that attributes of one kind or another take, or nearly. */
const VALUES = [' 1 ', '+3', '007', '90s', '64KiB', '2.5', 'false', 'a/b', 'SIGHUP, 3-4,any', 'ignore'];

/** Lines `element@attribute` and `element/child` of the grammar. */
function namesOfGrammar(rule: ElementRule, names = new Set<string>(), element = 'plush'): Set<string> {
  for (const attribute of Object.keys(rule.attributes ?? {})) names.add(`${element}@${attribute}`);
  for (const [child, { rule: childRule }] of Object.entries(rule.children ?? {})) {
    names.add(`${element}/${child}`);
    namesOfGrammar(childRule, names, child);
  }
  return names;
}

/** The same of a schema, following the types its elements name. */
function namesOfSchema(schema: XmlElement): Set<string> {
  const types = new Map(schema.children.map((type) => [type.attributes.get('name'), type]));
  const names = new Set<string>();
  const visit = (node: XmlElement, owner: string): void => {
    for (const child of node.children) {
      const name = child.attributes.get('name') ?? '';
      if (child.name === 'xs:attribute') names.add(`${owner}@${name}`);
      if (child.name !== 'xs:element') {
        visit(child, owner);
        continue;
      }
      names.add(`${owner}/${name}`);
      visit(child, name);
      const type = types.get(child.attributes.get('type'));
      if (type) visit(type, name);
    }
  };
  const root = schema.children.find((child) => child.name === 'xs:element');
  const type = types.get(root?.attributes.get('type'));
  if (type) visit(type, 'plush');
  return names;
}

/** What xmllint says to files checked against a schema; the empty text when all are valid. */
function complaints(schema: string, files: readonly string[]): string {
  try {
    execFileSync('xmllint', ['--nonet', '--noout', '--schema', schema, ...files], {
      cwd: ROOT,
      stdio: 'pipe',
    });
    return '';
  } catch (error) {
    const { stderr, message } = error as { stderr?: Buffer; message: string };
    return stderr?.toString() ?? message;
  }
}

function filesOf(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));
}

describe('what is published of the languages', () => {
  test.each(Object.entries(publishedFiles()))(
    'stands in %s as the tables have it: npm run build writes it',
    (path, text) => {
      expect(readFileSync(join(ROOT, path), 'utf8')).toBe(text);
    },
  );

  test.each([
    [APPLICATION_SCHEMA, APPLICATION],
    [DIRECTORY_SCHEMA, DIRECTORY],
  ])('has in %s the elements and attributes that the parser takes, no more and no less', (path, rule) => {
    const read = readXml(readFileSync(join(ROOT, path)));
    if ('diagnostic' in read) throw new Error(read.diagnostic.message);
    expect([...namesOfSchema(read.document.root)].sort()).toEqual([...namesOfGrammar(rule)].sort());
  });

  test('finds every example, figure and valid fixture of an application valid', () => {
    const files = [
      ...filesOf('examples', /^(?!directory).*\.xml$/),
      ...filesOf(`${FIXTURES}/valid`, /\.xml$/),
      ...filesOf(`${FIXTURES}/figures`, /^figure(?![69]\.).*\.xml$/),
    ];
    expect(files.length).toBeGreaterThan(10);
    expect(complaints(APPLICATION_SCHEMA, files)).toBe('');
  });

  test('finds every directory among the examples and figures valid', () => {
    const files = [
      ...filesOf('examples', /^directory.*\.xml$/),
      ...filesOf(`${FIXTURES}/figures`, /^figure[69]\.xml$/),
    ];
    expect(complaints(DIRECTORY_SCHEMA, files)).toBe('');
  });

  test('refuses no value that the parser takes', async () => {
    const scratch = makeScratch();
    try {
      const source = readFileSync(join(ROOT, FIXTURES, 'valid/language.xml'), 'utf8');
      const places = [...source.matchAll(/(?<!version|encoding)="([^"]*)"/g)];
      const files = places.flatMap(({ index, 0: written }, at) => {
        const value = VALUES[at % VALUES.length];
        const text = `${source.slice(0, index)}="${value}"${source.slice(index + written.length)}`;
        if (!parseApplication(text, 'changed.xml').app) return [];
        const file = scratch.path(`${index}.xml`);
        writeFileSync(file, text);
        return [file];
      });
      expect(files.length).toBeGreaterThan(10);
      expect(complaints(APPLICATION_SCHEMA, files)).toBe('');
    } finally {
      await scratch.remove();
    }
  });

  test.each(['structure', 'values', 'blocks'])(
    'finds what is wrong with %s.xml invalid where a schema can say it',
    (name) => {
      expect(complaints(APPLICATION_SCHEMA, [`${FIXTURES}/errors/${name}.xml`])).toMatch(/fails to validate/);
    },
  );
});
