import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseApplication } from '../../../src/core/spec/application.ts';
import { example, fixture, listing } from './fixture.ts';

describe('an application file', () => {
  test('with everything this version carries out becomes the whole model', () => {
    const { app, diagnostics } = parseApplication(fixture('valid/everything.xml'), 'everything.xml');
    expect(diagnostics).toEqual([]);
    expect(app).toEqual(JSON.parse(fixture('valid/everything.json')));
  });

  test.each(['language', 'experiment', 'configurations'])(
    'of the language that may not be run yet (%s) becomes the whole model',
    (name) => {
      const { app, diagnostics } = parseApplication(fixture(`valid/${name}.xml`), `${name}.xml`);
      expect(diagnostics).toEqual([]);
      expect(app).toEqual(JSON.parse(fixture(`valid/${name}.json`)));
    },
  );

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

  test('of the parts that the guide shows loads without a word', () => {
    const guide = readFileSync(join(__dirname, '../../../docs/specification.md'), 'utf8');
    const parts = [...guide.matchAll(/```xml\n(<(process|workflow_block) [\s\S]*?)```/g)];
    expect(parts.map(([, , name]) => name)).toEqual(['process', 'workflow_block', 'workflow_block']);
    const blocks = parts.map(([, part, name]) =>
      name === 'process' ? `<process_block name="shown">${part}</process_block>` : part,
    );
    const text = `<plush><project name="p"><component name="c"><rspec><num_hosts>2</num_hosts></rspec></component>
      <application_block name="a"><execution><component_block name="b"><component name="c"/>${blocks.join('')}
      </component_block></execution></application_block></project></plush>`;
    expect(parseApplication(text, 'guide.xml').diagnostics).toEqual([]);
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

  test('14 runs Bullet on 130 hosts and releases its barrier at the knee', () => {
    const { app, diagnostics } = parseApplication(fixture('figures/figure14.xml'), 'figure14.xml');
    expect(diagnostics).toEqual([]);
    expect(app?.components[0]).toMatchObject({ min: 130, max: 130, requests: [{ service: 'sword' }] });
    expect(app?.barriers).toEqual([{ name: 'ready to stream', type: 'early', max: 130, knee: 'ewma' }]);
    const [run, barrier] = app?.component_blocks[0]?.blocks ?? [];
    expect(run?.kind === 'process' && run.process).toMatchObject({
      path: './appmacedon',
      cwd: 'bullet',
      log: { use_api: true, fds: [{ fd: 1, type: 'file', path_prefix: 'bulletlog-', path_postfix: '.txt' }] },
    });
    expect(barrier).toEqual({
      kind: 'barrier',
      name: 'bullet_barrier',
      predecessors: ['run'],
      barrier: 'ready to stream',
    });
  });

  test('16 keeps SWORD on 10 to 800 hosts as a service that looks for more every 300 seconds', () => {
    const { app, diagnostics } = parseApplication(fixture('figures/figure16.xml'), 'figure16.xml');
    expect(diagnostics).toEqual([]);
    expect(app).toMatchObject({ name: 'sword_app_block', service: true, reconnect_interval_ms: 300_000 });
    expect(app?.components[0]).toMatchObject({ min: 10, max: 800 });
  });

  test('18 shares 98 tasks of EMAN, started again elsewhere at a knee past 60 percent', () => {
    const { app, diagnostics } = parseApplication(fixture('figures/figure18.xml'), 'figure18.xml');
    expect(diagnostics).toEqual([]);
    const [workflow] = app?.component_blocks[0]?.blocks ?? [];
    expect(workflow).toMatchObject({
      kind: 'workflow',
      id: 'eman_wf',
      num_tasks: 98,
      reallocation: { knee: 'ewma', min_percent: 60 },
      blocks: [
        {
          process: {
            path: './eman.pl',
            args: [{ name: 'sub', type: 'workflow', id: 'eman_wf', flag: '--i' }],
          },
        },
      ],
    });
  });
});

test('figure 3 of the 2006 paper runs demo.exe for 300 seconds on 50 PlanetLab hosts of a slice', () => {
  const { app, diagnostics } = parseApplication(fixture('figures/figure3-2006.xml'), 'figure3.xml');
  expect(diagnostics).toEqual([]);
  expect(app).toMatchObject({ name: 'demo_app', project: 'demo_proj' });
  expect(app?.components).toEqual([
    {
      name: 'demo_group',
      min: 50,
      max: 50,
      static_hosts: [],
      preferred_hosts: [],
      software: ['demo_soft'],
      resources: [{ type: 'planetlab', group: 'ucsd_3' }],
      requests: [],
    },
  ]);
  expect(app?.component_blocks).toEqual([
    {
      name: 'demo_group',
      component: 'demo_group',
      predecessors: [],
      blocks: [
        {
          kind: 'process',
          name: 'demo',
          predecessors: [],
          process: { name: 'demo', path: './demo.exe', args: ['300'], env: {} },
        },
      ],
    },
  ]);
});

describe('mistakes', () => {
  test.each([
    'structure',
    'values',
    'references',
    'cycle',
    'blocks',
    'barriers',
    'waiting',
    'configurations',
  ])('of the kind %s are all told at once, each in its place', (name) => {
    const { app, diagnostics } = parseApplication(fixture(`errors/${name}.xml`), `${name}.xml`);
    expect(listing(`${name}.xml`, diagnostics)).toBe(fixture(`errors/${name}.txt`));
    expect(app).toBeUndefined();
  });

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
