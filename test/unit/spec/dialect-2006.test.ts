/** Configurations that run one after another (plush-osr.2006, section 4.1): which nodes they have in common. */
import { parseApplication } from '../../../src/core/spec/application.ts';

const cluster = (name: string, hosts: number, run: string) =>
  `<cluster name="${name}"><rspec><num_hosts>${hosts}</num_hosts></rspec><execution><process name="${run}"><path>./${run}</path></process></execution></cluster>`;

/** Two configurations of one cluster each, one after the other. */
function read(first: string, second: string) {
  const uses = '<configuration name="one"/><configuration name="two"/>';
  const text = `<plush><project name="p"><configuration name="one">${first}</configuration><configuration name="two">${second}</configuration><application name="a"><execution>${uses}</execution></application></project></plush>`;
  const { app, diagnostics } = parseApplication(text, 'a.xml');
  expect(diagnostics).toEqual([]);
  return {
    components: app?.components.map(({ name, min }) => [name, min]),
    blocks: app?.component_blocks.map(({ name, component, predecessors }) => [
      name,
      component,
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

test('clusters of one name that ask for something else are groups of their own', () => {
  expect(read(cluster('hosts', 50, 'warm'), cluster('hosts', 20, 'measure'))).toEqual({
    components: [
      ['one.hosts', 50],
      ['two.hosts', 20],
    ],
    blocks: [
      ['one.hosts', 'one.hosts'],
      ['two.hosts', 'two.hosts', 'one.hosts'],
    ],
  });
});

test('clusters of two names are groups of their own', () => {
  expect(read(cluster('left', 2, 'warm'), cluster('right', 2, 'measure')).components).toEqual([
    ['left', 2],
    ['right', 2],
  ]);
});
