import { parseDirectory } from '../../../src/core/spec/directory.ts';
import { example, fixture, listing, places } from './fixture.ts';

describe('a resource directory', () => {
  test('of the 2011 paper, figure 9, gives ModelNet nodes on shared hosts', () => {
    const { nodes, diagnostics } = parseDirectory(fixture('figures/figure9.xml'), 'figure9.xml');
    expect(diagnostics).toEqual([]);
    expect(nodes).toHaveLength(6);
    expect(nodes[0]).toEqual({ hostname: 'sys80.ucsd.edu:1540', type: 'ssh', group: 'phys', flag: 'core' });
    expect(nodes[2]).toEqual({
      hostname: 'sys81.ucsd.edu:1541',
      type: 'ssh',
      group: 'emul',
      vip: '10.0.0.1',
      vn: '1',
    });
  });

  test('of figure 6 loads whole: its ssh nodes, and the account and slices of PlanetLab', () => {
    const { nodes, planetlab, diagnostics } = parseDirectory(fixture('figures/figure6.xml'), 'figure6.xml');
    expect(diagnostics).toEqual([]);
    expect(planetlab).toEqual({
      user: 'jalbrecht@cs.ucsd.edu',
      slices: [
        { slice: 'ucsd_plush', port: 15415 },
        { slice: 'ucsd_sword', port: 15416 },
      ],
    });
    expect(nodes.map((node) => `${node.user}@${node.hostname} ${node.group}`)).toEqual([
      'albrecht@sysnet80.ucsd.edu:15420 local',
      'albrecht@sysnet81.ucsd.edu:15420 local',
      'albrecht@sysnet82.ucsd.edu:15420 local',
    ]);
  });

  test('makes local nodes with numbered names', () => {
    const { nodes, diagnostics } = parseDirectory(example('directory-local.xml'), 'directory-local.xml');
    expect(diagnostics).toEqual([]);
    expect(nodes).toEqual(
      [1, 2, 3, 4, 5].map((number) => ({ hostname: `local-${number}`, type: 'local', group: 'local' })),
    );
  });

  test('reads every attribute of a node', () => {
    const node =
      '<node hostname="[::1]:15400" user="me" group="g" flag="core" vip="::2" vn="7" preference="-3" ssh_port="2222" ssh_identity="/k"/>';
    const text = `<plush><resource_manager type="ssh">${node}</resource_manager></plush>`;
    expect(parseDirectory(text, 'd.xml')).toEqual({
      nodes: [
        {
          hostname: '[::1]:15400',
          type: 'ssh',
          user: 'me',
          group: 'g',
          flag: 'core',
          vip: '::2',
          vn: '7',
          preference: -3,
          ssh_port: 2222,
          ssh_identity: '/k',
        },
      ],
      diagnostics: [],
    });
  });

  test('of the examples loads', () => {
    const { nodes, diagnostics } = parseDirectory(example('directory-ssh.xml'), 'directory-ssh.xml');
    expect(diagnostics).toEqual([]);
    expect(nodes.map((node) => node.ssh_port)).toEqual([undefined, 2222]);
  });

  test('with mistakes tells all of them and keeps the nodes that are in order', () => {
    const { nodes, diagnostics } = parseDirectory(fixture('errors/directory.xml'), 'directory.xml');
    expect(listing('directory.xml', diagnostics)).toBe(fixture('errors/directory.txt'));
    expect(nodes.map((node) => node.hostname)).toEqual(['a.example.org:15400', 'e', 'local-1', 'local-2']);
  });

  test('that is an application specification is told apart', () => {
    const { nodes, diagnostics } = parseDirectory(example('two-phases.xml'), 'two-phases.xml');
    expect(nodes).toEqual([]);
    expect(places(diagnostics)).toEqual(['9:3 UNKNOWN_ELEMENT']);
  });

  test('without a node is empty, not wrong', () => {
    expect(parseDirectory('<plush/>', 'd.xml')).toEqual({ nodes: [], diagnostics: [] });
  });

  test('that is not XML has one diagnostic and no nodes', () => {
    const { nodes, diagnostics } = parseDirectory('nodes: []', 'd.xml');
    expect(nodes).toEqual([]);
    expect(places(diagnostics)).toEqual(['1:1 NOT_XML']);
  });
});
