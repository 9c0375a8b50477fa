import { parseApplication } from '../../../src/core/spec/application.ts';
import { example, fixture, listing, places } from './fixture.ts';

describe('an application file', () => {
  test('with everything this version carries out becomes the whole model', () => {
    const { app, diagnostics } = parseApplication(fixture('valid/everything.xml'), 'everything.xml');
    expect(diagnostics).toEqual([]);
    expect(app).toEqual(JSON.parse(fixture('valid/everything.json')));
  });

  test('may name a variable __proto__, which is data', () => {
    const { app } = parseApplication(fixture('valid/everything.xml'), 'everything.xml');
    const [block] = app?.component_blocks[0]?.blocks ?? [];
    const env = block?.kind === 'process' ? block.process.env : {};
    expect(Object.keys(env)).toEqual(['MODE', 'EMPTY', '__proto__', 'LAST']);
  });

  test.each(['two-phases.xml', 'greet-ssh.xml'])('of the examples (%s) loads without a word', (name) => {
    const { app, diagnostics } = parseApplication(example(name), name);
    expect(diagnostics).toEqual([]);
    expect(app?.component_blocks).toHaveLength(1);
  });

  test('is the same in bytes as in text', () => {
    const text = example('two-phases.xml');
    expect(parseApplication(new TextEncoder().encode(text), 'a.xml')).toEqual(
      parseApplication(text, 'a.xml'),
    );
  });
});

describe('the figures of the 2011 paper', () => {
  test('7 loads as an application with nothing to run', () => {
    const { app, diagnostics } = parseApplication(fixture('figures/figure7.xml'), 'figure7.xml');
    expect(diagnostics).toEqual([]);
    expect(app).toEqual({
      name: 'simple',
      project: 'simple',
      software: [
        {
          name: 'SimpleSoftware',
          type: 'tar',
          package: {
            name: 'SimplePackage',
            type: 'web',
            path: 'http://plush.ucsd.edu/software.tar',
            dest_path: 'software.tar',
          },
        },
      ],
      components: [
        {
          name: 'Group1',
          min: 25,
          max: 25,
          static_hosts: [{ hostname: 'planetlab1.cs.duke.edu', user: 'ucsd_plush' }],
          preferred_hosts: [],
          software: ['SimpleSoftware'],
          resources: [{ type: 'planetlab', group: 'ucsd_plush' }],
          requests: [],
        },
      ],
      component_blocks: [],
    });
  });

  test('8 loads with its request to Shirako', () => {
    const { app, diagnostics } = parseApplication(fixture('figures/figure8.xml'), 'figure8.xml');
    expect(diagnostics).toEqual([]);
    expect(app?.components[0]?.requests).toEqual([
      {
        service: 'shirako',
        server: 'http://shirako.cs.duke.edu:20000',
        attributes: {
          num_hosts: '10',
          type: '1',
          memory: '200',
          bandwidth: '200',
          cpu: '50',
          lease_length: '600',
        },
      },
    ]);
  });

  test.each([
    ['figure14.xml', ['37:15 NOT_SUPPORTED', '42:11 NOT_SUPPORTED']],
    ['figure16.xml', ['19:47 NOT_SUPPORTED', '19:59 NOT_SUPPORTED']],
    ['figure18.xml', ['23:11 NOT_SUPPORTED']],
  ])('%s needs only what this version cannot run', (name, expected) => {
    const { app, diagnostics } = parseApplication(fixture(`figures/${name}`), name);
    expect(places(diagnostics)).toEqual(expected);
    expect(app).toBeUndefined();
  });
});

describe('mistakes', () => {
  test.each(['structure', 'values', 'references', 'cycle', 'unsupported'])(
    'of the kind %s are all told at once, each in its place',
    (name) => {
      const { app, diagnostics } = parseApplication(fixture(`errors/${name}.xml`), `${name}.xml`);
      expect(listing(`${name}.xml`, diagnostics)).toBe(fixture(`errors/${name}.txt`));
      expect(app).toBeUndefined();
    },
  );

  test('carry the path of the element, numbered among its namesakes', () => {
    const { diagnostics } = parseApplication(fixture('errors/references.xml'), 'references.xml');
    expect(diagnostics.map(({ code, path }) => `${code} ${path}`)).toContain(
      'UNKNOWN_COMPONENT /plush/project/application_block/execution/component_block[1]/component',
    );
  });

  test('that are only warnings leave the application', () => {
    const unused =
      '<software name="s" type="none"/><component name="c"><rspec><num_hosts>1</num_hosts></rspec></component>';
    const { app, diagnostics } = parseApplication(
      `<plush><project name="p">${unused}</project></plush>`,
      'a.xml',
    );
    expect(diagnostics.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
      'warning UNUSED_SOFTWARE',
    ]);
    expect(app?.software).toHaveLength(1);
  });

  test.each([
    [
      '<plan/>',
      'a.xml:1:1: error UNKNOWN_ELEMENT: a.xml has the root element "plan", but an application specification begins with plush\n',
    ],
    ['<plush/>', 'a.xml:1:1: error MISSING_ELEMENT: plush needs an element project inside\n'],
    [
      '<plush><resource_manager type="ssh"/></plush>',
      'a.xml:1:8: error UNKNOWN_ELEMENT: a.xml is a resource directory (it has resource_manager), not an application specification\n',
    ],
    [
      '<plush><project name="p"/></plush>',
      'a.xml:1:8: error EMPTY: project "p" is empty: give it software, components and an application_block\n',
    ],
  ])('of the whole file are told as such: %s', (text, expected) => {
    expect(listing('a.xml', parseApplication(text, 'a.xml').diagnostics)).toBe(expected);
  });
});
