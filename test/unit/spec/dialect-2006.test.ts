/** Configurations that run one after another (plush-osr.2006, section 4.1): which nodes they have in common. */
import { parseApplication } from '../../../src/core/spec/application.ts';

const cluster = (name: string, hosts: number, run: string) =>
  `<cluster name="${name}"><rspec><num_hosts>${hosts}</num_hosts></rspec><execution><process name="${run}"><path>./${run}</path></process></execution></cluster>`;

/** Two configurations of one cluster each, one after the other. */
function read(first: string, second: string, more = '') {
  const uses = '<configuration name="one"/><configuration name="two"/>';
  const text = `<plush><project name="p">${more}<configuration name="one">${first}</configuration><configuration name="two">${second}</configuration><application name="a"><execution>${uses}</execution></application></project></plush>`;
  const { app, diagnostics } = parseApplication(text, 'a.xml');
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return {
    components: app?.components.map(({ name, min }) => [name, min]),
    blocks: app?.component_blocks.map(({ name, component, cluster, predecessors }) => [
      name,
      component,
      ...(cluster === undefined ? [] : [cluster]),
      ...predecessors,
    ]),
  };
}

test('clusters of one name that ask for the same are one group of nodes', () => {
  expect(read(cluster('hosts', 50, 'warm'), cluster('hosts', 50, 'measure'))).toEqual({
    components: [['hosts', 50]],
    blocks: [
      ['hosts', 'hosts'],
      ['hosts.2', 'hosts', 'hosts'],
    ],
  });
});

test('clusters of one name and another size are one group, of which the smaller has the first places', () => {
  expect(read(cluster('hosts', 20, 'warm'), cluster('hosts', 50, 'measure'))).toEqual({
    components: [['hosts', 50]],
    blocks: [
      ['hosts', 'hosts', { name: 'hosts', hosts: 20, software: [] }],
      ['hosts.2', 'hosts', { name: 'hosts', software: [] }, 'hosts'],
    ],
  });
});

test('clusters of other names share nodes, the largest with the largest, and keep their names', () => {
  const first = cluster('few', 2, 'warm') + cluster('many', 9, 'warm');
  const second =
    cluster('big', 8, 'measure') + cluster('small', 1, 'measure') + cluster('more', 1, 'measure');
  expect(read(first, second)).toEqual({
    components: [
      ['few', 2],
      ['many', 9],
      ['more', 1],
    ],
    blocks: [
      ['few', 'few', { name: 'few', software: [] }],
      ['many', 'many', { name: 'many', software: [] }],
      ['big', 'many', { name: 'big', hosts: 8, software: [] }, 'few', 'many'],
      ['small', 'few', { name: 'small', hosts: 1, software: [] }, 'few', 'many'],
      ['more', 'more', 'few', 'many'],
    ],
  });
});

test('clusters share nodes whatever software they want, and what all want is listed once', () => {
  const wants = (name: string) =>
    cluster('hosts', 2, 'run').replace('<rspec>', `<software name="${name}"/><rspec>`);
  const software = '<software name="old" type="none"/><software name="new" type="none"/>';
  expect(read(wants('old'), wants('new'), software)).toEqual({
    components: [['hosts', 2]],
    blocks: [
      ['hosts', 'hosts', { name: 'hosts', software: ['old'] }],
      ['hosts.2', 'hosts', { name: 'hosts', software: ['new'] }, 'hosts'],
    ],
  });
});

test.each([
  ['requirements', '<requirement metric="load" max="1"/>', ''],
  ['static hosts', '<static_host>n1</static_host>', ''],
  ['ranges of sizes', '', '<num_hosts min="2" max="4"/>'],
])(
  'clusters of other %s are groups of their own, with the names of their configurations',
  (_what, more, range) => {
    const other = cluster('hosts', 2, 'measure').replace(
      /<rspec>(.*)<\/rspec>/,
      (_all, size) => `<rspec>${range || size}${more}</rspec>`,
    );
    expect(read(cluster('hosts', 2, 'warm'), other)).toEqual({
      components: [
        ['one.hosts', 2],
        ['two.hosts', 2],
      ],
      blocks: [
        ['one.hosts', 'one.hosts'],
        ['two.hosts', 'two.hosts', 'one.hosts'],
      ],
    });
  },
);

test('a configuration that nothing runs asks for no nodes', () => {
  const unused = `<configuration name="three">${cluster('hosts', 90, 'idle')}</configuration>`;
  const { components, blocks } = read(cluster('hosts', 2, 'warm'), cluster('hosts', 3, 'measure'), unused);
  expect(components).toEqual([
    ['hosts', 3],
    ['three.hosts', 90],
  ]);
  expect(blocks?.map(([name]) => name)).toEqual(['hosts', 'hosts.2']);
});
