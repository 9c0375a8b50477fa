import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { APPLICATION } from '../../../src/core/spec/grammar.ts';
import type { ElementRule } from '../../../src/core/spec/structure.ts';
import { readXml, type XmlElement } from '../../../src/core/spec/xml-tree.ts';

/** Lines `kind@attribute` and `kind/child` of the grammar. */
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
  if (root) visit(root, root.attributes.get('name') ?? '');
  return names;
}

test('the published schema has the elements and attributes of the grammar, no more and no less', () => {
  const read = readXml(readFileSync(join(__dirname, '../../../api/plush-application.xsd')));
  if ('diagnostic' in read) throw new Error(read.diagnostic.message);
  expect([...namesOfSchema(read.document.root)].sort()).toEqual([...namesOfGrammar(APPLICATION)].sort());
});

test('the published schema of the directory is well formed', () => {
  expect('document' in readXml(readFileSync(join(__dirname, '../../../api/plush-directory.xsd')))).toBe(true);
});
