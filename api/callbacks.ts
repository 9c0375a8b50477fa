/**
 * The classic callbacks, with the exact names and parameters of class PlushXmlRpcCallback in figure 4 of
 * plush-toit.2011. They say that something changed; the details are a call away.
 */
import { type TSchema, Type } from '@sinclair/typebox';
import type { EventType } from './events.ts';
import { Hostname } from './schemas.ts';

interface CallbackDefinition {
  readonly doc: string;
  readonly params: readonly { readonly name: string; readonly schema: TSchema }[];
  /** Events that lead to this call. */
  readonly when: readonly EventType[];
}

export const callbacks = {
  sendPlanetLabSlices: {
    doc: 'The list of PlanetLab slices changed. plushInfoControl tells it.',
    params: [],
    when: ['planetlab_slices_changed'],
  },
  sendSliceNodes: {
    doc: 'The nodes of a PlanetLab slice changed. plushListNodes with the slice as group tells them.',
    params: [{ name: 'slice', schema: Type.String() }],
    when: ['slice_nodes_changed'],
  },
  sendApplicationExit: {
    doc: 'A run ended. plushListRuns tells which and how.',
    params: [],
    when: ['run_ended'],
  },
  sendHostStatus: {
    doc: "A node's state changed. plushGetNode tells it.",
    params: [{ name: 'host', schema: Hostname }],
    when: [
      'node_added',
      'node_updated',
      'node_removed',
      'node_connecting',
      'node_connected',
      'node_disconnected',
      'node_failed',
      'node_restored',
      'node_lease_expired',
      'member_installed',
      'member_failed',
      'member_cleaned',
    ],
  },
  sendBlockStatus: {
    doc: 'A block of a run began or completed, or a node entered its barrier. plushGetBlock and plushGetBarrier tell more.',
    params: [{ name: 'block', schema: Type.String() }],
    when: ['block_changed', 'barrier_entered'],
  },
  sendResourceMatching: {
    doc: 'The nodes of a run changed. The struct is the matching at the time of the call: component name to array of node names.',
    params: [{ name: 'matching', schema: Type.Record(Type.String(), Type.Array(Hostname)) }],
    when: ['run_matched', 'member_failed'],
  },
} as const satisfies Record<string, CallbackDefinition>;

export type CallbackName = keyof typeof callbacks;

/** The event that a call stands for, as the one parameter more that subscribers with details get. */
const Event = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  description: '{seq, time, type, …} with the members of the event; see Events in docs/api.md',
});

/** What subscribers with details (plushSubscribe) get beyond the classic calls. */
export const detailed = {
  param: { name: 'event', schema: Event },
  /** The call for events that lead to no classic one. */
  generic: {
    name: 'sendEvent',
    doc: 'Any other event of the wanted topics, and gap: events were removed before the subscriber had them, and first is the number of the oldest that is still there.',
  },
} as const;
