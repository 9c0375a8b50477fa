/** Events about the slices of PlanetLab whose nodes are in the pool (sections 3.2 and 4.1 of plush-toit.2011). */
import { Type } from '@sinclair/typebox';
import { event } from './event.ts';

const slice = Type.String({
  description: 'Name of the slice, which is also the group and the user of its nodes',
});

export const planetLabEvents = {
  planetlab_slices_changed: event(
    'node',
    'The slices changed whose nodes PlanetLab Central tells: those of the directory that the account may see.',
    {
      slices: Type.Array(
        Type.Object({
          slice,
          port: Type.Integer({ description: 'Port in the names of its nodes, from port_map' }),
        }),
      ),
    },
  ),
  slice_nodes_changed: event(
    'node',
    'Nodes of a slice came into the pool or left it, as node_added and node_removed have told just before.',
    {
      slice,
      nodes: Type.Integer({ description: 'How many of its nodes are in the pool now' }),
      added: Type.Integer(),
      removed: Type.Integer(),
    },
  ),
} as const;
